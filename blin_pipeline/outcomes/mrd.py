"""Measurable residual disease by timepoint and method, and conversion after the first blinatumomab cycle.

The strict reading decides: negative is NEG of ``marts.mrd_result``; negative by an assay that does not state its
sensitivity, and positive below quantification, are counted apart. Flow and NGS are never merged (clinical-spec 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.frames import days_between, table
from blin_pipeline.outcomes.populations import eligible, frontline_cycles

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "mrd"
JUDGED = ("NEG", "NEG_UNVERIFIED", "POS_BELOW_LOQ", "POS")
METHODS = ("FLOW", "NGS")
#: Days of the windows around the first cycle (clinical-spec 4).
BEFORE, AFTER_FROM, AFTER_TO = 42, 21, 56


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject``, ``marts.mrd_result``, ``marts.blin_cycle_exposure`` and ``marts.regimen_course``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Rows by timepoint, and conversion by method."""
    build = ResultBuilder(NAME, context)
    subject = table(frames, "marts.subject")
    samples = table(frames, "marts.mrd_result")
    samples = samples[samples["patient_key"].isin(eligible(subject)["patient_key"])]
    samples = samples.sort_values(["patient_key", "sample_date", "mrd_seq"], kind="stable", ignore_index=True)
    conversion = {method: partial(_conversion, build, method, samples, subject, frames) for method in METHODS}
    return {"timepoints": partial(_by_timepoint, build, samples), **conversion}


def _by_timepoint(build: ResultBuilder, samples: pd.DataFrame) -> list[ResultRow]:
    """Share of the judged who are negative: the latest judged sample of each patient at the timepoint."""
    rows = []
    for (method, timepoint), found in samples.groupby(["method_cd", "timepoint_cd"], sort=True):
        group = ("method_timepoint", f"{method}:{timepoint or 'UNK'}")
        judged = found[found["mrd_cd"].isin(JUDGED)].drop_duplicates("patient_key", keep="last")
        rows.append(
            build.share(
                "mrd_negative",
                int((judged["mrd_cd"] == "NEG").sum()),
                len(judged),
                minimum=build.context.parameters.min_subgroup,
                group=group,
            )
        )
        rows += [
            build.count(
                "mrd_result_n",
                int((judged["mrd_cd"] == code).sum()),
                n=len(judged),
                group=(f"method_timepoint_{code.lower()}", group[1]),
            )
            for code in JUDGED
        ]
        not_judged = found["patient_key"].nunique() - len(judged)
        rows.append(build.count("mrd_not_evaluable_n", not_judged, n=int(found["patient_key"].nunique()), group=group))
    return rows


def _conversion(
    build: ResultBuilder,
    method: str,
    samples: pd.DataFrame,
    subject: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
) -> list[ResultRow]:
    """Positive before the first frontline cycle, negative after it, among those tested both times by one method."""
    cycles = frontline_cycles(subject, table(frames, "marts.blin_cycle_exposure"))
    cycles = cycles[cycles["started"].fillna(value=False).astype(bool) & cycles["cycle_start_date"].notna()]
    ordered = cycles.sort_values(["patient_key", "cycle_start_date"], kind="stable")
    first = ordered.drop_duplicates("patient_key").set_index("patient_key")["cycle_start_date"]
    starts = _next_starts(ordered, table(frames, "marts.regimen_course"), first)
    mine = samples[(samples["method_cd"] == method) & samples["mrd_cd"].isin(JUDGED)]
    mine = mine[mine["patient_key"].isin(first.index)]
    since = days_between(mine["sample_date"], mine["patient_key"].map(first))
    after_remission = mine["days_from_cr1"] >= 0
    before = mine[(since <= 0) & (since >= -BEFORE) & after_remission].drop_duplicates("patient_key", keep="last")
    limit = np.minimum(mine["patient_key"].map(starts).fillna(np.inf), AFTER_TO)
    after = mine[(since >= AFTER_FROM) & (since <= limit)].drop_duplicates("patient_key")
    both = before.merge(after, on="patient_key", suffixes=("_before", "_after"))
    positive = both[both["mrd_cd_before"].isin(["POS", "POS_BELOW_LOQ"])]
    shared = build.sharing(population="BLIN_FL", group=("method", method), n=len(first))
    return [
        build.share(
            "mrd_conversion",
            int((positive["mrd_cd_after"] == "NEG").sum()),
            len(positive),
            population="BLIN_FL",
            group=("method", method),
        ),
        shared.count("mrd_tested_before_n", len(before)),
        shared.count("mrd_tested_after_n", len(after)),
        shared.count("mrd_tested_both_n", len(both)),
    ]


def _next_starts(cycles: pd.DataFrame, courses: pd.DataFrame, first: pd.Series[Any]) -> pd.Series[float]:
    """Days from each patient's first cycle to the next start of any cycle or course."""
    import pandas as pd

    starts = pd.concat(
        [
            cycles[["patient_key", "cycle_start_date"]].rename(columns={"cycle_start_date": "start_date"}),
            courses[["patient_key", "start_date"]],
        ],
        ignore_index=True,
    )
    starts = starts[starts["patient_key"].isin(first.index)]
    later = days_between(starts["start_date"], starts["patient_key"].map(first))
    return later[later > 0].groupby(starts["patient_key"]).min()

"""Measurable residual disease by timepoint and method, and conversion after the first blinatumomab cycle.

The strict reading decides: negative is NEG of ``marts.mrd_result``; negative by an assay that does not state its
sensitivity, and positive below quantification, are counted apart. Flow and NGS are never merged; on one day marrow beats
blood (``mrd_samples``). Timepoints are those of frontline therapy: a result after relapse is not one of them. NGS stands by
its three tiers too, BCR::ABL1 with what is detected at 0.01 % IS or less apart (clinical-spec 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.frames import days_between, is_true, table
from blin_pipeline.outcomes.mrd_samples import JUDGED, judged_daily
from blin_pipeline.outcomes.populations import eligible, frontline_cycles

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "mrd"
METHODS = ("FLOW", "NGS")
#: Tiers of NGS: label -> column that says whether the level is under it (null when nothing tells).
TIERS = {"1e-4": "is_under_1e_4", "1e-5": "is_under_1e_5", "1e-6": "is_under_1e_6"}
TRANSCRIPTS = "PCR_BCRABL1"
#: Days of the windows around the first cycle (clinical-spec 4).
BEFORE, AFTER_FROM, AFTER_TO = 42, 21, 56


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject``, ``marts.mrd_result``, ``marts.blin_cycle_exposure``, ``marts.regimen_course`` and
            ``marts.hsct``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Rows by timepoint, and conversion by method."""
    build = ResultBuilder(NAME, context)
    subject = table(frames, "marts.subject")
    samples = table(frames, "marts.mrd_result")
    samples = samples[samples["patient_key"].isin(eligible(subject)["patient_key"])]
    conversion = {method: partial(_conversion, build, method, samples, subject, frames) for method in METHODS}
    return {"timepoints": partial(_by_timepoint, build, samples), **conversion}


def _by_timepoint(build: ResultBuilder, samples: pd.DataFrame) -> list[ResultRow]:
    """Share of the judged who are negative: the latest judged day of each patient at the timepoint, in frontline."""
    rows = []
    frontline = is_true(samples["is_in_frontline"])
    for name in sorted(set(samples["method_cd"])):
        mine = frontline[samples["method_cd"] == name]
        outside, group = int((~mine).sum()), ("method", name)
        rows.append(build.count("mrd_outside_frontline_n", outside, unit="values", n=len(mine), group=group))
    for (method, timepoint), found in samples[frontline].groupby(["method_cd", "timepoint_cd"], sort=True):
        group = ("method_timepoint", f"{method}:{timepoint or 'UNK'}")
        judged = judged_daily(found).drop_duplicates("patient_key", keep="last")
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
        if method == "NGS":
            rows += _tiers(build, judged, group[1])
        if method == TRANSCRIPTS:
            low = is_true(judged["is_low_bcr_abl1"])
            rows.append(build.count("mrd_low_bcr_abl1_n", int(low.sum()), n=len(judged), group=group))
    return rows


def _tiers(build: ResultBuilder, judged: pd.DataFrame, label: str) -> list[ResultRow]:
    """Share of the patients whose level is under each tier, of those of whom it is known."""
    rows = []
    for place, (tier, column) in enumerate(TIERS.items()):
        known = judged[column].dropna()
        group = ("method_timepoint_tier", f"{label}:{tier}")
        minimum = build.context.parameters.min_subgroup
        rows.append(
            build.share("mrd_under_tier", int(known.sum()), len(known), minimum=minimum, group=group, order=place)
        )
        unknown = len(judged) - len(known)
        rows.append(build.count("mrd_tier_unknown_n", unknown, n=len(judged), group=group, order=place))
    return rows


def _conversion(
    build: ResultBuilder,
    method: str,
    samples: pd.DataFrame,
    subject: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
) -> list[ResultRow]:
    """Positive before the first frontline cycle, negative after it, among those tested both times by one method."""
    cycles = table(frames, "marts.blin_cycle_exposure")
    frontline = _dated(frontline_cycles(subject, cycles))
    first = frontline.drop_duplicates("patient_key").set_index("patient_key")["cycle_start_date"]
    starts = _next_starts(frames, _dated(cycles), first)
    mine = judged_daily(samples[samples["method_cd"] == method])
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


def _dated(cycles: pd.DataFrame) -> pd.DataFrame:
    """Started cycles with a date, in order of patient and date."""
    started = cycles[is_true(cycles["started"]) & cycles["cycle_start_date"].notna()]
    return started.sort_values(["patient_key", "cycle_start_date"], kind="stable")


def _next_starts(frames: Mapping[str, pd.DataFrame], cycles: pd.DataFrame, first: pd.Series[Any]) -> pd.Series[float]:
    """Days from each patient's first cycle to the next start of any therapy: cycle of any line, course, transplant."""
    import pandas as pd

    starts = pd.concat(
        [
            cycles[["patient_key", "cycle_start_date"]].rename(columns={"cycle_start_date": "start_date"}),
            table(frames, "marts.regimen_course")[["patient_key", "start_date"]],
            table(frames, "marts.hsct")[["patient_key", "hsct_date"]].rename(columns={"hsct_date": "start_date"}),
        ],
        ignore_index=True,
    )
    starts = starts[starts["patient_key"].isin(first.index)]
    later = days_between(starts["start_date"], starts["patient_key"].map(first))
    return later[later > 0].groupby(starts["patient_key"]).min()

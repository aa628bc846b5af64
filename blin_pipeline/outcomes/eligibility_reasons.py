"""Why records are not in the analysis: every criterion that failed or is undecided, in any order, in all and by site.

Beside the flow of ``enrolment``, where a record leaves at its first criterion, a record counts here at each of its
criteria (clinical-spec 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.frames import table

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "eligibility_reasons"
STATES = {"criterion_failed_n": "N", "criterion_undecided_n": "UNKNOWN"}


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject`` and ``marts.eligibility_result``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context).sharing(population="RECORDS")
    subject = table(frames, "marts.subject")
    judged = table(frames, "marts.eligibility_result").merge(subject[["patient_key", "site_id"]], on="patient_key")
    rows = [build.count("records_judged_n", judged["patient_key"].nunique())]
    for statistic, state in STATES.items():
        for criterion in sorted(set(judged["criterion_cd"])):
            mine = judged[judged["criterion_cd"] == criterion]
            found = int((mine["met_cd"] == state).sum())
            rows.append(build.count(statistic, found, group=("criterion", criterion), n=len(mine)))
            for site in sorted(set(subject["site_id"])):
                here = mine[mine["site_id"] == site]
                count = int((here["met_cd"] == state).sum())
                rows.append(build.count(statistic, count, group=("site_criterion", f"{site}:{criterion}"), n=len(here)))
    for site in sorted(set(subject["site_id"])):
        here = subject.loc[subject["site_id"] == site, "eligibility_status_cd"]
        rows += [
            build.count("site_eligibility_status_n", int(count), group=("site_status", f"{site}:{status}"), n=len(here))
            for status, count in here.value_counts().sort_index().items()
        ]
    return rows

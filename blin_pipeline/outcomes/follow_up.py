"""How current follow-up is: days since the last news of patients alive, and how many are overdue; follow-up in months.

The median follow-up of survival is ``os_follow_up_median`` of ``overall_survival`` (reverse Kaplan-Meier); per site, see
``site_summary``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.populations import days_of_silence, eligible, in_follow_up, is_followed_currently

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "follow_up"
STATUSES = ("ONGOING", "DIED", "WITHDRAWN", "LOST")


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    patients = eligible(table(frames, "marts.subject"))
    status = patients["eos_status_cd"].replace("", "UNK")
    rows = [
        build.count("study_status_n", int((status == code).sum()), n=len(patients), group=("status", code), order=place)
        for place, code in enumerate((*STATUSES, *sorted(set(status) - set(STATUSES))))
    ]
    followed = in_follow_up(patients)
    silence = days_of_silence(followed, context.data_cut)
    current = is_followed_currently(followed, context.data_cut, context.parameters.stale_off_therapy_days)
    rows.append(build.median("days_since_last_news", silence.tolist(), unit="days", n_event=len(followed)))
    rows.append(build.ratio("follow_up_current", int(current.sum()), len(followed)))
    rows.append(build.count("no_news_at_all_n", int(followed["last_alive_date"].isna().sum()), n=len(followed)))
    return rows

"""Overall survival: from diagnosis to death of any cause, censored when last known alive (clinical-spec 5 and 6).

Two curves stand side by side. ``kaplan_meier`` takes all eligible patients from diagnosis.
``kaplan_meier_delayed_entry`` takes those registered alive and lets each into the risk set at registration, because a
patient entered after surviving could not have died before; with fewer than ``min_at_risk_curve`` at risk at diagnosis
it is conditional on being alive at its start. The second cannot use patients entered because they had died. A wide
difference says that entry depends on survival.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ELIGIBLE, ResultBuilder
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.curve_rows import analyse, curve_rows, left_out_row
from blin_pipeline.outcomes.curve_steps import DELAYED, PLAIN
from blin_pipeline.outcomes.curve_summaries import date_sensitivity_rows, restricted_mean_row
from blin_pipeline.outcomes.delayed_rows import delayed_rows, difference
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.populations import OVERALL_SURVIVAL, SurvivalSet, endpoint, survival_set
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "overall_survival"
DELAYED_ENTRY = "DELAYED_ENTRY"


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject`` and ``marts.time_to_event``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Rows by estimator, and their difference."""
    parameters, build = context.parameters, ResultBuilder(NAME, context)
    times = table(frames, "marts.time_to_event")
    patients = survival_set(table(frames, "marts.subject"), times, parameters.same_day_days)
    late = partial(delayed_rows, build, patients.delayed, prefix="os", population=DELAYED_ENTRY, event_word="deaths")
    by_estimator = {PLAIN: cache(partial(_plain, build, patients, times)), DELAYED: cache(late)}
    return {
        **by_estimator,
        "difference": lambda: [difference(build, "os", [row for rows in by_estimator.values() for row in rows()])],
    }


def _plain(build: ResultBuilder, patients: SurvivalSet, times: pd.DataFrame) -> list[ResultRow]:
    cohort = make_cohort(patients.patients["time"], patients.patients["event"])
    plain = analyse(build, cohort, prefix="os", population=ELIGIBLE, event_word="deaths")
    keys, same_day = patients.patients["patient_key"], build.context.parameters.same_day_days

    def bounded(column: str) -> pd.DataFrame:
        moved = endpoint(times, OVERALL_SURVIVAL, same_day, column).patients
        return moved[moved["patient_key"].isin(keys)]

    return [
        *curve_rows(plain),
        left_out_row(plain, "NO_SURVIVAL_TIME", patients.left_out),
        restricted_mean_row(plain),
        *date_sensitivity_rows(plain, bounded),
    ]

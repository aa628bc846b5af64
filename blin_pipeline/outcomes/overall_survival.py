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

from blin_pipeline.outcomes.builder import ELIGIBLE, ResultBuilder, RowFields
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.curve_rows import Analysis, analyse, curve_rows, left_out_row
from blin_pipeline.outcomes.curve_steps import DELAYED, PLAIN
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.populations import SurvivalSet, survival_set
from blin_pipeline.outcomes.statistics.risk_sets import conditional_start, make_cohort

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "overall_survival"
DELAYED_ENTRY = "DELAYED_ENTRY"
COMPARED_AT_MONTHS = 12


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
    patients = survival_set(
        table(frames, "marts.subject"), table(frames, "marts.time_to_event"), parameters.same_day_days
    )
    by_estimator = {PLAIN: cache(partial(_plain, build, patients)), DELAYED: cache(partial(_delayed, build, patients))}
    return {
        **by_estimator,
        "difference": lambda: [_difference(build, [row for rows in by_estimator.values() for row in rows()])],
    }


def _plain(build: ResultBuilder, patients: SurvivalSet) -> list[ResultRow]:
    cohort = make_cohort(patients.patients["time"], patients.patients["event"])
    plain = analyse(build, cohort, prefix="os", population=ELIGIBLE, event_word="deaths")
    return [*curve_rows(plain), left_out_row(plain, "NO_SURVIVAL_TIME", patients.left_out)]


def _delayed(build: ResultBuilder, patients: SurvivalSet) -> list[ResultRow]:
    minimum = build.context.parameters.min_at_risk_curve
    candidates = patients.delayed
    observed = candidates[candidates["time"] > candidates["entry"]]
    start = conditional_start(observed["time"], observed["event"], observed["entry"], minimum)
    refused = start is None
    used = observed.iloc[:0] if refused else observed
    late = make_cohort(used["time"], used["event"], used["entry"], start=0.0 if start is None else start)
    delayed = analyse(build, late, prefix="os", population=DELAYED_ENTRY, method=DELAYED, event_word="deaths")
    reason = _refusal(len(observed), minimum) if refused and len(observed) else ""
    before_start = 0 if refused else len(observed) - delayed.cohort.n
    return [
        *curve_rows(delayed, refusal=reason),
        _conditional_start(delayed, start, len(observed), reason),
        left_out_row(delayed, "ENTRY_NOT_BEFORE_TIME", len(candidates) - len(observed)),
        left_out_row(delayed, "BEFORE_CONDITIONAL_START", before_start),
        left_out_row(delayed, "TOO_FEW_AT_RISK", len(observed) if refused else 0),
    ]


def _refusal(observed: int, minimum: int) -> str:
    if observed < minimum:
        return f"fewer than {minimum} patients registered alive with a survival time"
    return f"never {minimum} at risk together"


def _conditional_start(delayed: Analysis, start: float | None, observed: int, refusal: str) -> ResultRow:
    """Day on which the delayed-entry curve begins; 0 means unconditional."""
    if start is None:
        state = "nothing_yet" if observed == 0 else "too_few"
        reason = "nobody registered alive with a survival time" if observed == 0 else refusal
        return delayed.row("conditional_start", unit="days", n=observed, state=state, reason=reason)
    reason = "" if start == 0 else "the curve is conditional on being alive on this day"
    return delayed.row("conditional_start", unit="days", value=start, n=delayed.cohort.n, reason=reason)


def _difference(build: ResultBuilder, rows: list[ResultRow]) -> ResultRow:
    """Absolute difference of the two estimates at 12 months; the reason says warn above ``os_difference_warn``."""
    parameters = build.context.parameters
    day = COMPARED_AT_MONTHS * parameters.days_per_month
    found = {row.method: row for row in rows if row.statistic == "os_survival" and row.time_days == day}
    fields: RowFields = {"time_days": day, "method": "absolute_difference"}
    if len(found) < 2:
        fields |= {"state": "not_collected", "reason": "12 months is not among the fixed times"}
    else:
        plain, delayed = found[PLAIN], found[DELAYED]
        if plain.value is None or delayed.value is None:
            missing = plain if plain.value is None else delayed
            fields |= {"state": missing.state, "reason": missing.reason}
        else:
            value = abs(plain.value - delayed.value)
            fields |= {"value": value, "reason": "warn" if value > parameters.os_difference_warn else ""}
    return build.row("os_estimator_difference", unit="fraction", **fields)

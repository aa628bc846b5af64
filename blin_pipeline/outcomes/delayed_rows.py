"""A curve once more, with delayed entry at registration: where it starts, who is left out, how far it lies away.

A patient entered after surviving for a while could not have died before (left truncation, clinical-spec 6): with delayed
entry such a patient is at risk from registration only. With fewer than ``min_at_risk_curve`` at risk at its origin the
curve is conditional on being free of the event at its start. It cannot use patients entered because they had died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ELIGIBLE, ResultBuilder, RowFields
from blin_pipeline.outcomes.curve_rows import Analysis, analyse, curve_rows, left_out_row
from blin_pipeline.outcomes.curve_steps import DELAYED, PLAIN
from blin_pipeline.outcomes.curve_summaries import compared_day
from blin_pipeline.outcomes.statistics.risk_sets import conditional_start, make_cohort

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from blin_pipeline.outcomes.result import ResultRow


def delayed_rows(
    build: ResultBuilder, candidates: pd.DataFrame, *, prefix: str, population: str, event_word: str = "events"
) -> list[ResultRow]:
    """Every row of the curve with delayed entry.

    Args:
        build: Makes the rows.
        candidates: Patients with a known day of entry: ``time`` (days, above 0), ``event``, ``entry``.
        prefix: Begin of the statistics.
        population: Analysis set.
        event_word: What an event is called.
    """
    minimum = build.context.parameters.min_at_risk_curve
    observed = candidates[candidates["time"] > candidates["entry"]]
    start = conditional_start(observed["time"], observed["event"], observed["entry"], minimum)
    refused = start is None
    used = observed.iloc[:0] if refused else observed
    late = make_cohort(used["time"], used["event"], used["entry"], start=0.0 if start is None else start)
    delayed = analyse(build, late, prefix=prefix, population=population, method=DELAYED, event_word=event_word)
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
    free = "alive" if delayed.event_word == "deaths" else "free of the event"
    reason = "" if start == 0 else f"the curve is conditional on being {free} on this day"
    return delayed.row("conditional_start", unit="days", value=start, n=delayed.cohort.n, reason=reason)


def difference(
    build: ResultBuilder, prefix: str, rows: Sequence[ResultRow], *, population: str = ELIGIBLE
) -> ResultRow:
    """Absolute difference of the two estimates at 12 months; the reason says warn above ``os_difference_warn``.

    Where the curve with delayed entry is conditional on a day, the plain estimate is divided by its value on that day,
    so that two probabilities of the same thing are compared.
    """
    parameters = build.context.parameters
    day = compared_day(parameters)
    found = {row.method: row for row in rows if row.statistic == f"{prefix}_survival" and row.time_days == day}
    fields: RowFields = {"time_days": day, "method": "absolute_difference", "population": population}
    statistic = f"{prefix}_estimator_difference"
    if len(found) < 2:
        fields |= {"state": "not_collected", "reason": "12 months is not among the fixed times"}
        return build.row(statistic, unit="fraction", **fields)
    plain, delayed = found[PLAIN], found[DELAYED]
    if plain.value is None or delayed.value is None:
        missing = plain if plain.value is None else delayed
        fields |= {"state": missing.state, "reason": missing.reason}
        return build.row(statistic, unit="fraction", **fields)
    start = next(row.value or 0.0 for row in rows if row.statistic == f"{prefix}_conditional_start")
    until = _plain_at(rows, f"{prefix}_curve", start)
    if until == 0.0:
        fields |= {"state": "not_estimable", "reason": "the curve of all patients is zero where the other one starts"}
        return build.row(statistic, unit="fraction", **fields)
    value = abs(plain.value / until - delayed.value)
    warn = "warn" if value > parameters.os_difference_warn else ""
    given = f"both given that day {start:g} was reached" if start > 0 else ""
    fields |= {"value": value, "reason": "; ".join(text for text in (warn, given) if text)}
    return build.row(statistic, unit="fraction", **fields)


def _plain_at(rows: Sequence[ResultRow], statistic: str, day: float) -> float:
    """The plain curve at a day."""
    steps = [row for row in rows if row.statistic == statistic and row.method == PLAIN]
    reached = [row for row in steps if row.time_days is not None and row.time_days <= day]
    return max(reached, key=lambda row: row.time_days or 0.0).value or 0.0

"""Overall survival: from diagnosis to death of any cause, censored when last known alive (clinical-spec 5 and 6).

Two curves stand side by side. ``kaplan_meier`` takes all eligible patients from diagnosis.
``kaplan_meier_delayed_entry`` takes those registered alive and lets each into the risk set at registration, because a
patient entered after surviving could not have died before; with fewer than ``min_at_risk_curve`` at risk at diagnosis
it is conditional on being alive at its start. The second cannot use patients entered because they had died. A wide
difference says that entry depends on survival.

Numbers at risk, deaths and censorings below the curve follow experience.md 5.4: at risk at t are those with time >= t
(and entry <= t), deaths and censorings lie strictly before t, so the three sum to the patients entered by t.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np

from blin_pipeline.outcomes.builder import ELIGIBLE, ResultBuilder, RowFields
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.populations import survival_set
from blin_pipeline.outcomes.statistics.kaplan_meier import SurvivalCurve, kaplan_meier
from blin_pipeline.outcomes.statistics.median import TOLERANCE, median
from blin_pipeline.outcomes.statistics.reverse_kaplan_meier import reverse_kaplan_meier
from blin_pipeline.outcomes.statistics.risk_sets import Cohort, conditional_start, make_cohort

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "overall_survival"
PLAIN = "kaplan_meier"
DELAYED = "kaplan_meier_delayed_entry"
DELAYED_ENTRY = "DELAYED_ENTRY"
TICK_MONTHS = 6
COMPARED_AT_MONTHS = 12
NO_INTERVAL = "no interval: the estimate is one or zero"


@dataclass(frozen=True, slots=True)
class Analysis:
    """One of the two curves with what its rows carry."""

    build: ResultBuilder
    method: str
    population: str
    cohort: Cohort
    curve: SurvivalCurve

    def row(self, statistic: str, *, unit: str, **given: Unpack[RowFields]) -> ResultRow:
        """A row of this curve."""
        fields: RowFields = {**given, "population": self.population, "method": self.method}
        return self.build.row(statistic, unit=unit, **fields)


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject`` and ``marts.time_to_event``.
        context: Parameters and cut.
    """
    parameters = context.parameters
    build = ResultBuilder(NAME, context)
    patients = survival_set(
        table(frames, "marts.subject"), table(frames, "marts.time_to_event"), parameters.same_day_days
    )
    everybody = patients.patients
    plain = _analysis(build, PLAIN, ELIGIBLE, make_cohort(everybody["time"], everybody["event"]))
    rows = _rows(plain)
    rows.append(_left_out(plain, "NO_SURVIVAL_TIME", patients.left_out))

    candidates = patients.delayed
    observed = candidates[candidates["time"] > candidates["entry"]]
    start = conditional_start(observed["time"], observed["entry"], parameters.min_at_risk_curve)
    refused = start is None
    used = observed.iloc[:0] if refused else observed
    delayed = _analysis(
        build,
        DELAYED,
        DELAYED_ENTRY,
        make_cohort(used["time"], used["event"], used["entry"], start=0.0 if start is None else start),
    )
    reason = _refusal(len(observed), parameters.min_at_risk_curve) if refused and len(observed) else ""
    rows += _rows(delayed, refusal=reason)
    rows.append(_conditional_start(delayed, start, len(observed), reason))
    before_start = 0 if refused else len(observed) - delayed.cohort.n
    rows.append(_left_out(delayed, "ENTRY_NOT_BEFORE_TIME", len(candidates) - len(observed)))
    rows.append(_left_out(delayed, "BEFORE_CONDITIONAL_START", before_start))
    rows.append(_left_out(delayed, "TOO_FEW_AT_RISK", len(observed) if refused else 0))
    rows.append(_difference(build, rows))
    return rows


def _analysis(build: ResultBuilder, method: str, population: str, cohort: Cohort) -> Analysis:
    curve = kaplan_meier(cohort, build.context.parameters.confidence_level)
    return Analysis(build, method, population, cohort, curve)


def _rows(analysis: Analysis, refusal: str = "") -> list[ResultRow]:
    cohort = analysis.cohort
    deaths = int(cohort.event.sum())
    return [
        analysis.row("os_patients_n", unit="patients", value=cohort.n, n=cohort.n),
        analysis.row("os_deaths_total_n", unit="patients", value=deaths, n=cohort.n, n_event=deaths),
        *_fixed_times(analysis, refusal),
        _median(analysis, refusal),
        _follow_up(analysis, refusal),
        _curve_end(analysis, refusal),
        *_ticks(analysis),
        *_curve(analysis),
    ]


def _nobody(refusal: str) -> RowFields:
    """State and reason of an estimate when the curve has no patient."""
    if refusal:
        return {"state": "too_few", "reason": refusal}
    return {"state": "nothing_yet", "reason": "no patient with a survival time"}


def _fixed_times(analysis: Analysis, refusal: str) -> list[ResultRow]:
    """Survival at the fixed times, with at least ``min_at_risk_fixed_time`` at risk there."""
    parameters = analysis.build.context.parameters
    cohort, curve = analysis.cohort, analysis.curve
    rows = []
    for months in parameters.os_times_months:
        day = months * parameters.days_per_month
        at_risk = int(np.count_nonzero((cohort.time >= day) & (cohort.entry <= day)))
        deaths = int(np.count_nonzero(cohort.event & (cohort.time <= day)))
        fields: RowFields = {"time_days": day, "n": at_risk, "n_event": deaths}
        index = curve.index_at(day)
        if cohort.n == 0:
            fields |= _nobody(refusal)
        elif day < cohort.start:
            fields |= {"state": "not_estimable", "reason": "before the start of the conditional curve"}
        elif day > curve.time[-1] and curve.survival[-1] > 0:
            fields |= {"state": "nothing_yet", "reason": "beyond the longest follow-up"}
        elif at_risk < parameters.min_at_risk_fixed_time:
            few = parameters.min_at_risk_fixed_time
            fields |= {"state": "too_few", "reason": f"fewer than {few} at risk"}
        elif index < 0:
            fields |= {"value": 1.0, "se": 0.0, "reason": NO_INTERVAL}
        else:
            fields |= {
                "value": curve.survival[index],
                "lower": curve.lower[index],
                "upper": curve.upper[index],
                "se": curve.std_err[index],
                "reason": NO_INTERVAL if np.isnan(curve.lower[index]) else "",
            }
        rows.append(analysis.row("os_survival", unit="fraction", **fields))
    return rows


def _median(analysis: Analysis, refusal: str) -> ResultRow:
    """Median survival in months from diagnosis; refused where few events only just reach one half."""
    parameters = analysis.build.context.parameters
    cohort, curve = analysis.cohort, analysis.curve
    deaths = int(cohort.event.sum())
    fields: RowFields = {"n": cohort.n, "n_event": deaths}
    if cohort.n == 0:
        return analysis.row("os_median", unit="months", **(fields | _nobody(refusal)))
    passed = median(curve)
    months = parameters.days_per_month
    lowest = float(np.min(curve.survival))
    if passed.value is None:
        fields |= {
            "state": "not_reached",
            "reason": "the curve stays above one half",
            "lower": None if passed.lower is None else passed.lower / months,
        }
    elif deaths < parameters.min_events_median and lowest > 0.5 - TOLERANCE:
        few = parameters.min_events_median
        fields |= {"state": "too_few", "reason": f"fewer than {few} deaths and the curve only touches one half"}
    else:
        fields |= {
            "value": passed.value / months,
            "lower": None if passed.lower is None else passed.lower / months,
            "upper": None if passed.upper is None else passed.upper / months,
            "reason": "" if passed.upper is not None else "upper limit not reached",
        }
    return analysis.row("os_median", unit="months", **fields)


def _follow_up(analysis: Analysis, refusal: str) -> ResultRow:
    """Median follow-up in months by reverse Kaplan-Meier."""
    parameters = analysis.build.context.parameters
    cohort = analysis.cohort
    censored = cohort.n - int(cohort.event.sum())
    fields: RowFields = {"n": cohort.n, "n_event": censored}
    months = parameters.days_per_month
    if cohort.n == 0:
        fields |= _nobody(refusal)
    elif censored == 0:
        fields |= {"state": "not_estimable", "reason": "every patient died"}
    else:
        passed = median(reverse_kaplan_meier(cohort, parameters.confidence_level))
        lower = None if passed.lower is None else passed.lower / months
        if passed.value is None:
            fields |= {"state": "not_reached", "reason": "the reverse curve stays above one half", "lower": lower}
        else:
            upper = None if passed.upper is None else passed.upper / months
            fields |= {"value": passed.value / months, "lower": lower, "upper": upper}
            fields |= {"reason": "reverse Kaplan-Meier"}
    return analysis.row("os_follow_up_median", unit="months", **fields)


def _curve_end(analysis: Analysis, refusal: str) -> ResultRow:
    """Last time with at least ``min_at_risk_curve`` at risk: how far the curve is drawn."""
    minimum = analysis.build.context.parameters.min_at_risk_curve
    curve = analysis.curve
    enough = np.flatnonzero(curve.at_risk >= minimum)
    if analysis.cohort.n == 0:
        return analysis.row("os_curve_end", unit="days", **(_nobody(refusal) | {"n": 0}))
    if enough.size == 0:
        return analysis.row(
            "os_curve_end",
            unit="days",
            n=analysis.cohort.n,
            state="too_few",
            reason=f"never {minimum} at risk at a time of the curve",
        )
    last = int(enough[-1])
    return analysis.row("os_curve_end", unit="days", value=curve.time[last], n=curve.at_risk[last])


def _ticks(analysis: Analysis) -> list[ResultRow]:
    """At risk, deaths, censored and (delayed entry) entered every six months up to the longest follow-up."""
    cohort = analysis.cohort
    step = TICK_MONTHS * analysis.build.context.parameters.days_per_month
    last = float(cohort.time[-1]) if cohort.n else 0.0
    delayed = analysis.method == DELAYED
    rows = []
    for tick in range(int(last // step) + 1):
        day = tick * step
        entered = int(np.count_nonzero(cohort.entry <= day))
        total = entered if delayed else cohort.n
        before = cohort.time < day
        counts = {
            "os_at_risk_n": int(np.count_nonzero(~before & (cohort.entry <= day))),
            "os_deaths_n": int(np.count_nonzero(before & cohort.event)),
            "os_censored_n": int(np.count_nonzero(before & ~cohort.event)),
        }
        if delayed:
            counts["os_entered_n"] = entered
        rows += [
            analysis.row(statistic, unit="patients", time_days=day, value=count, n=total)
            for statistic, count in counts.items()
        ]
    return rows


def _curve(analysis: Analysis) -> list[ResultRow]:
    """The step function, one row per distinct time from its start, and the censorings on it."""
    cohort, curve = analysis.cohort, analysis.curve
    if cohort.n == 0:
        return []
    at_start = int(np.count_nonzero(cohort.entry <= cohort.start))
    rows = [
        analysis.row(
            "os_curve",
            unit="fraction",
            time_days=cohort.start,
            value=1.0,
            lower=1.0,
            upper=1.0,
            se=0.0,
            n=at_start,
            n_event=0,
        )
    ]
    for index, day in enumerate(curve.time):
        rows.append(
            analysis.row(
                "os_curve",
                unit="fraction",
                time_days=day,
                value=curve.survival[index],
                lower=curve.lower[index],
                upper=curve.upper[index],
                se=curve.std_err[index],
                n=curve.at_risk[index],
                n_event=curve.events[index],
            )
        )
    days, counts = np.unique(cohort.time[~cohort.event], return_counts=True)
    rows += [
        analysis.row("os_censored_at", unit="patients", time_days=day, value=count)
        for day, count in zip(days, counts, strict=True)
    ]
    return rows


def _left_out(analysis: Analysis, label: str, count: int) -> ResultRow:
    """Patients of the set who are on no curve, by reason."""
    return analysis.row("os_left_out_n", unit="patients", group=("reason", label), value=count)


def _refusal(observed: int, minimum: int) -> str:
    if observed < minimum:
        return f"fewer than {minimum} patients registered alive with a survival time"
    return f"never {minimum} at risk together"


def _conditional_start(delayed: Analysis, start: float | None, observed: int, refusal: str) -> ResultRow:
    """Day on which the delayed-entry curve begins; 0 means unconditional."""
    if start is None:
        state = "nothing_yet" if observed == 0 else "too_few"
        reason = "nobody registered alive with a survival time" if observed == 0 else refusal
        return delayed.row("os_conditional_start", unit="days", n=observed, state=state, reason=reason)
    reason = "" if start == 0 else "the curve is conditional on being alive on this day"
    return delayed.row("os_conditional_start", unit="days", value=start, n=delayed.cohort.n, reason=reason)


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

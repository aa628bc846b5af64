"""Rows of one survival curve: counts, fixed times, median, follow-up, numbers at risk, the steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np

from blin_pipeline.outcomes.builder import ALL, ResultBuilder, RowFields
from blin_pipeline.outcomes.curve_steps import PLAIN, steps, ticks
from blin_pipeline.outcomes.statistics.kaplan_meier import SurvivalCurve
from blin_pipeline.outcomes.statistics.median import TOLERANCE, broken_above_half, median
from blin_pipeline.outcomes.statistics.published_curve import published_curve
from blin_pipeline.outcomes.statistics.reverse_kaplan_meier import reverse_kaplan_meier
from blin_pipeline.outcomes.statistics.risk_sets import Cohort

if TYPE_CHECKING:
    from blin_pipeline.outcomes.result import ResultRow

NO_INTERVAL = "no interval: the estimate is one or zero"


@dataclass(frozen=True, slots=True)
class Analysis:
    """One curve with what its rows carry.

    Attributes:
        build: Makes the rows.
        prefix: Begin of its statistics: ``os``, ``rfs`` ...
        event_word: What an event is called in statistics: deaths, events.
        method: Estimator, with or without delayed entry.
        population: Analysis set.
        group: Variable and label of the group; all when there is none.
        cohort: Its patients.
        curve: Its estimate.
    """

    build: ResultBuilder
    prefix: str
    event_word: str
    method: str
    population: str
    group: tuple[str, str]
    cohort: Cohort
    curve: SurvivalCurve

    def row(self, statistic: str, *, unit: str, **given: Unpack[RowFields]) -> ResultRow:
        """A row of this curve; the statistic without its prefix."""
        fields: RowFields = {"group": self.group, **given, "population": self.population, "method": self.method}
        return self.build.row(f"{self.prefix}_{statistic}", unit=unit, **fields)


def analyse(
    build: ResultBuilder,
    cohort: Cohort,
    *,
    prefix: str,
    population: str,
    method: str = PLAIN,
    event_word: str = "events",
    group: tuple[str, str] = ALL,
) -> Analysis:
    """The curve of a cohort."""
    curve = published_curve(cohort, build.context.parameters.confidence_level)
    return Analysis(build, prefix, event_word, method, population, group, cohort, curve)


def curve_rows(analysis: Analysis, refusal: str = "") -> list[ResultRow]:
    """Every row of one curve; ``refusal`` says why nobody is on it."""
    cohort = analysis.cohort
    deaths = int(cohort.event.sum())
    return [
        analysis.row("patients_n", unit="patients", value=cohort.n, n=cohort.n),
        analysis.row(f"{analysis.event_word}_total_n", unit="patients", value=deaths, n=cohort.n, n_event=deaths),
        *fixed_times(analysis, refusal),
        _median(analysis, refusal),
        _follow_up(analysis, refusal),
        _curve_end(analysis, refusal),
        *ticks(analysis),
        *steps(analysis),
    ]


def _nobody(refusal: str) -> RowFields:
    """State and reason of an estimate when the curve has no patient."""
    if refusal:
        return {"state": "too_few", "reason": refusal}
    return {"state": "nothing_yet", "reason": "no patient with a survival time"}


def fixed_times(analysis: Analysis, refusal: str) -> list[ResultRow]:
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
        rows.append(analysis.row("survival", unit="fraction", **fields))
    return rows


def _median(analysis: Analysis, refusal: str) -> ResultRow:
    """Median in months from the origin; refused where few events only just reach one half."""
    parameters = analysis.build.context.parameters
    cohort, curve = analysis.cohort, analysis.curve
    deaths = int(cohort.event.sum())
    fields: RowFields = {"n": cohort.n, "n_event": deaths}
    if cohort.n == 0:
        return analysis.row("median", unit="months", **(fields | _nobody(refusal)))
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
    return analysis.row("median", unit="months", **fields)


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
        curve = reverse_kaplan_meier(cohort, parameters.confidence_level)
        passed = median(curve)
        lower = None if passed.lower is None else passed.lower / months
        if broken_above_half(curve):
            text = "the last at risk left on the day on which others entered, before one half was reached"
            fields |= {"state": "not_estimable", "reason": text}
        elif passed.value is None:
            fields |= {"state": "not_reached", "reason": "the reverse curve stays above one half", "lower": lower}
        else:
            upper = None if passed.upper is None else passed.upper / months
            fields |= {"value": passed.value / months, "lower": lower, "upper": upper}
            fields |= {"reason": "reverse Kaplan-Meier"}
    return analysis.row("follow_up_median", unit="months", **fields)


def _curve_end(analysis: Analysis, refusal: str) -> ResultRow:
    """Last time with at least ``min_at_risk_curve`` at risk: how far the curve is drawn."""
    minimum = analysis.build.context.parameters.min_at_risk_curve
    curve = analysis.curve
    enough = np.flatnonzero(curve.at_risk >= minimum)
    if analysis.cohort.n == 0:
        return analysis.row("curve_end", unit="days", **(_nobody(refusal) | {"n": 0}))
    if enough.size == 0:
        return analysis.row(
            "curve_end",
            unit="days",
            n=analysis.cohort.n,
            state="too_few",
            reason=f"never {minimum} at risk at a time of the curve",
        )
    last = int(enough[-1])
    return analysis.row("curve_end", unit="days", value=curve.time[last], n=curve.at_risk[last])


def left_out_row(analysis: Analysis, label: str, count: int) -> ResultRow:
    """Patients of the set who are on no curve, by reason."""
    return analysis.row("left_out_n", unit="patients", group=("reason", label), value=count)

"""Survival endpoints beside overall survival from diagnosis: from remission, from blinatumomab, relapse-free, event-free.

Each is a Kaplan-Meier curve of ``marts.time_to_event`` with its rows (``curve_rows``), the restricted mean up to
``rmst_horizon_months``, and the one-year estimate again with the earliest and the latest dates that partial dates allow
(clinical-spec 5). The endpoints that end in ``_hsctc`` are censored at transplant: a sensitivity analysis, informative.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.curve_rows import Analysis, analyse, curve_rows, left_out_row
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.populations import SurvivalSet, endpoint
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.restricted_mean import restricted_mean
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "survival_endpoints"
COMPARED_AT_MONTHS = 12


class Endpoint(NamedTuple):
    """An endpoint of ``marts.time_to_event``, its analysis set, and what a reader must know."""

    param: str
    population: str
    note: str = ""


ENDPOINTS = (
    Endpoint("OSCR", "CR1"),
    Endpoint("OSBLIN", "BLIN_FL", "conditional on reaching blinatumomab"),
    Endpoint("RFS", "CR1"),
    Endpoint("RFS_HSCTC", "CR1", "sensitivity: censored at transplant, which is informative"),
    Endpoint("EFS", "TREATED", "no remission counts at the end of the induction window"),
    Endpoint("EFS_DAY1", "TREATED", "sensitivity: no remission counts on day 1"),
)


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.time_to_event``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Rows by endpoint."""
    build, times = ResultBuilder(NAME, context), table(frames, "marts.time_to_event")
    return {each.param: partial(_of_endpoint, build, times, each) for each in ENDPOINTS}


def _of_endpoint(build: ResultBuilder, times: pd.DataFrame, each: Endpoint) -> list[ResultRow]:
    chosen = endpoint(times, each.param, build.context.parameters.same_day_days)
    analysis = _analysis(build, each, chosen)
    rows = curve_rows(analysis)
    rows.append(left_out_row(analysis, "NO_USABLE_TIME", chosen.left_out))
    rows.append(_restricted_mean(analysis))
    rows += _date_sensitivity(analysis, times, each)
    if each.note:
        rows.append(analysis.row("note", unit="patients", value=analysis.cohort.n, reason=each.note))
    return rows


def _analysis(build: ResultBuilder, each: Endpoint, chosen: SurvivalSet) -> Analysis:
    cohort = make_cohort(chosen.patients["time"], chosen.patients["event"])
    return analyse(build, cohort, prefix=each.param.lower(), population=each.population)


def _restricted_mean(analysis: Analysis) -> ResultRow:
    """Mean event-free time up to the horizon: the parameter, or the last time with ``min_at_risk_curve`` at risk."""
    parameters = analysis.build.context.parameters
    curve = analysis.curve
    fields: RowFields = {"n": analysis.cohort.n, "n_event": int(analysis.cohort.event.sum())}
    enough = np.flatnonzero(curve.at_risk >= parameters.min_at_risk_curve)
    if enough.size == 0:
        state = "nothing_yet" if analysis.cohort.n == 0 else "too_few"
        few = parameters.min_at_risk_curve
        fields |= {"state": state, "reason": f"never {few} at risk at a time of the curve"}
        return analysis.row("restricted_mean", unit="months", **fields)
    days = parameters.days_per_month
    horizon = min(parameters.rmst_horizon_months * days, float(curve.time[int(enough[-1])]))
    fields["time_days"] = horizon
    try:
        found = restricted_mean(curve, horizon, parameters.confidence_level)
    except NotEstimableError as error:
        fields |= {"state": "not_estimable", "reason": error.reason}
    else:
        fields |= {
            "value": found.value / days,
            "lower": max(0.0, found.lower) / days,
            "upper": found.upper / days,
            "se": found.std_err / days,
        }
    return analysis.row("restricted_mean", unit="months", **fields)


def _date_sensitivity(analysis: Analysis, times: pd.DataFrame, each: Endpoint) -> list[ResultRow]:
    """Estimate at one year with the earliest and latest times that partial dates allow; warn when it moves too far."""
    parameters = analysis.build.context.parameters
    day = COMPARED_AT_MONTHS * parameters.days_per_month
    main = _at(analysis.cohort.time, analysis.cohort.event, day)
    rows = []
    for label, column in (("earliest", "aval_lo_days"), ("latest", "aval_hi_days")):
        moved = endpoint(times, each.param, parameters.same_day_days, column).patients
        value = _at(moved["time"].to_numpy(), moved["event"].to_numpy(), day)
        fields: RowFields = {"time_days": day, "n": len(moved), "group": ("dates", label)}
        if value is None or main is None:
            fields |= {"state": "nothing_yet", "reason": "nobody followed for a year"}
        else:
            warn = abs(value - main) > parameters.date_sensitivity_warn
            fields |= {"value": value, "reason": "warn" if warn else ""}
        rows.append(analysis.row("date_sensitivity", unit="fraction", **fields))
    return rows


def _at(time: np.ndarray, event: np.ndarray, day: float) -> float | None:
    """Survival at a day; None when nobody reaches it and the curve is above zero."""
    curve = kaplan_meier(make_cohort(time, event))
    if curve.time.size == 0 or (day > curve.time[-1] and curve.survival[-1] > 0.0):
        return None
    index = curve.index_at(day)
    return 1.0 if index < 0 else float(curve.survival[index])

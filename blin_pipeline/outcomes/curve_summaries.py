"""What is said of a whole curve: the restricted mean, and how far partial dates could move the estimate at one year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.builder import RowFields
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.restricted_mean import restricted_mean
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.curve_rows import Analysis
    from blin_pipeline.outcomes.result import ResultRow
    from blin_pipeline.registry.parameters import Parameters

COMPARED_AT_MONTHS = 12
#: Label -> column of ``marts.time_to_event``: the shortest and the longest time that partial dates allow.
BOUNDS = {"earliest": "aval_lo_days", "latest": "aval_hi_days"}


def restricted_mean_row(analysis: Analysis) -> ResultRow:
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


def date_sensitivity_rows(analysis: Analysis, bounded: Callable[[str], pd.DataFrame]) -> list[ResultRow]:
    """Survival at one year with the earliest and latest times that partial dates allow.

    Args:
        analysis: The curve itself.
        bounded: Gives the patients (``time``, ``event``) by a column of ``BOUNDS``.
    """
    parameters = analysis.build.context.parameters
    main = _survival_at(analysis.cohort.time, analysis.cohort.event, compared_day(parameters))
    found = {}
    for label, column in BOUNDS.items():
        patients = bounded(column)
        value = _survival_at(patients["time"].to_numpy(), patients["event"].to_numpy(), compared_day(parameters))
        found[label] = (value, len(patients))
    return [
        analysis.row("date_sensitivity", unit="fraction", **fields)
        for fields in date_sensitivity(main, found, parameters)
    ]


def compared_day(parameters: Parameters) -> float:
    """Day at which the estimates are compared."""
    return COMPARED_AT_MONTHS * parameters.days_per_month


def date_sensitivity(
    main: float | None, found: dict[str, tuple[float | None, int]], parameters: Parameters
) -> Iterator[RowFields]:
    """Fields of one row per bound; the reason says warn when it moves by more than ``date_sensitivity_warn``.

    Args:
        main: The estimate; None when there is none at one year.
        found: Label of the bound -> the estimate with it, and its patients.
        parameters: Day and limit.
    """
    for label, (value, n) in found.items():
        fields: RowFields = {"time_days": compared_day(parameters), "n": n, "group": ("dates", label)}
        if value is None or main is None:
            yield fields | {"state": "nothing_yet", "reason": "nobody followed for a year"}
        else:
            warn = abs(value - main) > parameters.date_sensitivity_warn
            yield fields | {"value": value, "reason": "warn" if warn else ""}


def _survival_at(time: np.ndarray, event: np.ndarray, day: float) -> float | None:
    """Survival at a day; None when nobody reaches it and the curve is above zero."""
    curve = kaplan_meier(make_cohort(time, event))
    if curve.time.size == 0 or (day > curve.time[-1] and curve.survival[-1] > 0.0):
        return None
    index = curve.index_at(day)
    return 1.0 if index < 0 else float(curve.survival[index])

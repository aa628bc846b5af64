"""Kaplan-Meier estimate, Greenwood's standard error, log-log limits (Kaplan and Meier, J Am Stat Assoc 1958).

Agrees with R: ``survfit(Surv(entry, time, event) ~ 1, conf.type = "log-log")``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from blin_pipeline.errors import DataError
from blin_pipeline.outcomes.statistics.risk_sets import gaps, life_table

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.arrays import Counts, Floats
    from blin_pipeline.outcomes.statistics.risk_sets import Cohort


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """One entry per distinct time of a cohort (the start itself is not among them).

    Attributes:
        time: Distinct times of event or censoring, ascending, days.
        at_risk: Patients at risk just before the time.
        events: Events at the time (censorings, for the reverse curve).
        survival: Probability just after the time.
        std_err: Standard error of ``survival``; NaN once the curve is zero.
        lower: Log-log limit; NaN where the curve is one or zero, for it has no variance there (as R).
        upper: As ``lower``.
        start: Where the curve begins at 1.
    """

    time: Floats
    at_risk: Counts
    events: Counts
    survival: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    start: float

    def index_at(self, day: float) -> int:
        """Position of the last time at or before ``day``; -1 before the first."""
        return int(np.searchsorted(self.time, day, side="right")) - 1


def kaplan_meier(cohort: Cohort, confidence_level: float = 0.95) -> SurvivalCurve:
    """Product-limit estimate of a cohort.

    Raises:
        DataError: ``E_RISK_SET_EMPTY`` when nobody is at risk for a while, or everybody at risk has the event, and
            somebody is followed later: a curve through the gap would be an extrapolation (or stay at zero), so it has
            to start later (``conditional_start``).
    """
    if gaps(cohort.time, cohort.event, cohort.entry).size:
        raise DataError(
            "E_RISK_SET_EMPTY",
            "Nobody is at risk between two entries of a survival curve.",
            fix="Start the curve after the gap (conditional_start).",
        )
    time, at_risk, events = life_table(cohort, cohort.event)
    return product_limit(time, at_risk, events, cohort.start, confidence_level)


def product_limit(
    time: Floats, at_risk: Counts, events: Counts, start: float, confidence_level: float
) -> SurvivalCurve:
    """Curve of a life table: S(t) = product of (1 - d / r) over the times up to t; Greenwood 1926; log-log limits."""
    if time.size == 0:
        nothing, nobody = np.empty(0, dtype=np.float64), np.empty(0, dtype=np.int64)
        return SurvivalCurve(nothing, nobody, nobody, nothing, nothing, nothing, nothing, start)
    with np.errstate(divide="ignore", invalid="ignore"):
        survival: Floats = np.cumprod(np.where(events == 0, 1.0, 1.0 - events / at_risk), dtype=np.float64)
        std_err = survival * greenwood(at_risk, events)
    zero, one = np.cumsum((events == at_risk) & (events > 0)) > 0, np.cumsum(events) == 0
    survival[zero] = 0.0
    std_err[zero] = np.nan
    lower, upper = log_log_limits(survival, std_err, confidence_level)
    lower[zero | one] = upper[zero | one] = np.nan
    return SurvivalCurve(time, at_risk, events, survival, std_err, lower, upper, start)


def greenwood(at_risk: Counts, events: Counts) -> Floats:
    """Standard error of the logarithm of a product-limit estimate (Greenwood 1926); infinite once it is zero."""
    steps = np.where(events == 0, 0.0, events / (at_risk * (at_risk - events).astype(np.float64)))
    summed: Floats = np.sqrt(np.cumsum(steps))
    return summed


def log_log_limits(probability: Floats, std_err: Floats, confidence_level: float) -> tuple[Floats, Floats]:
    """Limits p^exp(+-z se / (p log p)), which stay between 0 and 1; NaN where p is 0 or 1 or the error unknown."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        exponent = ndtri(0.5 + confidence_level / 2) * std_err / (probability * np.log(probability))
        lower, upper = probability ** np.exp(-exponent), probability ** np.exp(exponent)
    unknown = ~((probability > 0.0) & (probability < 1.0)) | np.isnan(std_err)
    lower[unknown] = upper[unknown] = np.nan
    return lower, upper

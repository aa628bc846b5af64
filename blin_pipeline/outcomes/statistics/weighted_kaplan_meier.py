"""Kaplan-Meier estimate of weighted patients, with the infinitesimal jackknife's standard error.

The error is the root of the sum over patients of (weight x derivative of S(t) with respect to the weight)^2, so weights
need not be frequencies (Therneau and Grambsch 2000, section 2). Agrees with R: ``survfit(..., weights = w, id = id,
robust = TRUE, conf.type = "log-log")``. The weights are taken as known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError, flags, floats
from blin_pipeline.outcomes.statistics.kaplan_meier import log_log_limits
from blin_pipeline.outcomes.statistics.risk_sets import gaps

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Floats


@dataclass(frozen=True, slots=True)
class WeightedCurve:
    """One entry per distinct time; ``at_risk`` and ``events`` are sums of weights, the rest as ``SurvivalCurve``."""

    time: Floats
    at_risk: Floats
    events: Floats
    survival: Floats
    std_err: Floats
    lower: Floats
    upper: Floats

    def index_at(self, day: float) -> int:
        """Position of the last time at or before ``day``; -1 before the first."""
        return int(np.searchsorted(self.time, day, side="right")) - 1


def weighted_kaplan_meier(
    time: ArrayLike, event: ArrayLike, weight: ArrayLike, entry: ArrayLike | None = None, confidence_level: float = 0.95
) -> WeightedCurve:
    """Weighted curve of one row per patient.

    Args:
        time: Days to event or censoring.
        event: True for an event.
        weight: Weight of the patient, at least 0; rows of weight 0 are left out.
        entry: Day of entry; at risk in ``(entry, time]``.
        confidence_level: Coverage of the limits.

    Raises:
        NotEstimableError: Without a patient of positive weight, or when the risk set empties before the last time.
    """
    weights = floats(weight)
    used = weights > 0.0
    times, events, weights = floats(time)[used], flags(event)[used], weights[used]
    entries = np.full(times.shape, -np.inf) if entry is None else floats(entry)[used]
    if times.size == 0:
        raise NotEstimableError("nobody with a positive weight")
    if gaps(times, events, entries).size:
        raise NotEstimableError("nobody is at risk for a while, or everybody at risk has the event before others enter")
    order = np.lexsort((weights, entries, ~events, times))
    times, events, weights, entries = times[order], events[order], weights[order], entries[order]
    days = np.unique(times)
    leaves, enters = np.searchsorted(days, times), np.searchsorted(days, entries, side="right")
    change = floats(np.bincount(leaves + 1, weights=weights, minlength=days.size + 1))
    change -= np.bincount(enters, weights=weights, minlength=days.size + 1)
    at_risk = floats(np.cumsum(change[::-1])[::-1][1:])
    died = floats(np.bincount(leaves, weights=weights * events, minlength=days.size))
    hazard = np.minimum(died / at_risk, 1.0)
    hazard[(at_risk - died) <= 1e-12 * at_risk] = 1.0
    survival = floats(np.cumprod(1.0 - hazard))
    std_err = _jackknife(leaves, enters, events, weights, at_risk, hazard, survival)
    std_err[survival <= 0.0] = np.nan
    lower, upper = log_log_limits(survival, std_err, confidence_level)
    return WeightedCurve(days, at_risk, died, survival, std_err, lower, upper)


def _jackknife(
    leaves: np.ndarray,
    enters: np.ndarray,
    event: np.ndarray,
    weight: Floats,
    at_risk: Floats,
    hazard: Floats,
    survival: Floats,
) -> Floats:
    """Standard errors; the derivative of log S(t) is -sum of (dN - Y h) / (Y total (1 - h)) over the times up to t.

    A patient's sum is a constant after the own time, so the sum of squares over patients is gathered in three running
    sums: those who left (constant), and those at risk, whose sum grows as one shared curve minus its value at entry.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        per_event = np.where(hazard < 1.0, 1.0 / (at_risk * (1.0 - hazard)), 0.0)
    shared = np.cumsum(np.concatenate(([0.0], hazard * per_event)))
    begun = shared[enters]
    final = shared[leaves + 1] - begun - event * per_event[leaves]
    squared = weight**2
    length = hazard.size
    left = np.cumsum(np.bincount(leaves, weights=squared * final**2, minlength=length))

    def present(values: Floats) -> Floats:
        change = floats(np.bincount(enters, weights=values, minlength=length + 1))
        change -= np.bincount(leaves, weights=values, minlength=length + 1)
        total: Floats = np.cumsum(change)[:length]
        return total

    now = shared[1:]
    staying = now**2 * present(squared) - 2.0 * now * present(squared * begun) + present(squared * begun**2)
    errors: Floats = survival * np.sqrt(np.maximum(left + staying, 0.0))
    return errors

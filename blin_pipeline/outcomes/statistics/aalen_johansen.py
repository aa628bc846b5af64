"""Cumulative incidence with competing risks (Aalen and Johansen, Scand J Stat 1978), exact on ties.

Standard error by the multinomial delta method (Greenwood type; Marubini and Valsecchi 1995, section 10.3); log-log
limits. Agrees with R: estimate with ``survfit(Surv(time, factor(code)) ~ 1)`` and ``cmprsk::cuminc``, error with
``etm::etm``. With a single cause it is one minus Kaplan-Meier with Greenwood's error. lifelines moves tied times at
random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import floats
from blin_pipeline.outcomes.statistics.kaplan_meier import log_log_limits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Floats


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """Probability of each cause by time; one entry per distinct time, one column per cause (code 1, 2, ...).

    Attributes:
        time: Distinct times of any event or censoring, ascending, days.
        at_risk: Patients at risk just before the time.
        events: Events at the time, by cause.
        event_free: Probability of no event of any cause, just after the time.
        incidence: Probability of the cause, just after the time, by cause.
        std_err: Standard error of ``incidence``.
        lower: Log-log limit; NaN where the incidence is zero or one.
        upper: As ``lower``.
    """

    time: Floats
    at_risk: Counts
    events: Counts
    event_free: Floats
    incidence: Floats
    std_err: Floats
    lower: Floats
    upper: Floats

    def index_at(self, day: float) -> int:
        """Position of the last time at or before ``day``; -1 before the first."""
        return int(np.searchsorted(self.time, day, side="right")) - 1


def aalen_johansen(
    time: ArrayLike,
    event_code: ArrayLike,
    entry: ArrayLike | None = None,
    *,
    n_causes: int = 2,
    confidence_level: float = 0.95,
) -> CumulativeIncidence:
    """Cumulative incidence of every cause.

    Args:
        time: Days to event or censoring, above entry.
        event_code: 0 censored, 1 .. ``n_causes`` cause of the event.
        entry: Day of entry; at risk in ``(entry, time]``. The risk set must not empty before the last time.
        n_causes: Number of causes.
        confidence_level: Coverage of the limits.
    """
    times, causes = floats(time), np.asarray(event_code, dtype=np.int64)
    days, place = np.unique(times, return_inverse=True)
    entries = np.full(times.shape, -np.inf) if entry is None else floats(entry)
    at_risk = np.searchsorted(np.sort(entries), days, side="left") - np.searchsorted(np.sort(times), days, side="left")
    events = np.stack(
        [np.bincount(place[causes == cause], minlength=days.size) for cause in range(1, n_causes + 1)], axis=1
    ).astype(np.int64)
    hazard = events / at_risk[:, None]
    total = events.sum(axis=1) / at_risk
    survival = floats(np.cumprod(np.where(events.sum(axis=1) == at_risk, 0.0, 1.0 - total)))
    before = np.concatenate(([1.0], survival[:-1]))
    incidence = floats(np.cumsum(before[:, None] * hazard, axis=0))
    std_err = np.stack(
        [_std_err(at_risk, total, hazard[:, c], before, incidence[:, c]) for c in range(n_causes)], axis=1
    )
    lower, upper = log_log_limits(incidence, np.where(std_err > 0.0, std_err, np.nan), confidence_level)
    return CumulativeIncidence(days, at_risk.astype(np.int64), events, survival, incidence, std_err, lower, upper)


def _std_err(at_risk: Counts, total: Floats, hazard: Floats, before: Floats, incidence: Floats) -> Floats:
    """Root of the delta-method variance of one cause.

    The incidence at t moves with the cause's own hazard at s <= t by ``S(s-) - (F(t) - F(s)) / (1 - h)`` and with the
    others' by the second term alone; hazards of one time have the multinomial covariance. The square is a polynomial
    of F(t), so running sums of its three coefficients give every t at once.
    """
    others = total - hazard
    with np.errstate(divide="ignore"):
        after = np.where(total < 1.0, 1.0 / (1.0 - total), 0.0)
    own_own, other_other = hazard * (1.0 - hazard) / at_risk, others * (1.0 - others) / at_risk
    both = -hazard * others / at_risk
    # Derivatives are c - after * F(t), with the constants below.
    own, other = before + after * incidence, after * incidence
    constant = own**2 * own_own + other**2 * other_other + 2.0 * own * other * both
    linear = after * (own * (own_own + both) + other * (other_other + both))
    square = after**2 * (own_own + other_other + 2.0 * both)
    variance = np.cumsum(constant) - 2.0 * incidence * np.cumsum(linear) + incidence**2 * np.cumsum(square)
    root: Floats = np.sqrt(np.maximum(variance, 0.0))
    return root

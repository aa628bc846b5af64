"""Shares and rates of cycles, several of which belong to one patient: intervals that know it.

Cycles of one patient resemble each other, so that n cycles tell less than n patients. A share takes the Clopper-Pearson
limits at the effective number of cycles, that is the number of independent ones with the variance found between patients
(Korn and Graubard, Surv Methodol 1998; ``svyciprop(method = "beta")`` of R's survey package), with their correction for few
patients. A rate takes the gamma limits with its variance between patients (Fay and Feuer, Stat Med 1997) in the same way.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from blin_pipeline.outcomes.statistics.arrays import floats
from blin_pipeline.outcomes.statistics.proportions import Interval, exact_limits
from blin_pipeline.outcomes.statistics.rates import Rate, exact_rate_limits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Floats


def clustered_proportion(happened: ArrayLike, cluster: ArrayLike, confidence_level: float = 0.95) -> Interval:
    """Share of rows on which something happened.

    At none or all of the rows nothing is known of the resemblance: then each cluster counts as one. With a single
    cluster there is no interval.

    Args:
        happened: True or false per row (cycle).
        cluster: Whose row it is (patient).
        confidence_level: Coverage of the two-sided interval.
    """
    clusters, sizes, sums = _by_cluster(happened, np.ones(np.asarray(happened).size), cluster)
    n, total = float(sizes.sum()), float(sums.sum())
    if n == 0:
        return Interval(None, None, None)
    share = total / n
    if clusters < 2:
        return Interval(share, None, None)
    effective = float(clusters)
    if 0.0 < share < 1.0:
        variance = _variance(sums, sizes, share)
        binomial = share * (1.0 - share)
        effective = _corrected(binomial / variance if variance > 0.0 else n, n, clusters, n, confidence_level)
    lower, upper = exact_limits(share * effective, effective, confidence_level)
    return Interval(share, min(lower, share), max(upper, share))


def clustered_rate(
    events: ArrayLike, exposure: ArrayLike, cluster: ArrayLike, confidence_level: float = 0.95
) -> Rate | None:
    """Events per unit of exposure; without an event the exact Poisson limit.

    Args:
        events: Events per row (cycle).
        exposure: Exposure per row, together above 0.
        cluster: Whose row it is (patient).
        confidence_level: Coverage of the two-sided interval.

    Returns:
        Value and limits; None with events in a single cluster, whose resemblance nobody can see.
    """
    clusters, days, counts = _by_cluster(events, np.asarray(exposure, dtype=np.float64), cluster)
    total, time = float(counts.sum()), float(days.sum())
    rate = total / time
    effective = total
    if total > 0.0:
        if clusters < 2:
            return None
        variance = _variance(counts, days, rate)
        known = rate**2 / variance if variance > 0.0 else total
        effective = _corrected(known, total, clusters, float(np.asarray(events).size), confidence_level)
    scale = time if effective == 0.0 else effective / rate
    lower, upper = exact_rate_limits(effective, confidence_level)
    return Rate(rate, lower / scale, upper / scale)


def _by_cluster(amount: ArrayLike, size: Floats, cluster: ArrayLike) -> tuple[int, Floats, Floats]:
    """Number of clusters, and their sizes and amounts."""
    names, place = np.unique(np.asarray(cluster), return_inverse=True)
    amounts = np.bincount(place, weights=np.asarray(amount, dtype=np.float64), minlength=names.size)
    return int(names.size), floats(np.bincount(place, weights=size, minlength=names.size)), floats(amounts)


def _variance(sums: Floats, sizes: Floats, ratio: float) -> float:
    """Linearised variance of a ratio of sums over clusters (with replacement, as R's survey)."""
    m = sums.size
    residual = np.sort(sums - ratio * sizes)
    return float(m / (m - 1) * math.fsum(residual**2) / sizes.sum() ** 2)


def _corrected(effective: float, most: float, clusters: int, rows: float, confidence_level: float) -> float:
    """The effective number, corrected for the degrees of freedom, and never above the number itself."""
    tail = 0.5 + confidence_level / 2.0
    few = stdtrit(rows - 1.0, tail) / stdtrit(clusters - 1.0, tail)
    return float(min(most, effective * few**2))

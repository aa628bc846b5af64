"""Log-rank test of two or more groups, plain and stratified, also with delayed entry (Mantel 1966; Peto 1972).

Agrees with R: ``survdiff(Surv(time, event) ~ group + strata(stratum))``. lifelines has no stratified version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import chdtrc

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError, codes, flags, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Flags, Floats


class ChiSquare(NamedTuple):
    """A chi-square test."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


class LogRank(NamedTuple):
    """Observed and expected events by group (in order of the label) and the test."""

    observed: Floats
    expected: Floats
    test: ChiSquare


def logrank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    stratum: ArrayLike | None = None,
    entry: ArrayLike | None = None,
) -> LogRank:
    """Log-rank test with the hypergeometric variance.

    Args:
        time: Days to event or censoring.
        event: True for an event.
        group: Label of the group.
        stratum: Label of the stratum; observed, expected and variance are summed over strata.
        entry: Day of entry; at risk in ``(entry, time]``.

    Raises:
        NotEstimableError: With one group, or without an event that tells groups apart.
    """
    times, events = floats(time), flags(event)
    groups = codes(group, times.size)
    n_groups = int(groups.max()) + 1 if groups.size else 0
    if n_groups < 2:
        raise NotEstimableError("fewer than two groups")
    entries = np.full(times.shape, -np.inf) if entry is None else floats(entry)
    strata = codes(stratum, times.size)
    observed, expected = np.zeros(n_groups), np.zeros(n_groups)
    variance = np.zeros((n_groups, n_groups))
    for label in range(int(strata.max()) + 1):
        inside = strata == label
        _add(times[inside], events[inside], groups[inside], entries[inside], observed, expected, variance)
    return LogRank(observed, expected, chi_square(observed - expected, variance))


def chi_square(difference: Floats, variance: Floats) -> ChiSquare:
    """Quadratic form of differences that sum to zero; groups that were never compared are left out."""
    compared = np.flatnonzero(np.diag(variance) > 0.0)
    if compared.size < 2:
        raise NotEstimableError("no event while two groups were at risk")
    kept = compared[1:]
    part = difference[kept]
    try:
        statistic = float(np.sum(part * np.linalg.solve(variance[np.ix_(kept, kept)], part)))
    except np.linalg.LinAlgError:
        raise NotEstimableError("groups that were never at risk together") from None
    return ChiSquare(statistic, int(kept.size), float(chdtrc(kept.size, statistic)))


def _add(
    time: Floats, event: Flags, group: Counts, entry: Floats, observed: Floats, expected: Floats, variance: Floats
) -> None:
    """Add one stratum to the sums."""
    days = np.unique(time[event])
    shape = (days.size, observed.size)
    deaths, at_risk = np.zeros(shape), np.zeros(shape)
    for place in range(observed.size):
        mine = group == place
        deaths[:, place] = np.bincount(np.searchsorted(days, time[mine & event]), minlength=days.size)
        entered = np.searchsorted(np.sort(entry[mine]), days, side="left")
        at_risk[:, place] = entered - np.searchsorted(np.sort(time[mine]), days, side="left")
    total, died = at_risk.sum(axis=1), deaths.sum(axis=1)
    share = at_risk / total[:, None]
    factor = np.where(total > 1, died * (total - died) / np.maximum(total - 1, 1), 0.0)
    observed += deaths.sum(axis=0)
    expected += (share * died[:, None]).sum(axis=0)
    variance += np.diag((factor[:, None] * share).sum(axis=0))
    variance -= np.einsum("t,ti,tj->ij", factor, share, share, optimize=False)

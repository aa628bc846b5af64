"""Gray's test of whether cumulative incidences of one cause differ between groups (Gray, Ann Stat 1988; rho = 0).

Agrees with R: ``cmprsk::cuminc(time, code, group, strata)$Tests``, its correction of variances at ties included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError, codes, floats
from blin_pipeline.outcomes.statistics.logrank import ChiSquare, chi_square

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Floats


def gray_test(
    time: ArrayLike, event_code: ArrayLike, group: ArrayLike, *, stratum: ArrayLike | None = None, cause: int = 1
) -> ChiSquare:
    """Chi-square test with one degree of freedom less than groups.

    Args:
        time: Days to event or censoring.
        event_code: 0 censored, otherwise the cause.
        group: Label of the group.
        stratum: Label of the stratum; scores and variances are summed over strata.
        cause: Cause whose incidence is compared.

    Raises:
        NotEstimableError: With one group, or without an event of the cause while two groups are at risk.
    """
    times, causes = floats(time), np.asarray(event_code, dtype=np.int64)
    groups = codes(group, times.size)
    n_groups = int(groups.max()) + 1 if groups.size else 0
    if n_groups < 2:
        raise NotEstimableError("fewer than two groups")
    if not np.any(causes == cause):
        raise NotEstimableError("no event of this cause")
    strata = codes(stratum, times.size)
    score, variance = np.zeros(n_groups), np.zeros((n_groups, n_groups))
    for label in range(int(strata.max()) + 1):
        inside = strata == label
        added = _stratum(times[inside], causes[inside], groups[inside], n_groups, cause)
        score, variance = score + added[0], variance + added[1]
    return chi_square(score, variance)


def _stratum(time: Floats, code: Counts, group: Counts, n_groups: int, cause: int) -> tuple[Floats, Floats]:
    """Scores of all groups and their covariance within one stratum.

    In Gray's words: ``weight`` is h_r = Y_r / S_r(t-), R_r = h_r (1 - F_r(t-)); the score of a group is the sum of
    its events minus the pooled ones times its share of R. Its variance integrates, per group k, ``a`` (the direct part)
    and ``c`` (the part through the estimated incidences) against the martingales of both kinds of events.
    """
    at_risk = np.bincount(group, minlength=n_groups).astype(np.float64)
    incidence, survival, pooled = np.zeros(n_groups), np.ones(n_groups), 0.0
    score, variance = np.zeros(n_groups), np.zeros((n_groups, n_groups))
    c, linear, square = np.zeros((n_groups, n_groups)), np.zeros((n_groups, n_groups)), np.zeros(n_groups)
    for day in np.unique(time):
        today = time == day
        own = np.bincount(group[today & (code == cause)], minlength=n_groups).astype(np.float64)
        other = np.bincount(group[today & (code != cause) & (code != 0)], minlength=n_groups).astype(np.float64)
        n_own = own.sum()
        if n_own + other.sum() > 0:
            alive = at_risk > 0
            safe = np.where(alive, at_risk, 1.0)
            weight = np.where(alive & (survival > 0), at_risk / np.where(survival > 0, survival, 1.0), 0.0)
            after = np.where(alive, survival * (at_risk - own - other) / safe, survival)
            exposed = weight * (1.0 - incidence)
            total = weight.sum()
            now = pooled + n_own / total
            a = np.diag(weight) - np.outer(weight, weight) / total
            c = c + a * n_own / (total * (1.0 - pooled))
            score = score + own - n_own * exposed / exposed.sum()
            remaining = np.where(after > 0, (1.0 - now) / np.where(after > 0, after, 1.0), 0.0)
            if n_own > 0:
                ties = 1.0 - (n_own - 1.0) / (total * survival - 1.0) if n_own > 1 else 1.0
                direct = 1.0 - remaining
                variance, linear, square = _add(
                    a - direct * c,
                    direct,
                    np.where(alive, ties * survival * n_own / (total * safe), 0.0),
                    (variance, linear, square),
                )
            if other.sum() > 0:
                ties = np.where(other > 1, 1.0 - (other - 1.0) / np.where(other > 1, at_risk - 1.0, 1.0), 1.0)
                measured = np.where((after > 0) & (other > 0), ties * survival**2 * other / safe**2, 0.0)
                variance, linear, square = _add(remaining * c, -remaining, measured, (variance, linear, square))
            incidence = incidence + np.where(alive, survival * own / safe, 0.0)
            survival, pooled = after, now
        at_risk = at_risk - np.bincount(group[today], minlength=n_groups)
    variance = variance + np.einsum("ik,jk,k->ij", c, c, square, optimize=False)
    mixed = np.einsum("ik,jk->ij", c, linear, optimize=False)
    return score, variance + mixed + mixed.T


def _add(
    influence: Floats, factor: Floats, measure: Floats, sums: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Add one kind of event at one time; the column of a matrix is the group whose martingale jumps."""
    variance, linear, square = sums
    return (
        variance + np.einsum("ik,jk,k->ij", influence, influence, measure, optimize=False),
        linear + influence * (factor * measure),
        square + factor**2 * measure,
    )

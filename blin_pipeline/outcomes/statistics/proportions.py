"""A proportion and its two-sided confidence interval.

Clopper-Pearson (exact, from the binomial tails; Clopper and Pearson, Biometrika 1934) is the headline, Wilson (score,
without continuity correction; Wilson, JASA 1927) stands beside it. Both equal ``scipy.stats.binomtest``, which finds the
exact limits by a search; here they are quantiles of the beta distribution, to the last digit and at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from scipy.special import betaincinv, ndtri


class Interval(NamedTuple):
    """Estimate and limits as fractions; all null when the denominator is zero."""

    value: float | None
    lower: float | None
    upper: float | None


def proportion(n_event: int, n: int, method: str = "clopper_pearson", confidence_level: float = 0.95) -> Interval:
    """Proportion ``n_event / n`` with its interval.

    At 0 of n the lower limit is 0 and the upper one the one-sided limit at half the error (97.5 % for a 95 %
    interval); at n of n the mirror image.

    Args:
        n_event: Numerator, 0 to n.
        n: Denominator.
        method: Key of ``METHODS``.
        confidence_level: Coverage of the two-sided interval, 0 to 1.

    Raises:
        ValueError: When the numerator does not lie between 0 and n, or the method is unknown.
    """
    if not 0 <= n_event <= n:
        raise ValueError("the numerator must lie between 0 and the denominator")
    if method not in METHODS:
        raise ValueError("unknown method of a proportion's interval")
    if n == 0:
        return Interval(None, None, None)
    lower, upper = METHODS[method](n_event, n, confidence_level)
    value = n_event / n
    # Wilson's limits reach the estimate at 0/n and n/n only up to rounding.
    return Interval(value, max(0.0, min(lower, value)), min(1.0, max(upper, value)))


def exact_limits(n_event: float, n: float, confidence_level: float) -> tuple[float, float]:
    """Clopper-Pearson limits; an effective number need not be whole."""
    tail = (1.0 - confidence_level) / 2.0
    lower = 0.0 if n_event == 0 else float(betaincinv(n_event, n - n_event + 1, tail))
    upper = 1.0 if n_event == n else float(betaincinv(n_event + 1, n - n_event, 1.0 - tail))
    return lower, upper


def _wilson(n_event: int, n: int, confidence_level: float) -> tuple[float, float]:
    z, share = float(ndtri(0.5 + 0.5 * confidence_level)), n_event / n
    whole = 2.0 * (n + z**2)
    centre = (2.0 * n * share + z**2) / whole
    half = z / whole * math.sqrt(4.0 * n * share * (1.0 - share) + z**2)
    return centre - half, centre + half


#: Method of a result row -> its limits.
METHODS: dict[str, Callable[[int, int, float], tuple[float, float]]] = {
    "clopper_pearson": exact_limits,
    "wilson": _wilson,
}

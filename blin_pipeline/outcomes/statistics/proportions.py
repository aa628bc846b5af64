"""A proportion and its two-sided confidence interval.

Clopper-Pearson (exact, from the binomial tails; Clopper and Pearson, Biometrika 1934) is the headline, Wilson (score,
without continuity correction; Wilson, JASA 1927) stands beside it. Both come from ``scipy.stats.binomtest``.
"""

from __future__ import annotations

from typing import NamedTuple

#: Method of a result row -> scipy's name of it.
METHODS: dict[str, str] = {"clopper_pearson": "exact", "wilson": "wilson"}


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
    from scipy.stats import binomtest

    limits = binomtest(n_event, n).proportion_ci(confidence_level, METHODS[method])
    value = n_event / n
    # Wilson's limits reach the estimate at 0/n and n/n only up to rounding.
    return Interval(value, max(0.0, min(float(limits.low), value)), min(1.0, max(float(limits.high), value)))

"""A rate of events over exposure with exact Poisson limits (Garwood, Biometrika 1936).

Agrees with R: ``poisson.test(events, exposure)``.
"""

from __future__ import annotations

from typing import NamedTuple

from scipy.special import chdtri


class Rate(NamedTuple):
    """Events per unit of exposure and its limits."""

    value: float
    lower: float
    upper: float


def event_rate(events: int, exposure: float, confidence_level: float = 0.95) -> Rate:
    """Rate with its two-sided interval.

    Args:
        events: Number of events, 0 or more.
        exposure: Above 0.
        confidence_level: Coverage.
    """
    lower, upper = exact_rate_limits(events, confidence_level)
    return Rate(events / exposure, lower / exposure, upper / exposure)


def exact_rate_limits(events: float, confidence_level: float) -> tuple[float, float]:
    """Limits of the expected number of events; an effective number need not be whole."""
    tail = (1.0 - confidence_level) / 2.0
    lower = 0.0 if events == 0 else float(chdtri(2 * events, 1.0 - tail)) / 2.0
    return lower, float(chdtri(2 * events + 2, tail)) / 2.0

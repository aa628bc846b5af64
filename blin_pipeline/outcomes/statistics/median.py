"""Median of a survival curve with the limits of Brookmeyer and Crowley (Biometrics 1982).

Agrees with R: ``quantile(survfit(..., conf.type = "log-log"), 0.5)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.arrays import Floats
    from blin_pipeline.outcomes.statistics.kaplan_meier import SurvivalCurve

#: Two survival probabilities closer than this are equal (R's ``sqrt(.Machine$double.eps)``).
TOLERANCE = 2.0**-26


class Quantile(NamedTuple):
    """Time at which a curve passes a probability, with limits; None where it never does."""

    value: float | None
    lower: float | None
    upper: float | None


def median(curve: SurvivalCurve) -> Quantile:
    """Median time in days.

    A limit is where the corresponding limit of the curve passes one half. Where a curve equals one half over an
    interval the median is the middle of it, its end being the last time when the curve ends there.
    """
    return Quantile(
        _passes_half(curve.time, curve.survival),
        _passes_half(curve.time, curve.lower),
        _passes_half(curve.time, curve.upper),
    )


def broken_above_half(curve: SurvivalCurve) -> bool:
    """Whether a curve falls to zero above one half although somebody is followed later (entering on that very day)."""
    zero = np.flatnonzero(curve.survival == 0.0)
    if zero.size == 0 or int(zero[0]) == curve.time.size - 1:
        return False
    return zero[0] == 0 or bool(curve.survival[int(zero[0]) - 1] >= 0.5 - TOLERANCE)


def _passes_half(time: Floats, probability: Floats) -> float | None:
    """First time at which a step function is at or under one half; the middle of the interval where it equals it."""
    known = ~np.isnan(probability)
    times, values = time[known], probability[known]
    reached = np.flatnonzero(values <= 0.5 + TOLERANCE)
    if reached.size == 0:
        return None
    first = int(reached[0])
    if values[first] < 0.5 - TOLERANCE:
        return float(times[first])
    below = np.flatnonzero(values < 0.5 - TOLERANCE)
    # The curve may turn undefined (zero reached) while a limit still equals one half: then the last known time closes
    # it.
    end = times[int(below[0])] if below.size else (time[-1] if known[-1] else None)
    return None if end is None else float((times[first] + end) / 2)

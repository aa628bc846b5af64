"""Restricted mean survival time: area under a survival curve up to a horizon, and differences of two.

Standard error by Greenwood integration (Irwin, J Hyg 1949; Royston and Parmar, BMC Med Res Methodol 2013): the root of
the sum over event times of A(t)^2 d / (r (r - d)), A(t) the area from t to the horizon. Agrees with R:
``summary(survfit(...), rmean = tau)``. lifelines returns the variance of the restricted lifetime instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.kaplan_meier import SurvivalCurve


class RestrictedMean(NamedTuple):
    """Days lived up to the horizon (or a difference of them), limits on the plain scale, and a two-sided p value.

    ``p_value`` is None for a single mean.
    """

    value: float
    std_err: float
    lower: float
    upper: float
    p_value: float | None = None


def restricted_mean(curve: SurvivalCurve, horizon: float, confidence_level: float = 0.95) -> RestrictedMean:
    """Mean days lived between the start of the curve and ``horizon``.

    Args:
        curve: Kaplan-Meier curve.
        horizon: Last day, above the start of the curve.
        confidence_level: Coverage of the limits.

    Raises:
        NotEstimableError: When the curve ends above zero before the horizon: the area beyond is unknown.
    """
    if curve.time.size == 0 or horizon <= curve.start:
        raise NotEstimableError("nobody at risk before the horizon")
    if horizon > curve.time[-1] and curve.survival[-1] > 0.0:
        raise NotEstimableError("the horizon lies beyond the longest follow-up")
    inside = curve.time < horizon
    edges = np.concatenate(([curve.start], curve.time[inside], [horizon]))
    pieces = np.diff(edges) * np.concatenate(([1.0], curve.survival[inside]))
    value = float(np.sum(pieces))
    after = np.cumsum(pieces[::-1])[::-1][1:]
    at_risk, events = curve.at_risk[inside].astype(np.float64), curve.events[inside]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where((events == 0) | (after == 0.0), 0.0, after**2 * events / (at_risk * (at_risk - events)))
    std_err = float(np.sqrt(np.sum(terms)))
    half = float(ndtri(0.5 + confidence_level / 2)) * std_err
    return RestrictedMean(value, std_err, value - half, value + half)


def restricted_mean_difference(
    first: RestrictedMean, second: RestrictedMean, confidence_level: float = 0.95
) -> RestrictedMean:
    """Difference ``first - second`` of two independent groups at one horizon."""
    value, std_err = first.value - second.value, float(np.hypot(first.std_err, second.std_err))
    half = float(ndtri(0.5 + confidence_level / 2)) * std_err
    p_value = None if std_err == 0.0 else float(2.0 * ndtr(-abs(value) / std_err))
    return RestrictedMean(value, std_err, value - half, value + half, p_value)

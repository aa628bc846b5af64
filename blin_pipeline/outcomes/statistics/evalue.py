"""E-value: how strong unmeasured confounding would have to be (VanderWeele and Ding, Ann Intern Med 2017).

With both the exposure and the outcome, on the risk-ratio scale, a confounder of at least this strength could explain
the estimate away. A hazard ratio stands for a risk ratio when the outcome is rare; from a risk of 15 % on,
RR = (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1 / HR)).
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple


class EValue(NamedTuple):
    """E-value of the estimate, and of the confidence limit nearest 1 (1 when the interval contains 1)."""

    value: float
    limit: float


def e_value(hazard_ratio: float, lower: float, upper: float, *, common: bool) -> EValue:
    """E-value of a hazard ratio and of its interval.

    Args:
        hazard_ratio: Above 0.
        lower: Lower confidence limit.
        upper: Upper confidence limit.
        common: Whether the risk of the outcome reaches 15 % at the end of follow-up.
    """
    nearest = 1.0 if lower <= 1.0 <= upper else upper if upper < 1.0 else lower
    return EValue(_strength(_risk_ratio(hazard_ratio, common)), _strength(_risk_ratio(nearest, common)))


def _risk_ratio(hazard_ratio: float, common: bool) -> float:
    if not common:
        return hazard_ratio
    return float((1.0 - 0.5 ** sqrt(hazard_ratio)) / (1.0 - 0.5 ** sqrt(1.0 / hazard_ratio)))


def _strength(risk_ratio: float) -> float:
    ratio = 1.0 / risk_ratio if risk_ratio < 1.0 else risk_ratio
    return ratio + sqrt(ratio * (ratio - 1.0))

"""Weights from propensity scores, and how balanced and how many patients they leave.

Overlap weights: 1 - e for the exposed, e for the others (Li, Morgan, Zaslavsky, J Am Stat Assoc 2018). Inverse
probability, stabilised: p / e and (1 - p) / (1 - e), p the exposed share (Robins, Hernan, Brumback, Epidemiology 2000).
Effect among the exposed: 1 and e / (1 - e). Truncated at percentiles for inverse probability only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import columns, flags, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Floats

Target = Literal["overlap", "stabilised_iptw", "att"]


def propensity_weights(
    exposed: ArrayLike, score: ArrayLike, target: Target, *, truncate: tuple[float, float] = (0.01, 0.99)
) -> Floats:
    """Weight of each patient.

    Args:
        exposed: True for the exposed.
        score: Propensity, strictly between 0 and 1.
        target: ``overlap`` (patients in equipoise), ``stabilised_iptw`` (all), ``att`` (the exposed).
        truncate: Percentiles (linear interpolation) beyond which stabilised weights are set to them.
    """
    treated, e = flags(exposed), floats(score)
    if target == "overlap":
        return np.where(treated, 1.0 - e, e)
    if target == "att":
        return np.where(treated, 1.0, e / (1.0 - e))
    share = treated.mean()
    weights = np.where(treated, share / e, (1.0 - share) / (1.0 - e))
    low, high = np.quantile(weights, truncate)
    clipped: Floats = np.clip(weights, low, high)
    return clipped


def standardised_differences(exposed: ArrayLike, covariates: ArrayLike, weight: ArrayLike | None = None) -> Floats:
    """Difference of the (weighted) means over the root mean of the two unweighted variances, per covariate.

    The divisor is the same before and after weighting, so that both can be compared (Austin, Stat Med 2009). Zero where
    no arm varies and the means are equal, infinite where none varies and they differ.
    """
    treated, matrix = flags(exposed), columns(covariates)
    weights = np.ones(treated.size) if weight is None else floats(weight)
    order = np.lexsort((weights, *matrix.T, treated))
    treated, matrix, weights = treated[order], matrix[order], weights[order]

    def mean(arm: np.ndarray) -> Floats:
        average: Floats = (weights[arm, None] * matrix[arm]).sum(axis=0) / weights[arm].sum()
        return average

    spread = np.sqrt((_variance(matrix[treated]) + _variance(matrix[~treated])) / 2.0)
    difference = mean(treated) - mean(~treated)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = difference / spread
    return np.where((spread == 0.0) & (np.abs(difference) < 1e-12), 0.0, ratio)


def effective_sample_size(weight: ArrayLike) -> float:
    """(sum w)^2 / sum w^2 (Kish 1965); 0 without patients."""
    weights = np.sort(floats(weight))
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.size and weights.any() else 0.0


def _variance(matrix: Floats) -> Floats:
    if matrix.shape[0] < 2:
        return np.zeros(matrix.shape[1])
    variance: Floats = matrix.var(axis=0, ddof=1)
    return variance

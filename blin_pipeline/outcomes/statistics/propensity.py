"""Propensity of exposure: logistic regression by maximum likelihood, no penalty (Rosenbaum and Rubin, Biometrika 1983).

Agrees with R: ``glm(exposed ~ x, family = binomial)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import (
    NotEstimableError,
    columns,
    cross_product,
    flags,
    floats,
    linear_predictor,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Floats

_STEPS = 60


class Propensity(NamedTuple):
    """A fitted model: intercept first.

    Attributes:
        coefficient: Log odds ratios, the intercept first.
        covariance: Inverse information.
        score: Fitted probability of exposure, in the order of the rows given.
    """

    coefficient: Floats
    covariance: Floats
    score: Floats


def fit_propensity(exposed: ArrayLike, covariates: ArrayLike, weight: ArrayLike | None = None) -> Propensity:
    """Probability of exposure given covariates.

    Args:
        exposed: True for the exposed.
        covariates: One column per term, all known before the exposure.
        weight: Frequency of each row (for the bootstrap); None for 1.

    Raises:
        NotEstimableError: When one arm is empty, terms are collinear, or a term separates the arms (no overlap).
    """
    treated, matrix = flags(exposed), columns(covariates)
    counts = np.ones(treated.size) if weight is None else floats(weight)
    if not (counts[treated].sum() > 0 and counts[~treated].sum() > 0):
        raise NotEstimableError("one arm is empty")
    order = np.lexsort((counts, *matrix.T, treated))
    used, y = counts[order], treated[order].astype(np.float64)
    total = used.sum()
    centre = (used[:, None] * matrix[order]).sum(axis=0) / total
    scale = np.sqrt((used[:, None] * (matrix[order] - centre) ** 2).sum(axis=0) / total)
    if np.any(scale <= 1e-12):
        raise NotEstimableError("a term has one value only")
    design = np.concatenate((np.ones((y.size, 1)), (matrix[order] - centre) / scale), axis=1)
    coefficient = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        probability = 1.0 / (1.0 + np.exp(-linear_predictor(design, coefficient)))
        information = cross_product(design, (used * probability * (1.0 - probability))[:, None] * design)
        values = np.linalg.eigvalsh(information)
        if not values[0] > 1e-11 * max(values[-1], 1.0):
            raise NotEstimableError("terms that cannot be told apart, or that separate the arms")
        step = np.linalg.solve(information, (design * (used * (y - probability))[:, None]).sum(axis=0))
        coefficient = coefficient + step
        if np.max(np.abs(step)) < 1e-11 * max(1.0, float(np.max(np.abs(coefficient)))):
            back = np.diag(np.concatenate(([1.0], 1.0 / scale)))
            back[0, 1:] = -centre / scale
            score = np.empty(y.size)
            score[order] = 1.0 / (1.0 + np.exp(-linear_predictor(design, coefficient)))
            covariance = np.linalg.inv(information)
            return Propensity(back @ coefficient, back @ covariance @ back.T, score)
    raise NotEstimableError("a term separates the arms: no overlap")

"""Cox regression: strata, weights, delayed entry, time-varying covariates, cluster-robust errors.

Agrees with R: ``coxph(Surv(start, stop, event) ~ x + strata(s), weights, cluster, ties = "efron")``. lifelines stops
1e-6 before the maximum, its robust errors differ where rows have entry times, and its time-varying model has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from blin_pipeline.outcomes.statistics.arrays import (
    NotEstimableError,
    cross_product,
    floats,
    summed_by,
)
from blin_pipeline.outcomes.statistics.cox_rows import cumulated, risk_sums, score_and_information
from blin_pipeline.outcomes.statistics.logrank import ChiSquare

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.arrays import Floats
    from blin_pipeline.outcomes.statistics.cox_rows import CoxRows, RiskSums

_STEPS = 60
_CONVERGED = 1e-10
#: Share of the largest eigenvalue below which an information is taken as singular.
_SINGULAR = 1e-11
#: A direction whose information falls to this share of what it was at zero has no maximum: it decays without end.
_VANISHED = 1e-6


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted model.

    Attributes:
        coefficient: Log hazard ratios, one per covariate.
        covariance: Inverse information.
        log_likelihood: At the estimate.
        log_likelihood_null: At zero.
        score_test: Score test of all coefficients.
        n: Rows of the model.
        n_event: Events.
    """

    coefficient: Floats
    covariance: Floats
    log_likelihood: float
    log_likelihood_null: float
    score_test: ChiSquare
    n: int
    n_event: int

    @property
    def std_err(self) -> Floats:
        """Model-based standard errors."""
        errors: Floats = np.sqrt(np.diag(self.covariance))
        return errors


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """A hazard ratio with its limits (normal on the log scale) and Wald test; ``std_err`` is that of its logarithm."""

    value: float
    lower: float
    upper: float
    std_err: float
    p_value: float


def fit_cox(rows: CoxRows) -> CoxFit:
    """Maximum of the partial likelihood by Newton's steps, halved while they lead downwards.

    Raises:
        NotEstimableError: When covariates are collinear, or a coefficient grows without end (a group without events,
            or perfectly separated).
    """
    from scipy.special import chdtrc

    coefficient = np.zeros(rows.covariates.shape[1])
    sums = risk_sums(rows, coefficient)
    score, information = score_and_information(rows, sums)
    at_zero = information
    if _condition(information, float(rows.mean_weight.sum())) < _SINGULAR:
        raise NotEstimableError("covariates that cannot be told apart, or never differ among those at risk")
    null, first = sums.log_likelihood, float(np.sum(score * np.linalg.solve(information, score)))
    for _ in range(_STEPS):
        step, tried = _uphill(rows, coefficient, floats(np.linalg.solve(information, score)), sums)
        coefficient, sums = coefficient + step, tried
        score, information = score_and_information(rows, sums)
        if _remaining(information, at_zero) < _VANISHED:
            break
        if np.max(np.abs(step)) < _CONVERGED * max(1.0, float(np.max(np.abs(coefficient)))):
            covariance = np.linalg.inv(information) / np.outer(rows.scale, rows.scale)
            size = coefficient.size
            test = ChiSquare(first, size, float(chdtrc(size, first)))
            n = rows.stop.size
            return CoxFit(coefficient / rows.scale, covariance, sums.log_likelihood, null, test, n, rows.n_event)
    raise NotEstimableError("a coefficient grows without end: events lie on one side of a covariate only")


def _uphill(rows: CoxRows, coefficient: Floats, step: Floats, before: RiskSums) -> tuple[Floats, RiskSums]:
    """The step, halved until the likelihood does not fall."""
    slack = 1e-12 * abs(before.log_likelihood)
    for _ in range(30):
        tried = risk_sums(rows, coefficient + step)
        if np.isfinite(tried.log_likelihood) and tried.log_likelihood >= before.log_likelihood - slack:
            return step, tried
        step = step / 2.0
    return step, tried


def are_told_apart(rows: CoxRows) -> bool:
    """Whether no covariate is determined by the others, or by the stratum, among those at risk at the events."""
    sums = risk_sums(rows, np.zeros(rows.covariates.shape[1]))
    return _condition(score_and_information(rows, sums)[1], float(rows.mean_weight.sum())) >= _SINGULAR


def _condition(information: Floats, events: float) -> float:
    """Smallest eigenvalue over the largest, or over the weighted events (of the order of the largest); 0 when not finite."""
    if not np.all(np.isfinite(information)):
        return 0.0
    values = np.linalg.eigvalsh(information)
    return float(values[0] / max(float(values[-1]), events))


def _remaining(information: Floats, at_zero: Floats) -> float:
    """Smallest share, over all directions, of the information at zero that is left."""
    if not np.all(np.isfinite(information)):
        return 0.0
    root = np.linalg.inv(np.linalg.cholesky(at_zero))
    return float(np.linalg.eigvalsh(root @ information @ root.T)[0])


def score_residuals(rows: CoxRows, fit: CoxFit) -> Floats:
    """Score residuals of the rows in their sorted order, on the original scale (Therneau and Grambsch, section 4.2).

    With Efron's ties, an event of d on one day is at risk for the k-th of them with weight 1 - k / d, and leaves with
    the mean of their risk sets.
    """
    coefficient = fit.coefficient * rows.scale
    sums = risk_sums(rows, coefficient)
    hazard = rows.mean_weight / sums.total
    by_time = summed_by(
        rows.group, np.concatenate((hazard[:, None], hazard[:, None] * sums.mean), axis=1), rows.n_groups
    )
    exposure = cumulated(rows, by_time)
    tied = rows.fraction * hazard
    spared = summed_by(rows.group, np.concatenate((tied[:, None], tied[:, None] * sums.mean), axis=1), rows.n_groups)
    exposure[rows.event] -= spared[rows.group]
    relative = sums.risk / rows.weight
    residual = -relative[:, None] * (rows.covariates * exposure[:, :1] - exposure[:, 1:])
    deaths = np.bincount(rows.group, minlength=rows.n_groups)
    centre = summed_by(rows.group, sums.mean, rows.n_groups) / deaths[:, None]
    residual[rows.event] += rows.covariates[rows.event] - centre[rows.group]
    scaled: Floats = residual * rows.scale
    return scaled


def robust_covariance(rows: CoxRows, fit: CoxFit) -> Floats:
    """Sandwich covariance over the clusters (Lin and Wei, J Am Stat Assoc 1989); no small-sample factor, as R."""
    weighted = rows.weight[:, None] * score_residuals(rows, fit)
    by_cluster = summed_by(rows.cluster, weighted, int(rows.cluster.max()) + 1)
    changes = np.einsum("ij,jk->ik", by_cluster, fit.covariance, optimize=False)
    return cross_product(changes, changes)


def hazard_ratio(fit: CoxFit, place: int = 0, *, covariance: Floats | None = None, level: float = 0.95) -> HazardRatio:
    """Hazard ratio of one covariate, with the model-based errors or another covariance; infinite beyond the largest number."""
    used = fit.covariance if covariance is None else covariance
    log_ratio, std_err = float(fit.coefficient[place]), float(np.sqrt(used[place, place]))
    half = float(ndtri(0.5 + level / 2)) * std_err
    p_value = float(2.0 * ndtr(-abs(log_ratio) / std_err)) if std_err > 0.0 else 1.0
    with np.errstate(over="ignore"):
        value, lower, upper = np.exp([log_ratio, log_ratio - half, log_ratio + half])
    return HazardRatio(float(value), float(lower), float(upper), std_err, p_value)

"""Cox regression for few events: Firth's penalty keeps every estimate finite (Heinze and Schemper, Biometrics 2001).

The log partial likelihood is maximised with half the log determinant of the information added. Limits and p value are
those of the penalised profile likelihood: Wald's are misleading here. In the tests the maximum is compared with a general
optimiser of R over R's own likelihood and information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError, linear_predictor, summed_by
from blin_pipeline.outcomes.statistics.cox_rows import at_risk_sums, risk_sums, score_and_information

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.arrays import Flags, Floats
    from blin_pipeline.outcomes.statistics.cox_rows import CoxRows

_STEPS = 200
_FARTHEST = 60.0


class FirthFit(NamedTuple):
    """Penalised estimate: log hazard ratios, and the penalised log likelihood at them (on the original scale)."""

    coefficient: Floats
    penalised_log_likelihood: float


class FirthRatio(NamedTuple):
    """Hazard ratio with profile limits (None where the profile never falls far enough) and profile p value."""

    value: float
    lower: float | None
    upper: float | None
    p_value: float


def fit_firth(rows: CoxRows) -> FirthFit:
    """Maximum of the penalised likelihood.

    Raises:
        NotEstimableError: When covariates are collinear.
    """
    free = np.ones(rows.covariates.shape[1], dtype=np.bool_)
    coefficient, value = _maximum(rows, np.zeros(free.size), free)
    return FirthFit(coefficient / rows.scale, value + float(np.sum(np.log(rows.scale))))


def firth_ratio(rows: CoxRows, fit: FirthFit, place: int = 0, *, level: float = 0.95) -> FirthRatio:
    """Hazard ratio of one covariate with its profile interval."""
    best = fit.coefficient * rows.scale
    top = fit.penalised_log_likelihood - float(np.sum(np.log(rows.scale)))
    free = np.ones(best.size, dtype=np.bool_)
    free[place] = False

    def drop(value: float) -> float:
        start = best.copy()
        start[place] = value
        return 2.0 * (top - _maximum(rows, start, free)[1])

    needed = float(chdtri(1, 1.0 - level))

    def limit(direction: float) -> float | None:
        step = 1.0
        while drop(best[place] + direction * step) < needed:
            step *= 2.0
            if step > _FARTHEST:
                return None
        found = brentq(lambda v: drop(v) - needed, best[place], best[place] + direction * step, xtol=1e-10)
        return float(np.exp(found / rows.scale[place]))

    p_value = float(chdtrc(1, max(0.0, drop(0.0))))
    return FirthRatio(float(np.exp(fit.coefficient[place])), limit(-1.0), limit(1.0), p_value)


def _maximum(rows: CoxRows, start: Floats, free: Flags) -> tuple[Floats, float]:
    """Maximum over the free coefficients, by Newton's steps with the information, halved until they lead upwards."""
    coefficient = start.astype(np.float64)
    value, slope, information = _penalised(rows, coefficient)
    for _ in range(_STEPS):
        if not free.any():
            return coefficient, value
        step = np.zeros(coefficient.size)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], slope[free])
        step *= min(1.0, 5.0 / float(np.max(np.abs(step)) or 1.0))
        for _ in range(40):
            tried = _penalised(rows, coefficient + step)
            if tried[0] >= value - 1e-13 * abs(value):
                break
            step = step / 2.0
        coefficient, (value, slope, information) = coefficient + step, tried
        if float(np.max(np.abs(step))) < 1e-9:
            return coefficient, value
    raise NotEstimableError("the penalised likelihood has no maximum that could be found")


def _penalised(rows: CoxRows, coefficient: Floats) -> tuple[float, Floats, Floats]:
    """Penalised log likelihood, its slope, and the information."""
    sums = risk_sums(rows, coefficient)
    score, information = score_and_information(rows, sums)
    sign, log_determinant = np.linalg.slogdet(information)
    if sign <= 0 or not np.isfinite(log_determinant):
        if not np.any(coefficient):
            raise NotEstimableError("covariates that cannot be told apart, or never differ among those at risk")
        return -np.inf, score, np.eye(score.size)
    inverse = np.linalg.inv(information)
    penalty = np.einsum("jk,jkl->l", inverse, _third_cumulants(rows, coefficient), optimize=False)
    return sums.log_likelihood + 0.5 * float(log_determinant), score + 0.5 * penalty, information


def _third_cumulants(rows: CoxRows, coefficient: Floats) -> Floats:
    """Derivative of the information: third central moments of the covariates over the risk sets, summed over events."""
    x, p = rows.covariates, rows.covariates.shape[1]
    predictor = linear_predictor(x, coefficient)
    risk = rows.weight * np.exp(predictor - predictor.max())
    second = (x[:, :, None] * x[:, None, :]).reshape(-1, p * p)
    third = (second[:, :, None] * x[:, None, :]).reshape(-1, p**3)
    features = risk[:, None] * np.concatenate((np.ones((risk.size, 1)), x, second, third), axis=1)
    dying = summed_by(rows.group, features[rows.event], rows.n_groups)
    sums = at_risk_sums(rows, features)[rows.group] - rows.fraction[:, None] * dying[rows.group]
    moments = sums[:, 1:] / sums[:, :1]
    m1, m2 = moments[:, :p], moments[:, p : p + p * p].reshape(-1, p, p)
    m3 = moments[:, p + p * p :].reshape(-1, p, p, p)
    mixed = m1[:, :, None, None] * m2[:, None]
    central = m3 - mixed - mixed.transpose(0, 2, 1, 3) - mixed.transpose(0, 2, 3, 1)
    central = central + 2.0 * m1[:, :, None, None] * m1[:, None, :, None] * m1[:, None, None, :]
    summed: Floats = (rows.mean_weight[:, None, None, None] * central).sum(axis=0)
    return summed

"""Cox regression for few events: Firth's penalty keeps every estimate finite (Heinze and Schemper, Biometrics 2001).

The log partial likelihood is maximised with half the log determinant of the information added. Limits and p value are
those of the penalised profile likelihood: Wald's are misleading here. In the tests the maximum is compared with a general
optimiser of R over R's own likelihood and information, and maximum and limits with a search without derivatives over a
second writing of the likelihood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError, linear_predictor, summed_by
from blin_pipeline.outcomes.statistics.cox import are_told_apart
from blin_pipeline.outcomes.statistics.cox_rows import at_risk_sums, risk_sums, score_and_information

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.arrays import Flags, Floats
    from blin_pipeline.outcomes.statistics.cox_rows import CoxRows

_STEPS = 100
_HALVINGS = 60
#: Longest step, and farthest estimate or limit: log hazard ratio between the extreme values of a covariate. Beyond it
#: (a ratio of 10^13) sums over risk sets have no digits left.
_LONGEST = 2.0
_FARTHEST = 30.0
_CONVERGED = 1e-8
#: Share of the information below which a curvature is not used.
_FLAT = 0.05
#: Distance of the differences that give the curvature of the penalised likelihood, same scale.
_APART = 1e-4


class FirthFit(NamedTuple):
    """Penalised estimate: log hazard ratios, and the penalised log likelihood at them (on the original scale)."""

    coefficient: Floats
    penalised_log_likelihood: float


class FirthRatio(NamedTuple):
    """Hazard ratio with profile limits and profile p value."""

    value: float
    lower: float
    upper: float
    p_value: float


class _Place(NamedTuple):
    """Penalised log likelihood at a coefficient (minus infinity where it has no digits left), its slope, the information."""

    value: float
    slope: Floats
    information: Floats


def fit_firth(rows: CoxRows) -> FirthFit:
    """Maximum of the penalised likelihood.

    Raises:
        NotEstimableError: When covariates are collinear, or no maximum is found.
    """
    start = np.zeros(rows.covariates.shape[1])
    if not are_told_apart(rows):
        raise NotEstimableError("covariates that cannot be told apart, or never differ among those at risk")
    coefficient, value = _maximum(rows, start, np.ones(start.size, dtype=np.bool_))
    return FirthFit(coefficient / rows.scale, value + float(np.sum(np.log(rows.scale))))


def firth_ratio(rows: CoxRows, fit: FirthFit, place: int = 0, *, level: float = 0.95) -> FirthRatio:
    """Hazard ratio of one covariate with its profile interval.

    Raises:
        NotEstimableError: When the profile cannot be followed to a limit.
    """
    best = fit.coefficient * rows.scale
    top = fit.penalised_log_likelihood - float(np.sum(np.log(rows.scale)))
    others = np.ones(best.size, dtype=np.bool_)
    others[place] = False

    def drop(value: float) -> float:
        start = best.copy()
        start[place] = value
        return 2.0 * (top - _maximum(rows, start, others)[1])

    needed = float(chdtri(1, 1.0 - level))
    spread = float(np.sqrt(needed * np.linalg.inv(_penalised(rows, best).information)[place, place]))
    first = min(spread, _LONGEST / float(_span(rows)[place]))

    def limit(direction: float) -> float:
        inside, outside = best[place], best[place] + direction * first
        while drop(outside) < needed:
            inside, outside = outside, outside + 0.5 * (outside - best[place])
        found = brentq(lambda value: drop(value) - needed, inside, outside, xtol=1e-10)
        return float(np.exp(found / rows.scale[place]))

    p_value = float(chdtrc(1, max(0.0, drop(0.0))))
    return FirthRatio(float(np.exp(fit.coefficient[place])), limit(-1.0), limit(1.0), p_value)


def _maximum(rows: CoxRows, start: Floats, free: Flags) -> tuple[Floats, float]:
    """Maximum over the free coefficients, by Newton's steps of limited length, halved until they lead upwards.

    The curvature is that of the penalised likelihood: where a level is rare it is far from the information, and steps
    with the information overshoot or stand still. Where it is not that of a hill the information takes its place.

    Raises:
        NotEstimableError: When no maximum is found within reach.
    """
    span = _span(rows)
    coefficient, here = start.astype(np.float64), _penalised(rows, start)
    for _ in range(_STEPS):
        if not np.isfinite(here.value) or float(np.max(np.abs(coefficient * span))) > _FARTHEST:
            break
        if not free.any():
            return coefficient, here.value
        step = _newton(rows, coefficient, here, free, span)
        for _ in range(_HALVINGS):
            tried = _penalised(rows, coefficient + step)
            if tried.value >= here.value - 1e-13 * abs(here.value):
                break
            step = step / 2.0
        else:
            break
        coefficient, here = coefficient + step, tried
        if float(np.max(np.abs(step * span))) < _CONVERGED:
            return coefficient, here.value
    raise NotEstimableError("the penalised likelihood has no maximum that could be found")


def _newton(rows: CoxRows, coefficient: Floats, here: _Place, free: Flags, span: Floats) -> Floats:
    """Newton's step of the free coefficients, of limited length."""
    step = np.zeros(coefficient.size)
    try:
        step[free] = np.linalg.solve(_curvature(rows, coefficient, here, free, span), here.slope[free])
    except np.linalg.LinAlgError:
        raise NotEstimableError("the penalised likelihood has no maximum that could be found") from None
    return step * min(1.0, _LONGEST / (float(np.max(np.abs(step * span))) or 1.0))


def _curvature(rows: CoxRows, coefficient: Floats, here: _Place, free: Flags, span: Floats) -> Floats:
    """Minus the second derivative of the penalised likelihood in the free coefficients, from differences of its slope."""
    columns = []
    for place in np.flatnonzero(free):
        shift = np.zeros(coefficient.size)
        shift[place] = _APART / span[place]
        before, after = _penalised(rows, coefficient - shift).slope, _penalised(rows, coefficient + shift).slope
        columns.append((before - after)[free] / (2.0 * shift[place]))
    curvature, information = np.array(columns), here.information[np.ix_(free, free)]
    if not np.all(np.isfinite(curvature)):
        return information
    curvature = (curvature + curvature.T) / 2.0
    root = np.linalg.inv(np.linalg.cholesky(information))
    is_hill = float(np.linalg.eigvalsh(root @ curvature @ root.T)[0]) > _FLAT
    return curvature if is_hill else information


def _span(rows: CoxRows) -> Floats:
    """Distance between the extreme values of each covariate, scaled as the rows are."""
    span: Floats = np.ptp(rows.covariates, axis=0)
    return span


def _penalised(rows: CoxRows, coefficient: Floats) -> _Place:
    """Penalised log likelihood, its slope, and the information."""
    with np.errstate(all="ignore"):
        sums = risk_sums(rows, coefficient)
        score, information = score_and_information(rows, sums)
    nowhere = _Place(-np.inf, np.full(score.size, np.nan), information)
    if not (np.all(sums.total > 0.0) and np.all(np.isfinite(information))):
        return nowhere
    sign, log_determinant = np.linalg.slogdet(information)
    if sign <= 0 or np.linalg.eigvalsh(information)[0] <= 0.0:
        return nowhere
    inverse = np.linalg.inv(information)
    penalty = np.einsum("jk,jkl->l", inverse, _third_cumulants(rows, coefficient), optimize=False)
    return _Place(sums.log_likelihood + 0.5 * float(log_determinant), score + 0.5 * penalty, information)


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

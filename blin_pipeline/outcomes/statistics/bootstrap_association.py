"""Bootstrap of a weighted hazard ratio: every sample fits its own propensity model, weights and Cox model, all at once.

The samples are the first axis of every array, so a thousand of them cost a few matrix operations per step. The Cox model
has one covariate, the exposure, with Efron's ties over the drawn copies of patients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import columns, flags, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Flags, Floats

_STEPS = 30
_FARTHEST = 15.0


def bootstrap_overlap_hazard_ratio(
    time: ArrayLike, event: ArrayLike, exposed: ArrayLike, covariates: ArrayLike, counts: Counts
) -> Floats:
    """Log hazard ratio with overlap weights in every sample; NaN where a sample has no estimate.

    Args:
        time: Days to event or censoring.
        event: True for an event.
        exposed: True for the exposed.
        covariates: Terms of the propensity model.
        counts: Draws, shape (samples, patients).
    """
    treated = flags(exposed)
    score, fitted = _propensity(treated, columns(covariates), counts.astype(np.float64))
    weight = np.where(treated, 1.0 - score, score)
    ratio = _cox(floats(time), flags(event), treated, weight, counts)
    ratio[~fitted] = np.nan
    return ratio


def _propensity(treated: Flags, matrix: Floats, counts: Floats) -> tuple[Floats, Flags]:
    """Fitted propensities of all samples, and which samples have a fit (both arms there, no separation)."""
    spread = matrix.std(axis=0)
    design = np.concatenate(
        (np.ones((treated.size, 1)), (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1)), axis=1
    )
    p = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(-1, p * p)
    coefficient = np.zeros((counts.shape[0], p))
    fitted = np.zeros(counts.shape[0], dtype=np.bool_)
    for _ in range(_STEPS):
        probability = 1.0 / (
            1.0 + np.exp(-np.clip(np.einsum("bp,np->bn", coefficient, design, optimize=False), -500, 500))
        )
        information = np.einsum("bn,nq->bq", counts * probability * (1 - probability), products, optimize=False)
        information = information.reshape(-1, p, p)
        values = np.linalg.eigvalsh(information)
        solvable = values[:, 0] > 1e-9 * np.maximum(values[:, -1], 1.0)
        information[~solvable] = np.eye(p)
        slope = np.einsum("bn,np->bp", counts * (treated - probability), design, optimize=False)
        step = np.linalg.solve(information, slope[:, :, None])[:, :, 0]
        step[~solvable] = 0.0
        fitted = solvable & (np.abs(step).max(axis=1) < 1e-8)
        coefficient = np.clip(coefficient + step, -50.0, 50.0)
        if np.all(fitted | ~solvable):
            break
    probability = 1.0 / (1.0 + np.exp(-np.clip(np.einsum("bp,np->bn", coefficient, design, optimize=False), -500, 500)))
    return probability, fitted


def _cox(time: Floats, event: Flags, treated: Flags, weight: Floats, counts: Counts) -> Floats:
    """Log hazard ratios of the exposure; NaN where an arm has no event or the estimate runs away."""
    order = np.lexsort((treated, ~event, time))
    time, event, treated, weight, counts = time[order], event[order], treated[order], weight[:, order], counts[:, order]
    mass = weight * counts
    days, first = np.unique(time[event]), np.searchsorted(time, np.unique(time[event]), side="left")
    dying = (time[:, None] == days[None, :]) & event[:, None]
    deaths = counts @ dying.astype(np.int64)
    arms = []
    for arm in (treated, ~treated):
        inside = mass * arm
        at_risk = np.cumsum(inside[:, ::-1], axis=1)[:, ::-1][:, first]
        arms.append((at_risk, np.einsum("bn,ng->bg", inside, dying.astype(np.float64), optimize=False)))
    (risk_1, dead_1), (risk_0, dead_0) = arms
    mean_weight = (dead_1 + dead_0) / np.maximum(deaths, 1)
    ratio = np.zeros(counts.shape[0])
    both = (dead_1.sum(axis=1) > 0) & (dead_0.sum(axis=1) > 0)
    for _ in range(_STEPS):
        relative = np.exp(ratio)[:, None]
        slope, information = dead_1.sum(axis=1), np.zeros(counts.shape[0])
        for place in range(int(deaths.max()) if deaths.size else 0):
            counted = place < deaths
            fraction = place / np.maximum(deaths, 1)
            own = relative * (risk_1 - fraction * dead_1)
            total = own + risk_0 - fraction * dead_0
            share = np.where(counted & (total > 0), own / np.where(total > 0, total, 1.0), 0.0)
            factor = np.where(counted, mean_weight, 0.0)
            slope = slope - (factor * share).sum(axis=1)
            information = information + (factor * share * (1.0 - share)).sum(axis=1)
        step = np.where(both & (information > 1e-12), slope / np.where(information > 1e-12, information, 1.0), 0.0)
        ratio = np.clip(ratio + np.clip(step, -2.0, 2.0), -2 * _FARTHEST, 2 * _FARTHEST)
        if float(np.max(np.abs(step), initial=0.0)) < 1e-9:
            break
    ratio[~both | (np.abs(ratio) > _FARTHEST)] = np.nan
    return ratio

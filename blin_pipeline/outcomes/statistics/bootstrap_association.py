"""Bootstrap of a weighted hazard ratio: every sample has its own patients with counterparts, propensity, weights and Cox model.

The samples are the first axis of every array, so a thousand of them cost a few matrix operations per step. The Cox model
has one covariate, the exposure, with Efron's ties over the drawn copies of patients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import codes, columns, flags, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Flags, Floats

_STEPS = 30
_FARTHEST = 15.0
#: Information below which the arms were never at risk together at an event.
_NOTHING = 1e-12


def bootstrap_overlap_hazard_ratio(
    time: ArrayLike,
    event: ArrayLike,
    exposed: ArrayLike,
    covariates: ArrayLike,
    counts: Counts,
    *,
    stratum: ArrayLike | None = None,
    levels: ArrayLike | None = None,
) -> Floats:
    """Log hazard ratio with overlap weights in every sample; NaN where a sample has no estimate.

    Args:
        time: Days to event or censoring.
        event: True for an event.
        exposed: True for the exposed.
        covariates: Terms of the propensity model.
        counts: Draws, shape (samples, patients).
        stratum: Label; each stratum has its own baseline hazard in the Cox model.
        levels: One column per level of the categorical terms, 1 where a patient has it. A patient with a level that a
            sample holds in one arm only has no counterpart and is left out of that sample.
    """
    treated, drawn = flags(exposed), counts
    if levels is not None:
        drawn = _with_counterparts(treated, flags(levels), counts)
    score, fitted = _propensity(treated, columns(covariates), drawn.astype(np.float64))
    weight = np.where(treated, 1.0 - score, score)
    ratio = _cox(floats(time), flags(event), treated, weight, drawn, codes(stratum, treated.size))
    ratio[~fitted] = np.nan
    return ratio


def _with_counterparts(treated: Flags, levels: Flags, counts: Counts) -> Counts:
    """The draws without patients whose level is in one arm of the sample only, until no such level is left."""
    has = levels.astype(np.int64)
    while True:
        present = counts > 0
        arms = [present[:, arm].astype(np.int64) @ has[arm] > 0 for arm in (treated, ~treated)]
        alone = present & ((arms[0] != arms[1]).astype(np.int64) @ has.T > 0)
        if not alone.any():
            return counts
        counts = np.where(alone, 0, counts)


def _propensity(treated: Flags, matrix: Floats, counts: Floats) -> tuple[Floats, Flags]:
    """Fitted propensities of all samples, and which samples have a fit (both arms there, no separation)."""
    spread = matrix.std(axis=0)
    design = np.concatenate(
        (np.ones((treated.size, 1)), (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1)), axis=1
    )
    p = design.shape[1]
    products = (design[:, :, None] * design[:, None, :]).reshape(-1, p * p)
    coefficient = np.zeros((counts.shape[0], p))
    fitted, intact = np.zeros(counts.shape[0], dtype=np.bool_), np.ones(counts.shape[0], dtype=np.bool_)
    rank = None
    for _ in range(_STEPS):
        probability = 1.0 / (
            1.0 + np.exp(-np.clip(np.einsum("bp,np->bn", coefficient, design, optimize=False), -500, 500))
        )
        information = np.einsum("bn,nq->bq", counts * probability * (1 - probability), products, optimize=False)
        values, vectors = np.linalg.eigh(information.reshape(-1, p, p))
        # A direction without information from the start is a term that does not vary in the sample, and changes no fitted
        # value; one that loses it on the way separates the arms.
        usable = values > 1e-9 * np.maximum(values[:, -1:], 1.0)
        rank = usable.sum(axis=1) if rank is None else rank
        intact &= usable.sum(axis=1) == rank
        slope = np.einsum("bn,np->bp", counts * (treated - probability), design, optimize=False)
        along = np.einsum("bpq,bp->bq", vectors, slope, optimize=False) * usable / np.where(usable, values, 1.0)
        step = np.einsum("bpq,bq->bp", vectors, along, optimize=False)
        step[~intact] = 0.0
        fitted = intact & (np.abs(step).max(axis=1) < 1e-8)
        coefficient = np.clip(coefficient + step, -50.0, 50.0)
        if np.all(fitted | ~intact):
            break
    probability = 1.0 / (1.0 + np.exp(-np.clip(np.einsum("bp,np->bn", coefficient, design, optimize=False), -500, 500)))
    return probability, fitted


def _cox(time: Floats, event: Flags, treated: Flags, weight: Floats, counts: Counts, stratum: Counts) -> Floats:
    """Log hazard ratios of the exposure; NaN where an arm has no event, the arms never meet, or the estimate runs away."""
    blocks = [
        _risk_sets(time[here], event[here], treated[here], weight[:, here], counts[:, here])
        for here in (np.flatnonzero(stratum == label) for label in np.unique(stratum[event]))
    ]
    if not blocks:
        return np.full(counts.shape[0], np.nan)
    deaths, risk_1, dead_1, risk_0, dead_0 = (np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True))
    mean_weight = (dead_1 + dead_0) / np.maximum(deaths, 1)
    ratio = np.zeros(counts.shape[0])
    both, information = (dead_1.sum(axis=1) > 0) & (dead_0.sum(axis=1) > 0), np.zeros(counts.shape[0])
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
        known = both & (information > _NOTHING)
        step = np.where(known, slope / np.where(known, information, 1.0), 0.0)
        ratio = np.clip(ratio + np.clip(step, -2.0, 2.0), -2 * _FARTHEST, 2 * _FARTHEST)
        if float(np.max(np.abs(step), initial=0.0)) < 1e-9:
            break
    ratio[~both | (information <= _NOTHING) | (np.abs(ratio) > _FARTHEST)] = np.nan
    return ratio


def _risk_sets(time: Floats, event: Flags, treated: Flags, weight: Floats, counts: Counts) -> tuple[np.ndarray, ...]:
    """Deaths at each event time of a stratum; weight at risk and dying of the exposed, then of the others."""
    order = np.lexsort((treated, ~event, time))
    time, event, treated, weight, counts = time[order], event[order], treated[order], weight[:, order], counts[:, order]
    mass = weight * counts
    days, first = np.unique(time[event]), np.searchsorted(time, np.unique(time[event]), side="left")
    dying = (time[:, None] == days[None, :]) & event[:, None]
    found = [counts @ dying.astype(np.int64)]
    for arm in (treated, ~treated):
        inside = mass * arm
        found.append(np.cumsum(inside[:, ::-1], axis=1)[:, ::-1][:, first])
        found.append(np.einsum("bn,ng->bg", inside, dying.astype(np.float64), optimize=False))
    return tuple(found)

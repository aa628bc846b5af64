"""Rows of a Cox model in counting-process form, sorted and indexed once; sums over risk sets.

Weighted partial likelihood with Efron's ties (Efron, J Am Stat Assoc 1977; Therneau and Grambsch 2000, chapter 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import (
    NotEstimableError,
    codes,
    columns,
    cross_product,
    flags,
    floats,
    linear_predictor,
    summed_by,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Flags, Floats


@dataclass(frozen=True, slots=True)
class CoxRows:
    """Rows at risk in ``(start, stop]``, sorted by stratum, stop and all else they hold.

    Attributes:
        covariates: Centred on the weighted mean, divided by the mean absolute deviation.
        scale: What the covariates were divided by.
        start: Beginning of the row, days; minus infinity for the origin.
        stop: End of the row, days.
        event: Whether the row ends with an event.
        weight: Case weight, above 0.
        cluster: Number of the row's cluster (its own number when none was given).
        enters: Position of the first event time after the row's start (in its stratum).
        leaves: Position after the last event time at or before the row's stop.
        group: Position of the event time of each row with an event, in order.
        fraction: Efron's k / d of those events.
        mean_weight: Mean weight of the events of one time, per event.
        n_groups: Number of distinct event times over strata.
    """

    covariates: Floats
    scale: Floats
    start: Floats
    stop: Floats
    event: Flags
    weight: Floats
    cluster: Counts
    enters: Counts
    leaves: Counts
    group: Counts
    fraction: Floats
    mean_weight: Floats
    n_groups: int

    @property
    def n_event(self) -> int:
        """Rows that end with an event."""
        return int(self.group.size)


class RiskSums(NamedTuple):
    """Sums over the risk set of each event (Efron: of each of the tied events in turn), at one coefficient.

    Attributes:
        risk: Weight times relative hazard, per row.
        total: Sum of ``risk`` over the risk set, per event.
        mean: Weighted mean of the covariates over the risk set, per event.
        log_likelihood: Log partial likelihood.
    """

    risk: Floats
    total: Floats
    mean: Floats
    log_likelihood: float


def cox_rows(
    stop: ArrayLike,
    event: ArrayLike,
    covariates: ArrayLike,
    *,
    start: ArrayLike | None = None,
    stratum: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> CoxRows:
    """Rows of a model; those that are never at risk at an event stay in the count and in nothing else.

    Args:
        stop: Days to event or censoring.
        event: True for an event.
        covariates: One column per coefficient.
        start: Beginning of the row, days (entry, or the change of a covariate); None for the origin.
        stratum: Label; each stratum has its own baseline hazard.
        weight: Case weights; None for 1. Rows of weight 0 are left out.
        cluster: Label of patients or sites whose rows belong together.

    Raises:
        NotEstimableError: Without an event.
    """
    n = floats(stop).size
    matrix, weights = columns(covariates), np.ones(n) if weight is None else floats(weight)
    starts = np.full(n, -np.inf) if start is None else floats(start)
    strata, clusters = codes(stratum, n), np.arange(n) if cluster is None else codes(cluster, n)
    kept = weights > 0.0
    ends, events = floats(stop)[kept], flags(event)[kept]
    matrix, weights, starts = matrix[kept], weights[kept], starts[kept]
    strata, clusters = strata[kept], clusters[kept]
    if not events.any():
        raise NotEstimableError("no event")
    tail = () if cluster is None else (clusters,)
    order = np.lexsort((*tail, weights, *matrix.T, starts, ~events, ends, strata))
    ends, events, matrix, weights = ends[order], events[order], matrix[order], weights[order]
    starts, strata, clusters = starts[order], strata[order], clusters[order]
    if cluster is None:
        clusters = np.arange(ends.size)
    centre = (weights[:, None] * matrix).sum(axis=0) / weights.sum()
    scale = np.abs(matrix - centre).mean(axis=0)
    if np.any(scale <= 1e-12 * np.maximum(1.0, np.abs(centre))):
        raise NotEstimableError("a covariate has one value only")
    enters, leaves, n_groups = _positions(strata, starts, ends, events)
    group = leaves[events] - 1
    deaths = np.bincount(group, minlength=n_groups)
    rank = np.arange(group.size) - (np.cumsum(deaths) - deaths)[group]
    mean_weight = (np.bincount(group, weights=weights[events], minlength=n_groups) / deaths)[group]
    return CoxRows(
        (matrix - centre) / scale,
        scale,
        starts,
        ends,
        events,
        weights,
        clusters,
        enters,
        leaves,
        group,
        rank / deaths[group],
        mean_weight,
        n_groups,
    )


def risk_sums(rows: CoxRows, coefficient: Floats) -> RiskSums:
    """Sums at a coefficient on the scaled covariates."""
    predictor = linear_predictor(rows.covariates, coefficient)
    predictor = predictor - predictor.max()
    risk = rows.weight * np.exp(predictor)
    features = np.concatenate((risk[:, None], risk[:, None] * rows.covariates), axis=1)
    at_risk = at_risk_sums(rows, features)
    dying = summed_by(rows.group, features[rows.event], rows.n_groups)
    sums = at_risk[rows.group] - rows.fraction[:, None] * dying[rows.group]
    total = sums[:, 0]
    own = float(np.sum(rows.weight[rows.event] * predictor[rows.event]))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_likelihood = own - float(np.sum(rows.mean_weight * np.log(total)))
        mean = sums[:, 1:] / total[:, None]
    return RiskSums(risk, total, mean, log_likelihood)


def score_and_information(rows: CoxRows, sums: RiskSums, multiplier: Floats | None = None) -> tuple[Floats, Floats]:
    """First derivative of the log likelihood and minus the second, each event time counted ``multiplier`` times.

    The sum over risk sets of second moments is taken row by row: a row counts with the cumulated hazard of the event
    times at which it was at risk.
    """
    factor = np.ones(rows.n_event) if multiplier is None else multiplier[rows.group]
    own = (factor * rows.weight[rows.event])[:, None] * rows.covariates[rows.event]
    score = own.sum(axis=0) - ((factor * rows.mean_weight)[:, None] * sums.mean).sum(axis=0)
    hazard = factor * rows.mean_weight / sums.total
    exposure = cumulated(rows, summed_by(rows.group, hazard, rows.n_groups))
    dying = summed_by(rows.group, rows.fraction * hazard, rows.n_groups)
    exposure[rows.event] -= dying[rows.group]
    second = cross_product(rows.covariates, (sums.risk * exposure)[:, None] * rows.covariates)
    information = second - cross_product(sums.mean, (factor * rows.mean_weight)[:, None] * sums.mean)
    return score, (information + information.T) / 2.0


def cumulated(rows: CoxRows, per_time: Floats) -> Floats:
    """Sum per row of a quantity of the event times at which the row was at risk."""
    running = np.concatenate((np.zeros((1, *per_time.shape[1:])), np.cumsum(per_time, axis=0)))
    total: Floats = running[rows.leaves] - running[rows.enters]
    return total


def _positions(stratum: Counts, start: Floats, stop: Floats, event: Flags) -> tuple[Counts, Counts, int]:
    """Event times of all strata in one sequence, and where each row enters and leaves it."""
    enters, leaves = np.empty(stop.size, dtype=np.int64), np.empty(stop.size, dtype=np.int64)
    offset = 0
    bounds = np.searchsorted(stratum, np.arange(int(stratum.max()) + 2))
    for first, last in pairwise(bounds):
        days = np.unique(stop[first:last][event[first:last]])
        enters[first:last] = offset + np.searchsorted(days, start[first:last], side="right")
        leaves[first:last] = offset + np.searchsorted(days, stop[first:last], side="right")
        offset += days.size
    return enters, leaves, offset


def at_risk_sums(rows: CoxRows, features: Floats) -> Floats:
    """Sums of the rows at risk at each event time: those that leave after it minus those that enter after it."""
    length = rows.n_groups + 1
    present = rows.leaves > rows.enters
    change = summed_by(rows.leaves[present], features[present], length)
    change -= summed_by(rows.enters[present], features[present], length)
    reverse = np.cumsum(change[::-1], axis=0)[::-1]
    total: Floats = reverse[1:]
    return total

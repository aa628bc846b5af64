"""Score tests of proportional hazards, exact, by covariate and global (Grambsch and Therneau, Biometrika 1994).

Agrees with R since survival 3.0: ``cox.zph(fit, transform)``. A covariate times g(t) is added to the model and tested
at its fit; lifelines has the older approximation without a global test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy.special import chdtrc

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError, floats
from blin_pipeline.outcomes.statistics.cox_rows import risk_sums, score_and_information
from blin_pipeline.outcomes.statistics.logrank import ChiSquare

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.arrays import Floats
    from blin_pipeline.outcomes.statistics.cox import CoxFit
    from blin_pipeline.outcomes.statistics.cox_rows import CoxRows

Transform = Literal["km", "rank", "identity", "log"]


class ProportionalHazards(NamedTuple):
    """One test per covariate and the test of all of them together."""

    each: tuple[ChiSquare, ...]
    together: ChiSquare


def proportional_hazards_test(rows: CoxRows, fit: CoxFit, transform: Transform = "km") -> ProportionalHazards:
    """Test whether coefficients change with g(t).

    Args:
        rows: Rows of the model.
        fit: Its fit.
        transform: g: one minus the left-continuous Kaplan-Meier curve of all rows, the rank of the time, the time, or
            its logarithm.

    Raises:
        NotEstimableError: When g has one value only (all events on one day).
    """
    g = _transformed(rows, transform)[rows.event]
    per_time = np.empty(rows.n_groups)
    per_time[rows.group] = g - g.mean()
    sums = risk_sums(rows, fit.coefficient * rows.scale)
    information = score_and_information(rows, sums)[1]
    score, mixed = score_and_information(rows, sums, per_time)
    square = score_and_information(rows, sums, per_time**2)[1]
    # Efficient information of the added terms, given the fitted ones.
    efficient = square - np.einsum("ij,jk->ik", mixed, np.linalg.solve(information, mixed), optimize=False)
    if np.any(np.diag(efficient) <= 1e-12 * np.maximum(np.diag(information), 1e-300)):
        raise NotEstimableError("all events at one time")
    return ProportionalHazards(
        tuple(_one(score, mixed, square, information, place) for place in range(score.size)),
        _test(score, efficient),
    )


def _one(score: Floats, mixed: Floats, square: Floats, information: Floats, place: int) -> ChiSquare:
    column = mixed[:, place]
    left = square[place, place] - float(np.sum(column * np.linalg.solve(information, column)))
    return _test(score[place : place + 1], np.array([[left]]))


def _test(score: Floats, information: Floats) -> ChiSquare:
    try:
        statistic = float(np.sum(score * np.linalg.solve(information, score)))
    except np.linalg.LinAlgError:
        raise NotEstimableError("too few event times for a test of proportional hazards") from None
    return ChiSquare(statistic, score.size, float(chdtrc(score.size, statistic)))


def _transformed(rows: CoxRows, transform: Transform) -> Floats:
    """Value of g at each row's end."""
    if transform == "identity":
        return rows.stop
    if transform == "log":
        return np.log(rows.stop)
    if transform == "rank":
        from scipy.stats import rankdata

        return floats(rankdata(rows.stop))
    days = np.unique(rows.stop)
    stops = np.sort(rows.stop)
    at_risk = np.searchsorted(np.sort(rows.start), days, side="left") - np.searchsorted(stops, days, side="left")
    died = np.bincount(np.searchsorted(days, rows.stop[rows.event]), minlength=days.size)
    survival = np.concatenate(([1.0], np.cumprod(1.0 - died / at_risk)))
    left: Floats = 1.0 - survival[np.searchsorted(days, rows.stop, side="left")]
    return left

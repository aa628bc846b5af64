"""Curves by an exposure that begins during follow-up (Simon and Makuch, Stat Med 1984).

A patient is at risk among the not exposed until the change and among the exposed after it, so that no time before the
exposure counts for it. Agrees with R: ``survfit(Surv(start, stop, event) ~ exposed)`` on ``tmerge`` rows. The curve of
the exposed is no survival of a group of people; it starts where enough are exposed and is conditional on that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import flags, floats
from blin_pipeline.outcomes.statistics.kaplan_meier import SurvivalCurve, kaplan_meier
from blin_pipeline.outcomes.statistics.risk_sets import Cohort, conditional_start, make_cohort

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Flags


@dataclass(frozen=True, slots=True)
class ExtendedCurve:
    """One of the curves.

    Attributes:
        cohort: Rows at risk of this exposure.
        curve: Its curve; None when never ``minimum`` are at risk together.
        start: Day on which it begins; None as above.
        left_out: Rows that end before the start.
    """

    cohort: Cohort | None
    curve: SurvivalCurve | None
    start: float | None
    left_out: int


def extended_kaplan_meier(
    start: ArrayLike, stop: ArrayLike, event: ArrayLike, exposed: ArrayLike, *, minimum: int = 1, level: float = 0.95
) -> tuple[ExtendedCurve, ExtendedCurve]:
    """Curves of the rows not exposed and exposed.

    Args:
        start: Beginning of the row, days.
        stop: End of the row.
        event: Whether it ends with an event.
        exposed: Whether the row is exposed.
        minimum: Rows at risk with which a curve may begin.
        level: Coverage of the limits.
    """
    among = flags(exposed)
    return _curve(start, stop, event, ~among, minimum, level), _curve(start, stop, event, among, minimum, level)


def _curve(
    start: ArrayLike, stop: ArrayLike, event: ArrayLike, chosen: Flags, minimum: int, level: float
) -> ExtendedCurve:
    starts, stops, events = floats(start)[chosen], floats(stop)[chosen], flags(event)[chosen]
    begins = conditional_start(stops, events, starts, minimum) if stops.size else None
    if begins is None:
        return ExtendedCurve(None, None, None, int(np.count_nonzero(chosen)))
    cohort = make_cohort(stops, events, starts, start=begins)
    return ExtendedCurve(cohort, kaplan_meier(cohort, level), begins, int(stops.size - cohort.n))

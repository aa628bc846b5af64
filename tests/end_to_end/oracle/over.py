"""Whether an infusion is over although nobody wrote when (clinical specification 3: only an ongoing one runs to the cut).

Readings where the text leaves room: the site's word (completed, stopped early), a reason why a segment ended, a stop on the form,
and a later cycle each say that it is over. Stopped early by death is the one stop that the date of death tells.
A cycle called ongoing whose segments all have a stop is paused: it has not ended, unless its last segment was the planned end or
a permanent stop.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from .records import Row

ONGOING = 1
PLANNED_END, PERMANENT_STOP = 1, 12


def is_over(cycle: Row, began: datetime | None, others: Iterable[datetime | None], *, died: bool) -> bool:
    """By the form of the cycle, or because another cycle began after it."""
    status = cycle.get("bc_status")
    if status == 2 or (status == 3 and not (died and cycle.get("bc_stop_reason") == 6)):
        return True
    return began is not None and any(other is not None and other > began for other in others)


def is_paused(cycle: Row, last: Row, *, cycle_over: bool, died: bool) -> bool:
    """A cycle whose last segment has its stop, while its form says ongoing and nothing that it is over."""
    ended = last.get("sg_end_reason") in (PLANNED_END, PERMANENT_STOP) or cycle.get("bc_end") is not None
    return cycle.get("bc_status") == ONGOING and not (ended or cycle_over or died)


def is_ended(segment: Row, cycle: Row, *, cycle_over: bool) -> bool:
    """A segment without a stop, the last one of its cycle, after the stop of the form if that has one."""
    return cycle_over or segment.get("sg_end_reason") is not None or cycle.get("bc_end") is not None

"""How long before a response assessment blinatumomab was given (data model 2.8): day by day."""

from __future__ import annotations

from datetime import date, timedelta

from .cycle_story import Told, told
from .infusion import Clock
from .records import Record


def since_blinatumomab(record: Record, clock: Clock) -> dict[int, tuple[int | None, int | None]]:
    """Instance of an assessment -> (days since the end of the last cycle begun by then, days since blinatumomab last ran).

    The calendar days of every stretch are marked; an assessment looks back to the last marked one.
    """
    cycles = [item for item in told(record, clock) if item.started and item.start is not None]
    found: dict[int, tuple[int | None, int | None]] = {}
    for at, row in record.dated("response", "ra_date"):
        begun = [item for item in cycles if item.start is not None and item.start <= at]
        latest = max(begun, key=lambda item: (item.start, item.overall), default=None)
        since = None if latest is None or latest.end is None else max((at - latest.end).days, 0)
        marked = set().union(*(_days_on(item, clock, at) for item in begun))
        # Nothing is known of the latest cycle: the days of earlier ones do not answer, unless it ran today.
        known = latest is not None and (bool(_days_on(latest, clock, at)) or at in marked)
        found[int(str(row["instance"]))] = (since, (at - max(marked)).days if known else None)
    return found


def _days_on(item: Told, clock: Clock, at: date) -> set[date]:
    """Days up to an assessment on which a cycle is known to have run; of an upper bound only its last one is known."""
    days: set[date] = set()
    for stretch in item.exposure.stretches or []:
        first, last = (clock.local_day(minute, item.exposure.whole_days) for minute in (stretch.start, stretch.stop))
        days |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    if not days and item.end is not None:
        days = {item.end}
    return {one for one in days if one <= at}

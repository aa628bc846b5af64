"""What was given and tested: started blinatumomab cycles with their days, and MRD by flow as the specification reads it."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from .course import course
from .exposure import cycle_over, cycles
from .over import is_ended, is_paused
from .records import Record, Row, day, remembered
from .recurrence import recurrence

MRD_CUTOFF = 1e-4
#: Percent on the international scale of BCR::ABL1.
LOW_PERCENT_IS = 0.01
_PER_UNIT = {1: 100.0, 2: 1_000_000.0, 4: 1.0}


class Given(NamedTuple):
    """A started blinatumomab cycle: first day, last day (None while unknown), infused days (None while unknown).

    Frontline is before relapse, refractory disease and MRD recurrence; the first two alone make a cycle salvage.
    """

    start: date
    stop: date | None
    days: float | None
    is_frontline: bool
    is_before_progression: bool
    instance: int


@remembered
def flow_results(record: Record) -> list[tuple[date, str, int, int]]:
    """Results by flow that say something: (day, NEG, POS or UNVERIFIED, marrow before blood, instance)."""
    found = []
    for at, row in record.dated("mrd", "mr_date"):
        if row.get("mr_method") != 1:
            continue
        reading = _reading(row)
        if reading is not None:
            instance = row["instance"]
            found.append((at, reading, {1: 1, 2: 2}.get(row.get("mr_source"), 3), int(str(instance))))
    return found


def _reading(row: Row) -> str | None:
    result, value, unit = row.get("mr_result"), row.get("mr_value"), row.get("mr_unit")
    level = value / _PER_UNIT[unit] if isinstance(value, (int, float)) and unit in _PER_UNIT else None
    if result == 0 and unit == 3 and isinstance(value, (int, float)) and value >= LOW_PERCENT_IS:
        return None
    deep = row.get("mr_sens") in (1, 2, 3)
    if result == 2:
        return "POS"
    if result == 1:
        return "NEG" if level is not None and level < MRD_CUTOFF and deep else "POS"
    if result == 0 and not (level is not None and level >= MRD_CUTOFF):
        return "NEG" if deep else "UNVERIFIED"
    return None


def _place(number: object) -> float:
    return number if isinstance(number, (int, float)) else float("inf")


@remembered
def given_cycles(record: Record) -> list[Given]:
    """Started cycles in order of start; a cycle with unknown last day ends at the latest with the next start."""
    dates = course(record)
    measured = cycles(record)
    back = recurrence(record)
    found = []
    for row in record.rows("blin_cycle"):
        cycle = measured.get((int(str(row.get("bc_number"))), int(str(row["instance"]))))
        if cycle is None or not cycle.started:
            continue
        start, stop, is_known = days_of(record, row, dates.death)
        if start is None:
            continue
        progressed = min((at for at in (dates.relapse, dates.refractory) if at is not None), default=date.max)
        is_frontline = start < progressed and (back is None or start < back)
        days = cycle.delivered_days if is_known else None
        found.append(Given(start, stop, days, is_frontline, start < progressed, int(str(row["instance"]))))
    # Of one day in the order of the site's numbers.
    numbers = {int(str(row["instance"])): row.get("bc_number") for row in record.rows("blin_cycle")}
    found.sort(key=lambda one: (one.start, _place(numbers[one.instance]), one.instance))
    following = [*(one.start for one in found[1:]), None][: len(found)]
    return [
        one._replace(stop=one.stop if one.stop is not None else after)
        for one, after in zip(found, following, strict=True)
    ]


def days_of(record: Record, row: Row, death: date | None) -> tuple[date | None, date | None, bool]:
    """First day, last day (no later than followed) and whether the true last day is known."""
    limit = min(at for at in (death, record.last_day) if at is not None)
    own = [
        segment
        for segment in record.rows("blin_segment")
        if segment.get("sg_cycle") == row.get("bc_number")
        and (first := day(segment, "sg_start")) is not None
        and first <= record.last_day
        and not (segment.get("sg_end") is not None and str(segment["sg_end"]) <= str(segment["sg_start"]))
    ]
    source = own or [row]
    prefix = "sg" if own else "bc"
    start = min(at for segment in source if (at := day(segment, f"{prefix}_start")) is not None)
    own_start, own_end = row.get("bc_start"), row.get("bc_end")
    form_start = day(row, "bc_start")
    usable = form_start is not None and form_start <= limit and not (own_end and str(own_end) <= str(own_start))
    if usable and form_start is not None and start < form_start:
        start = form_start
    newest = max(source, key=lambda segment: str(segment[f"{prefix}_start"]))
    stops = [at for segment in source if (at := day(segment, f"{prefix}_end")) is not None]
    if day(newest, f"{prefix}_end") is None:
        over = cycle_over(record, row)
        finished = is_ended(newest, row, cycle_over=over) if own else over
        return start, None if finished else limit, False
    last = max(stops)
    paused = bool(own) and is_paused(row, newest, cycle_over=cycle_over(record, row), died=death is not None)
    return start, min(last, limit), (last <= limit or limit == death) and not paused

"""Find a cycle that can be rewritten, and rewrite its infusion; shared by the edge cases and the faults of infusion."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from blin_pipeline.sandbox.synthetic.entries import Draft, Entry
from blin_pipeline.sandbox.synthetic.infusion import MCG_DAY
from blin_pipeline.sandbox.synthetic.planting import (
    World,
    day_of,
    edit,
    living_treated,
)


class Piece(NamedTuple):
    """A stretch of infusion for a rewritten cycle: minutes of infusion, then minutes of pause, the rate and why it ended."""

    infused: int
    pause: int
    rate: float
    reason: int


DAY, HOUR = 24 * 60, 60


_SPAN_DAYS = 46


def last_cycle(draft: Draft) -> Entry:
    """The latest cycle of the record."""
    return max(draft.entries("blin_cycle"), key=lambda entry: str(entry.values["bc_number"]))


def roomy_cycle(draft: Draft, world: World) -> bool:
    """The last cycle was completed and 46 days after its start nothing else had happened; weight in the usual band."""
    if not living_treated(draft, world) or not draft.entries("blin_cycle"):
        return False
    cycle = last_cycle(draft)
    start = cycle.day("bc_start")
    if start is None or cycle.values["bc_status"] != 2 or "bc_bsa" in cycle.values:
        return False
    end = start + timedelta(days=_SPAN_DAYS)
    later = [entry.day("hc_date") for entry in draft.entries("hct")] + [
        entry.day("rl_date") for entry in draft.entries("relapse")
    ]
    quiet = all(day is None or day > end or day < start for day in later)
    return quiet and draft.journey.date(draft.journey.seen_until) > end


def zoned(draft: Draft, world: World) -> bool:
    """The centre's zone changes its clocks."""
    del world
    return draft.journey.site.fact.time_zone in {
        "America/Chicago",
        "America/New_York",
        "America/Denver",
        "America/Los_Angeles",
    }


def steady_clock(draft: Draft, world: World) -> bool:
    """No clock change of the United States falls within 46 days of the last cycle's start."""
    del world
    start = day_of(last_cycle(draft), "bc_start")
    return not any(start <= change <= start + timedelta(days=_SPAN_DAYS) for change in (*SPRING, *AUTUMN))


#: Sundays of clock changes in the United States.
SPRING = (date(2024, 3, 10), date(2025, 3, 9), date(2026, 3, 8))


AUTUMN = (date(2023, 11, 5), date(2024, 11, 3), date(2025, 11, 2), date(2026, 11, 1))


def rewrite(
    draft: Draft, cycle: Entry, pieces: list[Piece], *, start: datetime | None = None, step: bool = False
) -> list[Entry]:
    """Replace a cycle's infusion by these pieces, laid out on the clock without regard to clock changes."""
    number = cycle.values["bc_number"]
    draft.forms["blin_segment"] = [
        entry for entry in draft.entries("blin_segment") if entry.values["sg_cycle"] != number
    ]
    now = start or cycle.moment("bc_start")
    edit(cycle, bc_start=now)
    added = []
    for piece in pieces:
        stop = now + timedelta(minutes=piece.infused)
        added.append(add_segment(draft, cycle, now, stop, piece.rate, piece.reason))
        now = stop + timedelta(minutes=piece.pause)
    interrupted = any(piece.pause >= 4 * HOUR for piece in pieces)
    edit(
        cycle,
        bc_end=added[-1].values["sg_end"],
        bc_time_known=1,
        bc_status=2,
        bc_stop_reason=None,
        bc_step=1 if step else 0,
        bc_interrupted=1 if interrupted else 0,
    )
    return added


def add_segment(
    draft: Draft, cycle: Entry, start: datetime, stop: datetime, rate: float, reason: int, unit: int = MCG_DAY
) -> Entry:
    """Append one segment to a cycle."""
    return draft.add(
        "blin_segment",
        {
            "sg_cycle": cycle.values["bc_number"],
            "sg_start": start,
            "sg_end": stop,
            "sg_rate": rate,
            "sg_rate_unit": unit,
            "sg_end_reason": reason,
        },
    )


def cycle_over(draft: Draft, changes: tuple[date, ...]) -> Entry | None:
    """A completed cycle that runs over a clock change."""
    for cycle in draft.entries("blin_cycle"):
        start = cycle.day("bc_start")
        if start is None or cycle.values["bc_status"] != 2 or "bc_bsa" in cycle.values:
            continue
        if any(start + timedelta(days=3) <= change <= start + timedelta(days=24) for change in changes):
            return cycle
    return None

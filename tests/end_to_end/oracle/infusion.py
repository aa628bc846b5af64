"""Blinatumomab exposure of every cycle of a record, with everything that sites get wrong: minute by minute.

Written from the clinical specification (section 3) and the data model (2.5, 2.6, 3.2, 3.3), not from the tables. Each minute of a
cycle is painted with the segment that counts in it; days, dose and gaps are read off the painted minutes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from .course import course
from .happenings import death_of
from .over import is_ended, is_over, is_paused
from .records import Record, Row, moment, number

DAY, HOUR = 1440, 60
GAP_4H, GAP_24H, GAP_7D, GAP_14D, BAG = 4 * HOUR, 24 * HOUR, 7 * DAY, 14 * DAY, HOUR
STEP_MINUTES = 7 * DAY
TOLERANCE = 1e-9
TOXICITY, DEVICE = {3, 4, 5, 6}, {7, 8, 9, 10}


@dataclass
class Stretch:
    """Minutes of one rate: first, one past the last, rate, the instance of the segment that counts, segments that cover it."""

    start: int
    stop: int
    rate: float | None
    owner: int | None = None
    rates: list[float] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        return self.stop - self.start


@dataclass
class Segment:
    """A kept segment; ``open`` when its true stop is not known, without a stop when it is over and none can be told."""

    instance: int
    start: int
    stop: int | None
    rate: float
    is_open: bool
    reason: object
    began: datetime

    @property
    def until(self) -> int:
        """The stop, where it is known."""
        assert self.stop is not None
        return self.stop


@dataclass
class Exposure:
    """What is known of one cycle. ``stretches`` is None where only an upper bound is."""

    row: Row
    instance: int
    source: str
    whole_days: bool
    start: int | None
    stop: int | None
    began: datetime | None
    is_running: bool
    stop_unknown: bool
    is_paused: bool
    is_over: bool
    planned_days: float | None
    planned_rate: float | None
    step_rate: float | None
    is_step: bool
    planned_mcg: float | None
    stretches: list[Stretch] | None
    segments: list[Segment]
    refused: int
    upper_days: float | None = None
    upper_mcg: float | None = None
    days: float | None = None
    mcg: float | None = None

    @property
    def is_ongoing(self) -> bool:
        """Not ended at the cut: infusing, or paused."""
        return self.is_running or self.is_paused

    @property
    def gaps(self) -> list[tuple[int, object]]:
        """Pauses in minutes, and why the stretch before ended."""
        found: list[tuple[int, object]] = []
        reasons = {segment.instance: segment.reason for segment in self.segments}
        stretches = self.stretches or []
        for before, after in itertools.pairwise(stretches):
            if after.start > before.stop:
                found.append((after.start - before.stop, reasons.get(before.owner)))
        return found


class Clock:
    """One even scale of minutes for a record, and how far the record is followed on it."""

    def __init__(self, record: Record, cut_utc: datetime) -> None:
        self.record = record
        self.zone = UTC if record.time_zone is None else ZoneInfo(record.time_zone)
        self.death = course(record).death
        self.last_day = self.death or record.last_day
        self.ended_by = (
            "DEATH" if self.death else "WITHDRAWAL" if (record.withdrawn or date.max) < record.data_cut else "CUT"
        )
        cut = (
            self.minute(datetime.combine(record.data_cut + timedelta(days=1), time()))
            if record.time_zone is None
            else _round(cut_utc.replace(tzinfo=UTC))
        )
        midnight = self.minute(datetime.combine(self.last_day + timedelta(days=1), time()))
        self.limit = cut if self.ended_by == "CUT" else min(cut, midnight)
        happened = death_of(record)
        self.last_possible_death = happened.last if happened else None

    def minute(self, local: datetime) -> int:
        """Minute of a local clock time; one that was skipped moves on, of one that comes twice the later is meant."""
        return max(_round(local.replace(tzinfo=self.zone, fold=fold)) for fold in (0, 1))

    def at(self, local: datetime | None, whole_days: bool) -> int | None:
        """Minute of a recorded time; whole days stand on midnight labels."""
        if local is None:
            return None
        return _label(local.date()) if whole_days else self.minute(local)

    def end(self, whole_days: bool) -> int:
        """First minute that no longer counts."""
        return _label(self.last_day) if whole_days else self.limit

    def local_day(self, minute: int, whole_days: bool) -> date:
        """Calendar day of a stop at the site, not after the last day followed."""
        zone = UTC if whole_days else self.zone
        found = datetime.fromtimestamp(minute * 60, zone).date()
        return min(found, self.last_day)

    def too_late(self, on: date, minute: int, whole_days: bool) -> bool:
        """Whether something that starts then does not exist for an analysis."""
        return (
            on > self.record.data_cut
            or (self.record.withdrawn is not None and on > self.record.withdrawn)
            or (self.last_possible_death is not None and on > self.last_possible_death)
            or (minute >= self.limit and not whole_days)
        )


def _round(at: datetime) -> int:
    return round(at.timestamp() / 60)


def _label(on: date) -> int:
    return _round(datetime.combine(on, time(), tzinfo=UTC))


def exposures(record: Record, clock: Clock) -> list[Exposure]:
    """Every cycle that counts, in order of instance."""
    rows = _distinct(record.rows("blin_cycle"))
    segments, refused, over = _segments(record, clock, rows)
    found = []
    for row in rows:
        instance = int(str(row["instance"]))
        own = segments.get(instance, [])
        if not _is_usable(row, clock) and not own:
            continue
        found.append(_cycle(row, own, len(refused.get(instance, [])), clock, is_cycle_over=instance in over))
    return found


def _distinct(rows: list[Row]) -> list[Row]:
    """Cycle forms without exact copies of an earlier one."""
    seen = set()
    found = []
    for row in rows:
        same = tuple(row.get(name) for name in ("bc_number", "bc_start", "bc_end", "bc_status"))
        if same not in seen:
            found.append(row)
        seen.add(same)
    return found


def is_whole_days(row: Row) -> bool:
    return row.get("bc_time_known") in (2, 3)


def _is_usable(row: Row, clock: Clock) -> bool:
    """Whether the form's own dates can give exposure (a cycle never started needs none)."""
    if row.get("bc_status") == 4:
        return True
    whole, local = is_whole_days(row), moment(row, "bc_start")
    if local is None:
        return False
    start, stop = clock.at(local, whole), clock.at(moment(row, "bc_end"), whole)
    assert start is not None
    return not (stop is not None and stop <= start) and not clock.too_late(local.date(), start, whole)


def _cycle_of(segment: Row, rows: list[Row]) -> Row | None:
    """The cycle a segment means: its number; of several, the latest begun by that day, else the earliest after."""
    named = [
        row for row in rows if row.get("bc_number") == segment.get("sg_cycle") and segment.get("sg_cycle") is not None
    ]
    at = moment(segment, "sg_start")
    dated = [(moment(row, "bc_start"), int(str(row["instance"])), row) for row in named]
    begun = [item for item in dated if item[0] is not None and at is not None and item[0].date() <= at.date()]
    newest_day = max((item[0].date() for item in begun if item[0] is not None), default=None)
    begun = [item for item in begun if item[0] is not None and item[0].date() == newest_day]
    later = [item for item in dated if item[0] is not None and item not in begun]
    if begun:
        starts = [item[0] for item in begun if item[0] is not None]
        newest = max((start for start in starts if at is not None and start <= at), default=min(starts))
        return min((item for item in begun if item[0] == newest), key=lambda item: item[1])[2]
    if later:
        return min(later, key=lambda item: (str(item[0]), item[1]))[2]
    return min(named, key=lambda row: int(str(row["instance"])), default=None)


def segment_cycles(record: Record) -> dict[int, int]:
    """Instance of a landed segment -> instance of the cycle that it means, where there is one."""
    cycles = _distinct(record.rows("blin_cycle"))
    meant = {int(str(row["instance"])): _cycle_of(row, cycles) for row in record.rows("blin_segment")}
    return {instance: int(str(row["instance"])) for instance, row in meant.items() if row is not None}


def _segments(
    record: Record, clock: Clock, cycles: list[Row]
) -> tuple[dict[int, list[Segment]], dict[int, list[int]], set[int]]:
    """Kept segments by cycle with the stop that counts, instances of those set aside, and cycles that are over."""
    sound: dict[int, list[tuple[int, int, int | None, float, Row]]] = {}
    refused: dict[int, list[int]] = {}
    seen = set()
    for row in sorted(record.rows("blin_segment"), key=lambda one: int(str(one["instance"]))):
        instance, cycle, local = int(str(row["instance"])), _cycle_of(row, cycles), moment(row, "sg_start")
        if cycle is None:
            continue
        whole = is_whole_days(cycle)
        start, stop, rate = clock.at(local, whole), clock.at(moment(row, "sg_end"), whole), _rate(row, cycle)
        bad = (
            local is None
            or start is None
            or cycle.get("bc_status") == 4
            or rate is None
            or (stop is not None and stop <= start)
            or clock.too_late(local.date(), start, whole)
        )
        key = int(str(cycle["instance"]))
        if bad or (start, stop, rate) in seen:
            refused.setdefault(key, []).append(instance)
            continue
        assert start is not None
        assert rate is not None
        seen.add((start, stop, rate))
        sound.setdefault(key, []).append((start, instance, stop, rate, row))
    kept: dict[int, list[Segment]] = {}
    over: set[int] = set()
    begun = {int(str(cycle["instance"])): _began(cycle, sound, clock) for cycle in cycles}
    for cycle in cycles:
        key, whole = int(str(cycle["instance"])), is_whole_days(cycle)
        if is_over(cycle, begun[key], begun.values(), died=clock.ended_by == "DEATH"):
            over.add(key)
        own = sorted(sound.get(key, []), key=lambda item: item[:2])
        form_end = clock.at(moment(cycle, "bc_end"), whole)
        for place, (start, instance, stop, rate, row) in enumerate(own):
            following = own[place + 1][0] if place + 1 < len(own) else None
            end = stop if stop is not None else following
            if end is None and form_end is not None and form_end > start:
                end = form_end
            is_open = end is None or (end > clock.end(whole) and clock.ended_by != "DEATH")
            if end is not None or not is_ended(row, cycle, cycle_over=key in over):
                end = min(clock.end(whole), end if end is not None else clock.end(whole))
            began = moment(row, "sg_start")
            assert began is not None
            kept.setdefault(key, []).append(
                Segment(instance, start, end, rate, is_open, row.get("sg_end_reason"), began)
            )
    return kept, refused, over


def _began(
    cycle: Row, sound: dict[int, list[tuple[int, int, int | None, float, Row]]], clock: Clock
) -> datetime | None:
    """First start of a cycle by its form, where that can be used, and its segments."""
    starts = [moment(item[4], "sg_start") for item in sound.get(int(str(cycle["instance"])), [])]
    if cycle.get("bc_status") != 4 and _is_usable(cycle, clock):
        starts.append(moment(cycle, "bc_start"))
    return min((at for at in starts if at is not None), default=None)


def _rate(segment: Row, cycle: Row) -> float | None:
    rate, unit, surface = number(segment, "sg_rate"), segment.get("sg_rate_unit"), number(cycle, "bc_bsa")
    if rate is None or unit not in (1, 2):
        return None
    if unit == 1:
        return rate
    return None if surface is None else min(rate * surface, 9.0 if rate <= 5 else 28.0)


def _cycle(row: Row, own: list[Segment], refused: int, clock: Clock, *, is_cycle_over: bool) -> Exposure:
    whole = is_whole_days(row)
    days, rate, weight = number(row, "bc_plan_days"), number(row, "bc_plan_rate"), number(row, "bc_weight")
    surface, is_step = number(row, "bc_bsa"), row.get("bc_step") == 1
    is_light = weight is not None and weight < 45
    planned_rate = min(rate, 28.0) if is_light and rate is not None else rate
    step_rate = 9.0 if not is_light else None if surface is None else min(5 * surface, 9.0)
    began = moment(row, "bc_start")
    cycle = Exposure(
        row=row,
        instance=int(str(row["instance"])),
        source="NOT_STARTED",
        whole_days=whole,
        start=clock.at(began, whole),
        stop=None,
        began=began,
        is_running=False,
        stop_unknown=False,
        is_paused=False,
        is_over=is_cycle_over,
        planned_days=days,
        planned_rate=planned_rate,
        step_rate=step_rate,
        is_step=is_step,
        planned_mcg=None if days is None else _dose(days, planned_rate, step_rate, is_step),
        stretches=[],
        segments=[],
        refused=refused,
        days=0.0,
        mcg=0.0,
    )
    if row.get("bc_status") == 4:
        return cycle
    painted = [segment for segment in own if segment.stop is not None and segment.stop > segment.start]
    if any(segment.stop is None for segment in own):
        cycle.source, cycle.segments, cycle.stop_unknown = "SEGMENTS", own, True
        cycle.began, cycle.start = min(segment.began for segment in own), min(segment.start for segment in own)
        cycle.days = cycle.mcg = cycle.stretches = None
    elif painted:
        cycle.source, cycle.segments, cycle.stretches = "SEGMENTS", own, _paint(painted)
        cycle.began = min(segment.began for segment in own)
        cycle.start = min(segment.start for segment in painted)
        cycle.stop = max(segment.until for segment in painted)
        cycle.stop_unknown = any(segment.is_open for segment in own)
        newest = max(own, key=lambda one: (one.start, one.instance))
        died = clock.ended_by == "DEATH"
        if not cycle.stop_unknown and is_paused(
            row, {"sg_end_reason": newest.reason}, cycle_over=is_cycle_over, died=died
        ):
            cycle.is_paused = cycle.stop_unknown = True
        cycle.days = sum(stretch.minutes for stretch in cycle.stretches) / DAY
        cycle.mcg = sum(stretch.minutes * (stretch.rate or 0) for stretch in cycle.stretches) / DAY
    else:
        _by_header(cycle, row, clock, is_cycle_over=is_cycle_over)
    cycle.is_running = clock.ended_by == "CUT" and cycle.stop_unknown and not cycle.is_paused and cycle.stop is not None
    cycle.is_paused = clock.ended_by == "CUT" and cycle.is_paused
    # A segment of a day before the form's own first start contradicts it: the cycle stands at the later of the two.
    if began is not None and cycle.began is not None and _is_usable(row, clock) and cycle.began.date() < began.date():
        cycle.began = began
    return cycle


def _by_header(cycle: Exposure, row: Row, clock: Clock, *, is_cycle_over: bool) -> None:
    cycle.source = "HEADER" if row.get("bc_interrupted") == 0 else "UPPER_BOUND"
    end, limit = clock.at(moment(row, "bc_end"), cycle.whole_days), clock.end(cycle.whole_days)
    cycle.stop_unknown = end is None or (end > limit and clock.ended_by != "DEATH")
    cycle.days = cycle.mcg = cycle.stretches = None
    if (end is None and is_cycle_over) or cycle.start is None:
        return
    cycle.stop = limit if end is None else min(end, limit)
    minutes = cycle.stop - cycle.start
    mcg = _dose(minutes / DAY, cycle.planned_rate, cycle.step_rate, cycle.is_step)
    if cycle.source == "UPPER_BOUND":
        cycle.upper_days, cycle.upper_mcg = minutes / DAY, mcg
        return
    cycle.days, cycle.mcg = minutes / DAY, mcg
    step = min(minutes, STEP_MINUTES) if cycle.is_step else 0
    cycle.stretches = [Stretch(cycle.start, cycle.start + step, cycle.step_rate)] if step > 0 else []
    if minutes > step:
        cycle.stretches.append(Stretch(cycle.start + step, cycle.stop, cycle.planned_rate))


def _dose(days: float, rate: float | None, step_rate: float | None, is_step: bool) -> float | None:
    stepped = min(days, 7.0) if is_step else 0.0
    if (stepped > 0 or is_step) and step_rate is None:
        return None
    if days > stepped or not is_step:
        return None if rate is None else stepped * (step_rate or 0) + (days - stepped) * rate
    return stepped * (step_rate or 0)


def _paint(segments: list[Segment]) -> list[Stretch]:
    """Minutes in order: each belongs to the segment begun last (of one start the higher instance)."""
    order = sorted(segments, key=lambda one: (one.start, one.instance))
    first, last = order[0].start, max(segment.until for segment in order)
    owner, depth = np.zeros(last - first, dtype=np.int32), np.zeros(last - first, dtype=np.int32)
    for paint, segment in enumerate(order, start=1):
        here = slice(segment.start - first, segment.until - first)
        owner[here] = paint
        depth[here] += 1
    edges = sorted({minute - first for segment in order for minute in (segment.start, segment.until)})
    found = []
    for left, right in itertools.pairwise(edges):
        if depth[left]:
            chosen = order[owner[left] - 1]
            rates = [one.rate for one in order if one.start - first <= left < one.until - first]
            assert (depth[left:right] == len(rates)).all(), "an edge is missing"
            found.append(Stretch(first + left, first + right, chosen.rate, chosen.instance, rates))
    assert sum(stretch.minutes for stretch in found) == int((depth > 0).sum())
    return found

"""Blinatumomab exposure per cycle, minute by minute: each minute of a cycle is painted with the segment that ran in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .course import death_day
from .over import is_ended, is_over, is_paused
from .records import Record, Row, day, moment, number

MINUTES_PER_DAY = 1440
INTERRUPTION_MINUTES, NEW_CYCLE_MINUTES, STARTED_MINUTES = 240, 168 * 60, 60
STEP_DAYS, STEP_RATE, STEP_M2, STEP_CAP, CAP, BAND_KG = 7, 9.0, 5.0, 9.0, 28.0, 45.0


@dataclass(frozen=True)
class Cycle:
    """Exposure of one cycle; None where it cannot be known (days, mcg, hours)."""

    started: bool
    source: str
    is_open: bool
    planned_days: float | None
    planned_mcg: float | None
    delivered_days: float | None
    delivered_mcg: float | None
    delivered_days_upper: float | None = None
    delivered_mcg_upper: float | None = None
    completed: bool | None = None
    completed_80: bool | None = None
    n_interrupt_4h: int | None = None
    n_short_breaks: int | None = None
    longest_interrupt_h: float | None = None
    label_cycles: int | None = None


@dataclass(frozen=True)
class Run:
    """A stretch of infusion on the minute grid: first minute, one past the last, rate in mcg/day, open at the end."""

    start: int
    stop: int
    rate: float | None
    is_open: bool


def cycles(record: Record, cut: datetime | None = None) -> dict[tuple[int, int], Cycle]:
    """Exposure of every cycle of a record that exists for an analysis, by (cycle number, instance)."""
    found = {}
    for row in record.rows("blin_cycle"):
        number_, instance = row.get("bc_number"), row.get("instance")
        start = day(row, "bc_start")
        if isinstance(number_, int) and isinstance(instance, int) and (start is None or start <= record.last_day):
            found[number_, instance] = _cycle(record, row, cut)
    return found


def _cycle(record: Record, row: Row, cut: datetime | None) -> Cycle:
    days, rate = number(row, "bc_plan_days"), number(row, "bc_plan_rate")
    planned = None if days is None or rate is None else _with_step(row, days, rate)
    if row.get("bc_status") == 4:
        return Cycle(
            started=False,
            source="NOT_STARTED",
            is_open=False,
            planned_days=days,
            planned_mcg=planned,
            delivered_days=0.0,
            delivered_mcg=0.0,
            completed=False,
            completed_80=False,
            label_cycles=0,
        )
    limit = _limit(record, cut)
    over = cycle_over(record, row)
    runs = _segment_runs(record, row, limit, over=over)
    segments = _own_segments(record, row)
    if segments and runs is None:
        return _not_known("SEGMENTS", days, planned)
    if runs:
        paused = not runs[-1].is_open and is_paused(
            row, segments[-1][1], cycle_over=over, died=death_day(record) is not None
        )
        return _measured(runs, days, planned, is_paused=paused)
    if over and moment(row, "bc_end") is None:
        return _not_known("HEADER" if row.get("bc_interrupted") == 0 else "UPPER_BOUND", days, planned)
    start, stop, is_open = _header(record, row, limit)
    minutes = max(0, stop - start)
    delivered = minutes / MINUTES_PER_DAY
    mcg = None if rate is None else _with_step(row, delivered, rate)
    if row.get("bc_interrupted") != 0:
        return Cycle(
            started=True,
            source="UPPER_BOUND",
            is_open=is_open,
            planned_days=days,
            planned_mcg=planned,
            delivered_days=None,
            delivered_mcg=None,
            delivered_days_upper=delivered,
            delivered_mcg_upper=mcg,
        )
    return Cycle(
        started=minutes >= STARTED_MINUTES or row.get("bc_time_known") in (2, 3),
        source="HEADER",
        is_open=is_open,
        planned_days=days,
        planned_mcg=planned,
        delivered_days=delivered,
        delivered_mcg=mcg,
        completed=None if is_open or days is None else _complete(minutes, days),
        completed_80=None if is_open or days is None else delivered >= 0.8 * days,
        n_interrupt_4h=0,
        n_short_breaks=0,
        label_cycles=1,
    )


def _not_known(source: str, days: float | None, planned: float | None) -> Cycle:
    """A cycle that is over, nobody wrote when."""
    breaks, label = (0, 1) if source == "HEADER" else (None, None)
    return Cycle(
        started=True,
        source=source,
        is_open=False,
        planned_days=days,
        planned_mcg=planned,
        delivered_days=None,
        delivered_mcg=None,
        n_interrupt_4h=breaks,
        n_short_breaks=breaks,
        label_cycles=label,
    )


def cycle_over(record: Record, row: Row) -> bool:
    """Whether a cycle is over by its form, or because a later one began."""

    def began(cycle: Row) -> datetime | None:
        starts = [moment(segment, "sg_start") for _, segment in _own_segments(record, cycle)]
        if cycle.get("bc_status") != 4:
            starts.append(moment(cycle, "bc_start"))
        return min((at for at in starts if at is not None and at.date() <= record.last_day), default=None)

    others = [began(cycle) for cycle in record.rows("blin_cycle") if cycle["instance"] != row["instance"]]
    return is_over(row, began(row), others, died=death_day(record) is not None)


def _complete(minutes: int, planned_days: float) -> bool:
    return minutes >= (planned_days - 1) * MINUTES_PER_DAY


def _with_step(row: Row, days: float, rate: float) -> float | None:
    """Micrograms over some infused days at the planned rate, the first seven at the step rate when the cycle is stepped."""
    if row.get("bc_step") != 1:
        return days * rate
    weight, surface = number(row, "bc_weight"), number(row, "bc_bsa")
    step = STEP_RATE
    if weight is not None and weight < BAND_KG:
        if surface is None:
            return None
        step = min(STEP_M2 * surface, STEP_CAP)
    return min(days, STEP_DAYS) * step + max(days - STEP_DAYS, 0) * rate


def minute_of(record: Record, clock: datetime) -> int:
    """A local clock time as minutes on one even scale: UTC where the centre has a zone, else the clock itself."""
    zone = UTC if record.time_zone is None else ZoneInfo(record.time_zone)
    return round(clock.replace(tzinfo=zone).timestamp() / 60)


def _limit(record: Record, cut: datetime | None) -> int:
    """First minute that no longer counts: end of the cut's day (or the moment given), of the death's or the withdrawal's."""
    ends = [
        _midnight_after(record, record.data_cut) if cut is None else round(cut.replace(tzinfo=UTC).timestamp() / 60)
    ]
    ends += [_midnight_after(record, at) for at in (death_day(record), record.withdrawn) if at is not None]
    return min(ends)


def _midnight_after(record: Record, at: date) -> int:
    return minute_of(record, datetime.combine(at + timedelta(days=1), time()))


def _header(record: Record, row: Row, limit: int) -> tuple[int, int, bool]:
    """First and last minute of a cycle by its header; dates only are whole days, whatever clock was typed."""
    start, stop = moment(row, "bc_start"), moment(row, "bc_end")
    if start is None:
        return 0, 0, False
    first = minute_of(record, start)
    if stop is None:
        return first, max(first, limit), True
    if row.get("bc_time_known") == 3:
        return first, first + (stop.date() - start.date()).days * MINUTES_PER_DAY, False
    # Nothing is infused after the death, the withdrawal or the cut.
    return first, max(first, min(minute_of(record, stop), limit)), False


def _own_segments(record: Record, row: Row) -> list[tuple[int, Row]]:
    """(first minute, segment) of a cycle in order of start."""
    own = []
    for segment in record.rows("blin_segment"):
        start = moment(segment, "sg_start")
        if segment.get("sg_cycle") == row.get("bc_number") and start is not None and start.date() <= record.last_day:
            own.append((minute_of(record, start), segment))
    return sorted(own, key=lambda pair: (pair[0], pair[1]["instance"]))


def _segment_runs(record: Record, row: Row, limit: int, *, over: bool) -> list[Run] | None:
    """Segments of a cycle in order of start; an end that is missing is the next start, or the limit for the last one.

    None where the last one is over and has no stop.
    """
    own = _own_segments(record, row)
    runs = []
    for position, (start_minute, segment) in enumerate(own):
        stop_clock = moment(segment, "sg_end")
        is_open = stop_clock is None and position == len(own) - 1
        if is_open and is_ended(segment, row, cycle_over=over):
            return None
        following = limit if is_open else own[min(position + 1, len(own) - 1)][0]
        stop = following if stop_clock is None else minute_of(record, stop_clock)
        if stop > start_minute:
            runs.append(Run(start_minute, stop, _rate(row, segment), is_open))
    return runs


def _rate(row: Row, segment: Row) -> float | None:
    rate, surface = number(segment, "sg_rate"), number(row, "bc_bsa")
    if rate is None or segment.get("sg_rate_unit") not in (1, 2):
        return None
    if segment.get("sg_rate_unit") == 1:
        return rate
    if surface is None:
        return None
    return min(rate * surface, STEP_CAP if rate == STEP_M2 else CAP)


def _measured(runs: list[Run], days: float | None, planned: float | None, *, is_paused: bool) -> Cycle:
    first, last = runs[0].start, max(run.stop for run in runs)
    painted = bytearray(last - first)
    for paint, run in enumerate(runs, start=1):
        painted[run.start - first : run.stop - first] = bytes([paint]) * (run.stop - run.start)
    infused = len(painted) - painted.count(0)
    doses = [None if run.rate is None else painted.count(paint) * run.rate for paint, run in enumerate(runs, start=1)]
    known = [dose for dose in doses if dose is not None]
    gaps = [len(gap) for gap in "".join("." if minute else " " for minute in painted).split(".") if gap]
    long_gaps = [gap for gap in gaps if gap >= INTERRUPTION_MINUTES]
    is_open = any(run.is_open for run in runs)
    is_judged = days is not None and not (is_open or is_paused)
    return Cycle(
        started=infused >= STARTED_MINUTES,
        source="SEGMENTS",
        is_open=is_open,
        planned_days=days,
        planned_mcg=planned,
        delivered_days=infused / MINUTES_PER_DAY,
        delivered_mcg=sum(known) / MINUTES_PER_DAY if len(known) == len(doses) else None,
        completed=_complete(infused, days) if is_judged else None,
        completed_80=infused / MINUTES_PER_DAY >= 0.8 * days if is_judged else None,
        n_interrupt_4h=len(long_gaps),
        n_short_breaks=len(gaps) - len(long_gaps),
        longest_interrupt_h=max(long_gaps) / 60 if long_gaps else None,
        label_cycles=1 + sum(gap > NEW_CYCLE_MINUTES for gap in gaps),
    )

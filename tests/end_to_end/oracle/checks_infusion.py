"""Checks D08 to D11 (segments against cycles, interruption and step, rates, numbering), Q04 to Q06 (length, midnight, stop)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from .exposure import BAND_KG, CAP, NEW_CYCLE_MINUTES, minute_of
from .infusion import Clock, Exposure, Segment, exposures, is_whole_days, segment_cycles
from .records import Record, Row, day, moment, number

Place = tuple[str, str, int]
WITHOUT_STOP_MINUTES = 35 * 24 * 60


def infusion_queries(record: Record, clock: Clock) -> Iterator[tuple[str, str, int, str]]:
    """Every finding of Q04 to Q06 in one record, as (check, form, instance, field)."""
    if record.once("registration").get("screen_note_code") in (2, 3):
        return
    for one in exposures(record, clock):
        for segment in one.segments:
            if segment.stop is not None and segment.stop - segment.start > WITHOUT_STOP_MINUTES:
                yield "Q04", "blin_segment", segment.instance, "sg_end"
            if _is_stop_missing(record, clock, segment, one):
                yield "Q06", "blin_segment", segment.instance, "sg_end"
        end = clock.at(moment(one.row, "bc_end"), one.whole_days)
        without_stop = one.source == "HEADER" or (one.source == "UPPER_BOUND" and end is None)
        if one.start is None or not (without_stop or one.is_paused):
            continue
        limit = clock.end(one.whole_days)
        if (limit if end is None else min(end, limit)) - one.start > WITHOUT_STOP_MINUTES:
            yield "Q04", "blin_cycle", one.instance, "bc_end"
        if end is None and one.is_over and without_stop:
            yield "Q06", "blin_cycle", one.instance, "bc_end"
    cycles = {_instance(row): row for row in record.rows("blin_cycle")}
    meant = segment_cycles(record)
    for form, row, of, names in (
        *(("blin_cycle", row, row, ("bc_start", "bc_end")) for row in cycles.values() if row.get("bc_status") != 4),
        *(
            ("blin_segment", row, cycles.get(meant.get(_instance(row), -1), {}), ("sg_start", "sg_end"))
            for row in record.rows("blin_segment")
        ),
    ):
        for name in names:
            if not is_whole_days(of) and str(row.get(name, "")).endswith(" 00:00"):
                yield "Q05", form, _instance(row), name


def infusion_findings(record: Record) -> Iterator[Place]:
    """Every violation of D08 to D11 in one record, as (check, form, instance)."""
    started = [row for row in record.rows("blin_cycle") if row.get("bc_status") != 4]
    for row in started:
        yield from _cycle(record, row)
    known = {row.get("bc_number") for row in record.rows("blin_cycle")}
    for segment in record.rows("blin_segment"):
        if segment.get("sg_cycle") not in known:
            yield "D08", "blin_segment", _instance(segment)
        rate, unit = number(segment, "sg_rate"), segment.get("sg_rate_unit")
        if rate is not None and not 5 <= rate <= (28 if unit == 1 else 15):
            yield "D10", "blin_segment", _instance(segment)
    yield from _numbering(record, started)


def _instance(row: Row) -> int:
    value = row["instance"]
    assert isinstance(value, int)
    return value


def _cycle(record: Record, row: Row) -> Iterator[Place]:
    segments = [item for item in record.rows("blin_segment") if item.get("sg_cycle") == row.get("bc_number")]
    yield from _segments(record, row, segments)
    rates = {item.get("sg_rate") for item in segments}
    if (row.get("bc_interrupted") == 1 and len(segments) < 2) or (row.get("bc_step") == 1 and len(rates) < 2):
        yield "D09", "blin_cycle", _instance(row)
    weight, rate = number(row, "bc_weight"), number(row, "bc_plan_rate")
    if (weight is not None and weight < BAND_KG and "bc_bsa" not in row) or (rate is not None and not 5 <= rate <= CAP):
        yield "D10", "blin_cycle", _instance(row)


def _segments(record: Record, row: Row, segments: list[Row]) -> Iterator[Place]:
    begin, end = moment(row, "bc_start"), moment(row, "bc_end")
    spans = []
    for item in segments:
        start, stop = moment(item, "sg_start"), moment(item, "sg_end")
        if start is not None and begin is not None and start < begin:
            yield "D08", "blin_segment", _instance(item)
        if stop is not None and end is not None and stop > end:
            yield "D08", "blin_segment", _instance(item)
        if start is not None and stop is not None and stop > start:
            spans.append((minute_of(record, start), minute_of(record, stop), _instance(item)))
    for left, right in pairwise(sorted(spans)):
        if right[0] < left[1]:
            yield "D08", "blin_segment", right[2]
        if right[0] - left[1] > NEW_CYCLE_MINUTES:
            yield "D08", "blin_cycle", _instance(row)


def _numbering(record: Record, started: list[Row]) -> Iterator[Place]:
    dated = sorted(((at, row) for row in started if (at := day(row, "bc_start")) is not None), key=lambda pair: pair[0])
    for position, (_, row) in enumerate(dated):
        previous = 0 if position == 0 else dated[position - 1][1].get("bc_number")
        if isinstance(previous, int) and row.get("bc_number") != previous + 1:
            yield "D11", "blin_cycle", _instance(row)
    for (first, left), (second, right) in pairwise(dated):
        end = day(left, "bc_end")
        if second - first < timedelta(days=28) or (end is not None and second < end):
            yield "D11", "blin_cycle", _instance(right)


def _is_stop_missing(record: Record, clock: Clock, segment: Segment, cycle: Exposure) -> bool:
    """No stop was entered, and it is not simply the one that still runs at the cut or ran at the withdrawal."""
    row = next(item for item in record.rows("blin_segment") if item["instance"] == segment.instance)
    if row.get("sg_end") is not None:
        return False
    runs = clock.ended_by != "DEATH" and segment.is_open and segment.stop == clock.end(cycle.whole_days)
    return not runs

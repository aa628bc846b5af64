"""Best response by window (clinical specification 4, data model 2.9): frontline, end of induction, later lines, after each cycle.

Readings where the text leaves room: the day on which a window opens shows the time before it (as with the start of therapy), the
day of the next therapy still shows the cycle; any drug but intrathecal ones is systemic therapy; end of induction is part of
frontline; of two assessments as near to day 29 the earlier one decides; a composite remission of which it is not known whether
it is CR, CRh or CRi comes after these three.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from .course import course
from .cycle_story import told, treatments
from .disease import lines
from .happenings import death_of, relapses_of
from .infusion import Clock
from .marrow import has_evaluable_marrow, is_remission
from .readings import conventional
from .records import Record, Row

FROM, NEAREST, TO = 14, 29, 70
AFTER_CYCLE, AT_MOST = 21, 56
#: From best to worst: (response, whether it is a composite remission).
RANKS = (("CR", True), ("CRh", True), ("CRi", True), ("NE", True), ("MLFS", False), ("NR", False), ("RELAPSE", False))
Assessment = tuple[date, Row]


class Window(NamedTuple):
    """What was seen in one window."""

    origin: date
    n_assessments: int
    is_evaluable: bool
    best: str
    best_day: date | None
    days_to_best: int | None
    is_remission: bool
    remission_day: date | None
    is_composite: bool


def windows(record: Record, clock: Clock) -> dict[tuple[int, str, int], Window]:
    """(line, window, number) -> what was seen; a window without assessments has its row."""
    dates, seen = course(record), [pair for pair in record.dated("response", "ra_date") if pair[0].year >= 1900]
    seen.sort(key=lambda pair: (pair[0], int(str(pair[1]["instance"]))))
    end = min(at for at in (dates.death, record.last_day) if at is not None)
    worse = [at for at in (dates.relapse, dates.refractory) if at is not None]
    found: dict[tuple[int, str, int], Window] = {}
    if dates.plan is not None:
        progressed = min(worse, default=date.max)
        frontline = [pair for pair in seen if dates.plan < pair[0] <= end and pair[0] < progressed]
        found[1, "FRONTLINE", 0] = _window(record, dates.plan, frontline)
        found[1, "END_INDUCTION", 0] = _window(record, dates.plan, _end_of_induction(dates.plan, frontline))
    worse += [one.on for one in relapses_of(record, death_of(record))]
    therapies = lines(record, clock)
    for line in sorted({own for _, own in therapies} - {1}):
        origin = min(at for at, own in therapies if own == line)
        following = [at for at, own in therapies if own > line]
        until = min([*(at for at in worse if at > origin), *following, date.max])
        inside = [pair for pair in seen if origin < pair[0] <= end and pair[0] < until]
        found[line, "LINE", 0] = _window(record, origin, inside)
    cycles = told(record, clock)
    other = [one.start for one in treatments(record) if one.kind != "INTRATHECAL"]
    other += [one.start for one in cycles if one.started and one.start is not None]
    other += [at for at, _ in record.dated("relapse", "rl_cart_date")]
    line_of = dict(therapies)
    for cycle in cycles:
        if cycle.started and cycle.start is not None:
            start = cycle.start
            last = min([start + timedelta(days=AT_MOST), end, *(at for at in other if at > start)])
            inside = [pair for pair in seen if start + timedelta(days=AFTER_CYCLE) <= pair[0] <= last]
            found[line_of[start], "BLIN_CYCLE", cycle.overall] = _window(record, start, inside)
    return found


def _end_of_induction(plan: date, frontline: list[Assessment]) -> list[Assessment]:
    """The one that decides."""
    due = [pair for pair in frontline if FROM <= (pair[0] - plan).days <= TO]
    due.sort(key=lambda pair: (not has_evaluable_marrow(pair[1]), abs((pair[0] - plan).days - NEAREST)))
    return due[:1]


def _window(record: Record, origin: date, inside: list[Assessment]) -> Window:
    calls = [(_rank(*conventional(record)[int(str(row["instance"]))]), at) for at, row in inside]
    rank, best_day = min(calls, default=(len(RANKS), None))
    remission = min((at for at, row in inside if is_remission(record, row)), default=None)
    return Window(
        origin=origin,
        n_assessments=len(inside),
        is_evaluable=any(has_evaluable_marrow(row) for _, row in inside),
        best=RANKS[rank][0] if rank < len(RANKS) else "NE",
        best_day=best_day,
        days_to_best=(best_day - origin).days if best_day is not None else None,
        is_remission=remission is not None,
        remission_day=remission,
        is_composite=any(place < len(RANKS) and RANKS[place][1] for place, _ in calls),
    )


def _rank(call: str, composite: bool | None) -> int:
    """Place from best to worst; what is not known comes last."""
    return RANKS.index((call, composite is True)) if (call, composite is True) in RANKS else len(RANKS)

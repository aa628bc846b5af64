"""Adverse events with their cycle, and the time at risk of each cycle (data model 2.12, clinical specification 10).

Readings where the text leaves room: a cycle without a known end counts as long as it was planned, one that has not
ended to the cut; "6 months" are 183 days; ASTCT ends at 4, so a CTCAE grade of 5 is the grade of the event, by CTCAE; the
time at risk ends the counting of events too.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from .cycle_measures import Value
from .cycle_story import Told, told
from .happenings import death_of
from .infusion import Clock
from .records import Record, Row, day, number

KINDS = {
    1: "CRS",
    2: "ICANS",
    3: "INFECTION",
    4: "HYPOGAMMAGLOBULINAEMIA",
    5: "CYTOPENIA",
    6: "HEPATIC",
    7: "HEPATIC",
    14: "PUMP_ERROR",
    **dict.fromkeys((8, 9, 10, 11, 12, 13, 15, 90), "OTHER"),
}
DAYS_AFTER = {"INFECTION": 30, "HYPOGAMMAGLOBULINAEMIA": 183}
CONTEXTS = {1: "BLINATUMOMAB", 2: "CHEMOTHERAPY", 3: "INOTUZUMAB", 4: "TRANSPLANT", 5: "MAINTENANCE", 6: "NONE"}
ACTIONS = {0: "NONE", 1: "HELD", 2: "REDUCED", 3: "STOPPED", 4: "NOT_ON_BLIN"}
CARE = {1: "OUTPATIENT", 2: "ADMISSION", 3: "INTENSIVE_CARE"}
OUTCOMES = {1: "RESOLVED", 2: "RESOLVED_WITH_SEQUELAE", 3: "ONGOING", 4: "FATAL"}


class Event(NamedTuple):
    """An adverse event that counts, with its cycle."""

    onset: date
    instance: int
    kind: str
    cycle: Told | None
    row: Row


def events(record: Record, clock: Clock) -> list[Event]:
    """In order of onset."""
    cycles = _started(record, clock)
    found = []
    for at, row in record.dated("adverse_event", "ae_start"):
        if at < date(1900, 1, 1):
            continue
        kind = KINDS.get(_code(row, "ae_term"), "UNKNOWN")
        own = [one for one in cycles if one.start is not None and one.start <= at and _belongs(one, kind, at)]
        cycle = max(own, key=lambda one: (str(one.start), one.overall), default=None)
        found.append(Event(at, int(str(row["instance"])), kind, cycle, row))
    return sorted(found, key=lambda one: (one.onset, one.instance))


def toxicity(record: Record, clock: Clock) -> dict[int, dict[str, Value]]:
    """Instance of an adverse event -> its columns."""
    found: dict[int, dict[str, Value]] = {}
    for place, event in enumerate(events(record, clock), start=1):
        row, start = event.row, event.cycle.start if event.cycle else None
        over = day(row, "ae_end")
        over = over if over is not None and date(1900, 1, 1) <= over <= record.last_day else None
        astct, ctcae = _astct(row), _grade(row, "ae_ctcae")
        by_astct = bool(astct) and ctcae != 5
        outcome, care = OUTCOMES.get(_code(row, "ae_outcome"), "UNK"), CARE.get(_code(row, "ae_care"), "UNK")
        dead = ctcae == 5 or outcome == "FATAL"
        serious: bool | None = dead or 4 in (astct, ctcae) or care in ("ADMISSION", "INTENSIVE_CARE")
        if not serious and (care == "UNK" or (astct is None and ctcae is None)):
            serious = None
        found[event.instance] = {
            "tox_seq": place,
            "tox_cd": event.kind,
            "onset_date": event.onset,
            "resolved_date": over,
            "duration_days": (over - event.onset).days if over is not None and over >= event.onset else None,
            "context_cd": CONTEXTS.get(_code(row, "ae_context"), "UNK"),
            "cycle_overall_no": event.cycle.overall if event.cycle else None,
            "day_of_cycle": (event.onset - start).days + 1 if start else None,
            "grading_cd": "ASTCT" if by_astct else "CTCAE" if ctcae is not None else "UNKNOWN",
            "max_grade": astct if by_astct else ctcae,
            "grade_astct": astct,
            "grade_ctcae": ctcae,
            "is_icans": astct > 0 if event.kind == "ICANS" and astct is not None else None,
            "is_fatal": True if dead else None if ctcae is None and outcome == "UNK" else False,
            "is_serious": serious,
            "action_cd": ACTIONS.get(_code(row, "ae_blin_action"), "UNK"),
            "care_cd": care,
            "outcome_cd": outcome,
            "igg_mg_dl": number(row, "ae_igg"),
            **{f"has_{word}": code in _ticked(row) for code, word in _TREATED.items()},
        }
    return found


_TREATED = {1: "steroid", 2: "tocilizumab", 4: "antiseizure", 6: "immunoglobulin"}


def at_risk(record: Record, clock: Clock) -> dict[tuple[int, str], dict[str, Value]]:
    """(cycle over life, kind) -> time at risk and what happened in it, also where nothing did."""
    cycles, own = _started(record, clock), events(record, clock)
    death = death_of(record)
    last = death.on if death is not None else record.last_day
    is_cut = death is None and record.last_day == record.data_cut
    found: dict[tuple[int, str], dict[str, Value]] = {}
    for place, cycle in enumerate(cycles):
        assert cycle.start is not None
        following = cycles[place + 1].start if place + 1 < len(cycles) else None
        for kind in dict.fromkeys(KINDS.values()):
            over = None if cycle.exposure.is_ongoing else _over(cycle)
            ends = [last]
            ends += [over + timedelta(days=DAYS_AFTER.get(kind, 14))] if over is not None else []
            ends += [following - timedelta(days=1)] if following is not None else []
            mine = [one for one in own if one.kind == kind and one.cycle and one.cycle.overall == cycle.overall]
            mine = [one for one in mine if one.onset <= min(ends)]
            grades = [(_astct(one.row), _grade(one.row, "ae_ctcae")) for one in mine]
            found[cycle.overall, kind] = {
                "n_at_risk": 1,
                "n_events": len(mine),
                "has_event": bool(mine),
                "n_grade_unknown": sum(not astct and ctcae is None for astct, ctcae in grades),
                "max_grade_astct": max((astct for astct, _ in grades if astct is not None), default=None),
                "max_grade_ctcae": max((ctcae for _, ctcae in grades if ctcae is not None), default=None),
                "line_cd": cycle.line,
                "risk_start_date": cycle.start,
                "risk_end_date": min(ends),
                "at_risk_days": max(0, (min(ends) - cycle.start).days + 1),
                "is_risk_open": is_cut and min(ends) == last,
                "first_onset_date": min((one.onset for one in mine), default=None),
                "infused_days": cycle.exposure.days,
            }
    return found


def _started(record: Record, clock: Clock) -> list[Told]:
    return [one for one in told(record, clock) if one.started and one.start is not None]


def _over(cycle: Told) -> date | None:
    planned = cycle.exposure.planned_days
    if cycle.end is not None or cycle.start is None or planned is None:
        return cycle.end
    return cycle.start + timedelta(days=planned)


def _belongs(cycle: Told, kind: str, at: date) -> bool:
    if cycle.exposure.is_ongoing:
        return True
    over = _over(cycle)
    return over is not None and at <= over + timedelta(days=DAYS_AFTER.get(kind, 14))


def _astct(row: Row) -> int | None:
    name = {1: "ae_crs_astct", 2: "ae_icans"}.get(_code(row, "ae_term"))
    return None if name is None else _grade(row, name)


def _grade(row: Row, name: str) -> int | None:
    value = row.get(name)
    return value if isinstance(value, int) and value != 9 else None


def _ticked(row: Row) -> set[object]:
    value = row.get("ae_treat")
    return set(value) if isinstance(value, list) else set()


def _code(row: Row, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else -1

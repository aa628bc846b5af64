"""Courses other than blinatumomab as the data model (2.3) and the tables' documentation describe them.

Readings where the text leaves room: a course whose regimen is unknown (99) names none; the course before is that of the start
before; on one day a course comes before a cycle.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

from .course import course
from .cycle_measures import Value
from .cycle_story import told
from .disease import lines
from .happenings import diagnosis_of
from .infusion import Clock
from .records import Record, Row, day, number
from .regimen import FAMILIES, backbone, frontline_courses
from .response import frontline_assessments

PHASES = {
    1: "PREPHASE",
    2: "INDUCTION",
    3: "INDUCTION",
    4: "INTENSIFICATION",
    5: "CONSOLIDATION",
    6: "INTERIM_MAINTENANCE",
    7: "DELAYED_INTENSIFICATION",
    8: "MAINTENANCE",
    9: "BRIDGING",
    10: "SALVAGE",
}
TKI = {24: "IMATINIB", 25: "DASATINIB", 26: "PONATINIB", 27: "NILOTINIB_OTHER"}


def kept(record: Record) -> list[tuple[date, int, Row]]:
    """Courses that exist for an analysis, in order."""
    rows = [(at, int(str(row["instance"])), row) for at, row in record.dated("treatment_course", "tc_start")]
    return sorted((one for one in rows if one[0].year >= 1900), key=lambda one: one[:2])


def reported_family(row: Row) -> str:
    """Family of the regimen that the site names; UNK when it names none."""
    return FAMILIES.get(_code(row, "tc_regimen"), "UNK")


def courses(record: Record, clock: Clock) -> dict[int, dict[str, Value]]:
    """Instance of a course -> its columns."""
    frontline = {one.instance for one in frontline_courses(record)}
    own, dates = backbone(record), course(record)
    is_derived = own.confidence == "HIGH" or own.declared in ("OTHER", "UNK")
    line_of = dict(lines(record, clock))
    started = sorted(one.start for one in told(record, clock) if one.started and one.start is not None)
    remission = min((at for at, _, remitted in frontline_assessments(record, dates) if remitted), default=None)
    diagnosis = diagnosis_of(record)
    found: dict[int, dict[str, Value]] = {}
    numbers: Counter[tuple[int, str]] = Counter()
    before: tuple[date | None, bool] | None = None
    for place, (start, instance, row) in enumerate(kept(record), start=1):
        reported = reported_family(row)
        family, method = reported, "REPORTED" if reported != "UNK" else "UNKNOWN"
        if reported == "UNK" and instance in frontline and own.final != "UNK":
            family, method = own.final, "DICTIONARY_DRUGS" if is_derived else "DECLARED"
        line = line_of[start]
        numbers[line, family] += 1
        end = day(row, "tc_end")
        # Who ends after the last day that counts was under therapy on it, whatever the form calls the course.
        is_ongoing = end > record.last_day if end is not None else row.get("tc_status") in (3, None)
        end = None if is_ongoing else end
        found[instance] = {
            "course_seq": place,
            "regimen_reported_cd": _text(row, "tc_regimen"),
            "regimen_cd": reported,
            "backbone_family_cd": family,
            "classification_method_cd": method,
            "phase_cd": PHASES.get(_code(row, "tc_phase"), "OTHER"),
            "line_no": line,
            "line_reported_cd": _text(row, "tc_line"),
            "is_line_agreed": _agrees(_code(row, "tc_line"), line),
            "course_no_in_family": numbers[line, family],
            "course_part_cd": {1: "A", 2: "B"}.get(_code(row, "tc_label")),
            "course_no_in_phase": row.get("tc_number"),
            "start_date": start,
            "end_date": end,
            "is_ongoing": is_ongoing,
            "status_cd": {1: "COMPLETED", 2: "STOPPED_EARLY", 3: "ONGOING"}.get(_code(row, "tc_status"), "UNKNOWN"),
            **_drugs(row),
            "is_in_trial": {1: True, 0: False}.get(_code(row, "tc_trial")),
            "days_from_dx": (start - diagnosis[0]).days if diagnosis else None,
            "days_from_cr1": (start - remission).days if remission else None,
            "gap_prev_days": (start - before[0]).days if before and before[0] else None,
            "overlaps_prev": _overlaps(start, before),
            "position_cd": _position(start, started),
            "stop_reason_cd": _text(row, "tc_stop_reason"),
        }
        before = end, is_ongoing
    return found


def _drugs(row: Row) -> dict[str, Value]:
    ticked = row.get("tc_drugs")
    drugs = set(ticked) if isinstance(ticked, list) else set()
    kinase = [TKI[code] for code in TKI if code in drugs]
    return {
        "n_drugs": len(drugs),
        "has_anti_cd20": bool(drugs & {21, 22}),
        "has_inotuzumab": 23 in drugs,
        "has_tki": bool(kinase),
        "tki_cd": None if not kinase else kinase[0] if len(kinase) == 1 else "MULTIPLE",
        "has_asparaginase": bool(drugs & {18, 19}),
        "has_it_chemo": (number(row, "tc_it_doses") or 0) > 0,
    }


def _agrees(reported: int, line: int) -> bool | None:
    """The site's third line is the third or a later one."""
    return None if reported not in (1, 2, 3) else min(line, 3) == reported


def _overlaps(start: date, before: tuple[date | None, bool] | None) -> bool | None:
    if before is None:
        return False
    end, is_ongoing = before
    return start < end if end is not None else True if is_ongoing else None


def _position(start: date, cycles: list[date]) -> str:
    if not cycles:
        return "NO_BLIN"
    if start <= cycles[0]:
        return "BEFORE_BLIN"
    return "AFTER_BLIN" if start > cycles[-1] else "BETWEEN_BLIN"


def _code(row: Row, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else -1


def _text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return None if value is None else str(value)

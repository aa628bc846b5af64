"""Order of frontline therapy and its concordance with E1910, by clinical specification, section 3, and data model 2.4.

Readings where the text leaves room: what starts on the day of the remission counts; a transplant in remission ends the string;
transplant, relapse or death end a sequence (censored) unless maintenance or a contact said before that it was over (finished);
where nothing is known of either, 90 days to the cut or the withdrawal decide; without a remission there is no status. A course
that ended after the last day that counts was running on it. A TKI alone is no chemotherapy, in the string and between cycles.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from .course import Course, course
from .given import days_of, given_cycles
from .records import Record, day
from .regimen import FAMILIES, TKI, FrontlineCourse, backbone, frontline_courses, progression
from .response import frontline_assessments

REFERENCE = "BBCCCBCB"
GAP = timedelta(days=91)


@dataclass(frozen=True)
class Unit:
    """A course (C), a maintenance (M), a frontline cycle (B) or one after MRD recurrence (R)."""

    start: date
    end: date
    kind: str
    family: str
    is_consolidation: bool
    is_intensification: bool = False
    is_tki_alone: bool = False


@dataclass(frozen=True)
class Sequence:
    """What a patient was given, in order, and how it compares."""

    pattern: str
    schedule: str
    string: str | None
    status: str | None
    n_blin: int | None
    prefix_match: int | None
    distance: int | None
    category: str | None


def sequence(record: Record) -> Sequence:
    """The sequence of one record."""
    dates = course(record)
    found = units(record, dates)
    runs = [(family, len(list(own))) for family, own in groupby(unit.family for unit in found)]
    pattern = ">".join(family + (f"x{length}" if length > 1 else "") for family, length in runs)
    if dates.plan is None:
        return Sequence(pattern, _schedule(found), None, None, None, None, None, None)
    remission = min((at for at, _, remitted in frontline_assessments(record, dates) if remitted), default=None)
    string, status = "", None
    if remission is not None:
        letters, status = _letters_and_status(record, dates, remission, found)
        string = "".join(letters)
    n_blin = string.count("B")
    match = 0
    while match < min(len(string), len(REFERENCE)) and string[match] == REFERENCE[match]:
        match += 1
    return Sequence(
        pattern,
        _schedule(found),
        string,
        status,
        n_blin,
        match,
        _edits(string, REFERENCE),
        _category(string, status, n_blin, match),
    )


def units(record: Record, dates: Course) -> list[Unit]:
    """Units in order of start, a course before a cycle of the same day."""
    if dates.plan is None:
        return []
    family = backbone(record).final
    courses = [(one, _course_unit(record, one, family)) for one in frontline_courses(record) if one.phase != 1]
    found = [
        ((unit.start, 0, one.instance), unit) for one, unit in courses if one.drugs or not one.row.get("tc_it_doses")
    ]
    rows = {int(str(row["instance"])): row for row in record.rows("blin_cycle")}
    for cycle in given_cycles(record):
        if cycle.start >= progression(dates) or cycle.start > dates.frontline_end:
            continue
        _, stop, _ = days_of(record, rows[cycle.instance], dates.death)
        kind, name = ("B", "BLIN") if cycle.is_frontline else ("R", "BLIN_MRD")
        unit = Unit(cycle.start, stop or cycle.start, kind, name, is_consolidation=False)
        found.append(((cycle.start, 1, cycle.instance), unit))
    return [unit for _, unit in sorted(found, key=lambda pair: pair[0])]


def _course_unit(record: Record, one: FrontlineCourse, family: str) -> Unit:
    end = day(one.row, "tc_end")
    if end is None:
        end = record.last_day if one.row.get("tc_status") in (3, None) else one.start
    end = min(end, record.last_day)
    if one.phase == 8:
        return Unit(one.start, end, "M", "POMP_MAINT" if {15, 16} <= one.drugs else "MAINT", is_consolidation=False)
    code = one.row.get("tc_regimen")
    own = FAMILIES.get(code) if isinstance(code, int) else None
    only_tki = bool(one.drugs) and one.drugs <= TKI
    consolidation, intensification = one.phase in (5, 6, 7) and not only_tki, one.phase == 4
    return Unit(one.start, end, "C", own or family, consolidation, intensification, only_tki)


def _schedule(found: list[Unit]) -> str:
    kinds = "".join(unit.kind for unit in found if unit.kind in "CB" and not unit.is_tki_alone)
    if "B" not in kinds:
        return "NO_BLIN"
    if "C" not in kinds:
        return "BLIN_ONLY"
    inner = kinds[kinds.index("B") : kinds.rindex("B") + 1]
    if "C" in inner or (kinds[0] == "C" and kinds[-1] == "C"):
        return "INTERLEAVED"
    return "SEQUENTIAL" if kinds[0] == "C" else "BLIN_FIRST"


def counted(record: Record, dates: Course, remission: date, found: list[Unit]) -> list[Unit]:
    """Units that the comparison with E1910 counts: from the remission on, before a transplant in it.

    Chemotherapy counts after the intensification before randomisation: the last course of phase 4 before the first cycle.
    """
    transplants = [at for at, _ in record.dated("hct", "hc_date") if at >= remission]
    closing = min((at for at in transplants if at < progression(dates)), default=date.max)
    inside = [unit for unit in found if remission <= unit.start < closing]
    first = min((unit.start for unit in inside if unit.kind == "B"), default=date.max)
    intensified = [unit.start for unit in inside if unit.is_intensification and unit.start <= first]
    after = max(intensified, default=date.min)
    return [unit for unit in inside if unit.kind == "B" or (unit.is_consolidation and unit.start > after)]


def _letters_and_status(record: Record, dates: Course, remission: date, found: list[Unit]) -> tuple[list[str], str]:
    transplants = [at for at, _ in record.dated("hct", "hc_date") if at >= remission]
    own = counted(record, dates, remission, found)
    last_start, last_end = (own[-1].start, own[-1].end) if own else (remission, remission)
    ended = min(at for at in [*transplants, progression(dates), dates.death or date.max])
    finishes = [unit.start for unit in found if unit.kind == "M" and unit.start > last_start]
    finishes += [
        at for at, row in record.dated("followup", "fu_date") if row.get("fu_therapy") in (0, 2) and at > last_end
    ]
    letters = ["B" if unit.kind == "B" else "C" for unit in own]
    told, left = min(finishes, default=date.max), record.withdrawn if dates.death is None else None
    # An event ended it, unless the site says that it was over before; time alone only where nothing happened.
    if ended < date.max and ended <= told:
        return letters, "CENSORED"
    over = min(told, last_end + GAP)
    if left is not None and left <= over:
        return letters, "CENSORED"
    return letters, "FINISHED" if over <= record.data_cut else "ONGOING"


def counts(record: Record) -> tuple[int, int, int | None, int | None, int | None, str | None, int]:
    """Courses, cycles; courses before the first, between and after the cycles; family of the first course, different families.

    A TKI alone is a course; around the cycles, where the question is how chemotherapy and cycles alternate, it does not count.
    """
    found = units(record, course(record))
    kinds = "".join(unit.kind for unit in found if unit.kind in "CB" and not unit.is_tki_alone)
    families = [unit.family for unit in found if unit.kind == "C"]
    first, last = kinds.find("B"), kinds.rfind("B")
    places = (kinds[:first], kinds[first:last], kinds[last:]) if first >= 0 else (None, None, None)
    before, between, after = (None if part is None else part.count("C") for part in places)
    return (
        len(families),
        kinds.count("B"),
        before,
        between,
        after,
        families[0] if families else None,
        len(set(families)),
    )


def _edits(one: str, other: str) -> int:
    """Levenshtein distance, by the textbook's table."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        above, row[0] = row[0], i
        for j, against in enumerate(other, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (letter != against))
    return row[-1]


def _category(string: str, status: str | None, n_blin: int, match: int) -> str:
    if not string:
        return "NOT_STARTED" if status == "ONGOING" else "NONE"
    if match == len(REFERENCE):
        return "EXACT"
    if match == len(string) and status in ("ONGOING", "CENSORED"):
        return "ON_TRACK" if status == "ONGOING" else "ON_TRACK_CENSORED"
    if n_blin >= 4:
        return "FOUR_OR_MORE_OTHER_ORDER"
    if status == "ONGOING":
        return "DEVIATED"
    return "FEWER_THAN_FOUR" if n_blin else "NONE"

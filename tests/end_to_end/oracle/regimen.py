"""Frontline courses and the backbone they make, by clinical specification, sections 1 and 2.

Readings where the text leaves room: GRAALL's drugs stand in one course of first induction (else part 2 of E1910 makes every
E1910 with asparaginase a GRAALL); "20 with 11" stand in one course; drugs "fit" when they are those of the regimen's row in the
table (module ``fit``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .course import Course, course
from .fit import AfterInduction, fits
from .given import given_cycles
from .records import Record, Row, day, number, remembered

INDUCTION_DAYS = 60
FAMILIES = {
    1: "HCVAD",
    2: "MHCVD",
    3: "C10403",
    4: "E1910",
    5: "BFM",
    6: "GRAALL",
    7: "DFCI",
    8: "LINK",
    9: "TKI_LOW",
    10: "TKI_INT",
    11: "LOW",
    12: "IMMUNO",
    90: "OTHER",
}
STEROID, ANTHRA, ASP, ALK, TKI = {1, 2, 3}, {6, 7, 8}, {18, 19}, {9, 10}, {24, 25, 26, 27}
NOT_CYTOTOXIC = STEROID | {21, 22, 23}


@dataclass(frozen=True)
class FrontlineCourse:
    """One frontline course: where it stands and what it held."""

    start: date
    instance: int
    phase: int | None
    label: int | None
    drugs: frozenset[int]
    row: Row


@dataclass(frozen=True)
class Backbone:
    """What the rules and the site say, and which of the two counts."""

    declared: str
    derived: str
    confidence: str
    final: str
    conflict: bool
    base: str | None


def progression(dates: Course) -> date:
    """Day from which therapy is no longer frontline."""
    return min((at for at in (dates.relapse, dates.refractory) if at is not None), default=date.max)


@remembered
def frontline_courses(record: Record) -> list[FrontlineCourse]:
    """Courses from the plan on until relapse or refractory disease, and not after death, withdrawal or the cut."""
    dates = course(record)
    if dates.plan is None:
        return []
    found = []
    for at, row in record.dated("treatment_course", "tc_start"):
        if at >= progression(dates) or at > dates.frontline_end:
            continue
        ticked, phase, label = row.get("tc_drugs"), row.get("tc_phase"), row.get("tc_label")
        found.append(
            FrontlineCourse(
                start=at,
                instance=int(str(row["instance"])),
                phase=phase if isinstance(phase, int) else None,
                label=label if isinstance(label, int) else None,
                drugs=frozenset(ticked) if isinstance(ticked, list) else frozenset(),
                row=row,
            )
        )
    return sorted(found, key=lambda one: (one.start, one.instance))


@remembered
def backbone(record: Record) -> Backbone:
    """Declared, derived and final backbone of one record."""
    code = record.once("treatment_plan").get("plan_backbone")
    declared = FAMILIES.get(code, "UNK") if isinstance(code, int) else "UNK"
    derived, confidence, base = derive(record, declared)
    final = derived if confidence == "HIGH" or declared in ("OTHER", "UNK") else declared
    conflict = not {declared, derived} & {"OTHER", "UNK"} and declared != derived
    return Backbone(declared, derived, confidence, final, conflict, base)


def derive(record: Record, declared: str) -> tuple[str, str, str | None]:
    """(backbone, confidence, base under a TKI) by rules 1 to 12."""
    plan, all_courses = course(record).plan, frontline_courses(record)
    induction = [
        one for one in all_courses if one.phase in (2, 3) and plan and (one.start - plan).days <= INDUCTION_DAYS
    ]
    later = [one for one in all_courses if one not in induction and one.phase not in (1, 8)]
    ind: frozenset[int] = frozenset().union(*(one.drugs for one in induction))
    post: frozenset[int] = frozenset().union(*(one.drugs for one in later))
    diagnosis = record.once("diagnosis")
    genetics = diagnosis.get("genetics")
    abl = diagnosis.get("ph_status") == 1 or (isinstance(genetics, list) and 10 in genetics)
    dates = course(record)
    rows = {int(str(row["instance"])): row for row in record.rows("blin_cycle")}
    cycles = [
        (one.start, rows[one.instance])
        for one in given_cycles(record)
        if one.is_frontline and plan is not None and one.start <= dates.frontline_end
    ]
    cycle_tki = any(row.get("bc_tki") in (1, 2, 3, 4) for _, row in cycles)
    since = [row.get("bc_tki") for _, row in cycles if row.get("bc_purpose") != 1]
    cycle_induction = any(
        row.get("bc_purpose") == 1 and plan is not None and (at - plan).days <= INDUCTION_DAYS for at, row in cycles
    )
    after = AfterInduction(
        induction=ind,
        courses=[(one.phase, one.drugs) for one in later],
        anthracycline=any(one.drugs & ANTHRA for one in all_courses),
        cycles=len(since),
        cycles_with_tki=sum(tki in (1, 2, 3, 4) for tki in since),
        years=age(record),
    )

    def sure(rule: int) -> str:
        return "HIGH" if fits(rule, after) else "PROBABLE"

    chemotherapy = _chemotherapy(record, declared, all_courses, induction, later)
    immunotherapy = not ind - TKI - NOT_CYTOTOXIC and (23 in ind or cycle_induction)
    if abl and ((ind | post) & TKI or cycle_tki):
        if not (ind | post) & (ANTHRA | ALK | {12, 13}):
            return "TKI_LOW", sure(1), None
        if immunotherapy:
            return "TKI_INT", sure(2), "IMMUNO"
        if chemotherapy is None or chemotherapy[2] > 10:
            return "TKI_INT", "PROBABLE", None
        return "TKI_INT", chemotherapy[1] or sure(chemotherapy[2]), chemotherapy[0]
    if immunotherapy and not ind & TKI:
        return "IMMUNO", sure(2), None
    if chemotherapy:
        return chemotherapy[0], chemotherapy[1] or sure(chemotherapy[2]), None
    if not ind and not post:
        return "UNK", "DECLARED", None
    return ("OTHER" if ind else "UNK"), "PROBABLE", None


def _chemotherapy(
    record: Record,
    declared: str,
    everything: list[FrontlineCourse],
    induction: list[FrontlineCourse],
    later: list[FrontlineCourse],
) -> tuple[str, str, int] | None:
    """(backbone, confidence by the rule's own condition or '', rule) by rules 3 to 11."""
    ind: frozenset[int] = frozenset().union(*(one.drugs for one in induction))
    post: frozenset[int] = frozenset().union(*(one.drugs for one in later))
    first: frozenset[int] = frozenset().union(*(one.drugs for one in induction if one.phase == 2))

    def together(courses: list[FrontlineCourse], *drugs: int) -> bool:
        return any(set(drugs) <= one.drugs for one in courses)

    if together(induction, 9, 4, 2) and not any(one.drugs & ANTHRA for one in everything):
        return "MHCVD", "", 3
    if together(induction, 9, 4, 7, 2) and not ind & ASP:
        alternates = {1, 2} <= {one.label for one in everything}
        return "HCVAD", "HIGH" if together(everything, 13, 12) or alternates else "PROBABLE", 4
    if any({9, 6} <= one.drugs and one.drugs & ASP for one in induction if one.phase == 2):
        return "GRAALL", "", 5
    if {13, 7} <= ind and ind & ASP:
        return "DFCI", "", 6
    block = any(one.phase == 4 and 13 in one.drugs for one in later)
    consolidation = together(later, 20, 11)
    if {6, 4, 2} <= first and 1 not in first and (block or consolidation):
        return "E1910", "HIGH" if block and consolidation else "PROBABLE", 7
    phases = {one.phase for one in later if one.drugs & ASP}
    if {6, 4} <= ind and ind & {1, 2} and ind & ASP and (post & {14, 17} or len(phases) >= 2):
        years = age(record)
        young = declared == "C10403" or (years is not None and years < 40)
        return "C10403" if young else "BFM", "HIGH" if {14, 17} <= post else "PROBABLE", 8
    if together(later, 12, 20) and 9 not in ind | post:
        return "LINK", "", 9
    if ind & ANTHRA and 4 in ind and ind & STEROID and ind & ASP:
        return "BFM", "", 10
    if 4 in ind and ind & STEROID and not ind & ANTHRA:
        return "LOW", "", 11
    return None


def age(record: Record) -> float | None:
    """Age at diagnosis: as entered, else completed years from the birth date."""
    entered = number(record.once("registration"), "age_dx")
    if entered is not None:
        return entered
    born, diagnosed = day(record.once("demographics"), "birth_date"), course(record).diagnosis
    if born is None or diagnosed is None:
        return None
    return diagnosed.year - born.year - ((diagnosed.month, diagnosed.day) < (born.month, born.day))

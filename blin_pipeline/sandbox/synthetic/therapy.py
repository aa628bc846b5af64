"""Courses other than blinatumomab, and transplants: the schedule cut short by what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from blin_pipeline.sandbox.synthetic import regimens
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.entries import Draft
from blin_pipeline.sandbox.synthetic.journey import Journey
from blin_pipeline.sandbox.synthetic.schedule import CoursePlan

COMPLETED, STOPPED_EARLY, ONGOING, STATUS_UNKNOWN = 1, 2, 3, 9
_TOXICITY, _PROGRESSION, _DEATH = 1, 2, 3


@dataclass(frozen=True)
class SecondLine:
    """Therapy after the first relapse, on days after diagnosis; None where none was given or seen.

    Attributes:
        salvage_day: Start of a salvage course.
        retreatment_day: Start of a blinatumomab cycle after earlier blinatumomab.
        transplant_day: Transplant in second remission.
    """

    salvage_day: int | None
    retreatment_day: int | None
    transplant_day: int | None


def draw_second_line(journey: Journey, draws: Draws) -> SecondLine:
    """What followed the relapse, inside the observed lifetime."""
    roll, lag = draws.uniform(), draws.integer(5, 16)
    later, hct_lag = draws.chance(0.22), draws.integer(70, 130)
    if journey.relapse_seen is None or journey.schedule.relapse_before is not None:
        return SecondLine(None, None, None)
    day = journey.relapse_seen + lag
    limit = min(journey.seen_until, journey.death_day - 3)
    if day > limit:
        return SecondLine(None, None, None)
    again = journey.switch_day is not None and journey.switch_day < journey.death_day and roll < 0.2
    salvage = None if again or roll > 0.85 else day
    transplant = day + hct_lag if later and day + hct_lag <= limit - 20 and (again or salvage is not None) else None
    return SecondLine(salvage, day if again else None, transplant)


def add_courses(draft: Draft, draws: Draws, second: SecondLine) -> None:
    """Rows of ``treatment_course``; none when the backbone is unknown."""
    journey = draft.journey
    if journey.person.backbone != regimens.UNKNOWN:
        for course in journey.schedule.courses:
            _add_course(draft, draws, course)
    if second.salvage_day is not None:
        drugs = regimens.salvage_drugs(draws, journey.person.bcr_abl1_positive)
        block = regimens.Block(regimens.SALVAGE, drugs, 35, 10)
        _add_course(draft, draws, CoursePlan(second.salvage_day, block, regimens.OTHER, 1, line=2))


def _add_course(draft: Draft, draws: Draws, course: CoursePlan) -> None:
    journey = draft.journey
    block = course.block
    limit = min(journey.seen_until, journey.death_day) if course.line > 1 else journey.frontline_limit
    dose = draws.weighted({1: 0.78, 2: 0.1 if journey.person.age_years > 55 else 0.02, 3: 0.1, 9: 0.03})
    toxic, given = draws.chance(0.03), draws.uniform(0.3, 0.9)
    if course.start > limit or course.start >= journey.death_day:
        return
    last = course.start + block.drug_days - 1
    status, reason = COMPLETED, None
    if toxic and course.line == 1 and block.drug_days > 8:
        last, status, reason = course.start + int(given * block.drug_days), STOPPED_EARLY, _TOXICITY
    if last > limit:
        last, status, reason = _cut_short(journey, course, limit)
    draft.add(
        "treatment_course",
        {
            "tc_line": course.line,
            "tc_regimen": course.regimen,
            "tc_phase": block.phase,
            "tc_label": block.label,
            "tc_number": course.number,
            "tc_start": journey.date(course.start),
            "tc_end": None if status == ONGOING else journey.date(last),
            "tc_drugs": block.drugs,
            "tc_it_doses": block.intrathecal,
            "tc_dose": dose,
            "tc_status": status,
            "tc_stop_reason": reason,
            "tc_trial": draws.weighted({0: 0.95, 1: 0.03, 9: 0.02}),
        },
    )


def _cut_short(journey: Journey, course: CoursePlan, limit: int) -> tuple[int, int, int | None]:
    if journey.relapse_seen is not None and limit == journey.relapse_seen - 1 and course.line == 1:
        return limit, STOPPED_EARLY, _PROGRESSION
    if journey.died:
        return max(course.start, limit - 1), STOPPED_EARLY, _DEATH
    return limit, ONGOING, None


def add_transplants(draft: Draft, draws: Draws, second: SecondLine) -> None:
    """Rows of ``hct``: in first remission by the schedule, or in a second one after relapse."""
    journey = draft.journey
    day = journey.schedule.hct_day
    first = day if day is not None and day <= journey.frontline_limit and day < journey.death_day else None
    for hct_day, status in ((first, 1), (second.transplant_day, 2)):
        if hct_day is not None:
            _add_transplant(draft, draws, hct_day, status)


def _add_transplant(draft: Draft, draws: Draws, day: int, disease_status: int) -> None:
    journey = draft.journey
    limit = min(journey.seen_until, journey.death_day)
    acute = draws.weighted({0: 0.38, 1: 0.2, 2: 0.24, 3: 0.1, 4: 0.03, 9: 0.05})
    onset = day + draws.integer(18, 80)
    if acute in (2, 3, 4) and onset > limit:
        acute = 0
    older = journey.person.age_years >= 55
    draft.add(
        "hct",
        {
            "hc_date": journey.date(day),
            "hc_type": 1,
            "hc_donor": draws.weighted({1: 0.25, 2: 0.38, 3: 0.08, 4: 0.26, 5: 0.02, 9: 0.01}),
            "hc_source": draws.weighted({1: 0.85, 2: 0.13, 3: 0.02}),
            "hc_cond": draws.weighted({1: 0.25 if older else 0.7, 2: 0.65 if older else 0.25, 3: 0.08, 9: 0.02}),
            "hc_tbi": 0 if older else draws.weighted({1: 0.6, 0: 0.38, 9: 0.02}),
            "hc_status": disease_status,
            "hc_mrd": draws.weighted({0: 0.82, 1: 0.12, 9: 0.06}),
            "hc_agvhd": acute,
            "hc_agvhd_date": journey.date(onset) if acute in (2, 3, 4) else None,
            "hc_cgvhd": draws.weighted({0: 0.6, 1: 0.2, 2: 0.12, 3: 0.05, 9: 0.03}),
        },
    )


def last_course_end(draft: Draft) -> int:
    """Latest day of drug or start of an ongoing course, days after diagnosis; 0 when no course is known."""
    days = [entry.day("tc_end") or entry.day("tc_start") for entry in draft.entries("treatment_course")]
    known = [day for day in days if day is not None]
    return (max(known) - draft.journey.person.dx_date) // timedelta(days=1) if known else 0

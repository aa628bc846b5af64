"""The therapy as it would run if nothing happened: fixed before death is drawn, so that exposure never looks ahead."""

from __future__ import annotations

from dataclasses import dataclass, field

from blin_pipeline.sandbox.synthetic import person as persons
from blin_pipeline.sandbox.synthetic import regimens
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.person import Person

FRONTLINE, AFTER_MRD_RECURRENCE, RELAPSED_REFRACTORY = 1, 2, 3
PURPOSE_INDUCTION, PURPOSE_MRD_NEGATIVE, PURPOSE_MRD_POSITIVE, PURPOSE_MRD_UNKNOWN, PURPOSE_RELAPSED = 1, 2, 3, 4, 8


@dataclass(frozen=True)
class CoursePlan:
    """A chemotherapy course. Days count from diagnosis."""

    start: int
    block: regimens.Block
    regimen: int
    number: int
    line: int = 1


@dataclass(frozen=True)
class CyclePlan:
    """A blinatumomab cycle.

    Attributes:
        start: Day after diagnosis.
        number: Cycle number, 1 = first ever.
        line: Code of ``bc_line``.
        purpose: Code of ``bc_purpose``.
        step: Whether the first seven days run at the lower rate.
        stop_day: Day of the cycle on which it is stopped early, or None.
        stop_reason: Code of ``bc_stop_reason`` then.
        late_days: Days that it begins later than the schedule asks.
    """

    start: int
    number: int
    line: int
    purpose: int
    step: bool
    stop_day: int | None
    stop_reason: int | None
    late_days: int


@dataclass
class Schedule:
    """All that is planned. Days count from diagnosis; None where it is not planned at all.

    Attributes:
        plan_day: First anti-leukaemia therapy.
        first_marrow: End-of-induction marrow.
        second_marrow: Marrow after the second induction course.
        remission_day: Marrow that shows remission, None for the refractory.
        relapse_before: Day of a relapse that leads to the first blinatumomab ever (then ``cycles`` are of line 3).
        mrd_recurrence: MRD came back before the first cycle.
        hct_day: Transplant in first remission.
        dropped_cycles: Cycles of the plan that were given up after an early stop.
    """

    plan_day: int
    first_marrow: int = 0
    second_marrow: int | None = None
    remission_day: int | None = None
    relapse_before: int | None = None
    mrd_recurrence: int | None = None
    hct_day: int | None = None
    dropped_cycles: int = 0
    courses: list[CoursePlan] = field(default_factory=list)
    cycles: list[CyclePlan] = field(default_factory=list)

    @property
    def first_infusion(self) -> int | None:
        """Day of the first blinatumomab ever, if one is due."""
        return self.cycles[0].start if self.cycles else None


def build_schedule(draws: Draws, person: Person) -> Schedule:
    """The schedule of one patient."""
    schedule = Schedule(plan_day=draws.integer(1, 9))
    blocks = regimens.regimen(draws, person.backbone, person.age_years, person.cd20)
    day = _induction(draws, person, blocks, schedule)
    if person.responds == persons.NEVER:
        _after_failure(draws, person, schedule, day)
        return schedule
    _after_remission(draws, person, blocks, schedule, day)
    if not schedule.cycles and schedule.hct_day is None and not person.unassessed and draws.chance(0.12):
        _late_relapse(draws, schedule)
    return schedule


def _induction(draws: Draws, person: Person, blocks: regimens.Regimen, schedule: Schedule) -> int:
    if not blocks.induction:
        return _immunotherapy_induction(draws, person, schedule)
    day = schedule.plan_day
    parts = list(blocks.induction)
    if person.responds != persons.FIRST_INDUCTION and len(parts) == 1:
        parts.append(blocks.rescue)
    starts = []
    for block in parts:
        starts.append(day)
        schedule.courses.append(CoursePlan(day, block, person.backbone, 1))
        day += block.days + draws.integer(0, 6)
    schedule.first_marrow = starts[0] + draws.integer(26, 33)
    if len(parts) > 1:
        schedule.second_marrow = max(starts[1] + draws.integer(26, 32), schedule.first_marrow + 14)
        day = max(day, schedule.second_marrow + 2)
    day = max(day, schedule.first_marrow + 2)
    if person.responds == persons.FIRST_INDUCTION:
        schedule.remission_day = schedule.first_marrow
    elif person.responds == persons.SECOND_INDUCTION:
        schedule.remission_day = schedule.second_marrow
    return day


def _immunotherapy_induction(draws: Draws, person: Person, schedule: Schedule) -> int:
    day = schedule.plan_day
    rounds = 1 if person.responds == persons.FIRST_INDUCTION else 2
    for number in range(1, rounds + 1):
        schedule.cycles.append(CyclePlan(day, number, FRONTLINE, PURPOSE_INDUCTION, number == 1, None, None, 0))
        marrow = day + draws.integer(29, 35)
        if number == 1:
            schedule.first_marrow = marrow
        else:
            schedule.second_marrow = marrow
        schedule.remission_day = marrow
        day += 42 + draws.integer(0, 5)
    return day


def _after_failure(draws: Draws, person: Person, schedule: Schedule, day: int) -> None:
    """Salvage: chemotherapy or blinatumomab, decided by a coin, not by the outcome."""
    day += draws.integer(3, 14)
    if draws.chance(0.5):
        drugs = regimens.salvage_drugs(draws, person.bcr_abl1_positive)
        block = regimens.Block(regimens.SALVAGE, drugs, 35, 10)
        schedule.courses.append(CoursePlan(day, block, regimens.OTHER, 1, line=2))
        return
    for number in (1, 2):
        cycle = CyclePlan(day, number, RELAPSED_REFRACTORY, PURPOSE_RELAPSED, number == 1, None, None, 0)
        schedule.cycles.append(cycle)
        day += 42 + draws.integer(0, 8)


def _late_relapse(draws: Draws, schedule: Schedule) -> None:
    """Blinatumomab for the first time at a relapse: its day is drawn, the relapse is put before it."""
    if schedule.remission_day is None:
        return
    day = schedule.remission_day + draws.integer(110, 520)
    schedule.relapse_before = day - draws.integer(6, 22)
    schedule.courses = [course for course in schedule.courses if course.start < schedule.relapse_before]
    for number in (1, 2):
        schedule.cycles.append(
            CyclePlan(day, number, RELAPSED_REFRACTORY, PURPOSE_RELAPSED, number == 1, None, None, 0)
        )
        day += 42 + draws.integer(0, 6)


def _after_remission(draws: Draws, person: Person, blocks: regimens.Regimen, schedule: Schedule, day: int) -> None:
    cycles_left = person.planned_cycles - len(schedule.cycles)
    recurrence = (
        person.mrd_negative_at_remission
        and person.backbone != regimens.IMMUNO
        and not person.unassessed
        and draws.chance(0.06)
    )
    numbers: dict[int, int] = {}
    for block in blocks.post:
        if block is None:
            if cycles_left <= 0:
                continue
            if not schedule.cycles and recurrence:
                schedule.mrd_recurrence = day + draws.integer(2, 8)
                day = schedule.mrd_recurrence + draws.integer(5, 12)
            cycle = _cycle(draws, person, schedule, day)
            schedule.cycles.append(cycle)
            day = _next_day(draws, cycle)
            cycles_left -= 1
            if cycle.stop_reason is not None and draws.chance(0.55):
                schedule.dropped_cycles, cycles_left = cycles_left, 0
            continue
        numbers[block.phase] = numbers.get(block.phase, 0) + 1
        schedule.courses.append(CoursePlan(day, block, person.backbone, numbers[block.phase]))
        day += block.days + int(draws.exponential(4.0))
    _transplant(draws, person, schedule)
    if schedule.hct_day is None and blocks.maintenance is not None:
        schedule.courses.append(CoursePlan(day + draws.integer(0, 14), blocks.maintenance, person.backbone, 1))


def _cycle(draws: Draws, person: Person, schedule: Schedule, day: int) -> CyclePlan:
    number = len(schedule.cycles) + 1
    line = AFTER_MRD_RECURRENCE if schedule.mrd_recurrence is not None else FRONTLINE
    negative = person.mrd_negative_at_remission if number == 1 else True
    purpose = PURPOSE_MRD_NEGATIVE if negative and line == FRONTLINE else PURPOSE_MRD_POSITIVE
    if purpose == PURPOSE_MRD_NEGATIVE and draws.chance(0.06):
        purpose = PURPOSE_MRD_UNKNOWN
    stop_day, stop_reason = None, None
    if draws.chance(0.13 if number == 1 else 0.07):
        stop_reason = draws.weighted(
            {1: 0.12, 2: 0.30, 3: 0.20, 4: 0.10, 8: 0.10, 9: 0.03, 10: 0.08, 11: 0.05, 90: 0.02}
        )
        stop_day = draws.integer(2, 9) if stop_reason in (1, 2) else draws.integer(4, 24)
    late = 0 if draws.chance(0.7) else draws.integer(1, 18)
    step = draws.chance(0.14) if number == 1 else False
    return CyclePlan(day + late, number, line, purpose, step, stop_day, stop_reason, late)


def _next_day(draws: Draws, cycle: CyclePlan) -> int:
    if cycle.stop_day is None:
        return cycle.start + 42 + int(draws.exponential(3.0))
    return cycle.start + max(33, cycle.stop_day + 14) + draws.integer(0, 6)


def _transplant(draws: Draws, person: Person, schedule: Schedule) -> None:
    """Transplant in first remission: after the second or third element of consolidation, the rest of the plan then falls away."""
    share = 0.34 if person.poor_genetics or not person.mrd_negative_at_remission else 0.10
    if person.age_years > 72 or schedule.remission_day is None or not draws.chance(share):
        return
    day = schedule.remission_day + draws.integer(70, 170)
    kept = [course for course in schedule.courses if course.start + course.block.drug_days < day - 7]
    kept_cycles = [cycle for cycle in schedule.cycles if cycle.start + 55 < day]
    schedule.courses, schedule.cycles, schedule.dropped_cycles, schedule.hct_day = kept, kept_cycles, 0, day
    if not kept_cycles:
        schedule.mrd_recurrence = None

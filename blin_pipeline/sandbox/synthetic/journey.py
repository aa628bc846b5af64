"""What happens to one candidate: death from the stated hazard, relapse before it, entry into the registry, end of observation.

Left truncation is made here: a patient who dies before the registry can reach them is entered only by the deceased path, and
only at centres that use it; everybody else who is dead by then never appears. Observation ends for each patient on a day that
is drawn without regard to the outcome, so that censoring says nothing about survival.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from blin_pipeline.sandbox.synthetic import person as persons
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.hazard import HazardModel, covariates_at_diagnosis
from blin_pipeline.sandbox.synthetic.person import Person
from blin_pipeline.sandbox.synthetic.plan import SyntheticPlan
from blin_pipeline.sandbox.synthetic.schedule import Schedule, build_schedule
from blin_pipeline.sandbox.synthetic.sites import Site

PROSPECTIVE, RETROSPECTIVE_ALIVE, RETROSPECTIVE_DECEASED = 1, 2, 3
ENTERED, DIED_UNSEEN, NOT_YET_ENTERED = "entered", "died before entry, never entered", "not entered by the data cut"


@dataclass
class Journey:
    """One candidate's course in the world. Days count from diagnosis; None where the thing never happens.

    Attributes:
        switch_day: Day from which the hazard ratio acts (first infusion), reached only if alive on it.
        death_day: Latent day of death; may lie far after the data cut.
        relapse_day: First relapse.
        entry_day: Registration.
        enrolment: Code of ``enroll_type``.
        seen_until: Last day on which the registry knew the patient alive, or the day of death that it knows.
        lost: Lost to follow-up.
    """

    person: Person
    site: Site
    schedule: Schedule
    covariates: dict[str, bool]
    linear_predictor: float
    switch_day: int | None
    death_day: int
    relapse_day: int | None = None
    relapse_death: bool = False
    entry_day: int = 0
    enrolment: int = PROSPECTIVE
    seen_until: int = 0
    lost: bool = False
    outcome: str = ENTERED

    def date(self, day: int) -> date:
        """Calendar date of a day after diagnosis."""
        return self.person.dx_date + timedelta(days=day)

    @property
    def died(self) -> bool:
        """Whether the registry knows of the death."""
        return self.death_day <= self.seen_until

    @property
    def reached_remission(self) -> bool:
        """Whether the patient lived to the marrow that showed remission, inside the observed time."""
        day = self.schedule.remission_day
        return day is not None and day < self.death_day and day <= self.seen_until

    @property
    def relapse_seen(self) -> int | None:
        """Day of the relapse if the registry knows it."""
        return self.relapse_day if self.relapse_day is not None and self.relapse_day <= self.seen_until else None

    @property
    def frontline_limit(self) -> int:
        """Last day on which frontline therapy can still be given and is seen: before relapse, up to death or end of observation."""
        limit = min(self.seen_until, self.death_day)
        return limit if self.relapse_day is None else min(limit, self.relapse_day - 1)


def draw_journey(plan: SyntheticPlan, sites: tuple[Site, ...], model: HazardModel, person: Person) -> Journey:
    """The journey of one candidate, entered or not (see ``outcome``)."""
    schedule = build_schedule(Draws(plan.seed, f"schedule/{person.number}"), person)
    draws = Draws(plan.seed, f"journey/{person.number}")
    covariates = covariates_at_diagnosis(person.age_years, person.bcr_abl1_positive, person.responds == persons.NEVER)
    linear_predictor = model.linear_predictor(covariates)
    switch = schedule.first_infusion
    death = model.draw_death_day(draws, linear_predictor, switch)
    journey = Journey(person, sites[person.site], schedule, covariates, linear_predictor, switch, death)
    _relapse(draws, journey)
    _enter(draws, plan, journey)
    if journey.outcome == ENTERED:
        _observe(draws, plan, journey)
    return journey


def _relapse(draws: Draws, journey: Journey) -> None:
    """Relapse as a forerunner of death, never before the day on which exposure is due (that would let exposure look ahead)."""
    schedule, death = journey.schedule, journey.death_day
    early, leukaemic, gap = draws.uniform(), draws.chance(0.66), draws.exponential(210.0)
    remission = schedule.remission_day
    if remission is None or journey.person.unassessed or remission + 40 >= death:
        return
    switch = journey.switch_day
    if schedule.relapse_before is not None and switch is not None and switch < death:
        journey.relapse_day, journey.relapse_death = schedule.relapse_before, leukaemic
        return
    if not leukaemic:
        return
    floor = remission + 30
    if switch is not None and switch < death and schedule.relapse_before is None:
        floor = max(floor, switch + 12)
    day = max(floor, int(death - max(12.0, gap)))
    if day >= death - 4:
        return
    if schedule.hct_day is not None and day <= schedule.hct_day:
        schedule.hct_day = None
    journey.relapse_day, journey.relapse_death = day + int(early * 3), True


def _enter(draws: Draws, plan: SyntheticPlan, journey: Journey) -> None:
    """Registration day, path, or the reason why the registry never hears of the patient."""
    opened = (journey.site.fact.activated - journey.person.dx_date).days
    last = (plan.data_cut - journey.person.dx_date).days
    reach = draws.integer(3, 35) if opened <= 0 else max(opened, 10) + int(draws.exponential(70.0))
    report_lag, uses_path = draws.integer(14, 80), draws.chance(journey.site.deceased_path_share)
    if journey.death_day > reach:
        journey.entry_day = reach
        journey.enrolment = PROSPECTIVE if opened <= 0 else RETROSPECTIVE_ALIVE
    else:
        journey.entry_day = max(journey.death_day, opened) + report_lag
        journey.enrolment = RETROSPECTIVE_DECEASED
        if not uses_path:
            journey.outcome = DIED_UNSEEN
            return
    if journey.entry_day > last:
        journey.outcome = NOT_YET_ENTERED


def _observe(draws: Draws, plan: SyntheticPlan, journey: Journey) -> None:
    """Day on which the centre last looked, whatever it found."""
    last = (plan.data_cut - journey.person.dx_date).days
    day, lost, lost_day = last - draws.integer(2, 95), draws.chance(0.03), draws.integer(30, 700)
    if journey.enrolment == RETROSPECTIVE_DECEASED:
        journey.seen_until = journey.death_day
        return
    gone = journey.entry_day + lost_day
    running = any(cycle.start - 1 <= gone <= cycle.start + 40 for cycle in journey.schedule.cycles)
    journey.lost = lost and gone < last - 210 and not running
    day = gone if journey.lost else max(day, journey.entry_day)
    for cycle in journey.schedule.cycles:
        if cycle.start - 1 <= day <= cycle.start + 40:
            day = min(last, cycle.start + 41)
    journey.seen_until = min(day, journey.death_day)

"""Blinatumomab cycles and their infusion segments, in local clock time.

Every cycle starts as what was infused (stretches at one rate, with the gaps between them) and is then written the way the
centre records: segments, a header without segments, a header that owns to an interruption without saying when, or dates only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.entries import Draft, Value
from blin_pipeline.sandbox.synthetic.schedule import RELAPSED_REFRACTORY, CyclePlan
from blin_pipeline.sandbox.synthetic.therapy import SecondLine

ONGOING, COMPLETED, STOPPED_EARLY, NEVER_STARTED = 1, 2, 3, 4
PLANNED_END, DOSE_STEP, CRS, NEUROTOXICITY, INFECTION, PUMP, LOGISTICS, PERMANENT_STOP = 1, 2, 3, 4, 5, 8, 9, 12
MCG_DAY, MCG_M2_DAY = 1, 2
FULL_RATE, STEP_RATE, FULL_M2, STEP_M2, CAP, STEP_CAP, BAND_KG = 28.0, 9.0, 15.0, 5.0, 28.0, 9.0, 45.0
BOTH_TIMES, DATES_ONLY = 1, 3
_RELAPSE, _DEATH, _PHYSICIAN_CHOICE = 5, 6, 11


@dataclass
class Stretch:
    """One uninterrupted infusion at one rate, local clock time; ``stop`` None while it runs."""

    start: datetime
    stop: datetime | None
    is_step: bool
    reason: int


@dataclass
class Infusion:
    """One cycle as it was given.

    Attributes:
        plan: What was due.
        stretches: What ran, in order.
        status: Code of ``bc_status``.
        stop_reason: Code of ``bc_stop_reason``, when stopped early.
    """

    plan: CyclePlan
    stretches: list[Stretch]
    status: int
    stop_reason: int | None

    @property
    def long_gap(self) -> bool:
        """Whether the infusion paused for four hours or more (clock time)."""
        return any(
            left.stop is not None and right.start - left.stop >= timedelta(hours=4)
            for left, right in pairwise(self.stretches)
        )


def civil(moment: datetime, time_zone: str | None) -> datetime:
    """The clock time, moved two hours on if it does not exist or exists twice in that zone."""
    if time_zone is None:
        return moment
    zone = ZoneInfo(time_zone)
    once = moment.replace(tzinfo=zone, fold=0).utcoffset() == moment.replace(tzinfo=zone, fold=1).utcoffset()
    return moment if once else moment + timedelta(hours=2)


def add_cycles(draft: Draft, draws: Draws, second: SecondLine, data_cut: date) -> list[Infusion]:
    """Rows of ``blin_cycle`` and ``blin_segment``; returns what was infused."""
    journey = draft.journey
    plans = [
        (plan, journey.frontline_limit if plan.line != RELAPSED_REFRACTORY else None)
        for plan in journey.schedule.cycles
    ]
    if second.retreatment_day is not None:
        plans = [item for item in plans if item[0].start <= journey.frontline_limit]
        day = max([second.retreatment_day, *(plan.start + 30 for plan, _ in plans)])
        plans.append((CyclePlan(day, len(plans) + 1, RELAPSED_REFRACTORY, 8, True, None, None, 0), None))
    given: list[Infusion] = []
    for plan, frontline in plans:
        limit = min(journey.seen_until, journey.death_day) if frontline is None else frontline
        if plan.start > limit or plan.start >= journey.death_day:
            _maybe_never_started(draft, draws, plan, bool(given))
            break
        infusion = _infuse(draft, draws, plan, limit, data_cut)
        given.append(infusion)
        draft.infused += [(plan.number, item.start, item.stop, item.is_step) for item in infusion.stretches]
        _record(draft, draws, infusion)
    return given


def dosing(draft: Draft) -> tuple[float, float | None, float]:
    """Weight (kg), body surface where it matters (m2) and planned full rate (mcg/day) of a patient."""
    person = draft.journey.person
    if person.weight_kg >= BAND_KG:
        return person.weight_kg, None, FULL_RATE
    return person.weight_kg, person.bsa_m2, round(min(FULL_M2 * person.bsa_m2, CAP), 2)


def _maybe_never_started(draft: Draft, draws: Draws, plan: CyclePlan, some_given: bool) -> None:
    """A cycle that was planned and given up: recorded now and then, without a date."""
    journey = draft.journey
    ended = journey.died or journey.relapse_seen is not None
    if not (ended and draws.chance(0.35 if some_given else 0.15)):
        return
    weight, bsa, rate = dosing(draft)
    draft.add(
        "blin_cycle",
        {
            "bc_number": plan.number,
            "bc_line": plan.line,
            "bc_purpose": plan.purpose,
            "bc_time_known": DATES_ONLY,
            "bc_weight": weight,
            "bc_bsa": bsa,
            "bc_step": 0,
            "bc_plan_days": 28,
            "bc_plan_rate": rate,
            "bc_status": NEVER_STARTED,
            "bc_interrupted": 0,
            "bc_tki": 0 if journey.person.bcr_abl1_positive else None,
        },
    )


def _infuse(draft: Draft, draws: Draws, plan: CyclePlan, limit: int, data_cut: date) -> Infusion:
    """Build the stretches hour by hour of infusion, then cut them at death, relapse, early stop or the data cut."""
    journey = draft.journey
    zone = journey.site.fact.time_zone
    clock = time(draws.integer(8, 17), 5 * draws.integer(0, 11))
    start = datetime.combine(journey.date(plan.start), clock)
    pauses = _pauses(draws)
    stop_after = timedelta(days=plan.stop_day, hours=draws.integer(-3, 3)) if plan.stop_day is not None else None
    total = timedelta(days=28, minutes=5 * draws.integer(-9, 30))
    stretches = _stretches(start, total if stop_after is None else stop_after, plan.step, pauses, zone)
    status, reason = (COMPLETED, None) if stop_after is None else (STOPPED_EARLY, plan.stop_reason)
    stretches[-1].reason = PLANNED_END if stop_after is None else PERMANENT_STOP
    end = datetime.combine(journey.date(limit), time(draws.integer(6, 20), 5 * draws.integer(0, 11)))
    died = journey.died and journey.death_day <= limit
    relapsed = not died and plan.line != RELAPSED_REFRACTORY and journey.relapse_seen is not None
    if not died and not relapsed:
        end = datetime.combine(data_cut, time()) + timedelta(days=1)
    if _stop(stretches[-1]) < end:
        return Infusion(plan, stretches, status, reason)
    stretches = [item for item in stretches if item.start < end - timedelta(minutes=30)] or stretches[:1]
    if died or relapsed:
        end = civil(max(end, start + timedelta(hours=2)), zone)
        stretches[-1].stop = min(_stop(stretches[-1]), end)
        stretches[-1].reason = PERMANENT_STOP
        return Infusion(plan, stretches, STOPPED_EARLY, _DEATH if died else _RELAPSE)
    if _stop(stretches[-1]) < end:
        stretches[-1].reason = PERMANENT_STOP
        return Infusion(plan, stretches, STOPPED_EARLY, _PHYSICIAN_CHOICE)
    stretches[-1].stop = None
    return Infusion(plan, stretches, ONGOING, None)


def _stop(stretch: Stretch) -> datetime:
    if stretch.stop is None:
        raise ValueError("the stretch still runs")
    return stretch.stop


def _pauses(draws: Draws) -> list[tuple[timedelta, timedelta, int]]:
    """Pauses as (infused time before it, length, reason), in order."""
    pauses: list[tuple[timedelta, timedelta, int]] = []
    if draws.chance(0.22):
        day = draws.uniform(1.0, 26.0)
        pauses.append((timedelta(minutes=5 * int(day * 288)), timedelta(minutes=5 * draws.integer(2, 44)), PUMP))
    if draws.chance(0.20):
        reason = draws.weighted({CRS: 0.2, NEUROTOXICITY: 0.3, INFECTION: 0.25, LOGISTICS: 0.1, PUMP: 0.15})
        day = draws.uniform(0.3, 6.0) if reason in (CRS, NEUROTOXICITY) else draws.uniform(2.0, 25.0)
        hours = draws.lognormal(26, 1.0) if reason in (CRS, NEUROTOXICITY, INFECTION) else draws.lognormal(7, 0.6)
        length = timedelta(minutes=5 * int(12 * draws.clipped(hours, 4.2, 160.0)))
        pauses.append((timedelta(minutes=5 * int(day * 288)), length, reason))
    return sorted(pauses)


def _stretches(
    start: datetime, total: timedelta, step: bool, pauses: list[tuple[timedelta, timedelta, int]], zone: str | None
) -> list[Stretch]:
    """Lay infused time out on the clock: a dose step after seven infused days, pauses where they fall."""
    breaks = [(at, length, reason) for at, length, reason in pauses if timedelta() < at < total]
    week = timedelta(days=7)
    if step and week < total:
        breaks = sorted([*breaks, (week, timedelta(), DOSE_STEP)])
    stretches, done, now = [], timedelta(), start
    for at, length, reason in breaks:
        if at - done < timedelta(minutes=30):
            continue
        stop = civil(now + (at - done), zone)
        stretches.append(Stretch(now, stop, step and done < week, reason))
        now, done = civil(stop + length, zone), at
    stretches.append(Stretch(now, civil(now + (total - done), zone), step and done < week, PLANNED_END))
    return stretches


def _record(draft: Draft, draws: Draws, infusion: Infusion) -> None:
    """Write the cycle in one of the ways in which centres record."""
    plan = infusion.plan
    stepped = any(item.is_step for item in infusion.stretches) and not all(item.is_step for item in infusion.stretches)
    style = draws.weighted({"segments": 0.5, "header": 0.37, "dates": 0.13})
    vague = draws.chance(0.3)
    with_segments = style == "segments" or stepped or (infusion.long_gap and not vague)
    interrupted = 1 if infusion.long_gap else 9 if not with_segments and draws.chance(0.06) else 0
    dates_only = style == "dates" and not with_segments and infusion.status != ONGOING
    start, stop = infusion.stretches[0].start, infusion.stretches[-1].stop
    if dates_only:
        hour = draws.choice((0, 12))
        start = start.replace(hour=hour, minute=0)
        stop = None if stop is None else max(stop.replace(hour=hour, minute=0), start + timedelta(days=1))
    weight, bsa, rate = dosing(draft)
    values: dict[str, Value | None] = {
        "bc_number": plan.number,
        "bc_line": plan.line,
        "bc_purpose": plan.purpose,
        "bc_start": start,
        "bc_end": stop,
        "bc_time_known": DATES_ONLY if dates_only else BOTH_TIMES,
        "bc_weight": weight,
        "bc_bsa": bsa,
        "bc_step": 1 if plan.step else 0,
        "bc_plan_days": 28,
        "bc_plan_rate": rate,
        "bc_status": infusion.status,
        "bc_stop_reason": infusion.stop_reason,
        "bc_interrupted": interrupted,
        "bc_delay_reason": draws.weighted({1: 0.3, 2: 0.2, 4: 0.2, 5: 0.2, 7: 0.1}) if plan.late_days > 7 else 0,
        "bc_setting": 1 if plan.number == 1 else draws.weighted({1: 0.5, 2: 0.45, 3: 0.03, 9: 0.02}),
        "bc_inpt_days": draws.integer(3, 12) if plan.number == 1 else draws.integer(0, 5),
        "bc_home": draws.weighted({1: 0.72, 0: 0.25, 9: 0.03}),
        "bc_bag": draws.weighted({1: 0.06, 2: 0.14, 3: 0.12, 4: 0.2, 5: 0.4, 6: 0.05, 9: 0.03}),
        "bc_steroid": draws.weighted({1: 0.93, 0: 0.05, 9: 0.02}),
        "bc_tki": _tki(draft, draws) if draft.journey.person.bcr_abl1_positive else None,
        "bc_ino": draws.weighted({0: 0.96, 1: 0.03, 9: 0.01}),
        "bc_it_doses": draws.integer(0, 2),
    }
    draft.add("blin_cycle", values)
    if with_segments:
        for stretch in infusion.stretches:
            _record_stretch(draft, plan.number, stretch, bsa is not None)


def _tki(draft: Draft, draws: Draws) -> int:
    """Code of ``bc_tki``: the patient's own TKI (dasatinib or ponatinib), now and then paused."""
    return 0 if draws.chance(0.12) else 3 if draft.journey.person.number % 5 < 2 else 2


def _record_stretch(draft: Draft, number: int, stretch: Stretch, by_surface: bool) -> None:
    full, step = (FULL_M2, STEP_M2) if by_surface else (FULL_RATE, STEP_RATE)
    draft.add(
        "blin_segment",
        {
            "sg_cycle": number,
            "sg_start": stretch.start,
            "sg_end": stretch.stop,
            "sg_rate": step if stretch.is_step else full,
            "sg_rate_unit": MCG_M2_DAY if by_surface else MCG_DAY,
            "sg_end_reason": None if stretch.stop is None else stretch.reason,
        },
    )

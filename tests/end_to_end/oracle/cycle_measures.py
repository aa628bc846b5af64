"""What one cycle of ``blin_cycle_exposure`` amounts to by itself (clinical specification 3, data model 2.6)."""

from __future__ import annotations

from datetime import date

from .infusion import BAG, DAY, DEVICE, GAP_4H, GAP_7D, GAP_14D, GAP_24H, STEP_MINUTES, TOXICITY, Exposure

Value = bool | int | float | str | date | None


def is_started(one: Exposure) -> bool:
    """From one hour on; where the hours are not known, or only days are, the form's word counts."""
    return one.source != "NOT_STARTED" and (one.whole_days or one.days is None or round(one.days * 24, 6) >= 1)


def measures(one: Exposure) -> dict[str, Value]:
    """What was planned, given and completed."""
    started = is_started(one)
    never = one.source == "NOT_STARTED"
    known = not one.stop_unknown and one.days is not None and one.planned_days is not None
    need = None if one.planned_days is None else 27.0 if one.planned_days == 28 else one.planned_days - 1
    complete: bool | None = False if never else None
    complete_80: bool | None = False if never else None
    if known and not never and one.days is not None and need is not None and one.planned_days is not None:
        complete = round(one.days, 6) >= need
        complete_80 = round(one.days, 6) >= round(0.8 * one.planned_days, 6)
    fraction = None
    if started and not one.stop_unknown and one.mcg is not None and one.planned_mcg:
        fraction = one.mcg / one.planned_mcg
    status = "NOT_EVALUABLE"
    if not started:
        status = "NOT_STARTED"
    elif one.is_ongoing:
        status = "ONGOING"
    elif complete:
        status = "COMPLETED_REDUCED" if fraction is not None and fraction < 0.9 else "COMPLETED"
    elif complete is False:
        status = "STOPPED_EARLY"
    return {
        "exposure_source_cd": one.source,
        "planned_days": one.planned_days,
        "planned_source_cd": _plan_source(one),
        "planned_rate_mcg_day": one.planned_rate,
        "planned_mcg": one.planned_mcg,
        "delivered_days": one.days,
        "delivered_mcg": one.mcg,
        "delivered_days_upper": one.upper_days,
        "delivered_mcg_upper": one.upper_mcg,
        "dose_completeness_frac": fraction,
        "completed": complete,
        "completed_80": complete_80,
        "completion_status_cd": status,
        "day_count_uncertainty_days": 1.0 if one.whole_days else 0.0,
    }


def _plan_source(one: Exposure) -> str:
    recorded = sum(value is not None for value in (one.planned_days, one.planned_rate))
    return ("NOT_RECORDED", "FORM_INCOMPLETE", "FORM")[recorded]


def gaps(one: Exposure) -> dict[str, Value]:
    """Breaks, interruptions and overlaps."""
    lengths = [length for length, _ in one.gaps]
    long = [(length, reason) for length, reason in one.gaps if length >= GAP_4H]
    by_segments = one.source == "SEGMENTS" and one.stretches is not None
    known = by_segments or one.source == "HEADER"
    stretches = one.stretches or []
    started = is_started(one)
    cause = None
    if long:
        cause = (
            "UNKNOWN"
            if long[0][1] is None
            else "TOXICITY"
            if long[0][1] in TOXICITY
            else "DEVICE_LOGISTICS"
            if long[0][1] in DEVICE
            else "OTHER"
        )
    weeks = sum(length > GAP_7D for length in lengths)
    return {
        "n_short_breaks": len(lengths) - len(long) if known else None,
        "n_interrupt_4h": len(long) if known else None,
        "n_interrupt_24h": sum(length >= GAP_24H for length in lengths) if known else None,
        "n_interrupt_7d": weeks if known else None,
        "n_same_cycle_restart_over_7d": weeks if known else None,
        "n_interrupt_14d": sum(length > GAP_14D for length in lengths) if stretches else None,
        "label_cycles": 0 if not started else 1 + weeks if known else None,
        "longest_interrupt_h": max(length for length, _ in long) / 60 if long else None,
        "interrupt_reason_cd_first": cause,
        "off_h": sum(lengths) / 60 if by_segments else None,
        "infused_h_bridged": (
            (sum(s.minutes for s in stretches) + sum(length for length in lengths if length <= BAG)) / 60
            if stretches
            else None
        ),
        "overlap_h": sum(s.minutes for s in stretches if len(s.rates) > 1) / 60 if by_segments else None,
        "rate_conflict_h": sum(s.minutes for s in stretches if len(set(s.rates)) > 1) / 60 if by_segments else None,
    }


def rates(one: Exposure) -> dict[str, Value]:
    """Rates, reduced days and steps."""
    empty: dict[str, Value] = dict.fromkeys(
        ("start_rate_mcg_day", "max_rate_mcg_day", "reduced_dose_days", "step_dose_given", "step_up_day", "has_restep")
    )
    if one.source != "SEGMENTS" or not one.stretches:
        return empty
    infused, reduced, step_up = 0, 0, None
    restarts: list[bool | None] = []
    previous: float | None = None
    plans: list[float | None] = []
    for place, stretch in enumerate(one.stretches):
        assert stretch.rate is not None
        gap = 0 if place == 0 else stretch.start - one.stretches[place - 1].stop
        for minutes, plan in _planned_parts(one, infused, stretch.minutes):
            plans.append(plan)
            if plan is not None and _is_reduced(stretch.rate, plan):
                reduced += minutes
        if gap >= GAP_4H:
            plan = _planned_parts(one, infused, stretch.minutes)[0][1]
            restarts.append(None if plan is None else _is_reduced(stretch.rate, plan))
        if previous is not None and stretch.rate > previous and step_up is None:
            step_up = infused
        infused += stretch.minutes
        previous = stretch.rate
    given = [stretch.rate for stretch in one.stretches if stretch.rate is not None]
    known = all(plan is not None for plan in plans)
    return {
        "start_rate_mcg_day": given[0],
        "max_rate_mcg_day": max(given),
        "reduced_dose_days": reduced / DAY if known else None,
        "step_dose_given": None if one.planned_rate is None else _is_reduced(given[0], one.planned_rate),
        "step_up_day": None if step_up is None else step_up / DAY,
        "has_restep": True if True in restarts else None if None in restarts else False,
    }


def _is_reduced(rate: float, plan: float) -> bool:
    return round(rate, 6) < round(0.9 * plan, 6)


def _planned_parts(one: Exposure, infused: int, minutes: int) -> list[tuple[int, float | None]]:
    """Minutes of a stretch with the rate planned for them: the step rate for the first 7 infused days of a step."""
    step = max(0, min(minutes, STEP_MINUTES - infused)) if one.is_step else 0
    parts = [(step, one.step_rate)] if step else []
    return [*parts, (minutes - step, one.planned_rate)] if minutes > step else parts

"""Every column of ``blin_exposure`` for one record, from its cycles (clinical specification 3, data model 2.7)."""

from __future__ import annotations

from datetime import date
from math import fsum

from .course import course
from .cycle_measures import Value
from .cycle_story import first_progression, story, told, treatments
from .infusion import Clock
from .records import Record, number
from .response import frontline_assessments

REASONS = {
    1: "CRS",
    2: "NEUROTOXICITY",
    3: "INFECTION",
    4: "OTHER_TOXICITY",
    5: "RELAPSE",
    6: "DEATH",
    7: "HSCT",
    8: "DEVICE_LOGISTICS",
    9: "INSURANCE",
    10: "PATIENT_CHOICE",
    11: "PHYSICIAN_CHOICE",
}
GAP_OF_UNITS_DAYS = 90


def patient(record: Record, clock: Clock) -> dict[str, Value] | None:
    """The row of a patient; None without a started cycle."""
    columns = story(record, clock)
    started = [item for item in told(record, clock) if item.started]
    if not started:
        return None
    own = [columns[item.exposure.instance] for item in started]
    starts = [item.start for item in started if item.start is not None]
    plan, remission = _plan(record), _remission(record)
    known = [one for one in own if one["dose_completeness_frac"] is not None]
    blocks = {one["block_no"] for one in own}
    fraction = intensity = None
    if len(known) == len(own):
        fraction = _sum(own, "delivered_mcg") / _sum(own, "planned_mcg")
        lengths = [
            84 if one["line_cd"] == "RELAPSED_REFRACTORY" and _int(one, "cycle_in_course_no") >= 6 else 42
            for one in own
        ]
        if len(blocks) == 1 and len(own) > 1:
            intensity = fraction * sum(lengths) / ((max(starts) - min(starts)).days + lengths[-1])
    contexts = sorted({str(one["context_cd"]) for one in own if one["context_cd"] is not None})
    return {
        "n_cycles_started": len(own),
        "n_cycles_completed": sum(one["completed"] is True for one in own),
        "n_cycles_not_evaluable": sum(one["completed"] is None for one in own),
        "n_cycles_measured": sum(one["delivered_days"] is not None for one in own),
        "n_cycles_frontline": sum(one["line_cd"] == "FRONTLINE" for one in own),
        "n_cycles_in_cr1": sum(one["is_in_cr1"] is True for one in own),
        "label_cycles": _total(own, "label_cycles"),
        "first_cycle_start_date": min(starts),
        "last_cycle_start_date": max(starts),
        "last_cycle_end_date": started[-1].end,
        "is_open": any(one["is_open"] for one in own),
        "total_delivered_days": _total(own, "delivered_days"),
        "total_delivered_mcg": _total(own, "delivered_mcg"),
        "total_planned_mcg": _total(own, "planned_mcg"),
        "overall_dose_completeness_frac": fraction,
        "overall_rdi_frac": intensity,
        "n_blocks": len(blocks),
        "contexts": "+".join(contexts) or None,
        "reached_4_cycles_cr1": sum(one["is_in_cr1"] is True for one in own) >= 4,
        "any_interrupt_4h": _any(own, "n_interrupt_4h"),
        "any_interrupt_24h": _any(own, "n_interrupt_24h"),
        "days_plan_to_first": None if plan is None else (min(starts) - plan).days,
        "days_cr1_to_first": None if remission is None else (min(starts) - remission).days,
        **_stopped(record, clock, columns),
    }


def _int(columns: dict[str, Value], name: str) -> int:
    value = columns[name]
    return value if isinstance(value, int) else 0


def _sum(own: list[dict[str, Value]], name: str) -> float:
    return fsum(value for one in own if isinstance(value := one[name], (int, float)))


def _total(own: list[dict[str, Value]], name: str) -> float | None:
    return None if any(one[name] is None for one in own) else _sum(own, name)


def _any(own: list[dict[str, Value]], name: str) -> bool | None:
    counts = [one[name] for one in own]
    return True if any(isinstance(count, int) and count > 0 for count in counts) else None if None in counts else False


def _plan(record: Record) -> date | None:
    plan = course(record).plan
    return plan if plan is not None and plan >= date(1900, 1, 1) else None


def _remission(record: Record) -> date | None:
    return min((at for at, _, remitted in frontline_assessments(record, course(record)) if remitted), default=None)


def _stopped(record: Record, clock: Clock, columns: dict[int, dict[str, Value]]) -> dict[str, Value]:
    """Whether the last cycle ended for good, and whether frontline blinatumomab ended before its plan, and why."""
    items = [item for item in told(record, clock) if item.started]
    last = items[-1].exposure
    good = last.row.get("bc_status") == 3 or any(
        segment.get("sg_end_reason") == 12
        for segment in record.rows("blin_segment")
        if segment["instance"] in {one.instance for one in last.segments}
    )
    result: dict[str, Value] = {
        "any_permanent_stop": None if last.is_ongoing else good,
        "is_discontinued": None,
        "discontinuation_reason_cd": None,
    }
    frontline = [item for item in items if item.line == "FRONTLINE"]
    if not frontline:
        return result
    final, dates = frontline[-1], course(record)
    end = final.end or final.start
    assert end is not None
    progressed = first_progression(record)
    ends_by_cut = (
        _plan(record) is not None and (progressed is None or progressed > clock.last_day) and clock.ended_by == "CUT"
    )
    goes_on = final.exposure.is_ongoing or (ends_by_cut and (record.data_cut - end).days <= GAP_OF_UNITS_DAYS)
    complete = columns[final.exposure.instance]["completed"]
    intended = number(record.once("treatment_plan"), "plan_blin_cycles")
    fewer = intended is not None and len(frontline) < intended
    if goes_on:
        return result
    if complete is False or fewer:
        result["is_discontinued"] = True
    elif complete and intended is not None:
        result["is_discontinued"] = False
    if result["is_discontinued"]:
        code = final.exposure.row.get("bc_stop_reason")
        transplant = min(
            (one.start for one in treatments(record) if one.kind == "HSCT" and one.start >= end), default=None
        )
        events = [(progressed, 0, "RELAPSE"), (transplant, 1, "HSCT"), (dates.death, 2, "DEATH")]
        following = min(((at, rank, word) for at, rank, word in events if at is not None), default=None)
        result["discontinuation_reason_cd"] = (
            REASONS.get(code, "OTHER") if isinstance(code, int) else following[2] if following else "NOT_RECORDED"
        )
    return result

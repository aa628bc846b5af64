"""Reads ``cycles_by_hand.yml`` into records for the tables, and gives back what they must say."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import yaml
from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record, registration

from blin_pipeline.sandbox.synthetic.truth import RecordTruth

FILE = Path(__file__).with_name("cycles_by_hand.yml")
CHICAGO = "America/Chicago"
_REASONS = {
    "planned end": 1,
    "dose step": 2,
    "CRS": 3,
    "infection": 5,
    "pump": 8,
    "logistics": 9,
    "permanent stop": 12,
}
_STATUS = {"ongoing": 1, "completed": 2, "stopped early": 3, "never started": 4, "not entered": None}
_WHY = {"CRS": 1, "death": 6}
_TIMES = {"both": 1, "start only": 2, "dates only": 3}
_YES = {"yes": 1, "no": 0}
#: Name of an expectation -> column of ``blin_cycle_exposure``.
COLUMNS = {
    "source": "exposure_source_cd",
    "days": "delivered_days",
    "mcg": "delivered_mcg",
    "days_at_most": "delivered_days_upper",
    "mcg_at_most": "delivered_mcg_upper",
    "planned_mcg": "planned_mcg",
    "breaks": "n_short_breaks",
    "interruptions": "n_interrupt_4h",
    "longest_pause_h": "longest_interrupt_h",
    "cause": "interrupt_reason_cd_first",
    "label_cycles": "label_cycles",
    "complete": "completed",
    "completeness": "dose_completeness_frac",
    "status": "completion_status_cd",
    "reduced_days": "reduced_dose_days",
    "restep": "has_restep",
    "overlap_h": "rate_conflict_h",
    "set_aside": "n_segments_quarantined",
    "first_day": "cycle_start_date",
    "patient": "eligibility_status_cd",
    "queries": "queries",
    "started": "started",
    "chemotherapy_between": "n_chemo_between_prev",
    "before": "predecessor_cd",
    "days_since_before": "days_from_predecessor",
    "delay": "delay_days",
    "intensity": "rdi_frac",
}
_ANSWERS = {"yes": True, "no": False, "not known": None}


def hand_worked_cycles(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """Each case as one patient, in the first registry only."""
    site = next(site for site in sites if site.time_zone == CHICAGO) if number == 0 else None
    return [] if site is None else [_record(case, _record_id(site, place), site) for place, case in enumerate(cases())]


def cases() -> list[dict[str, Any]]:
    """The cases in the order of the file."""
    found: list[dict[str, Any]] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return found


def expected(case: dict[str, Any]) -> dict[str, object]:
    """Column -> value that a case must lead to."""
    return {COLUMNS[name]: _value(name, text) for name, text in case["expect"].items()}


def _value(name: str, text: str) -> object:
    if name in ("complete", "restep", "started"):
        return _ANSWERS[text]
    if text == "not known":
        return None
    if name == "first_day":
        return date.fromisoformat(text)
    return text if name in ("source", "cause", "status", "patient", "queries", "before") else float(text)


def _record_id(site: RawSite, place: int) -> str:
    return f"{site.record_prefix}-5{place:03d}"


def _record(case: dict[str, Any], record_id: str, site: RawSite) -> RecordTruth:
    form, segments = case.get("form", {}), case["segments"]
    once: dict[str, Values] = {
        "registration": registration("2025-01-15", "2025-02-01"),
        "treatment_plan": {"plan_date": "2025-01-20", "plan_backbone": 1, "plan_blin": 1},
    }
    if "withdrawal" in case:
        once["registration"] |= {"consent_status": 6, "withdraw_scope": 1, "withdraw_date": case["withdrawal"]}
    rows: Rows = {
        "blin_cycle": [_cycle(form, segments), *_later(case)],
        "blin_segment": [_segment(*segment) for segment in segments],
        "treatment_course": [_chemotherapy(*case["chemotherapy"])] if "chemotherapy" in case else [],
    }
    if "death" in case:
        once["death"] = {"dth_dead": 1, "dth_date": case["death"], "dth_date_prec": 1, "dth_cause": 2}
    return made_record(record_id, site, once, rows)


def _cycle(form: dict[str, str], segments: list[list[str]]) -> Values:
    row: Values = {
        "bc_number": 1,
        "bc_line": 1,
        "bc_purpose": 2,
        "bc_weight": float(form.get("weight", 80)),
        "bc_step": _YES[form.get("step", "no")],
        "bc_plan_days": int(form.get("planned_days", 28)),
        "bc_plan_rate": float(form.get("planned_rate", 28)),
        "bc_interrupted": _YES[form.get("interrupted", "no")],
        "bc_time_known": _TIMES[form.get("times", "both")],
    }
    status = _STATUS[form.get("status", "completed")]
    if status is not None:
        row["bc_status"] = status
    if "why" in form:
        row["bc_stop_reason"] = _WHY[form["why"]]
    if "surface" in form:
        row["bc_bsa"] = float(form["surface"])
    starts = [form["start"]] if "start" in form else [start for start, *_ in segments]
    # An open form has no stop although its segments have.
    stops = (
        []
        if "open" in form
        else [form["stop"]]
        if "stop" in form
        else [stop for _, stop, *_ in segments if _is_given(stop)]
    )
    if starts:
        row["bc_start"] = min(starts)
    if stops:
        row["bc_end"] = max(stops)
    return row


def _later(case: dict[str, Any]) -> list[Values]:
    """A second cycle, from the form alone, where a case has one."""
    form = {"start": case["later"], "stop": case["later"].replace("-06-", "-07-")} if "later" in case else None
    return [] if form is None else [_cycle(form, []) | {"bc_number": int(case.get("later_number", 2))}]


def _chemotherapy(start: str, stop: str) -> Values:
    """A consolidation with methotrexate and cytarabine; without a stop it is ongoing."""
    row: Values = {
        "tc_line": 1,
        "tc_regimen": 1,
        "tc_phase": 5,
        "tc_start": start,
        "tc_drugs": [12, 13],
        "tc_status": 3,
    }
    return row | {"tc_end": stop, "tc_status": 1} if _is_given(stop) else row


def _segment(start: str, stop: str, rate: str, reason: str) -> Values:
    amount, _, unit = rate.partition(" ")
    row: Values = {
        "sg_cycle": 1,
        "sg_start": start,
        "sg_rate": float(amount),
        "sg_rate_unit": 2 if unit else 1,
    }
    if _is_given(stop):
        row["sg_end"] = stop
    if _is_given(reason):
        row["sg_end_reason"] = _REASONS[reason]
    return row


def _is_given(text: str) -> bool:
    return text not in ("", "null")

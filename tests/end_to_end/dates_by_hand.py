"""Reads ``dates_by_hand.yml`` into records for the tables, and gives back what they must say."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml
from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record

from blin_pipeline.sandbox.synthetic.truth import RecordTruth

FILE = Path(__file__).with_name("dates_by_hand.yml")
_PHASES = {"prephase": 1, "induction": 2, "second induction": 3, "consolidation": 5, "maintenance": 8, "salvage": 10}
_REGIMENS = {"Hyper-CVAD": 1, "Mini-hyper-CVD": 2, "Low-intensity": 11, "unknown": 99}
_LINES = {"frontline": 1, "second line": 2, "MRD recurrence": 2, "relapsed or refractory": 3}
#: Marrow and blood of a response form; a part that is not given was not entered.
_FOUND: dict[str, Values] = {
    "remission": {"ra_marrow": 1, "ra_bm_lymphoblast": 0, "ra_pb_lymphoblast": 0},
    "no remission": {"ra_marrow": 1, "ra_bm_lymphoblast": 1, "ra_pb_lymphoblast": 0},
    "marrow clear, blood not reported": {"ra_marrow": 1, "ra_bm_lymphoblast": 0, "ra_pb_lymphoblast": 9},
    "blood clear, no marrow": {"ra_marrow": 0, "ra_pb_lymphoblast": 0},
    "blasts in blood, no marrow": {"ra_marrow": 0, "ra_pb_lymphoblast": 1},
    "marrow not evaluable": {"ra_marrow": 1, "ra_bm_lymphoblast": 9, "ra_pb_lymphoblast": 9},
}
_SEEN: dict[str, Values] = {
    "alive": {"fu_vital": 1},
    "alive in remission": {"fu_vital": 1, "fu_remission": 3},
    "alive with a second cancer": {"fu_vital": 1, "fu_second_ca": 1},
}
_STOPPED = {"toxicity": 1, "progression": 2}
#: How an endpoint ends, as the tables code it.
ENDS = {"event": 0, "censored": 1, "competing": 2, "nothing known": 3, "transplant": 4, "trial": 4}


def patients() -> list[dict[str, Any]]:
    """The patients of the file, as they stand."""
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))
    return found


def hand_worked_dates(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """The patients of the file as records of the first registry; none in the others."""
    if number:
        return []
    return [_record(patient, f"{sites[0].record_prefix}-3{place:03d}", sites[0]) for place, patient in named()]


def named() -> list[tuple[int, dict[str, Any]]]:
    """Place (last digits of the record id) and patient."""
    return list(enumerate(patients()))


def _record(patient: dict[str, Any], record_id: str, site: RawSite) -> RecordTruth:
    plan = patient["plan"]
    rows: Rows = {
        "treatment_course": [_course(*course) for course in patient.get("courses", [])],
        "blin_cycle": [_cycle(place, *cycle) for place, cycle in enumerate(patient.get("cycles", []), 1)],
        "blin_segment": [_segment(*segment) for segment in patient.get("segments", [])],
        "response": [{"ra_date": str(at), "ra_timepoint": 1, **_FOUND[what]} for at, what in patient["responses"]]
        if "responses" in patient
        else [],
        "mrd": [_sample(*sample) for sample in patient.get("mrd", [])],
        "hct": [_transplant(*transplant) for transplant in patient.get("transplants", [])],
        "relapse": _relapses(patient),
        "followup": [{"fu_date": str(at), "fu_source": 1, **_SEEN[what]} for at, what in patient.get("followups", [])],
    }
    once: dict[str, Values] = {
        "registration": _registration(patient),
        "diagnosis": {"dx_cd19": 1, "ph_status": 0},
    }
    if plan is not None:
        once["treatment_plan"] = {"plan_date": str(plan), "plan_backbone": 1, "plan_blin": 1}
    if "death" in patient:
        typed, precision = entered(patient["death"])
        once["death"] = {"dth_dead": 1, "dth_date": typed, "dth_date_prec": precision, "dth_cause": 1}
    return made_record(record_id, site, once, rows)


def entered(known: str | date) -> tuple[str, int]:
    """The date that a site enters for what it knows, and the code of its precision."""
    text = str(known)
    return {10: (text, 1), 7: (f"{text}-15", 2), 4: (f"{text}-07-01", 3)}[len(text)]


def _registration(patient: dict[str, Any]) -> Values:
    plan = patient["plan"]
    diagnosed, precision = entered(patient.get("diagnosis") or plan - timedelta(days=4))
    values: Values = {
        "elig_ball": 1,
        "dx_date": diagnosed,
        "dx_date_prec": precision,
        "age_dx": 45.0,
        "blin_in_trial": 0,
        "screen_note_code": 0,
    }
    if patient.get("consent") == "not required":
        return values | {"enroll_type": 3, "reg_date": "2026-01-10", "vital_entry": 2, "consent_status": 3}
    signed = str(patient.get("consent") or plan + timedelta(days=10))
    values |= {"enroll_type": 1, "reg_date": signed, "vital_entry": 1, "consent_status": 1, "consent_date": signed}
    if "blinatumomab in a trial" in patient:
        values |= {"blin_in_trial": 1, "blin_trial_start": str(patient["blinatumomab in a trial"])}
    if "withdrawal" in patient:
        left = patient["withdrawal"]
        values |= {"consent_status": 6, "withdraw_scope": 1}
        if left != "no date":
            values["withdraw_date"] = str(left)
    return values


def _course(
    first: date, phase: str, regimen: str = "Hyper-CVAD", line: str = "frontline", stopped: str | None = None
) -> Values:
    row: Values = {
        "tc_line": _LINES[line],
        "tc_regimen": _REGIMENS[regimen],
        "tc_phase": _PHASES[phase],
        "tc_label": 0,
        "tc_start": str(first),
        "tc_drugs": [2, 4],
        "tc_status": 1,
    }
    return row if stopped is None else {**row, "tc_status": 2, "tc_stop_reason": _STOPPED[stopped]}


def _cycle(number: int, first: date, last: date, line: str = "frontline", purpose: int = 2) -> Values:
    return {
        "bc_number": number,
        "bc_line": _LINES[line],
        "bc_purpose": purpose,
        "bc_start": f"{first} 10:00",
        "bc_end": f"{last} 10:00",
        "bc_time_known": 1,
        "bc_weight": 80.0,
        "bc_step": 0,
        "bc_plan_days": 28,
        "bc_plan_rate": 28.0,
        "bc_status": 2,
        "bc_interrupted": 0,
    }


def _segment(cycle: int, first: date, last: date) -> Values:
    return {
        "sg_cycle": cycle,
        "sg_start": f"{first} 10:00",
        "sg_end": f"{last} 10:00",
        "sg_rate": 28.0,
        "sg_rate_unit": 1,
        "sg_end_reason": 1,
    }


def _transplant(at: date, what: str, graft_versus_host: date | None = None) -> Values:
    row: Values = {"hc_date": str(at), "hc_type": 1, "hc_status": {"CR1": 1, "no remission": 4}[what]}
    return row if graft_versus_host is None else {**row, "hc_agvhd": 2, "hc_agvhd_date": str(graft_versus_host)}


def _sample(at: date, what: str, specimen: str = "blood") -> Values:
    result = {"negative": 0, "positive": 1}[what]
    row: Values = {
        "mr_date": str(at),
        "mr_timepoint": 10,
        "mr_source": {"marrow": 1, "blood": 2}[specimen],
        "mr_method": 1,
        "mr_result": result,
        "mr_sens": 1,
    }
    return {**row, "mr_value": 0.5, "mr_unit": 1} if result else row


def _relapses(patient: dict[str, Any]) -> list[Values]:
    rows = []
    for name, kind in (("relapses", 1), ("recurrences", 5)):
        for known in patient.get(name, []):
            typed, precision = entered(known)
            row: Values = {"rl_date": typed, "rl_date_prec": precision, "rl_kind": kind, "rl_cd19": 1}
            if "CAR-T" in patient:
                row["rl_cart_date"] = str(patient["CAR-T"])
            rows.append(row)
    return rows

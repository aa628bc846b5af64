"""Reads ``treatments_by_hand.yml`` into records for the tables, and gives back what they must say."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml
from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record

from blin_pipeline.sandbox.synthetic.truth import RecordTruth

FILE = Path(__file__).with_name("treatments_by_hand.yml")
DAY_0 = date(2025, 3, 1)
_PHASES = {
    "induction": 2,
    "second induction": 3,
    "intensification": 4,
    "consolidation": 5,
    "interim maintenance": 6,
    "delayed intensification": 7,
    "maintenance": 8,
    "salvage": 10,
}
_DRUGS = {
    "prednisone": 1,
    "dexamethasone": 2,
    "methylprednisolone": 3,
    "vincristine": 4,
    "daunorubicin": 6,
    "doxorubicin": 7,
    "cyclophosphamide": 9,
    "standard-dose cytarabine": 11,
    "high-dose cytarabine": 12,
    "high-dose methotrexate": 13,
    "escalating methotrexate": 14,
    "oral methotrexate": 15,
    "mercaptopurine": 16,
    "thioguanine": 17,
    "pegaspargase": 18,
    "etoposide": 20,
    "inotuzumab": 23,
    "dasatinib": 25,
    "ponatinib": 26,
    "fludarabine": 30,
}
_BACKBONES = {
    "Hyper-CVAD": 1,
    "Mini-hyper-CVD": 2,
    "E1910": 4,
    "GRAALL": 6,
    "DFCI": 7,
    "Linker": 8,
    "TKI-based": 9,
    "Low-intensity": 11,
    "Immunotherapy": 12,
}
_PURPOSES = {"induction": 1, "consolidation": 2, "relapsed": 8}


def patients() -> list[dict[str, Any]]:
    """The patients of the file, as they stand."""
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))
    return found


def hand_worked_treatments(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """The patients of the file as records of the first registry; none in the others."""
    if number:
        return []
    return [_record(patient, f"{sites[0].record_prefix}-7{place:03d}", sites[0]) for place, patient in named()]


def named() -> list[tuple[int, dict[str, Any]]]:
    """Place (last digits of the record id) and patient."""
    return list(enumerate(patients()))


def _record(patient: dict[str, Any], record_id: str, site: RawSite) -> RecordTruth:
    rows: Rows = {
        "treatment_course": [_course(*course) for course in patient["courses"]],
        "blin_cycle": [_cycle(place, *cycle) for place, cycle in enumerate(patient["cycles"], 1)],
        "response": [_remission(patient["remission"])],
    }
    if "transplant" in patient:
        rows["hct"] = [{"hc_date": _on(patient["transplant"]), "hc_type": 1, "hc_status": 1}]
    for name, kind in (("relapse", 1), ("mrd recurrence", 5)):
        if name in patient:
            rows["relapse"] = [{"rl_date": _on(patient[name]), "rl_date_prec": 1, "rl_kind": kind, "rl_cd19": 1}]
    plan: Values = {"plan_date": _on(0), "plan_blin": 1}
    if patient["declared"]:
        plan["plan_backbone"] = _BACKBONES[patient["declared"]]
    once: dict[str, Values] = {
        "registration": {
            "enroll_type": 1,
            "reg_date": _on(10),
            "elig_ball": 1,
            "dx_date": _on(-3),
            "dx_date_prec": 1,
            "age_dx": float(patient["age"]),
            "blin_in_trial": 0,
            "vital_entry": 1,
            "consent_status": 1,
            "consent_date": _on(10),
        },
        "diagnosis": {"dx_cd19": 1, "ph_status": 1 if patient.get("BCR::ABL1") == "positive" else 0},
        "treatment_plan": plan,
    }
    if "withdrew" in patient:
        once["registration"] |= {"consent_status": 6, "withdraw_scope": 1, "withdraw_date": _on(patient["withdrew"])}
    if "death" in patient:
        once["death"] = {"dth_dead": 1, "dth_date": _on(patient["death"]), "dth_date_prec": 1, "dth_cause": 1}
    return made_record(record_id, site, once, rows)


def _course(first: int, last: int | None, phase: str, drugs: list[str]) -> Values:
    row: Values = {
        "tc_line": 1,
        "tc_regimen": 99,
        "tc_phase": _PHASES[phase],
        "tc_label": 0,
        "tc_start": _on(first),
        "tc_drugs": sorted(_DRUGS[drug] for drug in drugs),
        "tc_status": 3 if last is None else 1,
    }
    return row if last is None else {**row, "tc_end": _on(last)}


def _cycle(number: int, first: int, last: int | None, purpose: str) -> Values:
    row: Values = {
        "bc_number": number,
        "bc_line": 1,
        "bc_purpose": _PURPOSES[purpose],
        "bc_start": f"{_on(first)} 00:00",
        "bc_time_known": 3,
        "bc_weight": 80.0,
        "bc_step": 0,
        "bc_plan_days": 28,
        "bc_plan_rate": 28.0,
        "bc_status": 1 if last is None else 2,
        "bc_interrupted": 0,
    }
    return row if last is None else {**row, "bc_end": f"{_on(last)} 00:00"}


def _remission(day: int) -> Values:
    return {
        "ra_date": _on(day),
        "ra_timepoint": 1,
        "ra_marrow": 1,
        "ra_bm_lymphoblast": 0,
        "ra_pb_lymphoblast": 0,
        "ra_site_call": 1,
    }


def _on(day: int) -> str:
    return (DAY_0 + timedelta(days=day)).isoformat()

"""Reads ``disease_by_hand.yml`` into records for the tables, and gives back what they must say."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import yaml
from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record, registration

from blin_pipeline.sandbox.synthetic.truth import RecordTruth

FILE = Path(__file__).with_name("disease_by_hand.yml")
DAY_0 = date(2025, 3, 1)
CHICAGO = "America/Chicago"
#: Form -> entry of the file -> (field, code of each word; None: the number itself).
_ITEMS = {
    "examined": ("ra_marrow", {"no": 0}),
    "blasts": ("ra_bm_blast", None),
    "quality": ("ra_bm_cell", {"adequate": 1, "hypocellular": 2}),
    "call": ("ra_site_call", {"CR": 1, "CRi": 3, "NR": 6}),
    "extramedullary": ("ra_emd", {"none": 0, "present": 1}),
    "neutrophils": ("ra_anc", None),
    "platelets": ("ra_plt", None),
    "transfused": ("ra_plt_free7", {"no": 1, "yes": 0}),
}
_BLASTS = {"none": 0, "present": 1}
_SAMPLES, _METHODS = {"marrow": 1, "blood": 2}, {"flow": 1, "NGS": 2, "BCR::ABL1 PCR": 3}
_RESULTS, _SENSITIVITIES = {"negative": 0, "positive": 1}, {"1e-4": 1, "1e-5": 2, "1e-6": 3}
_KINDS = {"marrow": 1, "MRD only": 5}
_PHASES = {"intensification": 4, "consolidation": 5, "maintenance": 8}
#: Words of an expectation -> columns of the query in ``test_disease_by_hand.py``.
COLUMNS = {
    "remission": "cr1_day",
    "state": "response_state_cd",
    "conventional": "is_cr_conventional",
    "composite": "is_cr_composite",
    "end": "frontline_end_reason_cd",
    "rfs": "rfs_days",
    "rfs_event": "is_rfs_event",
    "mrd": "mrd",
    "line": "line_cd",
    "context": "context_cd",
    "e1910": "e1910_string",
    "e1910_status": "e1910_status_cd",
    "e1910_category": "e1910_category_cd",
    "crs": "crs",
    "status": "eos_status_cd",
    "queries": "queries",
}


def hand_worked_disease(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """Each patient of the file, in the first registry only."""
    site = next(site for site in sites if site.time_zone == CHICAGO) if number == 0 else None
    return [] if site is None else [_record(one, _record_id(site, n), site) for n, one in enumerate(patients())]


def patients() -> list[dict[str, Any]]:
    """The patients in the order of the file."""
    found: list[dict[str, Any]] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return found


def expected(patient: dict[str, Any]) -> dict[str, object]:
    """Column -> value that a patient must lead to."""
    return {COLUMNS[name]: _value(name, text) for name, text in patient["expect"].items()}


def _value(name: str, text: str) -> object:
    if text == "none":
        return None
    if name in ("remission", "rfs"):
        return int(text)
    return {"yes": True, "no": False}.get(text, text)


def _record_id(site: RawSite, place: int) -> str:
    return f"{site.record_prefix}-2{place:03d}"


def _on(day: str) -> str:
    return (DAY_0 + timedelta(days=int(day))).isoformat()


def _record(patient: dict[str, Any], record_id: str, site: RawSite) -> RecordTruth:
    once: dict[str, Values] = {
        "registration": registration(_on("-3"), _on("0")),
        "treatment_plan": {"plan_date": _on("0"), "plan_backbone": 1, "plan_blin": 1},
    }
    rows: Rows = {
        "treatment_course": [_course(*course) for course in [["0", "20", "induction"], *patient.get("courses", [])]],
        "blin_cycle": [_cycle(n, *cycle) for n, cycle in enumerate(patient.get("cycles", []), 1)],
        "response": [_assessment(*one) for one in patient["marrow"]],
        "mrd": [_sample(*one) for one in patient.get("mrd", [])],
        "relapse": [_relapse(*one) for one in patient.get("relapses", [])],
        "followup": [
            *({"fu_date": _on(day), "fu_source": 1, "fu_vital": 9, "fu_ltfu": 1} for day in patient.get("lost", [])),
            {"fu_date": _on("300"), "fu_source": 1, "fu_vital": 1},
        ],
        "adverse_event": [_cytokine_release(*one) for one in patient.get("cytokine release", [])],
    }
    if "transplant" in patient:
        rows["hct"] = [{"hc_date": _on(patient["transplant"]), "hc_type": 1, "hc_status": 1}]
    return made_record(record_id, site, once, rows)


def _course(first: str, last: str, phase: str) -> Values:
    return {
        "tc_line": 1,
        "tc_regimen": 1,
        "tc_phase": _PHASES.get(phase, 2),
        "tc_start": _on(first),
        "tc_end": _on(last),
        "tc_drugs": [2, 4, 12],
        "tc_status": 1,
    }


def _cycle(number: int, first: str, last: str) -> Values:
    return {
        "bc_number": number,
        "bc_line": 1,
        "bc_purpose": 2,
        "bc_start": f"{_on(first)} 00:00",
        "bc_end": f"{_on(last)} 00:00",
        "bc_time_known": 3,
        "bc_weight": 80.0,
        "bc_step": 0,
        "bc_plan_days": 28,
        "bc_plan_rate": 28.0,
        "bc_status": 2,
        "bc_interrupted": 0,
    }


def _assessment(day: str, marrow: str, blood: str, items: dict[str, str]) -> Values:
    row: Values = {
        "ra_date": _on(day),
        "ra_timepoint": 1,
        "ra_marrow": 1,
        "ra_bm_lymphoblast": _BLASTS[marrow],
        "ra_pb_lymphoblast": _BLASTS[blood],
        "ra_site_call": 9,
    }
    for name, text in items.items():
        field, codes = _ITEMS[name]
        row[field] = float(text) if codes is None else codes[text]
    return row


def _sample(day: str, source: str, method: str, result: str, items: dict[str, str]) -> Values:
    row: Values = {
        "mr_date": _on(day),
        "mr_timepoint": 10,
        "mr_source": _SAMPLES[source],
        "mr_result": _RESULTS[result],
        "mr_sens": _SENSITIVITIES.get(items.get("sensitivity", ""), 1),
    }
    if method:
        row["mr_method"] = _METHODS[method]
    for item, unit in (("level", 2), ("percent IS", 3)):
        if item in items:
            row |= {"mr_value": float(items[item]), "mr_unit": unit}
    return row


def _cytokine_release(day: str, astct: str, ctcae: str) -> Values:
    return {"ae_term": 1, "ae_start": _on(day), "ae_crs_astct": int(astct), "ae_ctcae": int(ctcae), "ae_context": 1}


def _relapse(day: str, kind: str) -> Values:
    row: Values = {"rl_date": _on(day), "rl_date_prec": 1, "rl_cd19": 1}
    return row | {"rl_kind": _KINDS[kind]} if kind else row

"""Treatment, response and event forms at their worst: set aside with the reason, or read as not known; the rest is right."""

from __future__ import annotations

from collections import Counter
from datetime import date

import duckdb
import pytest
from dbt_warehouse import patient_key
from spoilt_registry import EARLY_DEATH, HERE, MANY, MISTREATED, OVERTREATED, THERE, TREATED

pytestmark = pytest.mark.slow


def _of(tables: duckdb.DuckDBPyConnection, record_id: str, columns: str, table: str) -> list[tuple[object, ...]]:
    query = f"select {columns} from {table} where patient_key = ? order by all"
    return tables.execute(query, [patient_key(record_id)]).fetchall()


def test_the_sound_patient_is_right(spoilt: duckdb.DuckDBPyConnection) -> None:
    assert _of(spoilt, TREATED, "backbone_derived_cd, backbone_confidence_cd", "marts.backbone_classification") == [
        ("HCVAD", "HIGH")
    ]
    assert _of(spoilt, TREATED, "sequence_pattern, e1910_string", "marts.regimen_sequence") == [("HCVADx2", "C")]
    best = _of(spoilt, TREATED, "window_cd, best_response_cd, days_to_best", "marts.best_response")
    assert best == [("END_INDUCTION", "CR", 29), ("FRONTLINE", "CR", 29)]
    relapse = _of(spoilt, TREATED, "relapse_date, relapse_lo, relapse_hi, relapse_dtf, type_cd", "marts.relapse")
    assert relapse == [(date(2025, 9, 15), date(2025, 9, 1), date(2025, 9, 30), "D", "MORPHOLOGIC")]


def test_each_row_is_in_its_table_or_set_aside_with_the_reason(spoilt: duckdb.DuckDBPyConnection) -> None:
    reasons = _of(spoilt, MISTREATED, "form, instance_no, reason_cd", "quality.quarantine")
    assert reasons == [
        ("adverse_event", 2, "DATE_MISSING"),
        ("hct", 1, "DATE_AFTER_CUT"),
        ("mrd", 4, "DATE_MISSING"),
        ("relapse", 2, "DATE_AFTER_CUT"),
        ("response", 3, "DATE_MISSING"),
        ("treatment_course", 2, "DATE_MISSING"),
        ("treatment_course", 4, "DATE_AFTER_CUT"),
    ]
    kept = Counter[str]()
    for table in ("regimen_course", "response_assessment", "mrd_result", "hsct", "relapse", "toxicity", "followup"):
        kept[table] = len(_of(spoilt, MISTREATED, "instance_no", f"marts.{table}"))
    assert kept == Counter(
        regimen_course=2, response_assessment=2, mrd_result=3, hsct=0, relapse=1, toxicity=1, followup=1
    )


def test_what_is_no_value_is_not_known_and_named(spoilt: duckdb.DuckDBPyConnection) -> None:
    rejected = _of(spoilt, MISTREATED, "form, instance_no, field_name", "quality.type_reject")
    assert {
        ("treatment_course", 3, "tc_phase"),
        ("treatment_course", 3, "tc_number"),
        ("response", 2, "ra_bm_lymphoblast"),
        ("response", 2, "ra_bm_blast"),
        ("response", 2, "ra_anc"),
        ("mrd", 2, "mr_value"),
        ("mrd", 2, "mr_unit"),
        ("mrd", 3, "mr_method"),
        ("mrd", 3, "mr_result"),
        ("relapse", 1, "rl_kind"),
        ("adverse_event", 1, "ae_ctcae"),
        ("adverse_event", 1, "ae_crs_astct"),
        ("followup", 1, "fu_vital"),
    } <= set(rejected)
    calls = _of(spoilt, MISTREATED, "instance_no, is_cr_registry, response_derived_cd", "marts.response_assessment")
    assert calls == [(1, True, "CR"), (2, None, "NE")]
    readings = _of(spoilt, MISTREATED, "instance_no, method_cd, mrd_cd, is_under_1e_4", "marts.mrd_result")
    assert readings == [(1, "FLOW", "NEG", True), (2, "FLOW", "POS", None), (3, "UNK", "NE", None)]
    # A relapse without its kind is taken for one, and asked about; a grade that is none is no grade 0.
    assert _of(spoilt, MISTREATED, "type_cd, is_relapse, cd19_status_cd", "marts.relapse") == [("UNKNOWN", True, "UNK")]
    ended = _of(spoilt, MISTREATED, "frontline_end_reason_cd, first_relapse_date", "marts.subject")
    assert ended == [("RELAPSE", date(2025, 8, 1))]
    asked = _of(spoilt, MISTREATED, "check_id, form, instance_no, field_name", "quality.data_query")
    assert {("Q07", "relapse", 1, "rl_kind"), ("Q07", "mrd", 3, "mr_method")} <= set(asked)
    assert _of(spoilt, MISTREATED, "grading_cd, max_grade", "marts.toxicity") == [("UNKNOWN", None)]
    assert _of(spoilt, MISTREATED, "status_cd, is_disease_evaluation", "marts.followup") == [("UNKNOWN", False)]


def test_a_death_before_the_diagnosis_is_a_finding_and_never_eligible(spoilt: duckdb.DuckDBPyConnection) -> None:
    assert _of(spoilt, EARLY_DEATH, "eligibility_status_cd", "marts.subject") == [("PENDING",)]
    checks = {check for (check,) in _of(spoilt, EARLY_DEATH, "distinct check_id", "quality.data_query")}
    assert "D03" in checks
    assert _of(spoilt, EARLY_DEATH, "hsct_no", "marts.hsct") == [(1,)]


def test_one_patient_at_two_sites_is_kept_twice_and_named_at_both(spoilt: duckdb.DuckDBPyConnection) -> None:
    for record_id in (HERE, THERE):
        assert ("D19",) in _of(spoilt, record_id, "distinct check_id", "quality.data_query")
        assert _of(spoilt, record_id, "eligibility_status_cd", "marts.subject") == [("ELIGIBLE",)]
        assert _of(spoilt, record_id, "mrd_cd", "marts.mrd_result") == [("NEG",)]


def test_five_thousand_instances_of_one_form(spoilt: duckdb.DuckDBPyConnection) -> None:
    assert len(_of(spoilt, OVERTREATED, "course_seq", "marts.regimen_course")) == MANY + 1
    assert len(_of(spoilt, OVERTREATED, "mrd_seq", "marts.mrd_result")) == MANY + 1
    sequence = _of(
        spoilt, OVERTREATED, "sequence_pattern, n_courses, e1910_string, e1910_category_cd", "marts.regimen_sequence"
    )
    assert sequence == [(f"HCVADx{MANY + 1}", MANY + 1, "C" * 40 + "+", "NONE")]

"""Treatment, response and event forms at their worst: set aside with the reason, or read as not known; the rest is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest
from dbt_warehouse import RawRegistry, RawSite, patient_key, run_dbt, write_raw

from blin_pipeline.sandbox.rows import FormRow

pytestmark = pytest.mark.slow

MANY = 5000
SOUND, WRONG, EARLY_DEATH, CROWDED = "AA-0001", "AA-0002", "AA-0003", "AA-0004"
HERE, THERE = "AA-0005", "BB-0001"
_REGISTRATION = {
    "enroll_type": "1",
    "reg_date": "2025-02-01",
    "elig_ball": "1",
    "dx_date": "2025-01-10",
    "dx_date_prec": "1",
    "age_dx": "45.2",
    "blin_in_trial": "0",
    "vital_entry": "1",
    "consent_status": "1",
    "consent_date": "2025-02-01",
    "screen_note_code": "0",
    "registration_complete": "2",
}
_PLAN = {"plan_date": "2025-01-12", "plan_backbone": "1", "plan_blin": "1"}
_INDUCTION = {
    "tc_line": "1",
    "tc_regimen": "1",
    "tc_phase": "2",
    "tc_start": "2025-01-12",
    "tc_end": "2025-01-26",
    "tc_drugs___2": "1",
    "tc_drugs___4": "1",
    "tc_drugs___7": "1",
    "tc_drugs___9": "1",
    "tc_status": "1",
}
_COURSE_B = _INDUCTION | {"tc_phase": "5", "tc_drugs___12": "1", "tc_drugs___13": "1"}
_REMISSION = {
    "ra_date": "2025-02-10",
    "ra_timepoint": "1",
    "ra_marrow": "1",
    "ra_bm_lymphoblast": "0",
    "ra_pb_lymphoblast": "0",
    "ra_bm_blast": "1",
    "ra_anc": "2.0",
    "ra_plt": "150",
    "ra_plt_free7": "1",
    "ra_emd": "0",
    "ra_site_call": "1",
}
_MRD = {
    "mr_date": "2025-02-10",
    "mr_timepoint": "1",
    "mr_source": "1",
    "mr_method": "1",
    "mr_result": "0",
    "mr_sens": "1",
}


def _rows() -> Iterator[FormRow]:
    for record_id in (SOUND, WRONG, EARLY_DEATH, CROWDED, HERE, THERE):
        yield FormRow(record_id, "registration", None, _REGISTRATION)
        yield FormRow(record_id, "treatment_plan", None, _PLAN)
        yield FormRow(record_id, "treatment_course", 1, _INDUCTION)
        yield FormRow(record_id, "response", 1, _REMISSION)
        yield FormRow(record_id, "mrd", 1, _MRD)
    yield FormRow(SOUND, "treatment_course", 2, _COURSE_B | {"tc_start": "2025-02-15", "tc_end": "2025-02-19"})
    yield FormRow(SOUND, "relapse", 1, {"rl_date": "2025-09-15", "rl_date_prec": "2", "rl_kind": "1", "rl_cd19": "1"})
    yield from _wrong()
    # Dead before the diagnosis; what was seen of the patient later stays.
    yield FormRow(EARLY_DEATH, "death", None, {"dth_dead": "1", "dth_date": "2024-12-01", "dth_date_prec": "1"})
    yield FormRow(EARLY_DEATH, "hct", 1, {"hc_date": "2025-06-01", "hc_type": "1", "hc_status": "1"})
    for number in range(MANY):
        start = date(2025, 2, 11) + timedelta(days=number % 300)
        values = _COURSE_B | {"tc_start": start.isoformat(), "tc_end": (start + timedelta(days=4)).isoformat()}
        yield FormRow(CROWDED, "treatment_course", number + 2, values)
        yield FormRow(CROWDED, "mrd", number + 2, _MRD | {"mr_date": start.isoformat()})
    # One person at two sites: same diagnosis, age, sex and place.
    for record_id in (HERE, THERE):
        yield FormRow(record_id, "demographics", None, {"sex": "2", "zip3": "532", "birth_date": "1979-11-01"})


def _wrong() -> Iterator[FormRow]:
    """Codes outside the dictionary, text in numbers, 30 February, dates after the cut: each beside a sound row."""
    yield FormRow(WRONG, "treatment_course", 2, _COURSE_B | {"tc_start": "2025-02-30"})
    yield FormRow(
        WRONG, "treatment_course", 3, _COURSE_B | {"tc_start": "2025-03-01", "tc_phase": "77", "tc_number": "two"}
    )
    yield FormRow(WRONG, "treatment_course", 4, _COURSE_B | {"tc_start": "2026-07-01"})
    spoilt = {"ra_bm_lymphoblast": "no", "ra_bm_blast": "none", "ra_anc": "1,5", "ra_plt": "1e3"}
    yield FormRow(WRONG, "response", 2, _REMISSION | {"ra_date": "2025-03-10", **spoilt})
    yield FormRow(WRONG, "response", 3, _REMISSION | {"ra_date": "10/03/2025"})
    yield FormRow(
        WRONG, "mrd", 2, _MRD | {"mr_date": "2025-03-10", "mr_result": "1", "mr_value": "low", "mr_unit": "7"}
    )
    yield FormRow(WRONG, "mrd", 3, _MRD | {"mr_date": "2025-03-11", "mr_method": "12", "mr_result": "negative"})
    yield FormRow(WRONG, "mrd", 4, _MRD | {"mr_date": "UNK"})
    yield FormRow(WRONG, "hct", 1, {"hc_date": "2026-07-01", "hc_type": "1", "hc_status": "1"})
    yield FormRow(WRONG, "relapse", 1, {"rl_date": "2025-08-01", "rl_date_prec": "1", "rl_kind": "9", "rl_cd19": "x"})
    yield FormRow(WRONG, "relapse", 2, {"rl_date": "2026-08-01", "rl_date_prec": "1", "rl_kind": "1", "rl_cd19": "1"})
    event = {"ae_term": "1", "ae_start": "2025-04-01", "ae_context": "1", "ae_ctcae": "7", "ae_crs_astct": "three"}
    yield FormRow(WRONG, "adverse_event", 1, event)
    yield FormRow(WRONG, "adverse_event", 2, event | {"ae_start": "2025-02-30"})
    yield FormRow(
        WRONG, "followup", 1, {"fu_date": "2025-05-01", "fu_source": "1", "fu_vital": "3", "fu_remission": "x"}
    )


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of that registry."""
    folder = tmp_path_factory.mktemp("spoilt_treatment")
    warehouse = folder / "warehouse.duckdb"
    sites = (RawSite("S01", "alpha", "AA"), RawSite("S02", "beta", "BB"))
    write_raw(warehouse, RawRegistry(tuple(_rows()), sites))
    done = run_dbt(warehouse, folder, "build", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout[-4000:]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        yield connection


def _of(tables: duckdb.DuckDBPyConnection, record_id: str, columns: str, table: str) -> list[tuple[object, ...]]:
    query = f"select {columns} from {table} where patient_key = ? order by all"
    return tables.execute(query, [patient_key(record_id)]).fetchall()


def test_the_sound_patient_is_right(spoilt: duckdb.DuckDBPyConnection) -> None:
    assert _of(spoilt, SOUND, "backbone_derived_cd, backbone_confidence_cd", "marts.backbone_classification") == [
        ("HCVAD", "HIGH")
    ]
    assert _of(spoilt, SOUND, "sequence_pattern, e1910_string", "marts.regimen_sequence") == [("HCVADx2", "C")]
    best = _of(spoilt, SOUND, "window_cd, best_response_cd, days_to_best", "marts.best_response")
    assert best == [("END_INDUCTION", "CR", 29), ("FRONTLINE", "CR", 29)]
    relapse = _of(spoilt, SOUND, "relapse_date, relapse_lo, relapse_hi, relapse_dtf, type_cd", "marts.relapse")
    assert relapse == [(date(2025, 9, 15), date(2025, 9, 1), date(2025, 9, 30), "D", "MORPHOLOGIC")]


def test_each_row_is_in_its_table_or_set_aside_with_the_reason(spoilt: duckdb.DuckDBPyConnection) -> None:
    reasons = _of(spoilt, WRONG, "form, instance_no, reason_cd", "quality.quarantine")
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
        kept[table] = len(_of(spoilt, WRONG, "instance_no", f"marts.{table}"))
    assert kept == Counter(
        regimen_course=2, response_assessment=2, mrd_result=3, hsct=0, relapse=1, toxicity=1, followup=1
    )


def test_what_is_no_value_is_not_known_and_named(spoilt: duckdb.DuckDBPyConnection) -> None:
    rejected = _of(spoilt, WRONG, "form, instance_no, field_name", "quality.type_reject")
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
    calls = _of(spoilt, WRONG, "instance_no, is_cr_registry, response_derived_cd", "marts.response_assessment")
    assert calls == [(1, True, "CR"), (2, None, "NE")]
    readings = _of(spoilt, WRONG, "instance_no, method_cd, mrd_cd, is_under_1e_4", "marts.mrd_result")
    assert readings == [(1, "FLOW", "NEG", True), (2, "FLOW", "POS", None), (3, "UNK", "NE", None)]
    # A relapse without its kind is taken for one, and asked about; a grade that is none is no grade 0.
    assert _of(spoilt, WRONG, "type_cd, is_relapse, cd19_status_cd", "marts.relapse") == [("UNKNOWN", True, "UNK")]
    ended = _of(spoilt, WRONG, "frontline_end_reason_cd, first_relapse_date", "marts.subject")
    assert ended == [("RELAPSE", date(2025, 8, 1))]
    asked = _of(spoilt, WRONG, "check_id, form, instance_no, field_name", "quality.data_query")
    assert {("Q07", "relapse", 1, "rl_kind"), ("Q07", "mrd", 3, "mr_method")} <= set(asked)
    assert _of(spoilt, WRONG, "grading_cd, max_grade", "marts.toxicity") == [("UNKNOWN", None)]
    assert _of(spoilt, WRONG, "status_cd, is_disease_evaluation", "marts.followup") == [("UNKNOWN", False)]


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
    assert len(_of(spoilt, CROWDED, "course_seq", "marts.regimen_course")) == MANY + 1
    assert len(_of(spoilt, CROWDED, "mrd_seq", "marts.mrd_result")) == MANY + 1
    sequence = _of(
        spoilt, CROWDED, "sequence_pattern, n_courses, e1910_string, e1910_category_cd", "marts.regimen_sequence"
    )
    assert sequence == [(f"HCVADx{MANY + 1}", MANY + 1, "C" * 40 + "+", "NONE")]

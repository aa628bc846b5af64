"""Input at its worst, in one small registry: set aside with its reason, and the patient beside it is right."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from dbt_warehouse import RawRegistry, patient_key, run_dbt, write_raw

from blin_pipeline.sandbox.rows import FormRow

pytestmark = pytest.mark.slow

MANY = 5000
SOUND, WRONG, BARE, CROWDED = "AA-0001", "AA-0002", "AA-0003", "BB-0001"
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
_CYCLE = {
    "bc_number": "1",
    "bc_line": "1",
    "bc_start": "2025-03-01 10:00",
    "bc_end": "2025-03-29 11:00",
    "bc_time_known": "1",
    "bc_weight": "80",
    "bc_step": "0",
    "bc_plan_days": "28",
    "bc_plan_rate": "28",
    "bc_status": "2",
    "blin_cycle_complete": "2",
}


def _rows() -> Iterator[FormRow]:
    yield FormRow(SOUND, "registration", None, _REGISTRATION)
    yield FormRow(SOUND, "blin_cycle", 1, _CYCLE | {"bc_interrupted": "0"})
    # Text in numbers, 30 February, codes that no list holds, a death before the diagnosis.
    wrong = {"age_dx": "forty", "dx_date": "2025-02-30", "dx_date_prec": "7", "enroll_type": "x", "elig_ball": "UNK"}
    yield FormRow(WRONG, "registration", None, _REGISTRATION | wrong)
    yield FormRow(WRONG, "demographics", None, {"birth_date": "NA", "height_cm": "NaN", "sex": "8"})
    yield FormRow(WRONG, "death", None, {"dth_dead": "1", "dth_date": "2020-01-01", "dth_date_prec": "1"})
    yield FormRow(WRONG, "followup", 1, {"fu_date": "01/02/2025", "fu_vital": "1"})
    # Whole numbers that no integer holds, and a tick told by its label.
    yield FormRow(WRONG, "blin_cycle", 1, _CYCLE | {"bc_number": "99999999999", "bc_plan_days": "-3000000000"})
    course = {"tc_start": "2025-03-01", "tc_phase": "2", "tc_drugs___4": "1", "tc_drugs___20": "Checked"}
    yield FormRow(WRONG, "treatment_course", 1, course | {"tc_drugs___23": "UNK"})
    yield FormRow(BARE, "registration", None, {"registration_complete": "0"})
    yield FormRow(CROWDED, "registration", None, _REGISTRATION)
    yield FormRow(CROWDED, "blin_cycle", 1, _CYCLE | {"bc_interrupted": "1"})
    for number in range(1, MANY + 1):
        start = f"2025-03-{1 + number % 28:02d} {number % 24:02d}:{number % 60:02d}"
        stop = f"2025-03-{1 + number * 7 % 28:02d} {number * 5 % 24:02d}:00"
        segment = {"sg_cycle": "1", "sg_start": start, "sg_end": stop, "sg_rate": "28", "sg_rate_unit": "1"}
        yield FormRow(CROWDED, "blin_segment", number, segment)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of that registry."""
    folder = tmp_path_factory.mktemp("spoilt")
    warehouse = folder / "warehouse.duckdb"
    write_raw(warehouse, RawRegistry(tuple(_rows())))
    done = run_dbt(warehouse, folder, "build", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout[-4000:]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        yield connection


def test_the_sound_patient_is_right(spoilt: duckdb.DuckDBPyConnection) -> None:
    status = "select eligibility_status_cd from marts.subject where patient_key = ?"
    assert spoilt.execute(status, [patient_key(SOUND)]).fetchall() == [("ELIGIBLE",)]
    # 1 March 10:00 to 29 March 11:00 in Chicago, over the clock change: 28 days to the hour.
    cycle = "select delivered_days, delivered_mcg, completed from marts.blin_cycle_exposure where patient_key = ?"
    assert spoilt.execute(cycle, [patient_key(SOUND)]).fetchall() == [(28.0, 784.0, True)]


def test_values_that_are_none_are_rejected_by_name(spoilt: duckdb.DuckDBPyConnection) -> None:
    query = "select field_name from quality.type_reject where patient_key = ? order by 1"
    found = [name for (name,) in spoilt.execute(query, [patient_key(WRONG)]).fetchall()]
    assert found == [
        *("age_dx", "bc_number", "bc_plan_days", "dx_date", "dx_date_prec", "enroll_type", "fu_date", "height_cm"),
        *("sex", "tc_drugs"),
    ]
    query = "select form, field_name from quality.data_query where patient_key = ? and check_id = 'T01'"
    named = spoilt.execute(query, [patient_key(WRONG)]).fetchall()
    assert {("blin_cycle", "bc_number"), ("treatment_course", "tc_drugs")} <= set(named)


def test_a_tick_that_is_neither_0_nor_1_is_not_known(spoilt: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select tc_drugs__4, tc_drugs__20, tc_drugs__23, tc_drugs__1, tc_drugs_null_flavor_cd "
        "from staging.stg_redcap__treatment_course where patient_key = ?"
    )
    assert spoilt.execute(query, [patient_key(WRONG)]).fetchall() == [(True, None, None, False, "INVALID")]
    counted = "select n_drugs from marts.regimen_course where patient_key = ?"
    assert spoilt.execute(counted, [patient_key(WRONG)]).fetchall() == [(1,)]


def test_what_cannot_be_judged_is_pending_never_passed(spoilt: duckdb.DuckDBPyConnection) -> None:
    for record_id in (WRONG, BARE):
        query = "select eligibility_status_cd, is_treated from marts.subject where patient_key = ?"
        assert spoilt.execute(query, [patient_key(record_id)]).fetchall() == [("PENDING", False)]
    query = "select criterion_cd from marts.eligibility_result where patient_key = ? and met_cd = 'UNKNOWN' order by 1"
    assert [c for (c,) in spoilt.execute(query, [patient_key(BARE)]).fetchall()] == ["E1", "E2", "E3", "E4", "E5"]


def test_five_thousand_segments_are_each_accounted_for(spoilt: duckdb.DuckDBPyConnection) -> None:
    query = (
        "select n_segments, n_segments_quarantined, delivered_days, planned_days "
        "from marts.blin_cycle_exposure where patient_key = ?"
    )
    kept, refused, days, planned = spoilt.execute(query, [patient_key(CROWDED)]).fetchall()[0]
    assert kept + refused == MANY
    assert 0 < days <= planned

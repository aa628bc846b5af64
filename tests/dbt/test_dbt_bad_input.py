"""Input at its worst, in one small registry: set aside with its reason, and the patient beside it is right."""

from __future__ import annotations

import duckdb
import pytest
from dbt_warehouse import patient_key
from spoilt_registry import BARE, CROWDED, MANY, SOUND, WRONG

pytestmark = pytest.mark.slow


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

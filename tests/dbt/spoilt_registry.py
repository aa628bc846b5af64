"""One small registry of input at its worst, and one build over it: wrong beside sound, 5,000 instances of one form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from dbt_warehouse import RawRegistry, run_dbt, write_raw

from blin_pipeline.sandbox.rows import FormRow

MANY = 5000
#: Registration and infusions: sound; wrong; nothing entered; 5,000 segments.
SOUND, WRONG, BARE, CROWDED = "AA-0001", "AA-0002", "AA-0003", "BB-0001"
#: Treatment, response and events: sound; wrong; dead before the diagnosis; 5,000 courses and samples; one person at two sites.
TREATED, MISTREATED, EARLY_DEATH, OVERTREATED = "AA-0101", "AA-0102", "AA-0103", "AA-0104"
HERE, THERE = "AA-0105", "BB-0101"
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


def build_spoilt(folder: Path) -> Path:
    """The warehouse of that registry."""
    warehouse = folder / "warehouse.duckdb"
    write_raw(warehouse, RawRegistry((*_input(), *_treatment())))
    done = run_dbt(warehouse, folder, "build", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout[-4000:]
    return warehouse


def _input() -> Iterator[FormRow]:
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


def _treatment() -> Iterator[FormRow]:
    for record_id in (TREATED, MISTREATED, EARLY_DEATH, OVERTREATED, HERE, THERE):
        yield FormRow(record_id, "registration", None, _REGISTRATION)
        yield FormRow(record_id, "treatment_plan", None, _PLAN)
        yield FormRow(record_id, "treatment_course", 1, _INDUCTION)
        yield FormRow(record_id, "response", 1, _REMISSION)
        yield FormRow(record_id, "mrd", 1, _MRD)
    yield FormRow(TREATED, "treatment_course", 2, _COURSE_B | {"tc_start": "2025-02-15", "tc_end": "2025-02-19"})
    yield FormRow(TREATED, "relapse", 1, {"rl_date": "2025-09-15", "rl_date_prec": "2", "rl_kind": "1", "rl_cd19": "1"})
    yield from _wrong_treatment()
    # Dead before the diagnosis; what was seen of the patient later stays.
    yield FormRow(EARLY_DEATH, "death", None, {"dth_dead": "1", "dth_date": "2024-12-01", "dth_date_prec": "1"})
    yield FormRow(EARLY_DEATH, "hct", 1, {"hc_date": "2025-06-01", "hc_type": "1", "hc_status": "1"})
    for number in range(MANY):
        start = date(2025, 2, 11) + timedelta(days=number % 300)
        values = _COURSE_B | {"tc_start": start.isoformat(), "tc_end": (start + timedelta(days=4)).isoformat()}
        yield FormRow(OVERTREATED, "treatment_course", number + 2, values)
        yield FormRow(OVERTREATED, "mrd", number + 2, _MRD | {"mr_date": start.isoformat()})
    # One person at two sites: same diagnosis, age, sex and place.
    for record_id in (HERE, THERE):
        yield FormRow(record_id, "demographics", None, {"sex": "2", "zip3": "532", "birth_date": "1979-11-01"})


def _wrong_treatment() -> Iterator[FormRow]:
    """Codes outside the dictionary, text in numbers, 30 February, dates after the cut: each beside a sound row."""
    yield FormRow(MISTREATED, "treatment_course", 2, _COURSE_B | {"tc_start": "2025-02-30"})
    yield FormRow(
        MISTREATED, "treatment_course", 3, _COURSE_B | {"tc_start": "2025-03-01", "tc_phase": "77", "tc_number": "two"}
    )
    yield FormRow(MISTREATED, "treatment_course", 4, _COURSE_B | {"tc_start": "2026-07-01"})
    spoilt = {"ra_bm_lymphoblast": "no", "ra_bm_blast": "none", "ra_anc": "1,5", "ra_plt": "1e3"}
    yield FormRow(MISTREATED, "response", 2, _REMISSION | {"ra_date": "2025-03-10", **spoilt})
    yield FormRow(MISTREATED, "response", 3, _REMISSION | {"ra_date": "10/03/2025"})
    yield FormRow(
        MISTREATED, "mrd", 2, _MRD | {"mr_date": "2025-03-10", "mr_result": "1", "mr_value": "low", "mr_unit": "7"}
    )
    yield FormRow(MISTREATED, "mrd", 3, _MRD | {"mr_date": "2025-03-11", "mr_method": "12", "mr_result": "negative"})
    yield FormRow(MISTREATED, "mrd", 4, _MRD | {"mr_date": "UNK"})
    yield FormRow(MISTREATED, "hct", 1, {"hc_date": "2026-07-01", "hc_type": "1", "hc_status": "1"})
    yield FormRow(
        MISTREATED, "relapse", 1, {"rl_date": "2025-08-01", "rl_date_prec": "1", "rl_kind": "9", "rl_cd19": "x"}
    )
    yield FormRow(
        MISTREATED, "relapse", 2, {"rl_date": "2026-08-01", "rl_date_prec": "1", "rl_kind": "1", "rl_cd19": "1"}
    )
    event = {"ae_term": "1", "ae_start": "2025-04-01", "ae_context": "1", "ae_ctcae": "7", "ae_crs_astct": "three"}
    yield FormRow(MISTREATED, "adverse_event", 1, event)
    yield FormRow(MISTREATED, "adverse_event", 2, event | {"ae_start": "2025-02-30"})
    yield FormRow(
        MISTREATED, "followup", 1, {"fu_date": "2025-05-01", "fu_source": "1", "fu_vital": "3", "fu_remission": "x"}
    )

"""Eligibility over several pulls into one warehouse: changes are written down once, and a removed patient leaves no trace."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from dbt_warehouse import RawRegistry, patient_key, run_dbt, write_raw

from blin_pipeline.sandbox.rows import FormRow

pytestmark = pytest.mark.slow

STRADDLES, SOUND, LEAVES = "AA-0001", "AA-0002", "AA-0003"
_REGISTRATION = {
    "enroll_type": "1",
    "reg_date": "2025-02-01",
    "elig_ball": "1",
    "dx_date": "2025-01-10",
    "dx_date_prec": "1",
    "age_dx": "45",
    "blin_in_trial": "0",
    "vital_entry": "1",
    "consent_status": "1",
    "consent_date": "2025-02-01",
}
_STRADDLES = _REGISTRATION | {"dx_date": "2023-07-01", "dx_date_prec": "3"}
_REMOVED = _REGISTRATION | {"consent_status": "6", "withdraw_scope": "2", "withdraw_date": "2025-06-01"}


def _refresh(folder: Path, pull: str, registrations: dict[str, dict[str, str]]) -> list[tuple[object, ...]]:
    warehouse = folder / "warehouse.duckdb"
    rows = tuple(FormRow(record, "registration", None, values) for record, values in registrations.items())
    write_raw(warehouse, RawRegistry(rows))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update raw.pull set pull_id = ?", [pull])
    chosen = ("--select", "+eligibility_history", "--resource-type", "model", "--resource-type", "seed")
    done = run_dbt(warehouse, folder, "build", *chosen)
    assert done.returncode == 0, done.stdout[-4000:]
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(
            "select patient_key, change_no, eligibility_status_cd, previous_status_cd, reasons, pull_id "
            "from quality.eligibility_history order by patient_key, change_no"
        ).fetchall()


def test_a_pending_that_turns_eligible_can_be_seen(tmp_path: Path) -> None:
    everybody = {STRADDLES: _STRADDLES, SOUND: _REGISTRATION, LEAVES: _REGISTRATION}
    first = (patient_key(STRADDLES), 1, "PENDING", None, "E3_DATE_STRADDLES", "one")
    sound = (patient_key(SOUND), 1, "ELIGIBLE", None, "", "one")
    leaves = (patient_key(LEAVES), 1, "ELIGIBLE", None, "", "one")
    assert _refresh(tmp_path, "one", everybody) == sorted([first, sound, leaves])
    # Nothing changed: nothing is added. Then the date becomes known, and one patient withdraws all data.
    assert _refresh(tmp_path, "two", everybody) == sorted([first, sound, leaves])
    known = (patient_key(STRADDLES), 2, "ELIGIBLE", "PENDING", "", "three")
    later = everybody | {STRADDLES: _REGISTRATION, LEAVES: _REMOVED}
    assert _refresh(tmp_path, "three", later) == sorted([first, known, sound])

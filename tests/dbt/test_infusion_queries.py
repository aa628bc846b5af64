"""Findings on infusions over several pulls: one key for one fault, gone when the data no longer show it, opened again by it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from dbt_warehouse import RawRegistry, patient_key, run_dbt, write_raw

from blin_pipeline.sandbox.rows import FormRow

pytestmark = pytest.mark.slow

#: Chicago; the cut is the end of 30 June 2026 there, 35 days of 24 h after the start of the first.
AT_35_DAYS, OVER_35_DAYS = "AA-0001", "AA-0002"
STARTS = {AT_35_DAYS: "2026-05-27 00:00", OVER_35_DAYS: "2026-05-26 23:59"}
ALL = ("+data_query_history",)
#: What a change of segments, and the name of a pull, reach.
FROM_SEGMENTS = ("stg_redcap__pull", "int_pull__current", "base_redcap__blin_segment+,+data_query_history")
_REGISTRATION = {
    "enroll_type": "1",
    "reg_date": "2026-02-01",
    "elig_ball": "1",
    "dx_date": "2026-01-10",
    "dx_date_prec": "1",
    "age_dx": "45",
    "blin_in_trial": "0",
    "vital_entry": "1",
    "consent_status": "1",
    "consent_date": "2026-02-01",
    "screen_note_code": "0",
}
_CYCLE = {
    "bc_number": "1",
    "bc_line": "1",
    "bc_purpose": "2",
    "bc_time_known": "1",
    "bc_weight": "80",
    "bc_step": "0",
    "bc_plan_days": "28",
    "bc_plan_rate": "28",
    "bc_status": "1",
    "bc_interrupted": "0",
}
_SEGMENT = {"sg_cycle": "1", "sg_rate": "28", "sg_rate_unit": "1"}


def _pull(folder: Path, pull: str, ends: dict[str, str]) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    """Build over the two patients with these stops; open queries, and the history of all, without their keys."""
    rows = []
    for record, start in STARTS.items():
        end = {"sg_end": ends[record]} if record in ends else {}
        rows += [
            FormRow(record, "registration", None, _REGISTRATION),
            FormRow(record, "blin_cycle", 1, _CYCLE | {"bc_start": start}),
            FormRow(record, "blin_segment", 1, _SEGMENT | {"sg_start": start} | end),
        ]
    warehouse = folder / "warehouse.duckdb"
    write_raw(warehouse, RawRegistry(rows))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update raw.pull set pull_id = ?", [pull])
    chosen = ALL if pull == "one" else FROM_SEGMENTS
    done = run_dbt(
        warehouse, folder, "build", "--resource-type", "model", "--resource-type", "seed", "--select", *chosen
    )
    assert done.returncode == 0, done.stdout[-4000:]
    columns = "query_key, check_id, patient_key, field_name, status_cd"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        both = (
            connection.execute(f"select {columns} from {table} where check_id in ('Q04', 'Q05')").fetchall()
            for table in ("quality.data_query", "operations.data_query_history")
        )
        found, history = (set(rows) for rows in both)
    return found, history


def test_a_finding_keeps_its_key_closes_itself_and_comes_back(tmp_path: Path) -> None:
    first, _ = _pull(tmp_path, "one", {})
    keys = {row[1:4]: row[0] for row in first}
    late = ("Q04", patient_key(OVER_35_DAYS), "sg_end")
    midnight = {("Q05", patient_key(AT_35_DAYS), name) for name in ("bc_start", "sg_start")}
    assert keys.keys() == {late, *midnight}
    assert len(set(keys.values())) == 3

    mended, history = _pull(tmp_path, "two", {OVER_35_DAYS: "2026-06-20 10:00"})
    assert {row[1:4]: row[0] for row in mended} == {place: keys[place] for place in midnight}
    assert {row[0]: row[4] for row in history} == {
        keys[late]: "RESOLVED_BY_DATA",
        **{keys[place]: "OPEN" for place in midnight},
    }

    again, history = _pull(tmp_path, "three", {})
    assert {row[1:4]: row[0] for row in again} == keys
    assert {row[4] for row in history if row[0] == keys[late]} == {"REOPENED"}

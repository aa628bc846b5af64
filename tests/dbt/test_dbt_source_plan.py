"""What a source may do to staging: declare no missing-data code at all, or land rows that no plan names."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from dbt_warehouse import RawRegistry, run_dbt, write_raw

from blin_pipeline.sandbox.rows import FormRow

pytestmark = pytest.mark.slow

_RESPONSE = {"ra_date": "2025-03-01", "response_complete": "2"}
_PLAN = {
    "repeats": True,
    "sources": [
        {"form": "response", "has_status": True, "events": {"v2_arm_1": 0}, "events_chosen": False},
    ],
    "columns": {
        "ra_date": {
            "source": 0,
            "fields": ["ra_date"],
            "transform": "as_is",
            "codes": {},
            "unit": "",
            "constant": "",
        }
    },
}


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Two patients: a code of the study that this project does not declare, and responses in two events."""
    path = tmp_path / "warehouse.duckdb"
    rows = (
        FormRow("AA-0001", "registration", None, {"elig_ball": "UNK", "dx_date": "UNK", "registration_complete": "2"}),
        FormRow("AA-0001", "response", 1, _RESPONSE),
        FormRow("AA-0002", "response", 1, _RESPONSE),
    )
    write_raw(path, RawRegistry(rows))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update raw.response set redcap_event_name = 'v2_arm_1' where record_id = 'AA-0001'")
        connection.execute("update raw.response set redcap_event_name = 'v3_arm_1' where record_id = 'AA-0002'")
    return path


def _staged(warehouse: Path, **variables: object) -> None:
    done = run_dbt(
        warehouse,
        warehouse.parent,
        *(
            "build",
            "--select",
            "+path:models/staging",
            "--exclude-resource-type",
            "test",
            "--exclude-resource-type",
            "unit_test",
        ),
        *_vars(variables),
    )
    assert done.returncode == 0, done.stdout[-2000:]


def _vars(variables: dict[str, object]) -> tuple[str, str]:
    return "--vars", json.dumps(variables, sort_keys=True)


def test_project_without_missing_data_codes_has_none(warehouse: Path) -> None:
    """The study's own codes are then text like any other: no date, and no choice of the list."""
    _staged(warehouse, missing_data_codes=[])
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            "select elig_ball_null_flavor_cd, dx_date_null_flavor_cd from staging.stg_redcap__registration"
        ).fetchall()
    assert found == [("INVALID", "INVALID")]


@pytest.mark.parametrize(("chosen", "passes"), [(False, False), (True, True)])
def test_landed_rows_of_an_event_that_no_plan_names_are_noticed(chosen: bool, passes: bool, warehouse: Path) -> None:
    """Left out on purpose only when the field map chose the events."""
    source = {**_PLAN["sources"][0], "events_chosen": chosen}  # type: ignore[index]
    plan = {"response": {**_PLAN, "sources": [source]}}
    _staged(warehouse, source_plan=plan)
    done = run_dbt(
        warehouse,
        warehouse.parent,
        *("test", "--select", "assert_every_landed_row_is_staged", *_vars({"source_plan": plan})),
    )
    assert (done.returncode == 0) is passes, done.stdout[-2000:]

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


#: One text with day, month and year (registration), three fields (death): what was typed -> date, its precision, why it has none.
_ONE_TEXT = {
    "15.03.2024": ("2024-03-15", "1", None),
    "5.3.2024": ("2024-03-05", "1", None),
    "12.3.2024": ("2024-03-12", "1", None),
    "31/12/2024": ("2024-12-31", "1", None),
    "15-Mar-2024": ("2024-03-15", "1", None),
    "UN-UNK-2024": ("2024-07-01", "3", None),
    "UN-MAR-2024": ("2024-03-15", "2", None),
    "99/03/2024": ("2024-03-15", "2", None),
    "03.2024": ("2024-03-15", "2", None),
    "2024": ("2024-07-01", "3", None),
    "2024-03": ("2024-03-15", "2", None),
    "2024-03-09": ("2024-03-09", "1", None),
    "15.UN.2024": ("2024-07-01", "3", None),
    "UN.UN.UN": (None, "9", None),
    "": (None, None, None),
    "UNK": (None, None, "UNK"),
    "NASK": (None, None, "NASK"),
    "30.02.2024": (None, "1", "INVALID"),
    "03.15.2024": (None, "1", "INVALID"),
    "13.2024": (None, "2", "INVALID"),
    "2024-123": (None, "2", "INVALID"),
    "15.03.24": (None, None, "INVALID"),
    "15.03.UN": (None, None, "INVALID"),
    "20240315": (None, None, "INVALID"),
    "2024-03-15 10:00": (None, None, "INVALID"),
    "1.2.3.2024": (None, None, "INVALID"),
    "spring 2024": (None, "2", "INVALID"),
}
_THREE_FIELDS = {
    ("15", "3", "2024"): ("2024-03-15", "1", None),
    ("", "03", "2024"): ("2024-03-15", "2", None),
    ("NASK", "03", "2024"): ("2024-03-15", "2", None),
    ("", "", "2024"): ("2024-07-01", "3", None),
    ("15", "", "2024"): ("2024-07-01", "3", None),
    ("UN", "UN", "UN"): (None, "9", None),
    ("", "", ""): (None, None, None),
    ("", "", "NASK"): (None, None, "NASK"),
    ("", "03", ""): (None, None, "INVALID"),
    ("31", "4", "2024"): (None, "1", "INVALID"),
    ("15", "3", "24"): (None, None, "INVALID"),
}
_FLAVORED_AS_A_WHOLE = {"UNK", "NASK"}


def _partial(concept: str, fields: list[str]) -> dict[str, object]:
    column = {"source": 0, "fields": fields, "codes": {}, "unit": "dmy", "constant": ""}
    return {
        concept: {**column, "transform": "partial_date"},
        f"{concept}_prec": {**column, "transform": "date_precision"},
    }


def test_dates_of_which_parts_are_unknown(tmp_path: Path) -> None:
    """A text or three fields become the study's own entry: a day by convention, and how exact it is."""
    path = tmp_path / "warehouse.duckdb"
    texts, fields = list(_ONE_TEXT), list(_THREE_FIELDS)
    records = [f"AA-{number:04d}" for number in range(max(len(texts), len(fields)))]
    write_raw(path, RawRegistry(tuple(FormRow(record, "registration", None, {"elig_ball": "1"}) for record in records)))
    keys = "'' as redcap_event_name, '' as redcap_repeat_instance, 'pull-1' as pull_id"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table raw.first_visit (record_id varchar, dx_text varchar)")
        connection.executemany("insert into raw.first_visit values (?, ?)", list(zip(records, texts, strict=False)))
        connection.execute("create table raw.last_visit (record_id varchar, d varchar, m varchar, y varchar)")
        rows = [(record, *parts) for record, parts in zip(records, fields, strict=False)]
        connection.executemany("insert into raw.last_visit values (?, ?, ?, ?)", rows)
        for table in ("first_visit", "last_visit"):
            connection.execute(f"create or replace table raw.{table} as select *, {keys} from raw.{table}")
    place = {"has_status": False, "events": {}, "events_chosen": False}
    plan = {
        "registration": {
            "repeats": False,
            "sources": [{"form": "first_visit", **place}],
            "columns": _partial("dx_date", ["dx_text"]),
        },
        "death": {
            "repeats": False,
            "sources": [{"form": "last_visit", **place}],
            "columns": _partial("dth_date", ["d", "m", "y"]),
        },
    }
    _staged(path, source_plan=plan)

    def staged(form: str, field: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(
                f"select cast({field} as varchar), {field}_prec_cd, {field}_null_flavor_cd, {field}_prec_null_flavor_cd "
                f"from staging.stg_redcap__{form} join raw.patient_crosswalk using (patient_key) order by record_id"
            ).fetchall()

    for form, field, expected in (("registration", "dx_date", _ONE_TEXT), ("death", "dth_date", _THREE_FIELDS)):
        found = {key: row[:3] for key, row in zip(expected, staged(form, field), strict=True)}
        assert found == expected, form
        flavors = {key: row[3] for key, row in zip(expected, staged(form, field), strict=True)}
        wanted = {key: row[2] if row[2] in _FLAVORED_AS_A_WHOLE else None for key, row in expected.items()}
        assert flavors == wanted, form

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pytest

from blin_pipeline.errors import DataError
from blin_pipeline.outcomes.result import RESULT_COLUMNS, ResultRow, result_id
from blin_pipeline.outcomes.result_table import from_frame, result_schema, to_arrow


def row(**changes: object) -> ResultRow:
    cells: dict[str, object] = {
        "result_id": "overall_survival/os_survival/ELIGIBLE/kaplan_meier/day=00365.250",
        "outcome": "overall_survival",
        "statistic": "os_survival",
        "population": "ELIGIBLE",
        "denominator": "",
        "group_variable": "all",
        "group_label": "all",
        "time_days": 365.25,
        "value": 0.8,
        "lower": 0.7,
        "upper": 0.9,
        "se": 0.05,
        "n": 40,
        "n_event": 10,
        "unit": "fraction",
        "method": "kaplan_meier",
        "state": "ok",
        "reason": "",
        "parameters_hash": "0" * 64,
        "cut_id": "cut",
    }
    return ResultRow(**(cells | changes))  # type: ignore[arg-type]


REFUSED = {"value": None, "lower": None, "upper": None, "se": None, "state": "too_few", "reason": "few"}


def test_columns_are_the_fields_of_a_row_in_order():
    names = [column.name for column in RESULT_COLUMNS]
    assert [field.name for field in dataclasses.fields(ResultRow)] == names
    assert result_schema().names == names
    assert all(result_schema().field(column.name).metadata[b"description"] for column in RESULT_COLUMNS)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": float("nan")},
        {"upper": float("inf")},
        {"time_days": float("nan")},
        {"state": "fine"},
        {"unit": "furlongs"},
        {"value": None},
        {"state": "too_few", "reason": "few"},
        REFUSED | {"reason": ""},
        {"n": -1},
        {"lower": 0.85},
        {"upper": 0.75},
        {"lower": 0.95, "value": None, "state": "not_reached", "reason": "above"},
        {"population": ""},
    ],
)
def test_a_broken_row_is_refused(changes):
    with pytest.raises(DataError) as caught:
        row(**changes)
    assert caught.value.code == "E_RESULT_INVALID"


def test_a_refusal_is_a_row_with_counts():
    assert row(**REFUSED).n == 40


def test_two_rows_of_one_key_are_refused():
    with pytest.raises(DataError) as caught:
        to_arrow([row(), row()])
    assert caught.value.code == "E_RESULT_DUPLICATE"


def test_arrow_keeps_nulls_and_rows_come_back_equal():
    rows = [row(), row(result_id="b", **REFUSED), row(result_id="c", n=None, n_event=None, time_days=None)]
    table = to_arrow(rows)
    assert table.schema.equals(result_schema())
    assert table["value"].to_pylist() == [0.8, None, 0.8]
    assert table["n"].type == pa.int64()
    assert from_frame(table.to_pandas()) == rows
    assert not any(value != value for value in table["value"].to_pylist() if value is not None)


def test_no_rows_keep_the_columns():
    assert to_arrow([]).schema.equals(result_schema())


def test_keys_read_and_sort():
    assert result_id("o", "s", "ELIGIBLE") == "o/s/ELIGIBLE"
    assert result_id("o", "s", "ELIGIBLE", denominator="D1", method="wilson") == "o/s/ELIGIBLE/D1/wilson"
    assert result_id("o", "s", "P", group_variable="flow_step", group_label="AGE", order=4) == "o/s/P/flow_step=04_AGE"
    keys = [result_id("o", "s", "P", time_days=day) for day in (0.5, 9.0, 182.625, 1095.75)]
    assert keys == sorted(keys)

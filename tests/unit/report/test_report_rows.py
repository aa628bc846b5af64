"""Finding rows of report.result."""

from __future__ import annotations

import pytest

from blin_pipeline.errors import DataError
from blin_pipeline.report.rows import Results, Row


def record(**values: object) -> dict[str, object]:
    return {"outcome": "o", "statistic": "s", "group_variable": "all", "group_label": "all", "state": "ok"} | values


def test_a_statistic_that_is_not_there_is_absent_and_names_itself() -> None:
    found = Results([]).one("overall_survival", "os_median")
    assert (found.outcome, found.statistic, found.state, found.ok) == ("overall_survival", "os_median", "absent", False)


def test_one_takes_the_row_of_all_patients() -> None:
    rows = [
        record(result_id="1", value=1.0),
        record(result_id="2", value=2.0, group_variable="site", group_label="S01"),
    ]
    assert Results(rows).one("o", "s").value == 1.0


def test_two_answers_to_one_question_are_refused() -> None:
    rows = [record(result_id="1", value=1.0, method="a"), record(result_id="2", value=2.0, method="b")]
    with pytest.raises(DataError) as caught:
        Results(rows).one("o", "s")
    assert caught.value.code == "E_REPORT_ROWS"
    assert Results(rows).one("o", "s", method="b").value == 2.0


def test_reading_a_number_where_there_is_none_is_refused() -> None:
    with pytest.raises(DataError):
        _ = Row("o", "s", value=1.0, state="too_few").number


def test_rows_come_in_order_of_their_id_and_curves_by_time() -> None:
    rows = [record(result_id=f"{day:03d}", time_days=float(day)) for day in (30, 2, 10)]
    steps = [record(statistic="t", result_id=f"{order}", group_label=label) for order, label in ((2, "B"), (1, "Z"))]
    results = Results(rows + steps)
    assert [row.time_days for row in results.many("o", "s")] == [2.0, 10.0, 30.0]
    assert [row.group_label for row in results.many("o", "t")] == ["Z", "B"]


def test_a_null_text_is_blank_and_a_null_number_stays_null() -> None:
    found = Row.of(record(method=None, value=None, denominator=None, lower=float("nan")))
    assert (found.method, found.denominator, found.value, found.lower) == ("", "", None, None)

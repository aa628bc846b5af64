"""Numbers in words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blin_pipeline.report import numbers
from blin_pipeline.report.rows import Row

STATES = ("too_few", "nothing_yet", "not_reached", "not_estimable", "not_collected", "absent")


def row(**values: object) -> Row:
    return Row.of({"outcome": "o", "statistic": "s", "state": "ok", "unit": "fraction", **values})


def test_percent_has_one_decimal_and_an_interval_reads_a_to_b() -> None:
    found = row(value=139 / 163, lower=0.7899, upper=0.8992, n=163, n_event=139)
    assert numbers.percent_with_range(found) == "85.3% (79.0 to 89.9%)"
    assert numbers.ratio_of(found) == "139 of 163"


def test_whole_and_decimal_numbers_drop_what_says_nothing() -> None:
    assert numbers.count(12345.0) == "12,345"
    assert [numbers.decimal(value) for value in (3.0, 2.5, 0.04, 784.0, 1000.0, -0.01)] == [
        "3", "2.5", "0", "784", "1,000", "0",
    ]  # fmt: skip


def test_a_limit_that_is_missing_is_named() -> None:
    assert numbers.percent_range(0.1, None) == "10.0% to no upper limit"
    assert numbers.percent_range(None, None) == "no interval"
    assert numbers.decimal_range(24.5, None) == "24.5 to not reached"


@pytest.mark.parametrize("state", STATES)
def test_a_row_without_a_number_says_why(state: str) -> None:
    texts = {
        say(row(state=state, value=None))
        for say in (
            numbers.count_of,
            numbers.percent_of,
            numbers.percent_with_range,
            numbers.value_of,
            numbers.state_text,
        )
    }
    assert len(texts) == 1
    assert re.fullmatch(r"[a-z ]+", texts.pop())


def test_a_value_beside_another_state_is_not_shown() -> None:
    assert numbers.percent_of(row(state="too_few", value=0.5)) == "too few to show"


def test_an_ok_row_without_a_value_is_not_estimable() -> None:
    assert numbers.count_of(row(value=None)) == "not estimable"


@pytest.mark.parametrize(
    ("month", "days", "expected"),
    [
        ("2026-06", 0, "Jun 2026"),
        ("2026-06", 1, "Jul 2026"),
        ("2026-06", 30.4, "Jul 2026"),
        ("2026-06", 200, "Jan 2027"),
    ],
)
def test_a_month_that_lies_days_after_the_cut(month: str, days: float, expected: str) -> None:
    assert numbers.month_after(month, days) == expected


def test_months_and_days_are_inverse() -> None:
    assert numbers.months_of(numbers.days_of(24)) == 24
    assert numbers.days_of(12) == 365.25


optional = st.none() | st.floats(0, 1)


@given(
    st.builds(
        row,
        value=optional,
        lower=optional,
        upper=optional,
        n=st.none() | st.integers(0, 10**6),
        n_event=st.none() | st.integers(0, 10**6),
        unit=st.sampled_from(["fraction", "days", "patients"]),
        state=st.sampled_from(["ok", *STATES]),
    )
)
def test_nothing_is_ever_a_dash_a_none_or_not_a_number(found: Row) -> None:
    for say in (
        numbers.count_of, numbers.percent_of, numbers.percent_with_range, numbers.ratio_of, numbers.value_of,
        numbers.range_of,
    ):  # fmt: skip
        text = say(found)
        assert not re.search(r"--|None|nan|inf|—|–|-\d", text)


def test_an_estimate_and_its_limits_can_show_the_same_precision():
    assert numbers.decimal(0.1, 2, all_digits=True) == "0.10"
    assert numbers.decimal_range(0.1, 0.64, 2, all_digits=True) == "0.10 to 0.64"
    assert [numbers.decimal(value, 1, all_digits=True) for value in (-0.04, 22, -22.04)] == ["0.0", "22.0", "-22.0"]
    assert [numbers.decimal(value) for value in (-0.04, 22, 1000.0)] == ["0", "22", "1,000"]

"""Tables arrive in every dress that drivers give them; behind the door they are one."""

from __future__ import annotations

import datetime as dt

import duckdb
import hand_made
import pandas as pd
import pytest

from blin_pipeline.errors import DataError
from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.outcomes.frames import TABLE_COLUMNS, Tables, table
from blin_pipeline.outcomes.identities import IDENTITIES
from blin_pipeline.outcomes.result_table import to_arrow

pytestmark = pytest.mark.slow


def _as_datetimes(column):
    return pd.to_datetime(column)


def _as_text(column):
    return column.map(lambda day: None if pd.isna(day) else day.isoformat())


def _as_moments(column):
    return column.map(lambda day: pd.NaT if pd.isna(day) else dt.datetime(day.year, day.month, day.day, 23, 59))


@pytest.mark.parametrize("dress", [_as_datetimes, _as_text, _as_moments])
def test_dates_in_any_type(dress, compute_all, hand_made_rows):
    frames = hand_made.frames()
    for name, frame in frames.items():
        for column in TABLE_COLUMNS[name]:
            if column.kind == "date" and column.name in frame:
                frame[column.name] = dress(frame[column.name])
    assert compute_all(frames) == hand_made_rows


@pytest.mark.parametrize("dress", ["boolean", "object", "float64"])
def test_flags_in_any_type(dress, compute_all, hand_made_rows):
    frames = hand_made.frames()
    for name, frame in frames.items():
        for column in TABLE_COLUMNS[name]:
            if column.kind == "flag" and column.name in frame:
                frame[column.name] = frame[column.name].astype(dress)
    assert compute_all(frames) == hand_made_rows


def test_null_flag_is_not_yes(context):
    frames = hand_made.frames()
    frames["marts.subject"]["is_cr_registry"] = frames["marts.subject"]["is_cr_registry"].astype("boolean")
    frames["marts.subject"].loc[0, "is_cr_registry"] = pd.NA
    compute = next(outcome.compute for outcome in OUTCOMES if outcome.name == "complete_remission")
    headline = compute(frames, context)[0]
    assert (headline.n_event, headline.n) == (15, 27)


def test_as_the_database_hands_them_over(compute_all, hand_made_rows):
    """Tables written to DuckDB and read back as data frames, as a refresh does."""
    connection = duckdb.connect()
    frames = {}
    for name, frame in hand_made.frames().items():
        connection.register("made_up", frame)
        dates = {column.name for column in TABLE_COLUMNS[name] if column.kind == "date"}
        chosen = ", ".join(f"cast({column} as date) as {column}" if column in dates else column for column in frame)
        frames[name] = connection.sql(f"select {chosen} from made_up").df()
    assert compute_all(frames) == hand_made_rows


def test_order_of_rows_and_second_run_change_no_byte(compute_all, hand_made_rows):
    expected = to_arrow(hand_made_rows)
    for seed in (1, 2, 3):
        shuffled = {name: frame.sample(frac=1, random_state=seed) for name, frame in hand_made.frames().items()}
        assert to_arrow(compute_all(shuffled)).equals(expected)
    assert to_arrow(compute_all(hand_made.frames())).equals(expected)


def test_tables_are_left_as_they_were(compute_all):
    frames, untouched = hand_made.frames(), hand_made.frames()
    compute_all(frames)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, untouched[name])


def test_codes_as_numbers_are_codes():
    frame = hand_made.blin_cycle_exposure().assign(stop_reason_cd=1.0)
    assert set(table({"marts.blin_cycle_exposure": frame}, "marts.blin_cycle_exposure")["stop_reason_cd"]) == {"1"}


def test_optional_columns_may_be_absent(context):
    frames = hand_made.frames()
    frames["marts.blin_cycle_exposure"] = frames["marts.blin_cycle_exposure"].drop(
        columns=["hospital_days", "has_home"]
    )
    compute = next(outcome.compute for outcome in OUTCOMES if outcome.name == "exposure")
    states = {row.statistic: row.state for row in compute(frames, context)}
    assert states["hospital_days"] == states["cycles_any_home"] == "not_collected"
    assert states["delivered_days"] == "ok"


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("marts.subject", lambda frame: frame.drop(columns="dx_date")),
        ("marts.subject", lambda frame: frame.assign(dx_date="soon")),
        ("marts.subject", lambda frame: frame.assign(is_eligible="maybe")),
        ("marts.time_to_event", lambda frame: frame.assign(aval_days="many")),
    ],
)
def test_a_table_that_breaks_the_contract_is_named_without_its_values(name, break_it):
    frames = hand_made.frames()
    with pytest.raises(DataError) as caught:
        table({name: break_it(frames[name])}, name)
    assert caught.value.code == "E_OUTCOME_TABLE"
    assert name in caught.value.what
    assert not {"soon", "maybe", "many"} & set(caught.value.what.split())


def test_a_missing_table_is_named():
    with pytest.raises(DataError, match=r"marts\.subject"):
        table({}, "marts.subject")


def test_every_needed_table_is_described():
    needed = {name for outcome in OUTCOMES for name in outcome.tables_needed}
    needed |= {name for identity in IDENTITIES for name in identity.tables}
    assert needed == set(TABLE_COLUMNS)


def test_outcomes_that_share_tables_make_the_same_rows_and_leave_them_as_they_were(compute_all, hand_made_rows):
    frames = hand_made.frames()
    read = []

    def reading(name):
        read.append(name)
        return frames[name]

    tables = Tables(frames, reading)
    before = {name: tables.typed(name).copy(deep=True) for name in tables}
    assert compute_all(tables) == hand_made_rows
    assert sorted(read) == sorted(frames)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(tables.typed(name), frame)
        pd.testing.assert_frame_equal(tables[name], hand_made.frames()[name])
    with pytest.raises(KeyError):
        tables["marts.nothing"]

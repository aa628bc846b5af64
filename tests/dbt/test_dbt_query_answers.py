"""Answered queries over several pulls: an answer holds for the data it was given on, and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_warehouse import RawRegistry, patient_key, run_dbt, write_raw

from blin_pipeline.sandbox.rows import FormRow

pytestmark = pytest.mark.slow

WITHOUT_STOP, AT_TWO_SITES, THE_OTHER = "AA-0001", "AA-0002", "BB-0001"
ALL = ("+data_query_history", "+check_result", "+int_blin_cycle__queried")
#: What answers, forms of the patients below and the name of a pull reach.
REACHED = (
    "stg_redcap__query_answer",
    "stg_redcap__pull",
    "int_pull__current",
    "base_redcap__blin_segment+,+data_query_history",
    "base_redcap__followup+,+data_query_history",
    "int_row__digest+,+data_query_history",
    "int_check__query+,+data_query_history",
    "int_blin_cycle__queried",
)
_PERSON = {
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
    "bc_start": "2026-05-20 10:00",
}
_SEGMENT = {"sg_cycle": "1", "sg_rate": "28", "sg_rate_unit": "1", "sg_start": "2026-05-20 10:00"}
_LIKE = {"sex": "1", "zip3": "606"}
_ROWS = (
    FormRow(WITHOUT_STOP, "registration", None, _PERSON),
    FormRow(WITHOUT_STOP, "blin_cycle", 1, _CYCLE),
    FormRow(WITHOUT_STOP, "blin_segment", 1, _SEGMENT),
    FormRow(AT_TWO_SITES, "registration", None, _PERSON | {"dx_date": "2026-01-12"}),
    FormRow(AT_TWO_SITES, "demographics", None, _LIKE),
    FormRow(THE_OTHER, "registration", None, _PERSON | {"dx_date": "2026-01-12"}),
    FormRow(THE_OTHER, "demographics", None, _LIKE),
)
_FOLLOWUP = FormRow(WITHOUT_STOP, "followup", 1, {"fu_date": "2026-06-20", "fu_source": "1", "fu_alive": "1"})


class Registry:
    """One warehouse, built pull after pull."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "warehouse.duckdb"
        self.answers: list[tuple[str, str, str, str]] = []

    def build(self, pull: str, rows: tuple[FormRow, ...]) -> None:
        write_raw(self.warehouse, RawRegistry(rows, answers=self.answers))
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute("update raw.pull set pull_id = ?", [pull])
        chosen = ALL if pull == "one" else REACHED
        kinds = ("--resource-type", "model", "--resource-type", "seed")
        done = run_dbt(self.warehouse, self.folder, "build", *kinds, "--select", *chosen)
        assert done.returncode == 0, done.stdout[-4000:]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def query(self, check_id: str, record: str, table: str = "quality.data_query") -> tuple[Any, ...]:
        """Key and status of the one query of a check and record."""
        found = self.rows(
            f"select query_key, status_cd, resolution_note_cd from {table} "
            f"where check_id = '{check_id}' and patient_key = '{patient_key(record)}'"
        )
        assert len(found) == 1, (check_id, record, found)
        return found[0]

    def answer(self, check_id: str, record: str, answer: str, note: str) -> None:
        key = self.query(check_id, record)[0]
        evidence = self.rows(f"select evidence_sha256 from quality.data_query where query_key = '{key}'")[0][0]
        self.answers.append((key, evidence, answer, note))


def test_an_answer_holds_until_its_data_change(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.build("one", _ROWS)
    assert {registry.query(*place)[1:] for place in (("Q04", WITHOUT_STOP), ("D19", AT_TWO_SITES))} == {("OPEN", None)}
    open_of_cycle = registry.rows("select n_open_queries from intermediate.int_blin_cycle__queried")

    # The history of a warehouse from before there were answers: other columns, and a check that forbids the new status.
    with duckdb.connect(str(registry.warehouse)) as connection:
        connection.execute(
            "create table before_answers as select * exclude (previous_status_cd, resolution_note_cd) "
            "from operations.data_query_history"
        )
        connection.execute("drop table operations.data_query_history")
        connection.execute(
            "create table operations.data_query_history (query_key varchar primary key, check_id varchar, patient_key varchar, "
            "site_id varchar, severity_class varchar, form varchar, instance_no integer, field_name varchar, "
            "first_seen_pull varchar, first_seen_date date, last_seen_pull varchar, last_seen_date date, "
            "resolved_pull varchar, resolved_date date, n_openings integer, "
            "status_cd varchar check (status_cd in ('OPEN', 'REOPENED', 'RESOLVED_BY_DATA')))"
        )
        connection.execute("insert into operations.data_query_history by name from before_answers")
        connection.execute("drop table before_answers")

    registry.answer("Q04", WITHOUT_STOP, "ACCEPTED_AS_IS", "CONFIRMED_BY_SOURCE")
    registry.answer("D19", AT_TWO_SITES, "ACCEPTED_AS_IS", "TWO_DIFFERENT_PEOPLE")
    registry.answer("D19", THE_OTHER, "ANSWERED", "IN_CLARIFICATION")
    violating = registry.rows("select n_violating from quality.check_result where check_id = 'Q04'")
    # A contact is news, and nothing that either finding speaks about.
    registry.build("two", (*_ROWS, _FOLLOWUP))
    for table in ("quality.data_query", "operations.data_query_history"):
        assert registry.query("Q04", WITHOUT_STOP, table)[1:] == ("ACCEPTED_AS_IS", "CONFIRMED_BY_SOURCE")
        assert registry.query("D19", AT_TWO_SITES, table)[1:] == ("ACCEPTED_AS_IS", "TWO_DIFFERENT_PEOPLE")
        assert registry.query("D19", THE_OTHER, table)[1:] == ("ANSWERED", "IN_CLARIFICATION")
    assert registry.rows(
        "select first_seen_pull, previous_status_cd from operations.data_query_history where check_id = 'Q04'"
    ) == [("one", "OPEN")]
    # Accepted is not open; the check still counts what it sees.
    assert registry.rows("select n_open_queries from intermediate.int_blin_cycle__queried") == [
        (open_of_cycle[0][0] - 1,)
    ]
    assert registry.rows("select n_violating from quality.check_result where check_id = 'Q04'") == violating == [(1,)]

    # The segment still has no stop, but another rate; the other of the two patients is registered on another day. Both findings
    # stand as before, on other data.
    changed = tuple(
        FormRow(row.record_id, row.form, row.instance, dict(row.values) | {"sg_rate": "15"})
        if row.form == "blin_segment"
        else FormRow(row.record_id, row.form, row.instance, dict(row.values) | {"reg_date": "2026-02-02"})
        if (row.record_id, row.form) == (THE_OTHER, "registration")
        else row
        for row in _ROWS
    )
    registry.build("three", (*changed, _FOLLOWUP))
    for table in ("quality.data_query", "operations.data_query_history"):
        for place in (("Q04", WITHOUT_STOP), ("D19", AT_TWO_SITES), ("D19", THE_OTHER)):
            assert registry.query(*place, table)[1:] == ("REOPENED", None), (table, place)
    assert set(
        registry.rows(
            "select previous_status_cd, n_openings from operations.data_query_history where check_id in ('Q04', 'D19')"
        )
    ) == {("ACCEPTED_AS_IS", 2), ("ANSWERED", 2)}

"""Three pulls of one small registry into one warehouse, with answers to queries after the first: what each left behind.

The patients stand apart: three whose eligibility changes (or does not), two whose infusions have no stop at the limit of 35 days,
and three with findings that their sites answer.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from dbt_warehouse import RawRegistry, patient_key, run_dbt, write_raw

from blin_pipeline.sandbox.rows import FormRow

PULLS = ("one", "two", "three")
#: Diagnosed on a day of 2023 that becomes known with pull three; sound; withdraws all data before pull three.
STRADDLES, SOUND, LEAVES = "AA-0001", "AA-0002", "AA-0003"
#: Chicago; the cut is the end of 30 June 2026 there, 35 days of 24 h after the start of the first. The second stops in pull two.
AT_35_DAYS, OVER_35_DAYS = "AA-0011", "AA-0012"
STARTS = {AT_35_DAYS: "2026-05-27 00:00", OVER_35_DAYS: "2026-05-26 23:59"}
#: A running infusion without a stop; one person, or two who look alike, at two sites. All three are answered after pull one.
WITHOUT_STOP, AT_TWO_SITES, THE_OTHER = "AA-0021", "AA-0022", "BB-0022"

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
}
_SEGMENT = {"sg_cycle": "1", "sg_rate": "28", "sg_rate_unit": "1"}
_MODELS = ("+data_query_history", "+check_result", "+int_blin_cycle__queried", "+eligibility_history")


@dataclass(frozen=True)
class Pulls:
    """The warehouse as each pull left it."""

    folder: Path

    def warehouse(self, pull: str) -> Path:
        """A copy of the warehouse after a pull."""
        return self.folder / pull / "warehouse.duckdb"

    def rows(self, pull: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a query after a pull."""
        with duckdb.connect(str(self.warehouse(pull)), read_only=True) as connection:
            return connection.execute(sql, parameters).fetchall()

    def query(self, pull: str, check_id: str, record: str, table: str = "quality.data_query") -> tuple[Any, ...]:
        """Key, status and note of the one query of a check and record."""
        sql = f"select query_key, status_cd, resolution_note_cd from {table} where check_id = ? and patient_key = ?"
        found = self.rows(pull, sql, check_id, patient_key(record))
        assert len(found) == 1, (pull, check_id, record, found)
        return found[0]


@dataclass
class _Registry:
    folder: Path
    answers: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def build(self, pull: str) -> None:
        write_raw(self.warehouse, RawRegistry(_rows(pull), answers=self.answers))
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute("update raw.pull set pull_id = ?", [pull])
        kinds = ("--resource-type", "model", "--resource-type", "seed")
        done = run_dbt(self.warehouse, self.folder, "build", *kinds, "--select", *_MODELS)
        assert done.returncode == 0, done.stdout[-4000:]
        (self.folder / pull).mkdir()
        shutil.copy(self.warehouse, self.folder / pull)

    def answer(self, check_id: str, record: str, answer: str, note: str) -> None:
        sql = "select query_key, evidence_sha256 from quality.data_query where check_id = ? and patient_key = ?"
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            ((key, evidence),) = connection.execute(sql, [check_id, patient_key(record)]).fetchall()
        self.answers.append((key, evidence, answer, note))


def build_pulls(folder: Path) -> Pulls:
    """Build the warehouse pull after pull."""
    registry = _Registry(folder)
    registry.build("one")
    registry.answer("Q04", WITHOUT_STOP, "ACCEPTED_AS_IS", "CONFIRMED_BY_SOURCE")
    registry.answer("D19", AT_TWO_SITES, "ACCEPTED_AS_IS", "TWO_DIFFERENT_PEOPLE")
    registry.answer("D19", THE_OTHER, "ANSWERED", "IN_CLARIFICATION")
    _history_from_before_answers(registry.warehouse)
    registry.build("two")
    registry.build("three")
    return Pulls(folder)


def _rows(pull: str) -> tuple[FormRow, ...]:
    return (*_eligibility(pull), *_infusions(pull), *_answered(pull))


def _eligibility(pull: str) -> tuple[FormRow, ...]:
    changes: Mapping[str, Mapping[str, str]] = {
        STRADDLES: {} if pull == "three" else {"dx_date": "2023-07-01", "dx_date_prec": "3"},
        SOUND: {},
        LEAVES: {"consent_status": "6", "withdraw_scope": "2", "withdraw_date": "2026-06-01"}
        if pull == "three"
        else {},
    }
    return tuple(FormRow(record, "registration", None, _PERSON | dict(own)) for record, own in changes.items())


def _infusions(pull: str) -> tuple[FormRow, ...]:
    rows: list[FormRow] = []
    for record, start in STARTS.items():
        stop = "2026-06-20 10:00" if (record, pull) == (OVER_35_DAYS, "two") else ""
        over, end = ({"bc_status": "2", "bc_end": stop}, {"sg_end": stop}) if stop else ({}, {})
        rows += [
            FormRow(record, "registration", None, _PERSON),
            FormRow(record, "blin_cycle", 1, _CYCLE | {"bc_start": start} | over),
            FormRow(record, "blin_segment", 1, _SEGMENT | {"sg_start": start} | end),
        ]
    return tuple(rows)


def _answered(pull: str) -> tuple[FormRow, ...]:
    """In pull two a contact, of which no finding speaks; in pull three other data under the same findings."""
    start = "2026-05-20 10:00"
    segment = _SEGMENT | {"sg_start": start, "sg_rate": "15" if pull == "three" else "28"}
    alike, like = _PERSON | {"dx_date": "2026-01-12"}, {"sex": "1", "zip3": "606"}
    rows = [
        FormRow(WITHOUT_STOP, "registration", None, _PERSON),
        FormRow(WITHOUT_STOP, "blin_cycle", 1, _CYCLE | {"bc_start": start}),
        FormRow(WITHOUT_STOP, "blin_segment", 1, segment),
        FormRow(AT_TWO_SITES, "registration", None, alike),
        FormRow(AT_TWO_SITES, "demographics", None, like),
        FormRow(THE_OTHER, "registration", None, alike | ({"reg_date": "2026-02-02"} if pull == "three" else {})),
        FormRow(THE_OTHER, "demographics", None, like),
    ]
    if pull != "one":
        contact = {"fu_date": "2026-06-20", "fu_source": "1", "fu_alive": "1"}
        rows.append(FormRow(WITHOUT_STOP, "followup", 1, contact))
    return tuple(rows)


def _history_from_before_answers(warehouse: Path) -> None:
    """The history of a warehouse from before there were answers: other columns, and a check that forbids the new status."""
    with duckdb.connect(str(warehouse)) as connection:
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

"""Noting answers to data queries: what is refused, and what stands in the file."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.database import Warehouse
from blin_pipeline.orchestration.queries import (
    DataQuery,
    answer_to,
    change_answers,
    find_answers,
    find_query,
    read_queries,
)
from blin_pipeline.registry.query_answers import QueryAnswers, load_query_answers
from blin_pipeline.settings import load_settings

WARNING = DataQuery(
    query_key="aa11" + "0" * 28,
    patient_key="f" * 32,
    site_id="S01",
    check_id="D08W",
    severity_class="warn",
    form="blin_cycle",
    instance_no=1,
    field_name="bc_number",
    finding_text="A gap of more than 7 days inside one cycle",
    expected_text="Confirm the gap or number a new cycle",
    evidence_sha256="e1" + "0" * 62,
    status_cd="OPEN",
    resolution_note_cd=None,
    blocks_analysis=False,
)
BLOCKING = replace(WARNING, query_key="aa22" + "0" * 28, check_id="D01", severity_class="error", blocks_analysis=True)
#: An error that blocks nothing, and a blocking finding that is no error, may be confirmed.
ERROR = replace(WARNING, query_key="bb33" + "0" * 28, check_id="D11", severity_class="error")
TWO_PATIENTS = replace(WARNING, query_key="cc44" + "0" * 28, check_id="D19", form="registration", field_name="dx_date")
REPEATED_ROW = replace(TWO_PATIENTS, query_key="dd55" + "0" * 28, form="response", field_name="ra_date")
QUERIES = (WARNING, BLOCKING, ERROR, TWO_PATIENTS, REPEATED_ROW)
DAY = date(2026, 7, 1)


def _code(call: Any, *given: Any, **named: Any) -> str:
    with pytest.raises(BlinError) as caught:
        call(*given, **named)
    assert "untouched" in caught.value.unaffected or "No answer" in caught.value.unaffected
    return caught.value.code


def test_a_query_is_found_by_name_key_or_beginning() -> None:
    for name in (WARNING.name, WARNING.query_key, "aa1", "aa11-e1"):
        assert find_query(QUERIES, name) is WARNING


@pytest.mark.parametrize("name", ["", "-", "aa", "ee", "-e1"])
def test_a_name_of_none_or_of_several_is_unknown(name: str) -> None:
    assert _code(find_query, QUERIES, name) == "E_QUERY_UNKNOWN"


def test_a_name_from_before_the_data_changed_is_stale() -> None:
    changed = [replace(query, evidence_sha256="e2" + "0" * 62) for query in QUERIES]
    assert _code(find_query, changed, WARNING.name) == "E_QUERY_STALE"
    assert find_query(changed, WARNING.query_key).evidence_sha256.startswith("e2")


@pytest.mark.parametrize(
    ("query", "answer", "note", "code"),
    [
        (BLOCKING, "ACCEPTED_AS_IS", "CONFIRMED_BY_SOURCE", "E_QUERY_NOT_ACCEPTABLE"),
        (WARNING, "ACCEPTED_AS_IS", "WILL_BE_CORRECTED", "E_QUERY_NOTE"),
        (WARNING, "ACCEPTED_AS_IS", "IN_CLARIFICATION", "E_QUERY_NOTE"),
        (WARNING, "ANSWERED", "phoned the site", "E_QUERY_NOTE"),
        (WARNING, "ACCEPTED_AS_IS", "TWO_DIFFERENT_PEOPLE", "E_QUERY_NOTE"),
        (REPEATED_ROW, "ACCEPTED_AS_IS", "TWO_DIFFERENT_PEOPLE", "E_QUERY_NOTE"),
    ],
)
def test_what_may_not_be_answered_so_is_refused(query: DataQuery, answer: Any, note: str, code: str) -> None:
    assert _code(answer_to, query, answer, note, on=DAY, by="dm1") == code


@pytest.mark.parametrize(
    ("query", "answer", "note"),
    [
        (BLOCKING, "ANSWERED", "WILL_BE_CORRECTED"),
        (ERROR, "ACCEPTED_AS_IS", "CONFIRMED_BY_SOURCE"),
        (replace(WARNING, blocks_analysis=True), "ACCEPTED_AS_IS", "NOT_DONE"),
        (TWO_PATIENTS, "ACCEPTED_AS_IS", "two_different_people"),
        (WARNING, "ANSWERED", "NOT_OBTAINABLE"),
    ],
)
def test_what_may_be_answered_is_bound_to_its_evidence(query: DataQuery, answer: Any, note: str) -> None:
    found = answer_to(query, answer, note, on=DAY, by="dm1")
    assert (found.query_key, found.evidence_sha256, found.answer, found.note_cd) == (
        query.query_key,
        query.evidence_sha256,
        answer,
        note.upper(),
    )


@pytest.mark.parametrize("by", ["Jane Doe, ext. 3", ""])
def test_a_name_that_could_be_a_sentence_is_refused_and_so_is_none(by: str) -> None:
    assert _code(answer_to, WARNING, "ANSWERED", "NOT_DONE", on=DAY, by=by) == "E_QUERY_NOTE"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_user_of_whom_the_system_has_no_name_has_none() -> None:
    """As in a container that runs under a number."""
    code = "import getpass, os, pwd; from blin_pipeline.cli.queries import user_name; os.setuid(54321); print(repr(user_name()))"
    done = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == "''\n"


def test_answers_are_noted_and_taken_back(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    new = [answer_to(query, "ANSWERED", "NOT_DONE", on=DAY, by="dm1") for query in (ERROR, WARNING)]
    change_answers(settings, lambda answers: answers.with_answers(new))
    assert load_query_answers(settings.query_answers_file) == QueryAnswers(answers=(new[1], new[0]))
    noted = load_query_answers(settings.query_answers_file)
    assert find_answers(noted, [WARNING.name]) == [WARNING.query_key]
    assert _code(find_answers, noted, ["ee"]) == "E_QUERY_UNKNOWN"
    change_answers(settings, lambda answers: answers.without([WARNING.query_key]))
    assert [item.query_key for item in load_query_answers(settings.query_answers_file).answers] == [ERROR.query_key]


def test_a_file_that_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    settings.query_answers_file.parent.mkdir()
    settings.query_answers_file.write_text("by hand\n", encoding="utf-8")
    assert _code(change_answers, settings, lambda answers: answers) == "E_REGISTRY_FILE"
    assert settings.query_answers_file.read_text(encoding="utf-8") == "by hand\n"


def test_tables_of_an_older_version_have_no_queries_to_answer(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            "create schema quality; create table quality.data_query (query_key varchar, status_cd varchar)"
        )
    assert _code(read_queries, warehouse) == "E_NO_QUERIES"

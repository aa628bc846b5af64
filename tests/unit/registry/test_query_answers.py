"""The file of answers to data queries: what it may hold, how it is written, and that a fault names its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.deid import load_policy
from blin_pipeline.registry.query_answers import (
    NOTES,
    QueryAnswer,
    QueryAnswers,
    load_query_answers,
    save_query_answers,
)

KEY, OTHER, EVIDENCE = "a" * 32, "b" * 32, "e" * 64
HEADER = "query_key,evidence_sha256,answer,note_cd,answered_on,answered_by"
GOOD = f"{KEY},{EVIDENCE},ACCEPTED_AS_IS,CONFIRMED_BY_SOURCE,2026-07-01,dm1"


def _answer(key: str = KEY, **changes: object) -> QueryAnswer:
    facts: dict[str, object] = {
        "query_key": key,
        "evidence_sha256": EVIDENCE,
        "answer": "ANSWERED",
        "note_cd": "IN_CLARIFICATION",
        "answered_on": date(2026, 7, 1),
        "answered_by": "dm1",
    }
    return QueryAnswer.model_validate(facts | changes)


def test_no_file_is_no_answer(tmp_path: Path) -> None:
    found = load_query_answers(tmp_path / "query_answers.csv")
    assert found.answers == ()
    assert found.sha256 == ""


def test_what_is_written_is_read_back_sorted_and_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "restricted" / "query_answers.csv"
    answers = QueryAnswers().with_answers([_answer(OTHER), _answer(KEY)])
    save_query_answers(path, answers)
    assert load_query_answers(path) == answers
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["query_key", KEY, OTHER]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["query_answers.csv"]


def test_a_new_answer_replaces_the_one_to_the_same_query() -> None:
    before = QueryAnswers().with_answers([_answer(KEY), _answer(OTHER)])
    after = before.with_answers([_answer(KEY, answer="ACCEPTED_AS_IS", note_cd="NOT_DONE")])
    assert [(item.query_key, item.answer) for item in after.answers] == [(KEY, "ACCEPTED_AS_IS"), (OTHER, "ANSWERED")]
    assert [item.query_key for item in after.without([KEY]).answers] == [OTHER]


def test_who_and_when_do_not_make_a_refresh_new_but_the_answer_does() -> None:
    first = QueryAnswers(answers=(_answer(),))
    assert QueryAnswers(answers=(_answer(answered_by="dm2", answered_on=date(2026, 7, 2)),)).sha256 == first.sha256
    for change in ({"note_cd": "WILL_BE_CORRECTED"}, {"evidence_sha256": "f" * 64}, {"query_key": OTHER}):
        assert QueryAnswers(answers=(_answer(**change),)).sha256 != first.sha256


@pytest.mark.parametrize(
    ("line", "row", "column"),
    [
        (GOOD.replace(KEY, "A" * 32), 3, "query_key"),
        (GOOD.replace(EVIDENCE, "e" * 63), 3, "evidence_sha256"),
        (GOOD.replace("ACCEPTED_AS_IS", "CLOSED"), 3, "answer"),
        (GOOD.replace("CONFIRMED_BY_SOURCE", "called the site"), 3, "note_cd"),
        (GOOD.replace("2026-07-01", "2026-02-30"), 3, "answered_on"),
        (GOOD.replace("dm1", "Jane Doe"), 3, "answered_by"),
        (GOOD.replace(KEY, OTHER), 3, "query_key"),
        (GOOD.replace("CONFIRMED_BY_SOURCE", "WILL_BE_CORRECTED"), 3, None),
        (GOOD + ",more", 3, None),
    ],
)
def test_a_fault_names_row_and_column_and_no_value(tmp_path: Path, line: str, row: int, column: str | None) -> None:
    path = tmp_path / "query_answers.csv"
    path.write_text(f"{HEADER}\n{GOOD.replace(KEY, OTHER)}\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_query_answers(path)
    assert caught.value.code == "E_REGISTRY_FILE"
    assert f"query_answers.csv, row {row}" in caught.value.what
    assert column is None or f"column '{column}'" in caught.value.what
    assert "Jane" not in str(caught.value)
    assert "called" not in str(caught.value)


def test_a_wrong_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "query_answers.csv"
    path.write_text("query_key,answer,note_cd,answered_on,answered_by\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="evidence_sha256"):
        load_query_answers(path)


def test_every_note_may_be_released_and_a_promise_closes_nothing() -> None:
    columns = {column.column: column for column in load_policy().tables["quality.data_query"].columns}
    assert set(columns["resolution_note_cd"].codes) == set(NOTES)
    with pytest.raises(ValidationError):
        _answer(answer="ACCEPTED_AS_IS", note_cd="IN_CLARIFICATION")

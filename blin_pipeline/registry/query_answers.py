"""Answers to data queries: what the data manager notes that a site said, bound to the data it was said of.

The file holds no patient value and no free text: keys are hashes, answers and notes come from closed lists. ``blin queries``
writes it. An answer holds only while the evidence (hash over the rows that the query speaks about) is what it was; that is
decided in the tables (model ``int_check__query``).
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from blin_pipeline.registry.files import fault, read_csv

Answer = Literal["ANSWERED", "ACCEPTED_AS_IS"]
Note = Literal[
    "CONFIRMED_BY_SOURCE",
    "TWO_DIFFERENT_PEOPLE",
    "NOT_DONE",
    "NOT_OBTAINABLE",
    "WILL_BE_CORRECTED",
    "IN_CLARIFICATION",
]
#: Note -> what it says.
NOTES: dict[Note, str] = {
    "CONFIRMED_BY_SOURCE": "the source documents say what was entered",
    "TWO_DIFFERENT_PEOPLE": "not one person entered twice (D19)",
    "NOT_DONE": "what is asked for was not done",
    "NOT_OBTAINABLE": "what is asked for cannot be found out any more",
    "WILL_BE_CORRECTED": "the site will correct the entry",
    "IN_CLARIFICATION": "the site is finding out",
}
#: Notes that promise something: the query is answered with them, never accepted.
PROMISES = frozenset[Note]({"WILL_BE_CORRECTED", "IN_CLARIFICATION"})


class QueryAnswer(BaseModel):
    """One answered query.

    Attributes:
        query_key: Key of ``quality.data_query``.
        evidence_sha256: Evidence that the answer was given on.
        answer: ``ANSWERED`` (the data manager still looks) or ``ACCEPTED_AS_IS`` (right as entered, closed).
        note_cd: What was said, a code.
        answered_on: Day of the note.
        answered_by: Who noted it, a short name without blanks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    query_key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    evidence_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    answer: Answer
    note_cd: Note
    answered_on: date
    answered_by: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]

    @model_validator(mode="after")
    def _fits(self) -> QueryAnswer:
        if self.answer == "ACCEPTED_AS_IS" and self.note_cd in PROMISES:
            raise ValueError("a query with this note is answered, not accepted as it is")
        return self


HEADER = tuple(QueryAnswer.model_fields)


class QueryAnswers(BaseModel):
    """All answers, in order of their keys."""

    model_config = ConfigDict(frozen=True)

    answers: tuple[QueryAnswer, ...] = ()

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """What the tables are made from: key, evidence, answer, note. Not who and when."""
        return [(item.query_key, item.evidence_sha256, item.answer, item.note_cd) for item in self.answers]

    @property
    def sha256(self) -> str:
        """As :func:`answers_sha256` of the rows."""
        return answers_sha256(self.rows)

    def answer(self, query_key: str) -> QueryAnswer | None:
        """The answer to one query."""
        return next((item for item in self.answers if item.query_key == query_key), None)

    def with_answers(self, new: Sequence[QueryAnswer]) -> QueryAnswers:
        """With new answers, each in place of the one to the same query."""
        by_key = {item.query_key: item for item in (*self.answers, *new)}
        return QueryAnswers(answers=tuple(by_key[key] for key in sorted(by_key)))

    def without(self, query_keys: Iterable[str]) -> QueryAnswers:
        """Without the answers to these queries."""
        gone = set(query_keys)
        return QueryAnswers(answers=tuple(item for item in self.answers if item.query_key not in gone))


def answers_sha256(rows: Iterable[Sequence[str]]) -> str:
    """Hash over rows of key, evidence, answer and note, whatever their order; blank without any."""
    lines = sorted("|".join(row) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def load_query_answers(path: Path) -> QueryAnswers:
    """Read the file of answers; no answers where there is no file.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``, with row and column.
    """
    if not path.exists():
        return QueryAnswers()
    found: dict[str, QueryAnswer] = {}
    for number, row in read_csv(path, HEADER):
        try:
            item = QueryAnswer.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            fault(path, first["msg"], row=number, column=str(first["loc"][0]) if first["loc"] else None)
        if item.query_key in found:
            fault(path, "the query is answered twice", row=number, column="query_key")
        found[item.query_key] = item
    return QueryAnswers(answers=tuple(found[key] for key in sorted(found)))


def save_query_answers(path: Path, answers: QueryAnswers) -> None:
    """Replace the file of answers at once, sorted by key, readable to its owner only."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(item.model_dump(mode="json").values() for item in answers.answers)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)

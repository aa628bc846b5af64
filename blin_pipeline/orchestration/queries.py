"""The work list of data queries, and the answers that the data manager notes to them; no value and no record id in either."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import get_args

from filelock import FileLock

from blin_pipeline.errors import ConfigurationError, DataError
from blin_pipeline.landing.database import Warehouse
from blin_pipeline.landing.reading import accepted_note
from blin_pipeline.registry.query_answers import (
    NOTES,
    PROMISES,
    Answer,
    Note,
    QueryAnswer,
    QueryAnswers,
    load_query_answers,
    save_query_answers,
)
from blin_pipeline.settings import Settings

_NOTHING_WRITTEN = "No answer was written."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
#: Digits of key and evidence in the short name of a query.
_KEY_DIGITS, _EVIDENCE_DIGITS = 12, 8


@dataclass(frozen=True)
class DataQuery:
    """One row of ``quality.data_query``: columns as there, none holds a value of a patient."""

    query_key: str
    patient_key: str
    site_id: str
    check_id: str
    severity_class: str
    form: str
    instance_no: int
    field_name: str
    finding_text: str
    expected_text: str
    evidence_sha256: str
    status_cd: str
    resolution_note_cd: str | None
    blocks_analysis: bool

    @property
    def name(self) -> str:
        """Short name that holds for the data as they are: beginnings of key and evidence."""
        return f"{self.query_key[:_KEY_DIGITS]}-{self.evidence_sha256[:_EVIDENCE_DIGITS]}"

    @property
    def may_be_accepted(self) -> bool:
        """Whether a confirmation can close it: not an error that blocks an analysis."""
        return not (self.severity_class == "error" and self.blocks_analysis)

    @property
    def is_of_two_patients(self) -> bool:
        """Whether it asks if two patients are one person."""
        return self.check_id == "D19" and self.form == "registration"


def read_queries(warehouse: Warehouse) -> list[DataQuery]:
    """All data queries of the tables, by site, check, form, instance and field.

    Raises:
        DataError: ``E_NO_QUERIES`` when the tables are not there or of an older version.
        LockedError, StorageError: as :meth:`Warehouse.connect`.
    """
    names = tuple(DataQuery.__dataclass_fields__)
    with warehouse.connect(read_only=True) as connection:
        known = connection.execute(
            "select column_name from information_schema.columns where table_schema = 'quality' and table_name = 'data_query'"
        ).fetchall()
        if not {*names} <= {name for (name,) in known}:
            raise DataError(
                "E_NO_QUERIES",
                "The warehouse has no data queries, or those of an older version of the tables.",
                fix="Run `blin refresh`; after an upgrade it builds the tables anew.",
                unaffected=_NOTHING_WRITTEN,
            )
        rows = connection.execute(
            f"select {', '.join(names)} from quality.data_query "  # noqa: S608 - names of our own class
            "order by site_id, check_id, patient_key, form, instance_no, field_name"
        ).fetchall()
    return [DataQuery(*row) for row in rows]


def refuse_outdated(settings: Settings, warehouse: Warehouse) -> None:
    """Refuse to answer on tables that do not show the newest pull.

    Raises:
        DataError: ``E_QUERY_STALE``.
    """
    note = accepted_note(settings.pulls_dir)
    with warehouse.connect(read_only=True) as connection:
        shown = {pull for (pull,) in connection.execute("select distinct pull_id from quality.check_result").fetchall()}
    if note is not None and shown != {note.pull_id}:
        raise DataError(
            "E_QUERY_STALE",
            "The tables do not show the newest pull: what the query speaks about may have changed.",
            fix="Run `blin refresh`, look at `blin queries` again, then answer.",
            unaffected=_NOTHING_WRITTEN,
        )


def find_query(queries: Sequence[DataQuery], name: str) -> DataQuery:
    """A query by its key, the beginning of it, or its short name.

    Raises:
        DataError: ``E_QUERY_UNKNOWN``; ``E_QUERY_STALE`` when the data changed since the short name was shown.
    """
    key, _, evidence = name.partition("-")
    found = [query for query in queries if query.query_key.startswith(key)] if key else []
    if len(found) != 1:
        raise _unknown(several=bool(found))
    if not found[0].evidence_sha256.startswith(evidence):
        raise DataError(
            "E_QUERY_STALE",
            "What the query speaks about has changed since it was listed.",
            fix="Look at it again: `blin queries`.",
            unaffected=_NOTHING_WRITTEN,
        )
    return found[0]


def answer_to(query: DataQuery, answer: Answer, note: str, *, on: date, by: str) -> QueryAnswer:
    """The answer to one query, when it may be answered so.

    Raises:
        DataError: ``E_QUERY_NOT_ACCEPTABLE``: an error that blocks an analysis.
        ConfigurationError: ``E_QUERY_NOTE``: note or name not of the closed form, or a note that does not fit.
    """
    code = _known(note)
    if answer == "ACCEPTED_AS_IS" and not query.may_be_accepted:
        raise DataError(
            "E_QUERY_NOT_ACCEPTABLE",
            f"A query of {query.check_id} is an error that blocks an analysis: a confirmation does not make its data usable.",
            fix="Have it corrected in REDCap; until then note the site's answer with --as answered.",
            unaffected=_NOTHING_WRITTEN,
        )
    if answer == "ACCEPTED_AS_IS" and code in PROMISES:
        raise _note(f"{code} promises something, so that it closes nothing", "Use it with --as answered.")
    if code == "TWO_DIFFERENT_PEOPLE" and not query.is_of_two_patients:
        raise _note(f"{code} answers D19 between two patients only", "Choose the note that fits the query.")
    if not _NAME.fullmatch(by):
        raise _note(
            "the name of who answers has other signs than letters, digits, . _ -", "Give a short name with --by."
        )
    return QueryAnswer(
        query_key=query.query_key,
        evidence_sha256=query.evidence_sha256,
        answer=answer,
        note_cd=code,
        answered_on=on,
        answered_by=by,
    )


def find_answers(answers: QueryAnswers, names: Sequence[str]) -> list[str]:
    """Keys of noted answers, by key, beginning or short name.

    Raises:
        DataError: ``E_QUERY_UNKNOWN``.
    """
    found = []
    for name in names:
        key = name.partition("-")[0]
        keys = [item.query_key for item in answers.answers if key and item.query_key.startswith(key)]
        if len(keys) != 1:
            raise _unknown(several=bool(keys))
        found += keys
    return found


@contextmanager
def _held(settings: Settings) -> Iterator[None]:
    path = settings.query_answers_file
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        yield


def change_answers(settings: Settings, change: Callable[[QueryAnswers], QueryAnswers]) -> QueryAnswers:
    """Read the file of answers, change it, write it at once; one command at a time.

    Raises:
        ConfigurationError: ``E_REGISTRY_FILE`` when the file cannot be read; it stays as it is.
    """
    with _held(settings):
        changed = change(load_query_answers(settings.query_answers_file))
        save_query_answers(settings.query_answers_file, changed)
    return changed


def _known(note: str) -> Note:
    for code in get_args(Note):
        if code == note.upper():
            return code  # type: ignore[no-any-return]  # an element of Note
    raise _note("there is no such note", f"Give one of {', '.join(NOTES)}.")


def _note(what: str, fix: str) -> ConfigurationError:
    return ConfigurationError("E_QUERY_NOTE", what, fix=fix, unaffected=_NOTHING_WRITTEN)


def _unknown(*, several: bool) -> DataError:
    return DataError(
        "E_QUERY_UNKNOWN",
        f"{'Several begin' if several else 'None begins'} with what was given.",
        fix="`blin queries --status all` lists the queries; give the name shown there, or the whole key.",
        unaffected=_NOTHING_WRITTEN,
    )

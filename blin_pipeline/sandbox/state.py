"""A host's state in a folder: everything that a restart must find again, in one SQLite file, changed by transactions.

A request is on disk as a whole or not at all, whatever happens to the process; what was not changed is not written
again. The file holds tokens: it is readable by its owner alone.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.sandbox.host import Account
from blin_pipeline.sandbox.log import LogEntry, SandboxClock
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.record_store import Record
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.setup import Folder, Group, StoredFile
from blin_pipeline.sandbox.structure import RowKey, wrong

STATE_FILE = "sandbox.sqlite3"
_VERSION = 1
_TABLES = """
CREATE TABLE account (token TEXT PRIMARY KEY, project_id INTEGER NOT NULL, username TEXT NOT NULL);
CREATE TABLE project (project_id INTEGER PRIMARY KEY, setup TEXT NOT NULL, moment TEXT NOT NULL);
CREATE TABLE record (project_id INTEGER, record_id TEXT, body TEXT NOT NULL, PRIMARY KEY (project_id, record_id));
CREATE TABLE document (project_id INTEGER, number INTEGER, name TEXT NOT NULL, media_type TEXT NOT NULL,
    content BLOB NOT NULL, PRIMARY KEY (project_id, number));
CREATE TABLE log (project_id INTEGER, line INTEGER, body TEXT NOT NULL, PRIMARY KEY (project_id, line));
"""


@dataclass(frozen=True)
class _Setup:
    """Everything of a project but its records, documents and log."""

    source: SourceProject
    groups: tuple[Group, ...]
    next_ids: dict[str, int]
    folders: dict[int, Folder]
    repository: dict[int, int]


_SETUP = TypeAdapter(_Setup)
_LOG_ENTRY = TypeAdapter(LogEntry)


class _Written:
    """What the file holds of one project, to tell what is new."""

    def __init__(self, project: ProjectState) -> None:
        self.project = project
        self.revision = -1
        self.setup = ""
        self.records: dict[str, str] = {}
        self.documents: set[int] = set()
        self.log_length = 0
        self.log_rewritten = project.log.rewritten


class StateFolder:
    """The state file of a host, open for as long as the host serves.

    Args:
        folder: Where it is; made when it does not exist.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_STATE``: another server uses the folder, or it is not a sandbox's.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        self._written: dict[int, _Written] = {}
        path = folder / STATE_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
            self._file = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._file.execute("BEGIN IMMEDIATE")
            version = self._file.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _TABLES.split(";")[:-1]:
                    self._file.execute(statement)
                self._file.execute(f"PRAGMA user_version = {_VERSION}")
            self._file.execute("COMMIT")
        except (OSError, sqlite3.Error):
            raise _unusable("another sandbox serves it, or it cannot be read and written") from None
        if version not in {0, _VERSION}:
            raise _unusable("another version of this software wrote it")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def load(self, clock: Callable[[], datetime] | None = None) -> dict[str, Account]:
        """Token -> account of everything kept; empty for a new folder.

        Args:
            clock: Server time of the projects; where None each goes on from its own last moment.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_STATE``, the file is damaged.
        """
        try:
            rows = self._file.execute("SELECT project_id, setup, moment FROM project ORDER BY project_id").fetchall()
            projects = {number: self._project(number, text, moment, clock) for number, text, moment in rows}
            accounts = self._file.execute("SELECT token, project_id, username FROM account ORDER BY rowid").fetchall()
            return {token: Account(projects[number], username) for token, number, username in accounts}
        except (sqlite3.Error, ValueError, KeyError):
            raise _unusable("its content is damaged") from None

    def _project(self, number: int, text: str, moment: str, clock: Callable[[], datetime] | None) -> ProjectState:
        setup = _SETUP.validate_json(text)
        project = ProjectState(setup.source, clock or SandboxClock(datetime.fromisoformat(moment)))
        project.groups, project.next_ids = setup.groups, setup.next_ids
        project.folders, project.repository = setup.folders, setup.repository
        written = self._written[number] = _Written(project)
        written.setup = text
        select = "SELECT record_id, body FROM record WHERE project_id = ? ORDER BY rowid"
        written.records = dict(self._file.execute(select, [number]))
        project.records = {record_id: _record(body) for record_id, body in written.records.items()}
        select = "SELECT number, name, content, media_type FROM document WHERE project_id = ? ORDER BY number"
        project.files = {row[0]: StoredFile(*row[1:]) for row in self._file.execute(select, [number])}
        written.documents = set(project.files)
        select = "SELECT body FROM log WHERE project_id = ? ORDER BY line"
        lines = [_LOG_ENTRY.validate_json(body) for (body,) in self._file.execute(select, [number])]
        project.log.replace(lines)
        written.log_length, written.log_rewritten = len(lines), project.log.rewritten
        written.revision = project.revision
        return project

    def keep_account(self, token: str, account: Account) -> None:
        """Keep a token and its project.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_PROJECT``, another project has the same number.
        """
        number = account.project.project_id
        self._transact(
            [("INSERT OR REPLACE INTO account VALUES (?, ?, ?)", [(token, number, account.username)])], account.project
        )

    def keep(self, project: ProjectState) -> None:
        """Keep what changed in a project since the last time; call it while holding the project's lock."""
        self._transact([], project)

    def _transact(self, statements: list[tuple[str, list[tuple[object, ...]]]], project: ProjectState) -> None:
        number = project.project_id
        written = self._written.setdefault(number, _Written(project))
        if written.project is not project:
            raise wrong("another project of the same number is kept in the folder")
        setup, records, documents = written.setup, written.records, written.documents
        if project.revision != written.revision:
            setup = _SETUP.dump_json(_setup(project)).decode()
            records = {record_id: _body(record) for record_id, record in project.records.items()}
            documents = set(project.files)
        changed = [(number, name, body) for name, body in records.items() if written.records.get(name) != body]
        gone = [(number, name) for name in written.records if name not in records]
        new_files = [(number, key, *_file_cells(project.files[key])) for key in sorted(documents - written.documents)]
        gone_files = [(number, key) for key in sorted(written.documents - documents)]
        kept = written.log_length if project.log.rewritten == written.log_rewritten else 0
        lines = [
            (number, kept + place, _LOG_ENTRY.dump_json(entry).decode())
            for place, entry in enumerate(project.log.entries(kept))
        ]
        work: list[tuple[str, Iterable[tuple[object, ...]]]] = [
            *statements,
            ("INSERT OR REPLACE INTO project VALUES (?, ?, ?)", [(number, setup, project.clock().isoformat())]),
            ("DELETE FROM record WHERE project_id = ? AND record_id = ?", gone),
            ("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", changed),
            ("DELETE FROM document WHERE project_id = ? AND number = ?", gone_files),
            ("INSERT INTO document VALUES (?, ?, ?, ?, ?)", new_files),
            ("DELETE FROM log WHERE project_id = ? AND line >= ?", [(number, kept)]),
            ("INSERT INTO log VALUES (?, ?, ?)", lines),
        ]
        with self._lock:
            self._file.execute("BEGIN")
            try:
                for statement, cells in work:
                    self._file.executemany(statement, cells)
                self._file.execute("COMMIT")
            except sqlite3.Error:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise _unusable("it cannot be written; is the disk full?") from None
        written.revision, written.setup, written.records = project.revision, setup, records
        written.documents, written.log_length = documents, kept + len(lines)
        written.log_rewritten = project.log.rewritten


def _setup(project: ProjectState) -> _Setup:
    source = SourceProject(
        title=project.title,
        project_id=project.project_id,
        dictionary=project.dictionary,
        instrument_labels=project.instrument_labels,
        repeating_instruments=(),
        surveys=project.survey_forms,
        data_access_groups=(),
        record_groups={},
        missing_data_codes=project.missing_data_codes,
        rows=(),
        created=project.created,
        settings=project.settings,
        arms=tuple(project.arms.values()),
        events=project.events,
        event_forms=tuple(sorted(project.event_forms)),
        repeats=project.repeats,
        users=tuple(project.users.values()),
        roles=tuple(project.roles.values()),
        participants=tuple(project.participants),
        reports=tuple(project.reports.values()),
    )
    return _Setup(source, project.groups, project.next_ids, project.folders, project.repository)


def _body(record: Record) -> str:
    return json.dumps([record.group, [[*key, values] for key, values in record.rows.items()]], ensure_ascii=False)


def _record(body: str) -> Record:
    group, rows = json.loads(body)
    return Record(group, {RowKey(event, form, number): values for event, form, number, values in rows})


def _file_cells(file: StoredFile) -> tuple[object, ...]:
    return (file.name, file.media_type, file.content)


def _unusable(why: str) -> ConfigurationError:
    return ConfigurationError(
        "E_SANDBOX_STATE",
        f"The sandbox's state folder cannot be used: {why}.",
        fix="Stop the other server, give another folder with --state, or delete this one to start anew.",
    )

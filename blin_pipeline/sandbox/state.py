"""A host's state in a folder: everything that a restart must find again, in one SQLite file, changed by transactions.

A request is on disk as a whole or not at all, whatever happens to the process; what was not changed is not written
again. The file holds tokens: it is readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.sandbox.host import Account
from blin_pipeline.sandbox.log import SandboxClock
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.setup import StoredFile
from blin_pipeline.sandbox.state_text import line_of, line_text, record_of, record_text, setup_of, setup_text
from blin_pipeline.sandbox.structure import wrong

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


#: The place of a record in the file stays when it changes.
_PUT_RECORD = (
    "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (project_id, record_id) DO UPDATE SET body = excluded.body"
)
_Statement = tuple[str, Iterable[tuple[object, ...]]]


class _Written:
    """What the file holds of one project, to tell what is new."""

    def __init__(self, project: ProjectState) -> None:
        self.project = project
        self.records: dict[str, bytes] = {}
        self.documents: set[int] = set()
        self.next_ids: dict[str, int] = {}
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
        setup = setup_of(text)
        project = ProjectState(setup.source, clock or SandboxClock(datetime.fromisoformat(moment)))
        project.groups, project.next_ids = setup.groups, setup.next_ids
        project.folders, project.repository = setup.folders, setup.repository
        written = self._written[number] = _Written(project)
        written.next_ids = dict(setup.next_ids)
        project.records = {}
        for name, body in self._file.execute("SELECT record_id, body FROM record WHERE project_id = ?", [number]):
            project.records[name] = record_of(body)
            written.records[name] = _digest(body)
        select = "SELECT number, name, content, media_type FROM document WHERE project_id = ? ORDER BY number"
        project.files = {row[0]: StoredFile(*row[1:]) for row in self._file.execute(select, [number])}
        written.documents = set(project.files)
        select = "SELECT body FROM log WHERE project_id = ? ORDER BY line"
        lines = [line_of(body) for (body,) in self._file.execute(select, [number])]
        project.log.replace(lines)
        written.log_length, written.log_rewritten = len(lines), project.log.rewritten
        project.touched.nothing()
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

    def _transact(self, statements: list[_Statement], project: ProjectState) -> None:
        """Write what is new, all of it or nothing."""
        number = project.project_id
        written = self._written.setdefault(number, _Written(project))
        if written.project is not project:
            raise wrong("another project of the same number is kept in the folder")
        names = project.touched.records([*project.records, *written.records])
        texts = {name: record_text(project.records[name]) for name in names if name in project.records}
        changed = {name: text for name, text in texts.items() if written.records.get(name) != _digest(text)}
        gone = [name for name in names if name in written.records and name not in project.records]
        documents = set(project.files)
        kept = written.log_length if project.log.rewritten == written.log_rewritten else 0
        lines = project.log.entries(kept)
        work = [
            *statements,
            _setup_statement(project, written),
            ("DELETE FROM record WHERE project_id = ? AND record_id = ?", [(number, name) for name in gone]),
            (_PUT_RECORD, [(number, name, text) for name, text in changed.items()]),
            _gone_documents(number, written.documents - documents),
            _new_documents(project, documents - written.documents),
            ("DELETE FROM log WHERE project_id = ? AND line >= ?", [(number, kept)]),
            (
                "INSERT INTO log VALUES (?, ?, ?)",
                [(number, place, line_text(entry)) for place, entry in enumerate(lines, start=kept)],
            ),
        ]
        self._commit(work)
        project.touched.nothing()
        for name in gone:
            del written.records[name]
        written.records |= {name: _digest(text) for name, text in changed.items()}
        written.documents, written.next_ids = documents, dict(project.next_ids)
        written.log_length, written.log_rewritten = kept + len(lines), project.log.rewritten

    def _commit(self, work: Iterable[_Statement]) -> None:
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


def _setup_statement(project: ProjectState, written: _Written) -> _Statement:
    """The set-up where it may have changed, else the moment alone: every request moves the clock."""
    number, moment = project.project_id, project.clock().isoformat()
    if project.touched.set_up or project.next_ids != written.next_ids:
        return ("INSERT OR REPLACE INTO project VALUES (?, ?, ?)", [(number, setup_text(project), moment)])
    return ("UPDATE project SET moment = ? WHERE project_id = ?", [(moment, number)])


def _gone_documents(number: int, gone: Iterable[int]) -> _Statement:
    return ("DELETE FROM document WHERE project_id = ? AND number = ?", [(number, key) for key in sorted(gone)])


def _new_documents(project: ProjectState, new: Iterable[int]) -> _Statement:
    files = ((key, project.files[key]) for key in sorted(new))
    cells = [(project.project_id, key, file.name, file.media_type, file.content) for key, file in files]
    return ("INSERT INTO document VALUES (?, ?, ?, ?, ?)", cells)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _unusable(why: str) -> ConfigurationError:
    return ConfigurationError(
        "E_SANDBOX_STATE",
        f"The sandbox's state folder cannot be used: {why}.",
        fix="Stop the other server, give another folder with --state, or delete this one to start anew.",
    )

"""Dagster's event log in SQLite for a run in this process: the same files, kept open between events.

Dagster opens a file anew for each of the several thousand statements of a refresh, compiles each statement anew, and looks for
the same tables with each event. Here one connection per file stays open for the length of the run. Files, tables and rows are
Dagster's own: the UI reads them as ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

#: How long a statement waits for another process that writes the same file.
_BUSY_SECONDS = 60


class OpenEventLog(SqliteEventLogStorage):
    """The event log with one open connection per file; :meth:`dispose` closes them.

    Commits reach the disk when the write-ahead log is folded in (``synchronous = normal``): the end of the process, however
    sudden, loses none of them; a power cut may lose the last events of the run that it ended.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        if shard not in self._initialized_dbs:
            # Dagster's own way makes the file with its tables.
            with super()._connect(shard) as connection:
                yield connection
            return
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                # The lock of the storage lets one thread at a time use the connection.
                connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _without_waiting_for_the_disk)
            self._engines[shard] = engine
        return self._engines[shard]

    def has_table(self, table_name: str) -> bool:
        """Whether the index holds a table; one that it holds stays (Dagster asks once for each event)."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close the files."""
        super().dispose()
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


class OpenStorage(DagsterSqliteStorage):
    """Dagster's storage in SQLite with the event log kept open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = OpenEventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> OpenStorage:
        """Dagster's way to make one from a configuration."""
        return cls(inst_data=inst_data, **config_value)


def _without_waiting_for_the_disk(connection: Any, _: Any) -> None:  # noqa: ANN401 (a driver's own)
    connection.execute("pragma synchronous = normal")


def open_instance(dagster_home: Path) -> dg.DagsterInstance:
    """The instance of a home for one run in this process; a storage that an operator chose stays as it is."""
    ref = InstanceRef.from_dir(str(dagster_home))
    stored = ref.storage_data
    if stored is None or stored.class_name != DagsterSqliteStorage.__name__:
        return dg.DagsterInstance.from_ref(ref)
    kept_open = ConfigurableClassData(OpenStorage.__module__, OpenStorage.__name__, stored.config_yaml)
    return dg.DagsterInstance.from_ref(ref._replace(storage_data=kept_open))

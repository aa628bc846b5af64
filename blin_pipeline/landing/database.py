"""Every connection to a DuckDB file: the one place that opens one, closes it, and says what went wrong.

DuckDB's own messages quote cells and paths, so they stop here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from blin_pipeline.errors import BlinError, DataError, LockedError, StorageError

#: Nothing is fetched or loaded behind our back.
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
#: How DuckDB says that a file is open in another process, or in this one with other settings.
_OPEN_ELSEWHERE = ("Could not set lock", "Conflicting lock", "different configuration", "already attached")
#: Seconds between two looks at a file that is open elsewhere.
_LOOK_AGAIN = 0.2


class Warehouse:
    """The pipeline's private DuckDB file.

    Args:
        path: The file; created by the first writing connection.
        patience: Seconds that a writing connection waits for a file that is open elsewhere: somebody reads it for a moment
            (``blin trace``), or what a killed run left behind has not ended yet.
    """

    def __init__(self, path: Path, patience: float = 0) -> None:
        self.path = path
        self.patience = patience

    def __repr__(self) -> str:
        return f"Warehouse({self.path.name!r})"

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
        """Open the warehouse for one block.

        Raises:
            LockedError: ``E_WAREHOUSE_LOCKED``: another process, or this one with other settings, has it open.
            StorageError: ``E_WAREHOUSE``: no such file, no database, no permission.
            DataError: ``E_SQL``: a statement of the block failed; the cause is named by class only.
        """
        if not read_only:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _opened(str(self.path), read_only=read_only, patience=0 if read_only else self.patience) as connection:
            if not read_only:
                self.path.chmod(0o600)
            yield connection


@contextmanager
def connect_file(path: Path, *, read_only: bool = True) -> Iterator[DuckDBPyConnection]:
    """Open any DuckDB file for one block; errors as :meth:`Warehouse.connect`."""
    with _opened(str(path), read_only=read_only) as connection:
        yield connection


@contextmanager
def in_memory() -> Iterator[DuckDBPyConnection]:
    """A database without a file, for one block."""
    with _opened(":memory:", read_only=False) as connection:
        yield connection


@contextmanager
def connect_analyst(path: Path, *, memory_limit: str = "2GB", threads: int = 2) -> Iterator[DuckDBPyConnection]:
    """Open a published file for SQL of a person: read-only, no other file in reach, no setting to change.

    This bounds SQL, not Python: who runs Python has all rights of the operating system's user, so published files and
    their folder must not be writable for analysts.

    Args:
        path: A release's database; resolved first, so that a later swap of ``current`` does not mix releases.
        memory_limit: DuckDB's bound, as ``2GB``.
        threads: Threads at most.

    Raises:
        LockedError, StorageError, DataError: as :meth:`Warehouse.connect`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="blin-analyst-") as spill,
        _opened(str(path.resolve()), read_only=True) as connection,
    ):
        connection.execute("SET memory_limit = ?", [memory_limit])
        connection.execute("SET threads = ?", [threads])
        connection.execute("SET temp_directory = ?", [spill])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


@contextmanager
def _opened(path: str, *, read_only: bool, patience: float = 0) -> Iterator[DuckDBPyConnection]:
    waiting = Retrying(
        stop=stop_after_delay(patience),
        wait=wait_fixed(_LOOK_AGAIN),
        retry=retry_if_exception_type(LockedError),
        reraise=True,
    )
    connection = waiting(_open, path, read_only=read_only)
    failure: BlinError | None = None
    try:
        yield connection
    except duckdb.OutOfMemoryException:
        failure = StorageError(
            "E_MEMORY",
            "A statement needed more memory than allowed.",
            fix="Close other programs, or run it on a machine with more memory.",
        )
    except duckdb.Error as error:
        failure = DataError(
            "E_SQL",
            f"A statement on the database failed ({type(error).__name__}).",
            fix="Run it in a DuckDB shell on a copy in the restricted zone to see the database's own message.",
        )
    finally:
        connection.close()
    if failure is not None:
        raise failure from None


def _open(path: str, *, read_only: bool) -> DuckDBPyConnection:
    failure: BlinError
    try:
        if Path(f"{path}.wal").exists():
            _replay(path)
        return duckdb.connect(path, read_only=read_only, config=_CLOSED)
    except duckdb.Error as error:
        failure = _cannot_open(Path(path).name, str(error))
    raise failure


def _replay(path: str) -> None:
    """Bring what a killed writer had committed into the file itself.

    DuckDB 1.5 cannot always do so when it opens the file as its main database (replay then ends in an internal error, since
    no default database is set yet); attached to another one it can.
    """
    quoted = path.replace("'", "''")
    with duckdb.connect(config=_CLOSED) as connection:
        connection.execute(f"ATTACH '{quoted}' AS left_behind")
        connection.execute("CHECKPOINT left_behind")
        connection.execute("DETACH left_behind")


def _cannot_open(name: str, message: str) -> BlinError:
    """Sort DuckDB's message; none of it is passed on."""
    if any(sign in message for sign in _OPEN_ELSEWHERE):
        return LockedError(
            "E_WAREHOUSE_LOCKED",
            f"{name} is open elsewhere.",
            fix="Wait for the other refresh, or close the program that has the file open, then run again.",
        )
    return StorageError(
        "E_WAREHOUSE",
        f"{name} cannot be opened as a DuckDB database.",
        fix="If it is the warehouse, put it back from the backup; without one delete it and run `blin refresh --force`: the "
        "tables are rebuilt, the histories of data queries and of eligibility begin anew. Else check path and rights.",
    )

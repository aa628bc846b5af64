"""The one door to DuckDB: locks between processes, what a person's SQL may reach, and messages without values."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from blin_pipeline.errors import BlinError, DataError, LockedError, StorageError
from blin_pipeline.landing.database import Warehouse, connect_analyst, connect_file, in_memory

HOLDER = """
import sys
from pathlib import Path
from blin_pipeline.landing.database import Warehouse
with Warehouse(Path(sys.argv[1])).connect(read_only=sys.argv[2] == "reader") as connection:
    connection.execute("select 1")
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "restricted" / "warehouse.duckdb")
    with made.connect() as connection:
        connection.execute("create table t as select 'CANARY-1' as a, 7 as b")
    return made


@contextmanager
def _held(path: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the file open."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


@pytest.mark.parametrize(("theirs", "ours"), [("writer", False), ("writer", True), ("reader", False)])
def test_second_process_is_told_that_the_file_is_open(theirs: str, ours: bool, warehouse: Warehouse) -> None:
    with _held(warehouse.path, theirs), pytest.raises(LockedError) as caught, warehouse.connect(read_only=ours):
        pass
    assert caught.value.code == "E_WAREHOUSE_LOCKED"
    assert caught.value.exit_code == 4
    assert "PID" not in str(caught.value)
    assert str(warehouse.path.parent) not in str(caught.value)


def test_a_patient_writer_waits_until_the_file_is_free(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    with _held(warehouse.path, "reader") as holder:
        connect, refused = duckdb.connect, []

        def connect_and_free(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
            try:
                return connect(*arguments, **options)
            except duckdb.Error as error:
                refused.append(error)
                holder.communicate()
                raise

        monkeypatch.setattr(duckdb, "connect", connect_and_free)
        with Warehouse(warehouse.path, patience=60).connect() as connection:
            assert connection.execute("select b from t").fetchall() == [(7,)]
    assert len(refused) == 1


def test_two_readers_share_the_file(warehouse: Warehouse) -> None:
    with _held(warehouse.path, "reader"), warehouse.connect(read_only=True) as connection:
        assert connection.execute("select b from t").fetchall() == [(7,)]


def test_other_settings_in_the_same_process_are_a_lock_too(warehouse: Warehouse) -> None:
    with warehouse.connect(), pytest.raises(LockedError), warehouse.connect(read_only=True):
        pass


KILLED = """
import os, sys
import duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("create table u as select 'kept' as a")
connection.execute("begin")
connection.execute("create table v as select 'lost' as a")
os._exit(9)
"""


@pytest.mark.parametrize("read_only", [True, False])
def test_what_a_killed_writer_had_committed_is_there(read_only: bool, warehouse: Warehouse) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(warehouse.path)]).returncode == 9
    log = warehouse.path.with_name("warehouse.duckdb.wal")
    assert log.exists(), "the writer died before it could tidy up"
    with warehouse.connect(read_only=read_only) as connection:
        assert not log.exists()
        found = connection.execute("select table_name from information_schema.tables order by all").fetchall()
    assert found == [("t",), ("u",)]


def test_an_open_writer_with_a_log_of_its_own_is_left_alone(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("create table u as select 1 as a")
        assert warehouse.path.with_name("warehouse.duckdb.wal").exists()
        with pytest.raises(LockedError), warehouse.connect(read_only=True):
            pass
        assert connection.execute("select a from u").fetchall() == [(1,)]


def test_connection_is_closed_whatever_happens(warehouse: Warehouse) -> None:
    with pytest.raises(ZeroDivisionError), warehouse.connect():
        _ = 1 / 0
    with pytest.raises(DataError), warehouse.connect() as connection:
        connection.execute("select * from nowhere")
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (1,)


def test_message_of_a_failed_statement_holds_no_value(warehouse: Warehouse) -> None:
    with pytest.raises(DataError) as caught, warehouse.connect() as connection:
        connection.execute("select cast(a as integer) from t")
    assert caught.value.code == "E_SQL"
    assert "ConversionException" in caught.value.what
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("content", [None, b"no database", b""])
def test_file_that_is_no_database(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StorageError) as caught, connect_file(path):
        pass
    assert caught.value.code == "E_WAREHOUSE"
    assert str(tmp_path) not in str(caught.value)


def test_warehouse_is_its_owners_only(warehouse: Warehouse) -> None:
    assert warehouse.path.stat().st_mode & 0o777 == 0o600
    assert warehouse.path.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_is_installed_or_loaded_behind_our_back() -> None:
    with in_memory() as connection:
        settings = connection.execute(
            "select name, value from duckdb_settings() where name like 'auto%_known_extensions' order by 1"
        ).fetchall()
    assert settings == [("autoinstall_known_extensions", "false"), ("autoload_known_extensions", "false")]


FORBIDDEN = [
    "select * from read_text('/etc/hostname')",
    "select * from read_blob('/proc/self/environ')",
    "select * from glob('/*')",
    "attach '{other}' as other",
    "copy t to '{other}.csv'",
    "create table u as select 1",
    "insert into t values ('x', 1)",
    "set threads = 64",
    "set memory_limit = '64GB'",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "install httpfs",
    "load '/tmp/x.duckdb_extension'",
    "select * from python_variable",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_sql_of_a_person_stays_in_the_file(statement: str, warehouse: Warehouse, tmp_path: Path) -> None:
    python_variable = duckdb.sql("select 1")
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("create table secret as select 1")
    with pytest.raises(BlinError), connect_analyst(warehouse.path, memory_limit="200MB", threads=1) as connection:
        connection.execute(statement.format(other=other))
    del python_variable


def test_sql_of_a_person_may_sort_more_than_memory(warehouse: Warehouse) -> None:
    with connect_analyst(warehouse.path, memory_limit="60MB", threads=1) as connection:
        settings = dict(
            connection.execute(
                "select name, value from duckdb_settings() where name in ('threads', 'temp_directory')"
            ).fetchall()
        )
        assert connection.execute("select a, b from t").fetchall() == [("CANARY-1", 7)]
        rows = connection.execute(
            "select count(*) from (select i from range(3000000) r(i) order by hash(i))"
        ).fetchone()
    assert rows == (3_000_000,)
    assert settings["threads"] == "1"
    assert not Path(settings["temp_directory"]).exists(), "spilled bytes are gone afterwards"

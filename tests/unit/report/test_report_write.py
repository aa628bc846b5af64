"""From a release database to the file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import report_sample as sample

from blin_pipeline.errors import StorageError
from blin_pipeline.report.study import render, write_report

pytestmark = pytest.mark.slow

NUMBERS = {"time_days", "value", "lower", "upper", "se"}
COUNTS = {"n", "n_event"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("release") / "analytic.duckdb"
    rows = sample.full()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema report; create schema meta")
        columns = {name: "double" if name in NUMBERS else "bigint" if name in COUNTS else "varchar" for name in rows[0]}
        connection.execute(
            f"create table report.result ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"
        )
        marks = ", ".join("?" for _ in columns)
        connection.executemany(
            f"insert into report.result values ({marks})", [[row[name] for name in columns] for row in rows]
        )
        connection.execute('create table meta.release ("key" varchar, "value" varchar)')
        connection.executemany("insert into meta.release values (?, ?)", list(sample.META.items()))
    return path


def test_the_file_is_the_page_of_its_rows_and_the_same_every_time(database: Path, tmp_path: Path) -> None:
    write_report(database, tmp_path / "one.html")
    write_report(database, tmp_path / "two.html")
    written = (tmp_path / "one.html").read_bytes()
    assert written == (tmp_path / "two.html").read_bytes()
    assert written.decode("utf-8") == render(sample.full(), sample.META)


def test_a_place_that_cannot_be_written_is_one_clear_error(database: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        write_report(database, tmp_path / "no_such_folder" / "report.html")
    assert caught.value.code == "E_REPORT_WRITE"
    assert str(tmp_path) not in str(caught.value)

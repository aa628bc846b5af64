"""Readers while releases are swapped: no error, never two releases mixed, an open connection keeps what it opened."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from made_up_registry import Home

from blin_pipeline.errors import DataError
from blin_pipeline.release.publish import point_current_to, rollback
from blin_pipeline.release.reading import list_releases, open_release_database

pytestmark = pytest.mark.slow

SWAPS = 50
READERS = 3


def read_once(releases: Path) -> tuple[int, str]:
    """Version and pull of one session, after checking that every table of it is of that version."""
    with open_release_database(releases / "current") as connection:
        value, patients = connection.execute("select value, n from report.result").fetchone() or (None, None)
        longest = connection.execute("select max(followup_days) from marts.subject").fetchone()
        events = connection.execute("select max(aval_days), count(*) from marts.time_to_event").fetchone()
        pull = connection.execute("select value from meta.release where key = 'pull_id'").fetchone()
    if value is None or longest is None or events is None or pull is None:
        raise AssertionError("an empty release")
    if not (longest[0] == events[0] == 310 + value and events[1] == patients and int(pull[0], 16) == value):
        raise AssertionError("a mixed release")
    return int(value), str(pull[0])


def read_on(releases: Path, stop: Event, results: multiprocessing.Queue[object]) -> None:
    """Read until told to stop; report the versions in the order seen, or the error."""
    seen = []
    try:
        while not stop.is_set():
            seen.append(read_once(releases)[0])
        seen.append(read_once(releases)[0])
    except Exception as error:  # reported to the test, which fails on it
        results.put(repr(error))
        raise
    results.put(seen)


def test_readers_see_whole_releases_during_fifty_swaps(home: Home) -> None:
    versions = [home.release(version).path.name for version in (1, 2, 3, 4)]
    context = multiprocessing.get_context("forkserver")
    stop, results = context.Event(), context.Queue()
    point_current_to(home.releases, versions[0])
    readers = [context.Process(target=read_on, args=(home.releases, stop, results)) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for swap in range(SWAPS):
        read_once(home.releases)
        point_current_to(home.releases, versions[(swap + 1) % 4])
    version = home.release(5).path.name
    stop.set()
    reports = [results.get(timeout=120) for _ in readers]
    for reader in readers:
        reader.join()
    for report in reports:
        assert isinstance(report, list), report
        assert set(report) <= {1, 2, 3, 4, 5}
        assert report[-1] == 5
    assert list_releases(home.releases)[-1].name == version


def test_readers_never_go_back_while_new_releases_appear(home: Home) -> None:
    home.release(1)
    context = multiprocessing.get_context("forkserver")
    stop, results = context.Event(), context.Queue()
    readers = [context.Process(target=read_on, args=(home.releases, stop, results)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(2, 9):
        assert home.release(version).is_new
        assert read_once(home.releases)[0] == version
    stop.set()
    for report in [results.get(timeout=120) for _ in readers]:
        assert isinstance(report, list), report
        assert report == sorted(report)
    for reader in readers:
        reader.join()


def test_open_connection_keeps_its_release_over_publish_and_rollback(home: Home) -> None:
    first = home.release(1)
    with open_release_database(home.releases / "current") as old:
        home.release(2)
        with open_release_database(home.releases / "current") as new:
            assert old.execute("select value from report.result").fetchone() == (1.0,)
            assert new.execute("select value from report.result").fetchone() == (2.0,)
            rollback(home.releases, first.path.name, ledger=home.ledger, at=home.clock)
            assert new.execute("select value from report.result").fetchone() == (2.0,)
        assert old.execute("select count(*) from marts.subject").fetchone() == (30,)
    assert read_once(home.releases)[0] == 1


@pytest.mark.parametrize(
    "statement",
    [
        "create table marts.mine as select 1",
        "delete from marts.subject",
        "select * from read_text('/etc/hostname')",
        "copy marts.subject to '/tmp/blin_test_leak.csv'",
        "attach '/tmp/blin_test_other.duckdb' as other",
        "set threads = 1",
        "set enable_external_access = true",
    ],
)
def test_reader_can_only_read(home: Home, statement: str) -> None:
    release = home.release()
    before = (release.path / "analytic.duckdb").read_bytes()
    with pytest.raises(DataError, match="E_SQL"), open_release_database(home.releases / "current") as connection:
        connection.execute(statement)
    assert (release.path / "analytic.duckdb").read_bytes() == before
    assert not Path("/tmp/blin_test_leak.csv").exists()

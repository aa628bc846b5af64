"""kill -9 and a full disk while a release is built and published: the release before stays whole, the next run succeeds."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from made_up_registry import CONTEXT, Home

from blin_pipeline.errors import StorageError
from blin_pipeline.landing.database import Warehouse
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.release.build import build_candidate
from blin_pipeline.release.candidate import clear_building, open_candidate
from blin_pipeline.release.files import remove_tree
from blin_pipeline.release.ledger import read_ledger
from blin_pipeline.release.publish import publish
from blin_pipeline.release.reading import current_release, list_releases, open_release_database, verify_release

pytestmark = pytest.mark.slow

#: Effects on files that Python reports before it does them.
EFFECTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.symlink", "os.truncate", "shutil.rmtree"}
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["blin_pipeline.release.publish", "blin_pipeline.release.build", "made_up_registry"])


def refresh(home: Home, version: int) -> None:
    """What a refresh does once the warehouse is filled."""
    context = replace(CONTEXT, pull_id=f"{version:016x}")
    warehouse = Warehouse(home.path / "restricted" / "warehouse.duckdb")
    candidate = build_candidate(warehouse, home.releases, home.policy, home.dictionary, context)
    publish(candidate, home.releases, policy=home.policy, ledger=home.ledger, at=home.clock)


def publish_until(home: Home, effect: int) -> None:
    """Publish the candidate that lies in ``.building``, and die by SIGKILL just before the given effect on a file."""
    count = 0

    def strike(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        creates = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in EFFECTS or writes or creates:
            count += 1
            if count == effect:
                os.kill(os.getpid(), signal.SIGKILL)

    candidate = open_candidate(next((home.releases / ".building").iterdir()))
    sys.addaudithook(strike)
    home.publish(candidate, keep=1, drained_after=timedelta(0))


def assert_whole(home: Home, versions: set[int]) -> int:
    """``current`` is a whole release of one of these versions; returns which."""
    current = current_release(home.releases)
    assert current is not None
    verify_release(current)
    with open_release_database(home.releases / "current") as connection:
        row = connection.execute("select value from report.result").fetchone()
    assert row is not None
    assert row[0] in versions
    for release in list_releases(home.releases):
        verify_release(release)
    return int(row[0])


def test_killed_before_any_effect_of_a_publish_on_a_file(home: Home) -> None:
    """One process after the other publishes from the same state and dies one effect later, until one comes through."""
    home.release(1)
    candidate = home.build(version=2)
    # Publishing needs no dictionary, and it is slow to hand to a process.
    home.dictionary = Dictionary(fields=home.dictionary.fields[:1])
    outcomes: list[int] = []
    killed = True
    while killed:
        run = replace(home, path=home.path.with_name(f"run-{len(outcomes)}"))
        shutil.copytree(home.path, run.path, symlinks=True)
        process = FORK.Process(target=publish_until, args=(run, len(outcomes) + 1))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        killed = process.exitcode != 0
        outcomes.append(assert_whole(run, {1, 2}))
        # The next run: the same candidate, built again.
        shutil.copytree(candidate.path, clear_building(run.releases) / "again", symlinks=True)
        after = run.publish(open_candidate(run.releases / ".building" / "again"))
        assert assert_whole(run, {2}) == 2
        assert list_releases(run.releases)[-1].name == after.path.name
        assert not list((run.releases / ".building").iterdir())
        assert {"published", "recovered"} & {entry.event for entry in read_ledger(run.ledger)[1:]}
        remove_tree(run.path)
    assert len(outcomes) > 20
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {1, 2}


def test_killed_at_random_moments(home: Home) -> None:
    random = Random(20240614)
    home.release(1)
    home.fill(version=2)
    killed = 0
    for _ in range(25):
        process = FORK.Process(target=refresh, args=(home, 2))
        process.start()
        process.join(timeout=random.uniform(0.05, 1.5))
        if process.is_alive():
            process.kill()
            killed += 1
        process.join()
        if assert_whole(home, {1, 2}) == 2:
            home.release(1)
            home.fill(version=2)
    assert killed > 0
    refresh(home, 2)
    assert_whole(home, {2})


def refresh_with_small_files(home: Home, version: int, limit: int, results: multiprocessing.Queue[object]) -> None:
    """Refresh in a process whose files may not grow beyond ``limit`` bytes: each write beyond it fails as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        refresh(home, version)
    except StorageError as error:
        results.put((error.code, str(error)))
    else:
        results.put(("published", ""))


@pytest.mark.parametrize("limit", [0, 100, 1_500, 4_000, 20_000, 300_000, 1_000_000])
def test_files_that_cannot_grow(home: Home, limit: int) -> None:
    first = home.release(1)
    before = {path: path.read_bytes() for path in home.releases.rglob("*") if path.is_file()}
    home.fill(version=2)
    results = FORK.Queue()
    process = FORK.Process(target=refresh_with_small_files, args=(home, 2, limit, results))
    process.start()
    code, message = results.get(timeout=120)
    process.join()
    assert process.exitcode == 0
    assert code == "E_DISK"
    assert str(home.path) not in message
    assert current_release(home.releases) == first.path
    assert {path: path.read_bytes() for path in home.releases.rglob("*") if path.is_file()} == before
    assert home.release(2).is_new


def publish_with_small_files(home: Home, limit: int, results: multiprocessing.Queue[object]) -> None:
    """Publish the candidate that lies in ``.building`` in a process whose files may not grow beyond ``limit`` bytes."""
    candidate = open_candidate(next((home.releases / ".building").iterdir()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        home.publish(candidate)
    except StorageError as error:
        results.put(error.code)
    else:
        results.put("published")


@pytest.mark.parametrize("limit", [0, 1_000])
def test_manifest_that_cannot_be_written(home: Home, limit: int) -> None:
    first = home.release(1)
    before = {path: path.read_bytes() for path in home.releases.rglob("*") if path.is_file()}
    home.build(version=2)
    results = FORK.Queue()
    process = FORK.Process(target=publish_with_small_files, args=(home, limit, results))
    process.start()
    assert results.get(timeout=120) == "E_DISK"
    process.join()
    assert current_release(home.releases) == first.path
    assert {path: path.read_bytes() for path in home.releases.rglob("*") if path.is_file()} == before


def test_disk_that_is_full(home: Home, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs privileges that this user lacks")
    try:
        # Room for the first release and for half of the second.
        on_small = replace(home, path=small)
        first = on_small.release(1)
        on_small.fill(version=2)
        with (small / "filler").open("wb") as filler:
            free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
            filler.write(b"\0" * (free - 700_000))
        with pytest.raises(StorageError, match="E_DISK"):
            refresh(on_small, 2)
        assert current_release(on_small.releases) == first.path
        assert not list((on_small.releases / ".building").iterdir())
        assert assert_whole(on_small, {1}) == 1
        (small / "filler").unlink()
        refresh(on_small, 2)
        assert assert_whole(on_small, {2}) == 2
    finally:
        subprocess.run(["umount", small], check=True)

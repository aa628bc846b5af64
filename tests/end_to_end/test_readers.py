"""Readers are never disturbed: an open release stays what it was, and a killed refresh leaves the last release intact."""

from __future__ import annotations

import random
import subprocess
import sys

import duckdb
import pytest
from homes import TOKEN, Home, point_to
from proof import proof_count

from blin_pipeline.sandbox.serve import serving

pytestmark = pytest.mark.slow

ANALYST = """
import duckdb, sys
path = sys.argv[1]
connection = duckdb.connect(path, read_only=True)
count = lambda: connection.execute("select count(*) from marts.subject").fetchone()[0]
print(count(), flush=True)
for _ in sys.stdin:
    print(count(), flush=True)
"""


def _ask(analyst):
    analyst.stdin.write("again\n")
    analyst.stdin.flush()
    return int(analyst.stdout.readline())


@pytest.fixture
def running(small_registry):
    with serving({TOKEN: small_registry.project}) as sandbox:
        yield sandbox


def _records(home):
    return home.json("query", "select count(*) from marts.subject")["rows"][0][0]


@pytest.fixture
def home(published_copy, running):
    """A home with a release of what the sandbox serves."""
    point_to(published_copy, running.url)
    return published_copy


def test_an_analyst_holds_the_release_open_while_a_refresh_publishes(home, running, small_registry):
    first, n_before = home.current, _records(home)
    database = str(home.path / "releases" / "current" / "analytic.duckdb")
    with subprocess.Popen(
        [sys.executable, "-c", ANALYST, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as analyst:
        assert int(analyst.stdout.readline()) == n_before
        project = running.project(TOKEN)
        eligible = home.json("query", "select count(*) from marts.subject where is_eligible")["rows"][0][0]
        template = next(row for row in small_registry.project.rows if row.form == "registration")
        prefix = template.record_id.rpartition("-")[0]
        project.save(f"{prefix}-9999", "registration", None, template.values)
        project.assign_group(f"{prefix}-9999", small_registry.project.record_groups[template.record_id])
        home.blin("refresh")
        assert home.current != first
        assert _ask(analyst) == n_before, "an open connection keeps the old data"
        analyst.stdin.close()
    assert _records(home) == n_before + 1, "a new connection sees the new data"
    assert eligible > 0


def _wait(process: subprocess.Popen[str], seconds: float) -> bool:
    """Wait for the end of a process, or so long; whether it runs still."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _wait_until_dbt_builds(process: subprocess.Popen[str], home: Home) -> None:
    """Wait until the one that holds the warehouse is dbt: nobody else opens it between the step before and the end of dbt."""
    assert process.stderr is not None
    assert any("raw schema" in line for line in process.stderr), "the step before dbt"
    while _wait(process, 0.1):
        try:
            duckdb.connect(home.path / "restricted" / "warehouse.duckdb", read_only=True).close()
        except duckdb.IOException:
            return
    pytest.fail("the refresh ended before dbt had opened the warehouse")


@pytest.mark.timeout(0)
def test_a_refresh_killed_at_any_moment_leaves_the_last_release_intact(home, published):
    before = home.release_hashes()
    chance = random.Random(20240614)
    for number in range(proof_count(2, 20)):
        process = home.start("refresh", "--force")
        if number == 0:
            _wait_until_dbt_builds(process, home)
        else:
            _wait(process, published.seconds * chance.uniform(0.15, 0.95))
        process.kill()
        process.communicate()
        assert home.release_hashes() == before, number
        home.blin("verify")
    home.blin("refresh", "--force")
    assert home.release_hashes() == before, "the same data give the same content, so the release stays"
    assert len(home.json("releases")) == 1, "equal content is not published anew"

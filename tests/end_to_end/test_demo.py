"""The main job as a user meets it: two commands, a summary, a release, a report."""

from __future__ import annotations

import json
import sqlite3
import stat

import duckdb
import pytest

from blin_pipeline.orchestration.parsed_project import PARSED

pytestmark = pytest.mark.slow


def test_the_demo_publishes_a_release_and_says_so(demo_home):
    summary = demo_home.json("status")["summary"]
    assert summary["synthetic"] is True
    assert summary["records"]["value"] == 200
    assert summary["sites"] == 9
    assert 0 < summary["complete_remission"]["value"] < 1
    assert {"12 months", "24 months"} <= summary["overall_survival"].keys()
    assert (demo_home.current / "analytic.duckdb").is_file()
    assert (demo_home.current / "report.html").is_file()
    assert list((demo_home.current / "parquet").glob("*.parquet"))


def test_a_second_run_that_finds_nothing_changed_leaves_the_release_as_it_is(demo_home):
    before = demo_home.release_hashes()
    run = demo_home.blin("demo", "--json")
    assert json.loads(run.stdout)["data"]["published"] is False
    assert "WARNING" not in run.stderr, "skipping the rest is what was asked for"
    assert demo_home.release_hashes() == before


def test_everything_identifying_is_closed_to_others(demo_home):
    restricted = demo_home.path / "restricted"
    assert stat.S_IMODE(restricted.stat().st_mode) == 0o700
    assert stat.S_IMODE((restricted / "secrets" / "pseudonym.key").stat().st_mode) == 0o400


def test_the_run_is_green_in_dagsters_own_storage(demo_home):
    storage = demo_home.path / "restricted" / "dagster" / "history" / "runs.db"
    with sqlite3.connect(storage) as connection:
        statuses = {status for (status,) in connection.execute("select status from runs")}
    assert statuses == {"SUCCESS"}


def test_the_build_starts_from_the_project_as_the_home_has_it(demo_home):
    """dbt leaves a parse behind wherever it reads the project itself."""
    dbt = demo_home.path / "restricted" / "dbt"
    assert (dbt / "parsed" / PARSED).is_file()
    assert (dbt / "target" / "run_results.json").is_file()
    assert not (dbt / "target" / PARSED).exists()


def test_the_printed_query_works_and_the_working_file_is_never_touched(demo_home):
    rows = demo_home.json("query", "select count(*) from marts.subject")["rows"]
    assert rows[0][0] > 100
    refused = demo_home.blin("query", "copy marts.subject to '/tmp/stolen.csv'", check=False)
    assert refused.returncode == 2


def test_the_released_file_opens_plainly_and_keeps_no_calendar_dates(demo_home):
    with duckdb.connect(str(demo_home.current / "analytic.duckdb"), read_only=True) as connection:
        types = connection.execute(
            "select distinct data_type from information_schema.columns where table_schema in ('marts', 'quality', 'report')"
        ).fetchall()
        synthetic = connection.execute("select value from meta.release where key = 'synthetic'").fetchone()
    assert not {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"} & {name for (name,) in types}
    assert synthetic == ("true",)


def test_doctor_finds_nothing_to_fail(demo_home):
    findings = demo_home.json("doctor")
    assert [finding["what"] for finding in findings if finding["level"] == "FAIL"] == []


def test_numbers_agree_between_outlets(demo_home):
    summary = demo_home.json("status")["summary"]
    page = (demo_home.current / "report.html").read_text(encoding="utf-8")
    assert f"{100 * summary['complete_remission']['value']:.1f}" in page
    assert f"{summary['eligible']['value']:.0f}" in page

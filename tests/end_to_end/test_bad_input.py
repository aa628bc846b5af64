"""Bad input ends in one clear error with a stable code, a red run, and the last release byte for byte as it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import replace

import pytest
from filelock import FileLock
from homes import TOKEN, point_to

from blin_pipeline.orchestration.refresh import run_refresh
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind
from blin_pipeline.sandbox.serve import serving
from blin_pipeline.settings import load_settings

pytestmark = pytest.mark.slow


@pytest.fixture
def home(published_copy):
    """A home with a release of the small registry."""
    return published_copy


def _fails_with(home, code, exit_code):
    """Refresh in this process; the run must be red, the code right, the release untouched."""
    before = home.release_hashes()
    result = run_refresh(load_settings(home.path))
    assert not result.success
    assert [failure.code for failure in result.failures] == [code]
    assert result.failures[0].exit_code == exit_code
    assert home.release_hashes() == before
    with sqlite3.connect(home.path / "restricted" / "dagster" / "history" / "runs.db") as connection:
        query = "select status from runs where run_id = ?"
        assert connection.execute(query, [result.run_id]).fetchone() == ("FAILURE",)
    assert not list((home.path / "releases" / ".building").glob("*"))
    return result.failures[0]


def test_unreachable_server(home):
    point_to(home, "http://127.0.0.1:9/api/")
    _fails_with(home, "E_CONNECTION", 3)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FaultKind.HANG, "E_TIMEOUT"),
        (FaultKind.MAINTENANCE, "E_MAINTENANCE"),
        (FaultKind.STATUS_HTML, "E_HTTP_5XX"),
        (FaultKind.CUT_AT_ROW, "E_INCOMPLETE"),
        (FaultKind.DUPLICATED_ROWS, "E_DUPLICATE_KEY"),
    ],
)
def test_a_server_that_hangs_breaks_or_lies(home, sandbox, kind, code):
    point_to(home, sandbox.url, read_seconds=0.5)
    content = None if kind in {FaultKind.HANG, FaultKind.MAINTENANCE, FaultKind.STATUS_HTML} else "record"
    sandbox.faults.add(Fault(kind, content=content, times=ALWAYS))
    _fails_with(home, code, 3)


def test_a_login_page_instead_of_data(home, sandbox):
    point_to(home, sandbox.url)
    sandbox.faults.add(Fault(FaultKind.REDIRECT_302, times=ALWAYS))
    _fails_with(home, "E_REDIRECT", 3)


def test_a_wrong_token_is_refused_and_never_shown(home, small_registry):
    with serving({"F" * 32: small_registry.project}) as running:
        point_to(home, running.url)
        failure = _fails_with(home, "E_AUTH", 3)
    assert TOKEN not in str(failure)


def test_a_dictionary_that_lacks_required_concepts(home, small_registry):
    project = small_registry.project
    kept = tuple(field for field in project.dictionary.fields if field.field_name not in {"dth_date", "fu_vital"})
    rows = tuple(
        row._replace(values={name: value for name, value in row.values.items() if name not in {"dth_date", "fu_vital"}})
        for row in project.rows
    )
    with serving({TOKEN: replace(project, dictionary=Dictionary(fields=kept), rows=rows)}) as running:
        point_to(home, running.url)
        failure = _fails_with(home, "E_REQUIRED_CONCEPTS", 2)
    assert "death_date" in failure.what
    assert "contact_status" in failure.what


def test_a_retyped_field_stops_before_any_table_is_built(home, small_registry):
    project = small_registry.project
    fields = tuple(
        field.model_copy(update={"text_validation_type_or_show_slider_number": ""})
        if field.field_name == "dx_date"
        else field
        for field in project.dictionary.fields
    )
    with serving({TOKEN: replace(project, dictionary=Dictionary(fields=fields))}) as running:
        point_to(home, running.url)
        failure = _fails_with(home, "E_DICTIONARY_DRIFT", 2)
    assert "dx_date" in failure.what


def test_an_empty_project(home, small_registry):
    empty = replace(small_registry.project, rows=(), record_groups={})
    with serving({TOKEN: empty}) as running:
        point_to(home, running.url)
        _fails_with(home, "E_EMPTY_PROJECT", 3)


def test_records_gone_without_a_deletion_in_the_log(home, small_registry):
    project = small_registry.project
    gone = project.rows[0].record_id
    fewer = replace(
        project,
        rows=tuple(row for row in project.rows if row.record_id != gone),
        record_groups={record: group for record, group in project.record_groups.items() if record != gone},
    )
    with serving({TOKEN: fewer}) as running:
        point_to(home, running.url)
        failure = _fails_with(home, "E_UNEXPLAINED_LOSS", 1)
        assert gone not in str(failure)
        _fails_with(home, "E_UNEXPLAINED_LOSS", 1)


def test_an_unknown_site_is_refused(home, sandbox):
    point_to(home, sandbox.url)
    text = (home.path / "blin.toml").read_text(encoding="utf-8")
    first_site = text.index("[[sites]]")
    second_site = text.index("[[sites]]", first_site + 1)
    (home.path / "blin.toml").write_text(text[:first_site] + text[second_site:], encoding="utf-8")
    _fails_with(home, "E_SITE_UNKNOWN", 2)


def test_a_second_refresh_while_one_runs(home, sandbox):
    point_to(home, sandbox.url)
    before = home.release_hashes()
    with FileLock(home.path / "restricted" / "refresh.lock"):
        second = home.blin("refresh", check=False)
    assert second.returncode == 4
    assert "E_LOCKED" in second.stderr
    assert home.release_hashes() == before


def test_no_space_left(home, sandbox, tmp_path):
    """A restricted zone on a file system that is too small for the pull."""
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=48k tmpfs {small}") != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        point_to(home, sandbox.url)
        pulls = home.path / "restricted" / "pulls"
        shutil.rmtree(pulls, ignore_errors=True)
        pulls.symlink_to(small)
        _fails_with(home, "E_DISK", 1)
    finally:
        os.system(f"umount {small}")

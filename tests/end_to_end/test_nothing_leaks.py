"""Canaries in every identifying place of the source appear nowhere outside the restricted data stores."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest
from homes import TOKEN, with_parsed_project, write_settings

from blin_pipeline.sandbox.serve import serving

pytestmark = pytest.mark.slow
CANARY = "CANARY7Q"
#: Field -> planted text. Free text, an identifier, text in a number and in a date: whatever a person may type into the wrong place.
PLANTED = {
    "blin_trial_id": f"{CANARY}-trial",
    "consent_version": f"{CANARY}-version",
    "zip3": f"{CANARY}-zip",
    "age_dx": f"{CANARY}-age",
    "dx_wbc": f"{CANARY}-wbc",
    "birth_date": f"{CANARY}-born",
    "plan_backbone_oth": f"{CANARY}-regimen",
    "ae_other": f"{CANARY}-event",
    "ra_site_call": f"{CANARY}-call",
    "sg_rate": f"{CANARY}-rate",
    "dth_date": f"{CANARY}-death",
}
#: Where values may be: the landing, the archive of exact bytes, the private warehouse.
ALLOWED = ("restricted/pulls/", "restricted/warehouse.duckdb")


def _planted(project):
    rows = []
    for number, row in enumerate(project.rows):
        values = dict(row.values)
        for field, text in PLANTED.items():
            if field in values and number % 3 == 0:
                values[field] = text
        rows.append(row._replace(values=values))
    return replace(project, rows=tuple(rows))


def _files_with(home, needles):
    found = {}
    for path in home.path.rglob("*"):
        name = path.relative_to(home.path).as_posix()
        if path.is_file() and not path.is_symlink() and not name.startswith(ALLOWED):
            content = path.read_bytes()
            hits = [needle for needle in needles if needle.encode() in content]
            if hits:
                found[name] = hits
    return found


def test_no_identifier_token_or_value_outside_the_data_stores(tmp_path, small_registry):
    project = _planted(small_registry.project)
    planted = {text for row in project.rows for text in row.values.values() if text.startswith(CANARY)}
    assert len(planted) >= 8, "the canaries must be in the source"
    folder = tmp_path / "home"
    folder.mkdir()
    with serving({TOKEN: project}) as running:
        home = write_settings(folder, running.url, small_registry)
        done = home.blin("refresh", "--json")
    records = {row.record_id for row in project.rows}
    groups = {unique for _, unique in project.data_access_groups}
    needles = {CANARY, *records}
    assert not any(needle in done.stdout + done.stderr for needle in {*needles, TOKEN})
    assert _files_with(home, needles) == {}
    leaked = _files_with(home, {TOKEN, *groups})
    assert leaked.keys() == {"blin.toml", "restricted/secrets/redcap_token"}, (
        "settings name groups, one file holds the token"
    )
    assert leaked["restricted/secrets/redcap_token"] == [TOKEN]
    assert _released_texts(home) & {*needles, *planted} == set()


def _released_texts(home):
    """Every text of every released table: the files compress them, so a search of the bytes would not see them."""
    found = set()
    with duckdb.connect(str(home.current / "analytic.duckdb"), read_only=True) as connection:
        columns = connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns where data_type = 'VARCHAR'"
        ).fetchall()
        for schema, table, column in columns:
            rows = connection.execute(f'select distinct "{column}" from "{schema}"."{table}"').fetchall()
            found.update(word for (text,) in rows if text for word in (text, *text.split()))
    assert len(found) > 100
    return found


def test_a_failed_refresh_leaks_nothing_either(tmp_path, small_registry):
    from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan

    project = _planted(small_registry.project)
    folder = tmp_path / "home"
    folder.mkdir()
    plan = FaultPlan([Fault(FaultKind.EXTRA_COLUMN, content="record", form="registration", times=ALWAYS)])
    with serving({TOKEN: project}, faults=plan) as running:
        home = write_settings(folder, running.url, small_registry)
        with_parsed_project(home.path)
        failed = home.blin("refresh", check=False)
    assert failed.returncode == 3
    records = {row.record_id for row in project.rows}
    assert not any(needle in failed.stdout + failed.stderr for needle in {CANARY, TOKEN, *records})
    found = _files_with(home, {CANARY, *records})
    assert all(name.startswith("restricted/quarantine/") for name in found)

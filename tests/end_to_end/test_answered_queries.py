"""A query is listed, accepted, applied by the next refresh, and open again once the site changes the row."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from homes import TOKEN, Home, point_to

from blin_pipeline.orchestration.refresh import run_refresh
from blin_pipeline.settings import load_settings

pytestmark = pytest.mark.slow

#: Asks for the month of a date of which only the year is known: one patient of the small registry.
CHECK = "Q11"


def _released(home: Home) -> dict[str, Any]:
    """Open and accepted queries as the current release counts them, patients, and what the check found."""
    with duckdb.connect(str(home.current / "analytic.duckdb"), read_only=True) as connection:
        counts = dict(
            connection.execute(
                "select statistic, value from report.result where outcome = 'data_quality' and group_variable = 'all' "
                "and statistic in ('open_queries_n', 'answered_queries_n', 'accepted_queries_n')"
            ).fetchall()
        )
        status = connection.execute(
            "select status_cd, resolution_note_cd from quality.data_query where check_id = ? and form = 'registration'",
            [CHECK],
        ).fetchall()
        columns = {row[0] for row in connection.execute("describe quality.data_query").fetchall()}
        checked = connection.execute(
            "select n_violating from quality.check_result where check_id = ?", [CHECK]
        ).fetchone()
        patients = connection.execute(
            "select count(*), sum(case when is_eligible then 1 else 0 end) from marts.subject"
        ).fetchone()
    assert "evidence_sha256" not in columns
    return {"counts": counts, "status": status, "checked": checked, "patients": patients}


def _record_id(home: Home, patient_key: str) -> str:
    with duckdb.connect(str(home.path / "restricted" / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select record_id from raw.patient_crosswalk where patient_key = ?", [patient_key]
        ).fetchone()
    assert found is not None
    return str(found[0])


def test_answer_accept_change_reopen(published_copy: Home, sandbox) -> None:
    home = published_copy
    point_to(home, sandbox.url)
    first = _released(home)
    assert first["status"] == [("OPEN", None)]

    listed = home.json("queries", "--check", CHECK)
    (query,) = listed["queries"]
    assert (query["form"], query["field_name"], query["status_cd"]) == ("registration", "dx_date", "OPEN")
    record = _record_id(home, query["patient_key"])
    shown = home.blin("queries").stdout
    assert query["name"] in shown
    assert record not in shown + json.dumps(listed)

    wrong = home.blin("queries", "answer", query["name"], "--as", "accepted", "--note", "phoned", "--json", check=False)
    assert (wrong.returncode, json.loads(wrong.stdout)["errors"][0]["code"]) == (2, "E_QUERY_NOTE")
    assert not (home.path / "restricted" / "query_answers.csv").exists()
    home.blin("queries", "answer", query["name"], "--as", "accepted", "--note", "CONFIRMED_BY_SOURCE", "--by", "dm1")
    (pending,) = home.json("queries", "--check", CHECK)["queries"]
    assert (pending["status_cd"], pending["status_after_next_refresh"]) == ("OPEN", "ACCEPTED_AS_IS")

    # The same data with an answer are something new to publish; once published they are not.
    result = run_refresh(load_settings(home.path))
    assert result.success
    assert result.published
    second = _released(home)
    assert second["status"] == [("ACCEPTED_AS_IS", "CONFIRMED_BY_SOURCE")]
    assert second["counts"]["open_queries_n"] == first["counts"]["open_queries_n"] - 1
    assert (first["counts"]["accepted_queries_n"], second["counts"]["accepted_queries_n"]) == (0, 1)
    assert (second["checked"], second["patients"]) == (first["checked"], first["patients"])
    assert home.json("queries", "--check", CHECK)["queries"] == []
    repeated = run_refresh(load_settings(home.path))
    assert repeated.success
    assert not repeated.built

    # The value stands, another of the same form is corrected. A pull that the tables do not show yet refuses an answer.
    sandbox.project(TOKEN).save(record, "registration", None, {"consent_version": "2"})
    home.blin("pull")
    late = home.blin(
        "queries", "answer", query["name"], "--as", "answered", "--note", "NOT_DONE", "--json", check=False
    )
    assert (late.returncode, json.loads(late.stdout)["errors"][0]["code"]) == (1, "E_QUERY_STALE")
    assert run_refresh(load_settings(home.path)).success
    third = _released(home)
    assert third["status"] == [("REOPENED", None)]
    assert third["counts"] == first["counts"]
    stale = home.blin(
        "queries", "answer", query["name"], "--as", "accepted", "--note", "NOT_DONE", "--json", check=False
    )
    assert json.loads(stale.stdout)["errors"][0]["code"] == "E_QUERY_STALE"

    # A file that cannot be read is told before anything is read from the server.
    before, requests = home.release_hashes(), len(sandbox.requests)
    file = home.path / "restricted" / "query_answers.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("ACCEPTED_AS_IS", "CLOSED"), encoding="utf-8")
    refused = run_refresh(load_settings(home.path))
    assert [failure.code for failure in refused.failures] == ["E_REGISTRY_FILE"]
    assert "query_answers.csv, row 2, column 'answer'" in refused.failures[0].what
    assert home.release_hashes() == before
    assert len(sandbox.requests) == requests

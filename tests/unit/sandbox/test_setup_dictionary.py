"""Replacing the dictionary over the API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from longitudinal_sample import EVERYTHING
from server_sample import PROJECT, TOKEN, post, record_request

from blin_pipeline.registry.dictionary import COLUMNS
from blin_pipeline.sandbox.serve import RunningSandbox, serving

Row = dict[str, str]


@pytest.fixture
def project() -> Iterator[RunningSandbox]:
    with serving({TOKEN: PROJECT}, rights={TOKEN: EVERYTHING}) as running:
        yield running


def metadata(running: RunningSandbox) -> list[Row]:
    rows: list[Row] = post(running.url, content="metadata", format="json").json()
    return rows


def imported(running: RunningSandbox, rows: list[Row], **parameters: str) -> tuple[int, str]:
    data = {"content": "metadata", "format": "json", "data": json.dumps(rows), **parameters}
    answer = post(running.url, **data)
    return answer.status_code, answer.text


def test_a_field_that_goes_and_comes_back_still_has_its_value(project: RunningSandbox) -> None:
    rows = metadata(project)
    assert imported(project, [row for row in rows if row["field_name"] != "weight"]) == (200, "13")
    assert "weight" not in post(project.url, **record_request()).text.splitlines()[0]
    assert imported(project, rows) == (200, "14")
    answer = post(project.url, **record_request(fields=["weight"], records=["10"]))
    assert answer.text.splitlines()[:2] == ["weight", "70.50"]
    details = [entry.details for entry in project.project(TOKEN).log.entries()]
    assert details.count("Import metadata (API)") == 2


@pytest.mark.parametrize(
    ("order", "low", "high"), [("MDY", "12/31/2020", "1/2/2021"), ("DMY", "31-12-2020", "2/1/2021")]
)
def test_limits_are_stored_with_the_year_first(project: RunningSandbox, order: str, low: str, high: str) -> None:
    rows = metadata(project)
    rows[1] |= {"text_validation_min": low, "text_validation_max": high}
    rows[8] |= {"text_validation_min": "today", "text_validation_max": "[birth]"}
    assert imported(project, rows, dateFormat=order) == (200, "14")
    found = metadata(project)
    assert (found[1]["text_validation_min"], found[1]["text_validation_max"]) == ("2020-12-31", "2021-01-02")
    assert (found[8]["text_validation_min"], found[8]["text_validation_max"]) == ("today", "[birth]")


@pytest.mark.parametrize(
    ("change", "parameters"),
    [
        ({"field_type": "picture"}, {}),
        ({"field_name": "Weight!"}, {}),
        ({"field_name": "sex"}, {}),
        ({}, {"dateFormat": "YDM"}),
        ({"text_validation_min": "31/31/2020"}, {"dateFormat": "DMY"}),
    ],
)
def test_a_dictionary_that_is_none_is_refused_as_a_whole(
    project: RunningSandbox, change: Row, parameters: dict[str, str]
) -> None:
    before = metadata(project)
    rows = [dict(row) for row in before]
    rows[1] |= change
    status, _ = imported(project, rows, **parameters)
    assert status == 400
    assert metadata(project) == before


def test_designer_headers_are_understood_too(project: RunningSandbox) -> None:
    rows = [{COLUMNS[name]: value for name, value in row.items()} for row in metadata(project)]
    before = metadata(project)
    assert imported(project, rows) == (200, "14")
    assert metadata(project) == before

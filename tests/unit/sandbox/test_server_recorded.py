"""Exports of real REDCap servers go in as files and must come out again cell for cell.

The recordings are not part of this repository: their folder is ``BLIN_RECORDED``, or ``shared/recorded/redcapr`` beside
the checkout.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from server_sample import post

from blin_pipeline.registry.dictionary import COLUMNS
from blin_pipeline.sandbox.load import project_from_export
from blin_pipeline.sandbox.serve import RunningSandbox, serving

REPOSITORY = Path(__file__).parents[3]
RECORDED = Path(os.environ.get("BLIN_RECORDED", REPOSITORY.parent / "shared/recorded/redcapr"))
#: Recorded project -> parameters with which it was exported, read off its columns.
EXPORTED_WITH: dict[str, dict[str, str]] = {
    "arm-multiple-delete": {},
    "arm-single-longitudinal": {},
    "blank-for-gray-status": {"exportDataAccessGroups": "true", "exportBlankForGrayFormStatus": "true"},
    "checkboxes-1": {},
    "clinical-trial-1": {},
    "dag": {"exportDataAccessGroups": "true"},
    "dag-write": {"exportDataAccessGroups": "true"},
    "decimal-comma": {},
    "empty-rows": {},
    "longitudinal": {},
    "multilevel-model-1": {},
    "nonnumeric-record-id": {},
    "potentially-problematic-dictionary": {},
    "potentially-problematic-values": {},
    "repeating-instruments": {},
    "repeating-instruments-sparse": {},
    "simple": {},
    "single-column": {},
    "survey": {"exportSurveyFields": "true"},
    "validation-types-1": {},
    "vignette-repeating": {},
}
#: Files that a spreadsheet or editor rewrote after the download: same cells, other quoting.
REWRITTEN = {"simple"}
#: Files of the web page, arm by arm; the API sends record by record.
ARM_BY_ARM = {"arm-multiple-delete"}

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded projects are not here (BLIN_RECORDED or ../shared/recorded/redcapr)"
)


@pytest.fixture(scope="module")
def recorded() -> Iterator[RunningSandbox]:
    """Every recorded project at once, each under its own token."""
    with serving({token(name): project_from_export(*files(name)) for name in EXPORTED_WITH}) as running:
        yield running


@pytest.mark.parametrize("name", sorted(EXPORTED_WITH))
def test_the_recorded_export_comes_back(recorded: RunningSandbox, name: str) -> None:
    answer = post(recorded.url, token(name), content="record", format="csv", **EXPORTED_WITH[name])
    body = files(name)[1].read_bytes()
    assert answer.status_code == 200
    if name in ARM_BY_ARM:
        assert cells(answer.content) == [cells(body)[0], *sorted(cells(body)[1:])]
        return
    assert cells(answer.content) == cells(body)
    if name not in REWRITTEN:
        assert answer.content.replace(b"\r\n", b"\n") == body.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("name", sorted(EXPORTED_WITH))
def test_the_dictionary_comes_back(recorded: RunningSandbox, name: str) -> None:
    answer = post(recorded.url, token(name), content="metadata", format="csv")
    dictionary = files(name)[0].read_bytes().removeprefix(b"\xef\xbb\xbf")
    assert cells(answer.content)[0] == list(COLUMNS)
    assert cells(answer.content)[1:] == cells(dictionary)[1:]


def test_the_events_of_an_export_are_those_of_the_project(recorded: RunningSandbox) -> None:
    answer = post(recorded.url, token("longitudinal"), content="event", format="json").json()
    with (RECORDED / "longitudinal" / "event.csv").open(encoding="utf-8", newline="") as file:
        real = [row["unique_event_name"] for row in csv.DictReader(file)]
    held = [event["unique_event_name"] for event in answer]
    assert held == [name for name in real if name in held]
    assert len(held) > 6


def token(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest().upper()


def files(name: str) -> tuple[Path, Path]:
    """Dictionary and data; one recorded dictionary's file name has a typing error."""
    (dictionary,) = (RECORDED / name).glob("dictio*.csv")
    return dictionary, RECORDED / name / "data.csv"


def cells(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline="")))

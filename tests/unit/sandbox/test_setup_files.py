"""Uploads, the file repository, surveys and PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from longitudinal_sample import EVERYTHING, LONGITUDINAL, MONTH, OTHER, START
from server_sample import OTHER_TOKEN, TOKEN, post

from blin_pipeline.sandbox.contents.call import ServerSettings
from blin_pipeline.sandbox.contents.pdf import pdf_bytes
from blin_pipeline.sandbox.rights import ExportRight, TokenRights
from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.sandbox.setup import Participant

pytestmark = pytest.mark.slow

IN_GROUP = replace(EVERYTHING, username="local", data_access_group="site_b")
INVITED = replace(
    LONGITUDINAL,
    participants=(
        Participant("feedback", START, "a@example.org", "Ann", "", "2026-03-01 08:00:00"),
        Participant("feedback", START, "a@example.org"),
    ),
)


@pytest.fixture
def project() -> Iterator[RunningSandbox]:
    settings = ServerSettings(base_url="https://redcap.example.org")
    rights = {TOKEN: EVERYTHING, OTHER_TOKEN: IN_GROUP}
    with serving({TOKEN: INVITED, OTHER_TOKEN: INVITED}, rights=rights, settings=settings) as running:
        yield running


def upload(running: RunningSandbox, name: str, body: bytes, **parameters: str) -> requests.Response:
    data = {"token": TOKEN, "action": "import", **parameters}
    return requests.post(running.url, data=data, files={"file": (name, body, "text/plain")}, timeout=20)


def test_an_upload_comes_back_with_its_name_and_is_logged(project: RunningSandbox) -> None:
    place = {"content": "file", "record": "1", "field": "scan", "event": START}
    content = bytes(range(256))
    assert post(project.url, action="export", returnFormat="json", **place).json() == {
        "error": "There is no file to download for this record"
    }
    answer = upload(project, "Befund – é.txt", content, **place)
    assert (answer.status_code, answer.content) == (200, b"")
    answer = post(project.url, action="export", **place)
    assert answer.content == content
    assert answer.headers["Content-Type"].encode("latin-1").decode() == (
        'text/plain; name="Befund – é.txt";charset=UTF-8'
    )
    entry = project.project(TOKEN).log.entries()[-2]
    assert (entry.kind, entry.action) == ("record_edit", "Update record 1 (Start (Arm 1: Drug A))")
    assert re.fullmatch(r"scan = '\d+'", entry.details)
    assert post(project.url, action="delete", **place).content == b""
    assert post(project.url, action="export", **place).status_code == 400


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"field": "weight"}, "The field 'weight' does not exist or is not a 'file' field"),
        ({"field": "nix"}, "The field 'nix' does not exist or is not a 'file' field"),
        ({"record": "-1"}, 'The record "-1" does not exist'),
        ({"event": MONTH}, 'The value of the parameter "event" is not valid'),
        ({"event": ""}, 'The value of the parameter "event" is not valid'),
        ({"repeat_instance": "x"}, 'The value of the parameter "repeat_instance" is not valid'),
    ],
)
def test_a_wrong_place_is_named(project: RunningSandbox, changed: dict[str, str], message: str) -> None:
    place = {"content": "file", "record": "2", "field": "scan", "event": OTHER, **changed}
    answer = post(project.url, action="export", returnFormat="json", **place)
    assert (answer.status_code, answer.json()) == (400, {"error": message})


def test_an_import_without_a_file_part_is_refused(project: RunningSandbox) -> None:
    place = {"content": "file", "record": "2", "field": "scan", "event": OTHER}
    assert post(project.url, action="import", **place).status_code == 400
    assert post(project.url, action="export", **place).content == b"two"


def test_a_user_in_a_group_reaches_that_groups_files_alone(project: RunningSandbox) -> None:
    place = {"content": "file", "action": "export", "field": "scan"}
    assert post(project.url, OTHER_TOKEN, record="2", event=OTHER, **place).content == b"two"
    assert post(project.url, OTHER_TOKEN, record="1", event=START, **place).status_code == 400


def test_a_file_follows_the_export_right_of_its_form() -> None:
    rights = TokenRights(form_export_rights={"baseline": ExportRight.NONE})
    with serving({TOKEN: LONGITUDINAL}, rights={TOKEN: rights}) as running:
        answer = post(running.url, content="file", action="export", record="2", field="scan", event=OTHER)
    assert answer.status_code == 403


def test_the_repository_keeps_folders_and_files(project: RunningSandbox) -> None:
    made = post(project.url, content="fileRepository", action="createFolder", name="Top", format="json")
    assert made.json() == [{"folder_id": 1}]
    inner = post(project.url, content="fileRepository", action="createFolder", name="In", folder_id="1", format="csv")
    assert inner.text == "folder_id\n2\n"
    assert upload(project, "a b.txt", b"abc", content="fileRepository", folder_id="2").content == b""
    assert upload(project, "top.txt", b"t", content="fileRepository").status_code == 200
    listing = post(project.url, content="fileRepository", action="list", format="csv")
    assert listing.text == "folder_id,doc_id,name,role,dag\n1,,Top,,\n,3,top.txt,,\n"
    (file,) = post(project.url, content="fileRepository", action="list", folder_id="2", format="json").json()
    assert file == {"doc_id": 2, "name": "a b.txt"}
    assert post(project.url, content="fileRepository", action="export", doc_id="2").content == b"abc"
    assert post(project.url, content="fileRepository", action="delete", doc_id="2").content == b""
    answer = post(project.url, content="fileRepository", action="export", doc_id="2", returnFormat="json")
    assert answer.status_code == 400
    assert post(project.url, content="fileRepository", action="list", folder_id="2", format="json").json() == []


def test_a_bad_folder_is_refused_in_the_servers_words(project: RunningSandbox) -> None:
    answer = post(project.url, content="fileRepository", action="list", folder_id="99", format="json")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "The File Repository folder folder_id=99 does not exist or else you do not have permission to that folder "
        "because it is DAG-restricted or Role-restricted.",
    )


def test_a_folder_of_a_group_is_shut_to_others_and_so_is_what_it_holds(project: RunningSandbox) -> None:
    made = {"content": "fileRepository", "action": "createFolder", "format": "json"}
    assert post(project.url, name="A only", dag_id="331", **made).json() == [{"folder_id": 1}]
    assert post(project.url, name="B only", dag_id="332", **made).json() == [{"folder_id": 2}]
    assert post(project.url, name="Inner", folder_id="1", **made).json() == [{"folder_id": 3}]
    upload(project, "secret.txt", b"s", content="fileRepository", folder_id="3")
    (document,) = project.project(TOKEN).repository
    seen = post(project.url, OTHER_TOKEN, content="fileRepository", action="list", format="json").json()
    assert [(folder["name"], folder["dag"]) for folder in seen] == [("B only", 332)]
    for parameters in ({"action": "list", "folder_id": "3"}, {"action": "export", "doc_id": str(document)}):
        assert post(project.url, OTHER_TOKEN, content="fileRepository", format="json", **parameters).status_code == 400


def test_survey_links_and_codes(project: RunningSandbox) -> None:
    place = {"record": "1", "instrument": "feedback", "event": START, "format": "csv"}
    link = post(project.url, content="surveyLink", **place).text
    assert re.fullmatch(r"https://redcap\.example\.org/surveys/\?s=[A-Z0-9]{16}", link)
    assert post(project.url, content="surveyLink", **place).text == link
    queue = post(project.url, content="surveyQueueLink", record="1", format="csv").text
    assert re.fullmatch(r"https://redcap\.example\.org/surveys/\?sq=[A-Z0-9]{16}", queue)
    assert re.fullmatch("[A-Z0-9]{9}", post(project.url, content="surveyAccessCode", **place).text)
    assert re.fullmatch("[A-Z0-9]{8}", post(project.url, content="surveyReturnCode", **place).text)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"record": "-1"}, 'The record "-1" does not exist'),
        ({"instrument": "baseline"}, 'The value of the parameter "instrument" is not valid'),
        ({"event": OTHER}, 'The value of the parameter "event" is not valid'),
    ],
)
def test_a_survey_of_a_wrong_place_has_no_link(project: RunningSandbox, changed: dict[str, str], message: str) -> None:
    place = {"record": "1", "instrument": "feedback", "event": START, **changed}
    answer = post(project.url, content="surveyLink", returnFormat="csv", **place)
    assert (answer.status_code, answer.text) == (400, f"ERROR: {message}")


def test_the_participant_list_has_invited_people_then_records_that_answered(project: RunningSandbox) -> None:
    rows = post(project.url, content="participantList", instrument="feedback", event=START, format="json").json()
    shown = [
        (row["email"], row["email_occurrence"], row["identifier"], row["record"], row["invitation_sent_status"])
        for row in rows
    ]
    assert shown == [("a@example.org", 1, "Ann", "", 1), ("a@example.org", 2, "", "", 0), ("", "", "", "1", 0)]
    assert [row["response_status"] for row in rows] == [0, 0, 2]
    assert len({row["survey_link"] for row in rows}) == 3
    link = post(project.url, content="surveyLink", record="1", instrument="feedback", event=START).text
    assert rows[2]["survey_link"] == link
    project.project(TOKEN).participants.append(Participant("feedback", START, "b@example.org", record="1"))
    project.project(TOKEN).rename_record("1", "11")
    rows = post(project.url, content="participantList", instrument="feedback", event=START, format="json").json()
    assert [row["record"] for row in rows] == ["", "", "11"]
    hidden = post(
        project.url, OTHER_TOKEN, content="participantList", instrument="feedback", event=START, format="json"
    ).json()
    assert [row["record"] for row in hidden] == ["", ""]


def test_an_instrument_as_pdf(project: RunningSandbox) -> None:
    answer = post(project.url, content="pdf", action="export", record="1", instrument="baseline")
    assert answer.content.startswith(b"%PDF-1.3\n3 0 obj\n")
    assert answer.headers["Content-Type"].startswith("application/pdf")
    assert b"Sex: 1" in answer.content
    assert b"Sex: 1" not in post(project.url, content="pdf", action="export", instrument="baseline").content
    place = {"content": "pdf", "action": "export", "record": "2", "instrument": "visit", "event": OTHER}
    assert b"Score: 4 / 6" in post(project.url, **place).content
    assert b"Score: 6" in post(project.url, repeat_instance="3", **place).content
    everyone = post(project.url, content="pdf", action="export", allRecords="1").content
    assert (b"record 1" in everyone, b"record 2" in everyone) == (True, True)
    local = post(project.url, OTHER_TOKEN, content="pdf", action="export", allRecords="1").content
    assert (b"record 1" in local, b"record 2" in local) == (False, True)
    assert post(project.url, content="pdf", action="export", record="-1").status_code == 400


def test_a_pdf_shows_no_value_that_an_export_hides() -> None:
    rights = TokenRights(form_export_rights={"visit": ExportRight.NONE, "medication": ExportRight.DEIDENTIFIED})
    with serving({TOKEN: LONGITUDINAL}, rights={TOKEN: rights}) as running:
        body = post(running.url, content="pdf", action="export", allRecords="1").content
    assert b"Sex: 2" in body
    assert b"Score: 3" not in body
    assert b"Aspirin" not in body


def test_the_cross_reference_of_a_pdf_points_at_its_objects() -> None:
    body = pdf_bytes(["(brackets) \\ é 漢\x07"] * 130)
    table = body[int(body.rsplit(b"startxref\n", 1)[1].split()[0]) :]
    entries = re.findall(rb"^(\d{10}) (\d{5}) ([nf]) $", table, re.MULTILINE)
    assert len(entries) == 1 + 2 * 3 + 2 + 1
    for number, (offset, _, kind) in enumerate(entries):
        assert kind == (b"n" if number else b"f")
        if number:
            assert body[int(offset) :].startswith(b"%d 0 obj\n" % number)
    for length, stream in re.findall(rb"<</Length (\d+)>>\nstream\n(.*?)\nendstream", body, re.DOTALL):
        assert len(stream) == int(length)

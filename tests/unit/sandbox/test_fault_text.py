"""Faults as text, and the changes that a project undergoes by name."""

from __future__ import annotations

import socket
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import pytest
from longitudinal_sample import LONGITUDINAL
from server_sample import PROJECT, TOKEN, post, record_request

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.sandbox.fault_text import check_forms, fault_from_text
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.mutations import MUTATIONS
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import serving


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reset", Fault(FaultKind.RESET)),
        ("delay=0.5", Fault(FaultKind.DELAY, argument=0.5)),
        (
            "status_html=503, content=record, form=visit, at=2, times=3",
            Fault(FaultKind.STATUS_HTML, "record", "visit", 2, 3, 503.0),
        ),
        ("bom,times=always", Fault(FaultKind.BOM, times=ALWAYS)),
        ("redirect_307=http://x.example.org/api/", Fault(FaultKind.REDIRECT_307, argument="http://x.example.org/api/")),
        ("mutate=new_field,content=log", Fault(FaultKind.MUTATE, "log", argument=MUTATIONS["new_field"])),
    ],
)
def test_a_fault_is_read(text: str, fault: Fault) -> None:
    assert fault_from_text(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "delay=soon",
        "mutate",
        "mutate=nix",
        "reset,at=0",
        "reset,times=often",
        "reset,where=here",
        "reset,content=recrod",
    ],
)
def test_a_fault_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        fault_from_text(text)
    assert caught.value.code == "E_SANDBOX_FAULT"


def test_a_fault_that_could_never_strike_is_refused() -> None:
    check_forms([fault_from_text("reset,content=record,form=visit"), fault_from_text("hang")], ["baseline", "visit"])
    with pytest.raises(ConfigurationError) as caught:
        check_forms([fault_from_text("reset,content=record,form=vist")], ["baseline", "visit"])
    assert caught.value.code == "E_SANDBOX_FAULT"
    assert "'vist'" in caught.value.what


@pytest.mark.parametrize("kind", [FaultKind.CUT_MID_ROW, FaultKind.SHORT_BODY])
def test_a_body_is_cut_at_the_byte_asked_for(kind: FaultKind) -> None:
    plan = FaultPlan([Fault(kind, argument=23)])
    with serving({TOKEN: PROJECT}, faults=plan) as running:
        where = urlsplit(running.url)
        body = urlencode({"token": TOKEN, "content": "metadata", "format": "csv"}).encode()
        with socket.create_connection((where.hostname, where.port), 20) as connection:
            head = "POST /api/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert received.partition(b"\r\n\r\n")[2] == b"field_name,form_name,section_header"[:23]


CHANGED = {
    "edit_notes": ("record", "record_edit"),
    "junk_value": ("record", "record_edit"),
    "add_record": ("record", "record_add"),
    "delete_record": ("record", "record_delete"),
    "rename_record": ("record", "record_edit"),
    "move_record": ("record", "record_edit"),
    "new_field": ("metadata", "manage"),
    "new_form": ("metadata", "manage"),
}


def _with_text(row: FormRow) -> FormRow:
    if row.form != "baseline":
        return row
    return row._replace(values={**row.values, "remark": "old", "weight": "70.50"})


@pytest.mark.parametrize("source", [PROJECT, LONGITUDINAL], ids=["classic", "longitudinal"])
@pytest.mark.parametrize("name", CHANGED)
def test_a_named_change_shows_and_leaves_a_line(source: SourceProject, name: str) -> None:
    content, kind = CHANGED[name]
    filled = replace(source, rows=tuple(_with_text(row) for row in source.rows))
    plan = FaultPlan([Fault(FaultKind.MUTATE, content, at=2, argument=MUTATIONS[name])])
    parameters = {"content": content, "format": "json", "exportDataAccessGroups": "true"}
    with serving({TOKEN: filled}, faults=plan) as running:
        before = post(running.url, **parameters).content
        log = running.project(TOKEN).log
        lines = len(log)
        assert post(running.url, **parameters).content != before
        change = log.entries(lines)[0]
        assert (change.kind, change.username) == (kind, "sandbox_data_entry")


def test_a_new_instrument_is_not_exported_until_granted() -> None:
    with serving({TOKEN: PROJECT}) as running:
        MUTATIONS["new_form"](running.project(TOKEN))
        forms = post(running.url, content="instrument", format="json").json()
        assert forms[-1]["instrument_name"] == "added_form"
        assert "added_form" not in post(running.url, **record_request()).text


def test_the_clock_goes_back_an_hour() -> None:
    project = ProjectState(PROJECT)
    before = project.clock()
    MUTATIONS["clock_back"](project)
    assert (before - project.clock()).total_seconds() == 3600

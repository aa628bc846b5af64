"""A longitudinal synthetic project with two arms, a repeating instrument and a repeating event, and how to talk to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import requests
from server_sample import TOKEN, post

from blin_pipeline.registry.dictionary import dictionary_from_rows
from blin_pipeline.sandbox.log import LogFilter
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiRequest, parse_parameters
from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, TokenRights
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.setup import Arm, Event, Repeat

RIGHTS = TokenRights.of(EVERY_PRIVILEGE, "loader")
VALIDATION = "text_validation_type_or_show_slider_number"
CHOICES = "select_choices_or_calculations"
BASE, VISIT, OTHER = "base_arm_1", "visit_arm_1", "base_arm_2"


def _field(name: str, form: str, kind: str = "text", **cells: str) -> dict[str, str]:
    return {"field_name": name, "form_name": form, "field_type": kind, "field_label": name.title(), **cells}


DICTIONARY = dictionary_from_rows(
    [
        _field("record_id", "person"),
        _field("born", "person", **{VALIDATION: "date_ymd"}),
        _field("seen_at", "person", **{VALIDATION: "datetime_dmy"}),
        _field("height", "person", **{VALIDATION: "number"}),
        _field("weight", "person", **{VALIDATION: "number_1dp_comma_decimal"}),
        _field("bmi", "person", "calc", **{CHOICES: "round([weight]*10000/([height])^(2), 1)"}),
        _field("age", "person", "calc", **{CHOICES: "rounddown(datediff([born], 'today', 'y'))"}),
        _field("due", "person", field_annotation="@CALCDATE([born], 18, 'y') @HIDDEN", **{VALIDATION: "date_mdy"}),
        _field("sex", "person", "radio", **{CHOICES: "1, Male | 2, Female"}),
        _field("signs", "person", "checkbox", **{CHOICES: "1, Fever | -98, Other | A, Rash"}),
        _field("scan", "person", "file"),
        _field("note", "person", "notes"),
        _field("score", "check", **{VALIDATION: "integer"}),
        _field("score_sum", "check", "calc", **{CHOICES: "sum([score], [base_arm_1][height])"}),
        _field("drug", "medicine"),
        _field("dose", "medicine", **{VALIDATION: "number_2dp"}),
        _field("words", "medicine", field_annotation="@CALCTEXT(concat([drug], ' (', [dose], ')'))"),
    ],
    Path("visits.csv"),
)
PROJECT = SourceProject(
    title="Synthetic visits",
    project_id=78,
    dictionary=DICTIONARY,
    instrument_labels={"person": "Person", "check": "Check", "medicine": "Medicine"},
    repeating_instruments=(),
    surveys=(),
    data_access_groups=(("Site A", "site_a"), ("Site B", "site_b")),
    record_groups={"1": "site_a", "2": "", "3": ""},
    missing_data_codes={"UNK": "Unknown"},
    rows=(
        FormRow("1", "person", None, {"height": "180", "sex": "1", "signs___1": "1", "person_complete": "2"}, BASE),
        FormRow("1", "check", 1, {"score": "3", "check_complete": "1"}, VISIT),
        FormRow("1", "check", 2, {"score": "4", "check_complete": "0"}, VISIT),
        FormRow("1", "medicine", 2, {"drug": "Aspirin", "dose": "0.50", "medicine_complete": "2"}, BASE),
        FormRow("2", "person", None, {"sex": "2", "person_complete": "0"}, OTHER),
        FormRow("3", "person", None, {"sex": "2", "person_complete": "0"}, BASE),
        FormRow("3", "person", None, {"sex": "1", "person_complete": "2"}, OTHER),
    ),
    created=datetime(2026, 6, 1, 9, 0),
    settings={"is_longitudinal": 1},
    arms=(Arm(1, "Drug"), Arm(2, "Control")),
    events=(Event(1, "Base", 1, BASE), Event(2, "Visit", 1, VISIT), Event(3, "Base", 2, OTHER)),
    event_forms=((BASE, "person"), (BASE, "medicine"), (VISIT, "check"), (OTHER, "person")),
    repeats=(Repeat("medicine", BASE), Repeat("", VISIT)),
)


def request(**parameters: str | Sequence[str]) -> ApiRequest:
    """A decoded request; a list is an array parameter."""
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if isinstance(value, str):
            pairs.append((name, value))
        else:
            pairs.extend((f"{name}[{number}]", item) for number, item in enumerate(value))
    return parse_parameters(pairs)


def send(url: str, rows: Sequence[Mapping[str, str]], token: str = TOKEN, **parameters: str) -> requests.Response:
    """A JSON import over HTTP."""
    return post(url, token, content="record", format="json", data=json.dumps(rows), **parameters)


def changes_logged(project: ProjectState, since: int) -> list[tuple[str, str, str]]:
    """Action, details and record of the data lines after the first ``since``."""
    written = list(project.log.newest_first(LogFilter()))[::-1]
    return [(item.action, item.details, item.record) for item in written[since:]]

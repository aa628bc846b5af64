"""A small synthetic project that shows every kind of cell, and helpers to talk to the server as a client would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import requests

from blin_pipeline.registry.dictionary import dictionary_from_rows
from blin_pipeline.sandbox.rows import FormRow, SourceProject

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
OTHER_TOKEN = "FEDCBA9876543210FEDCBA9876543210"
CREATED = datetime(2026, 6, 1, 9, 0)


def _field(name: str, form: str, kind: str, **cells: str) -> dict[str, str]:
    return {"field_name": name, "form_name": form, "field_type": kind, "field_label": name.title(), **cells}


DICTIONARY = dictionary_from_rows(
    [
        _field("record_id", "baseline", "text", field_label="Study ID"),
        _field("birth", "baseline", "text", text_validation_type_or_show_slider_number="date_ymd", identifier="y"),
        _field("weight", "baseline", "text", text_validation_type_or_show_slider_number="number"),
        _field("sex", "baseline", "radio", select_choices_or_calculations="1, Male | 2, Female"),
        _field("hint", "baseline", "descriptive"),
        _field("race", "baseline", "checkbox", select_choices_or_calculations="1, Asian | -98, Other, not listed"),
        _field("scan", "baseline", "file"),
        _field("remark", "baseline", "notes"),
        _field("visit_date", "visit", "text", text_validation_type_or_show_slider_number="date_ymd"),
        _field("score", "visit", "text", text_validation_type_or_show_slider_number="integer"),
        _field("double_score", "visit", "calc", select_choices_or_calculations="[score]*2"),
        _field("mood", "feedback", "yesno"),
        _field("free", "feedback", "text"),
        _field("drug", "medication", "text", identifier="y"),
    ],
    Path("sample.csv"),
)
PROJECT = SourceProject(
    title="Synthetic sample",
    project_id=77,
    dictionary=DICTIONARY,
    instrument_labels={"baseline": "Baseline", "visit": "Visit/control"},
    repeating_instruments=("visit", "medication"),
    surveys=("feedback",),
    data_access_groups=(("Site A", "site_a"), ("Site B", "site_b")),
    record_groups={"10": "site_a", "2": "site_b", "1": ""},
    missing_data_codes={"UNK": "Unknown"},
    rows=(
        FormRow("10", "medication", 1, {"drug": "Aspirin", "medication_complete": "2"}),
        FormRow("10", "visit", 2, {"visit_date": "2026-02-01", "score": "7", "visit_complete": "1"}),
        FormRow("10", "visit", 1, {"visit_date": "UNK", "score": "5", "double_score": "10", "visit_complete": "2"}),
        FormRow(
            "10",
            "baseline",
            None,
            {
                "birth": "1970-01-02",
                "weight": "70.50",
                "sex": "2",
                "race____98": "1",
                "scan": "scan 1.pdf",
                "remark": 'line 1\r\nline "2", é',
                "baseline_complete": "2",
            },
        ),
        FormRow(
            "2",
            "feedback",
            None,
            {"mood": "1", "feedback_timestamp": "2026-03-04 05:06:07", "feedback_complete": "2"},
        ),
        FormRow("1", "baseline", None, {"sex": "1", "race___1": "1", "race___unk": "1", "baseline_complete": "0"}),
    ),
    created=CREATED,
)
ONCE_ONLY = replace(
    PROJECT,
    repeating_instruments=(),
    data_access_groups=(),
    record_groups={},
    surveys=(),
    rows=tuple(row for row in PROJECT.rows if row.instance is None and row.form == "baseline"),
)


def post(url: str, token: str = TOKEN, **parameters: str | bool) -> requests.Response:
    """One request with plain parameters."""
    return requests.post(url, data={"token": token, **parameters}, timeout=20, allow_redirects=False)


def record_request(
    fields: Sequence[str] = (), forms: Sequence[str] = (), records: Sequence[str] = (), **parameters: str
) -> dict[str, str]:
    """Parameters of a record export, arrays written as clients write them."""
    arrays: Mapping[str, Sequence[str]] = {"fields": fields, "forms": forms, "records": records}
    numbered = {f"{name}[{i}]": value for name, values in arrays.items() for i, value in enumerate(values)}
    return {"content": "record", "format": "csv", "type": "flat", **numbered, **parameters}

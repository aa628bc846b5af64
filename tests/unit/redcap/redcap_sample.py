"""A small synthetic project with every kind of row, and a client that never waits."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from blin_pipeline.redcap.client import ClientLimits, RedcapClient
from blin_pipeline.registry.dictionary import dictionary_from_rows
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.setup import Arm, Event, Repeat

TOKEN = "CAFE0123456789CAFE0123456789CAFE"
#: Free text that any leak of a value would carry.
CANARY = "CANARY Zoë-7781"
PULLED_AT = datetime(2026, 7, 1, 6, 0)


def _field(name: str, form: str, kind: str = "text", **cells: str) -> dict[str, str]:
    return {"field_name": name, "form_name": form, "field_type": kind, "field_label": name.title(), **cells}


DICTIONARY = dictionary_from_rows(
    [
        _field("record_id", "baseline"),
        _field("code", "baseline"),
        _field("remark", "baseline", "notes"),
        _field("race", "baseline", "checkbox", select_choices_or_calculations="1, Asian | -98, Other, not listed"),
        _field("hint", "baseline", "descriptive"),
        _field("scan", "baseline", "file"),
        _field("drug", "course"),
        _field("dose", "course"),
        _field("feeling", "diary"),
    ],
    Path("sample.csv"),
)
ROWS = (
    FormRow(
        "S1-10",
        "baseline",
        None,
        {
            "code": "007",
            "remark": f'{CANARY}\r\nline "2", NA',
            "race____98": "1",
            "scan": "a b.pdf",
            "baseline_complete": "2",
        },
    ),
    FormRow("S1-10", "course", 2, {"drug": "NA", "dose": "1.70", "course_complete": "2"}),
    FormRow("S1-10", "course", 1, {"drug": "vincristine", "dose": "UNK", "course_complete": "1"}),
    FormRow("S1-9", "baseline", None, {"code": "08001", "baseline_complete": "0"}),
    FormRow("S2-1", "baseline", None, {"race___unk": "1", "baseline_complete": "2"}),
    FormRow("S2-1", "diary", None, {"feeling": " ", "diary_complete": "2"}),
    FormRow("S2-1", "course", 7, {"drug": "asparaginase", "course_complete": "2"}),
)


def project(**changes: object) -> SourceProject:
    """The sample, or a variant of it."""
    parts: dict[str, object] = {
        "title": "Synthetic sample",
        "project_id": 42,
        "dictionary": DICTIONARY,
        "instrument_labels": {"baseline": "Baseline", "course": "Course", "diary": "Diary"},
        "repeating_instruments": ("course",),
        "surveys": (),
        "data_access_groups": (("Site 1", "site_1"), ("Site 2", "site_2")),
        "record_groups": {"S1-10": "site_1", "S1-9": "site_1", "S2-1": "site_2"},
        "missing_data_codes": {"UNK": "Unknown", "NA": "Not applicable"},
        "rows": ROWS,
        "created": datetime(2026, 6, 1, 9, 0),
        **changes,
    }
    return SourceProject(**parts)  # type: ignore[arg-type]


def visits() -> SourceProject:
    """Two events, the later one repeating; one record has a value of an instrument without a status."""
    return project(
        settings={"is_longitudinal": 1},
        arms=(Arm(1, "Only"),),
        events=(Event(1, "Start", 1, "start_arm_1"), Event(2, "Later", 1, "later_arm_1")),
        event_forms=(
            *(("start_arm_1", form) for form in ("baseline", "course", "diary")),
            *(("later_arm_1", form) for form in ("baseline", "diary")),
        ),
        repeating_instruments=(),
        repeats=(Repeat("course", "start_arm_1"), Repeat("", "later_arm_1")),
        record_groups={"1": "site_1", "2": "site_2"},
        rows=(
            FormRow("1", "diary", None, {"feeling": "x", "diary_complete": "2"}, "start_arm_1"),
            FormRow("1", "course", 2, {"drug": "y", "course_complete": "2"}, "start_arm_1"),
            FormRow("1", "baseline", 1, {"code": "7", "baseline_complete": "1"}, "later_arm_1"),
            FormRow("2", "baseline", None, {"code": "y", "baseline_complete": "2"}, "start_arm_1"),
            FormRow("2", "diary", None, {"feeling": "worked out, form never opened"}, "start_arm_1"),
        ),
    )


class Waits(list[float]):
    """Takes the place of sleeping and remembers; time passes by sleeping alone."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)

    def clock(self) -> float:
        return sum(self)


def client(url: str, waits: Waits | None = None, *, token: str = TOKEN, **limits: float | int) -> RedcapClient:
    """A client that asks twice and never sleeps, unless told otherwise."""
    chosen: dict[str, float | int] = {"attempts": 2, **limits}
    waits = Waits() if waits is None else waits
    return RedcapClient(
        url,
        SecretStr(token),
        ClientLimits(sleep=waits, clock=waits.clock, jitter=lambda: 0.0, **chosen),  # type: ignore[arg-type]
    )

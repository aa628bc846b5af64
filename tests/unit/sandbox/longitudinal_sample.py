"""A small longitudinal project of two arms, and rights to do everything with it. Synthetic."""

from __future__ import annotations

from dataclasses import replace

from server_sample import PROJECT

from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, TokenRights
from blin_pipeline.sandbox.rows import FormRow
from blin_pipeline.sandbox.setup import Arm, Event, Repeat, StoredFile

EVERYTHING = TokenRights.of(EVERY_PRIVILEGE, "manager")
START, MONTH, OTHER = "start_arm_1", "month_1_arm_1", "start_arm_2"
LONGITUDINAL = replace(
    PROJECT,
    project_id=90,
    repeating_instruments=(),
    settings={"is_longitudinal": 1},
    arms=(Arm(1, "Drug A"), Arm(2, "Drug B")),
    events=(Event(501, "Start", 1, START), Event(502, "Month 1", 1, MONTH), Event(503, "Start", 2, OTHER)),
    event_forms=(
        (START, "baseline"),
        (START, "feedback"),
        (MONTH, "visit"),
        (MONTH, "medication"),
        (OTHER, "baseline"),
        (OTHER, "visit"),
    ),
    repeats=(Repeat("", MONTH), Repeat("visit", OTHER, "Visit [score]")),
    record_groups={"1": "", "2": "site_b"},
    rows=(
        FormRow("1", "baseline", None, {"sex": "1", "baseline_complete": "2"}, START),
        FormRow(
            "1",
            "feedback",
            None,
            {"mood": "1", "feedback_timestamp": "2026-03-04 05:06:07", "feedback_complete": "0"},
            START,
        ),
        FormRow("1", "visit", 1, {"score": "3", "visit_complete": "0"}, MONTH),
        FormRow("1", "medication", 2, {"drug": "Aspirin", "medication_complete": "0"}, MONTH),
        FormRow(
            "2",
            "baseline",
            None,
            {"sex": "2", "baseline_complete": "0"},
            OTHER,
            {"scan": StoredFile("b.txt", b"two", "text/plain")},
        ),
        FormRow("2", "visit", 1, {"score": "4", "visit_complete": "0"}, OTHER),
        FormRow("2", "visit", 3, {"score": "6", "visit_complete": "0"}, OTHER),
    ),
)

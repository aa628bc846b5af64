"""The set-up of a project as plain values: arms, events, designations, repeating parts, groups, files, participants.

Source: ``docs/redcap.md`` sections 3, 7 and 11. Values and the naming rules of unique names; nothing live.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from blin_pipeline.sandbox.formats import Cell

_EVENT_STEM = 18
_GROUP_LENGTH = 18
_NOT_EVENT_LETTER = re.compile(r"[^a-z0-9]")
_NOT_GROUP_LETTER = re.compile(r"[^a-z0-9_]")

#: Answer of ``content=project``: key -> value of a new project, in the order of the real server. Five keys are worked
#: out from the project (``project_id``, ``creation_time``, ``is_longitudinal``, ``has_repeating_instruments_or_events``
#: and ``missing_data_codes``).
PROJECT_INFO: Mapping[str, Cell] = {
    "project_id": 0,
    "project_title": "",
    "creation_time": "",
    "production_time": "",
    "in_production": 0,
    "project_language": "English",
    "purpose": 2,
    "purpose_other": "",
    "project_notes": "Synthetic or rehearsal data served by a sandbox",
    "custom_record_label": "",
    "secondary_unique_field": "",
    "is_longitudinal": 0,
    "has_repeating_instruments_or_events": 0,
    "surveys_enabled": 0,
    "scheduling_enabled": 0,
    "record_autonumbering_enabled": 0,
    "randomization_enabled": 0,
    "ddp_enabled": 0,
    "project_irb_number": "",
    "project_grant_number": "",
    "project_pi_firstname": "",
    "project_pi_lastname": "",
    "project_pi_email": "",
    "display_today_now_button": 1,
    "missing_data_codes": "",
    "external_modules": "",
    "bypass_branching_erase_field_prompt": 0,
}


class Arm(NamedTuple):
    """An arm of a longitudinal project."""

    number: int
    name: str


class Event(NamedTuple):
    """An event of a longitudinal project.

    Attributes:
        event_id: REDCap's number, stable when the label changes.
        name: Label.
        arm: Number of its arm.
        unique_name: Name in exports; changes with the label.
        custom_label: Custom event label.
        day_offset: Days after the start, shown when scheduling is enabled.
        offset_min: Days before ``day_offset`` that are allowed.
        offset_max: Days after ``day_offset`` that are allowed.
    """

    event_id: int
    name: str
    arm: int
    unique_name: str
    custom_label: str = ""
    day_offset: int = 0
    offset_min: int = 0
    offset_max: int = 0


class Repeat(NamedTuple):
    """A repeating instrument, or with a blank form a repeating event.

    Attributes:
        form: Instrument name, ``""`` where the whole event repeats.
        event: Unique event name, ``""`` in a classic project.
        label: Custom label of the instances.
    """

    form: str
    event: str = ""
    label: str = ""


class Group(NamedTuple):
    """A Data Access Group."""

    label: str
    unique_name: str
    group_id: int


class StoredFile(NamedTuple):
    """An uploaded file.

    Attributes:
        name: File name as uploaded.
        content: Its bytes.
        media_type: MIME type.
    """

    name: str
    content: bytes = b""
    media_type: str = "application/octet-stream"


class Folder(NamedTuple):
    """A folder of the file repository.

    Attributes:
        folder_id: REDCap's number.
        name: Its name.
        parent: Number of the folder around it, 0 at the top.
        dag_id: Group it is restricted to, 0 for none.
        role_id: Role it is restricted to, 0 for none.
    """

    folder_id: int
    name: str
    parent: int = 0
    dag_id: int = 0
    role_id: int = 0


class Participant(NamedTuple):
    """A line of a survey's participant list.

    Attributes:
        form: The survey.
        event: Unique event name, ``""`` in a classic project.
        email: Address, ``""`` for a response through the public link.
        identifier: Participant identifier.
        record: Record that answers, ``""`` before there is one.
        sent: Time at which the invitation was sent, ``""`` when it was not.
    """

    form: str
    event: str = ""
    email: str = ""
    identifier: str = ""
    record: str = ""
    sent: str = ""


def unique_event_name(label: str, arm: int, taken: Collection[str]) -> str:
    """The name that REDCap makes from an event's label: ``Visit 1`` in arm 2 is ``visit_1_arm_2``.

    Lower case, everything but letters and digits to ``_``, cut to 18 characters; a clash gets a letter at the end.
    """
    stem = _NOT_EVENT_LETTER.sub("_", label.lower())[:_EVENT_STEM]
    return _free(f"{stem}_arm_{arm}", taken)


def unique_group_name(label: str, taken: Collection[str]) -> str:
    """The name that REDCap makes from a group's label: ``Site A-1`` is ``site_a1``; at most 18 characters."""
    stem = _NOT_GROUP_LETTER.sub("", re.sub(r"\s", "_", label.lower()))[:_GROUP_LENGTH]
    return _free(stem, taken)


def _free(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    letters = (
        f"{first}{second}" for first in ("", *"abcdefghijklmnopqrstuvwxyz") for second in "bcdefghijklmnopqrstuvwxyz"
    )
    return next(candidate for letter in letters if (candidate := name + letter) not in taken)


def in_arm_order(events: Iterable[Event]) -> list[Event]:
    """Events by arm number, inside an arm as they stand."""
    return sorted(events, key=lambda event: event.arm)

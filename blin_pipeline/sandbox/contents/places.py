"""The place that a request names: record, event, instrument, instance. Shared by files and surveys."""

from __future__ import annotations

from blin_pipeline.sandbox.contents.call import Call
from blin_pipeline.sandbox.protocol import ApiError, bad_parameter


def named_record(call: Call) -> str:
    """The record that the request names and the user may see.

    Raises:
        ApiError: 400, there is none of that name for this user.
    """
    name = call.request.text("record")
    record = call.project.records.get(name)
    if record is None or not call.rights.may_see_group(record.group):
        raise ApiError(400, f'The record "{name}" does not exist')
    return name


def named_event(call: Call, form: str) -> str:
    """The event that the request names, ``""`` in a classic project.

    Raises:
        ApiError: 400, a longitudinal project and no event, or one in which the instrument is not designated.
    """
    if not call.project.is_longitudinal:
        return ""
    event = call.request.text("event")
    if event not in call.project.event_names or form not in call.project.forms_of(event):
        raise bad_parameter("event")
    return event


def named_instance(call: Call, event: str, form: str) -> int | None:
    """The instance that the request names, the first where it names none; None where nothing repeats.

    Raises:
        ApiError: 400, not a positive number.
    """
    asked = call.request.text("repeat_instance").strip() or "1"
    if not asked.isdigit() or not int(asked):
        raise bad_parameter("repeat_instance")
    return None if call.project.place(event, form) == "base" else int(asked)

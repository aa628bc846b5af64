"""Where the values of an imported row go: event, instrument and instance of a row, judged by the set-up.

Source: ``docs/redcap.md`` section 14. The texts are the server's; those that were never seen recorded are marked
*(assumed)* there.
"""

from __future__ import annotations

from collections.abc import Mapping

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.structure import RowKey

NOT_REPEATING_INSTRUMENT = (
    "redcap_repeat_instrument must be the unique form name of a Repeating Instrument. It currently does not match the "
    "unique form name of any Repeating Instruments.  Please fix this in the data import file and try again."
)
INSTANCE_NOT_ALLOWED = (
    "redcap_repeat_instance cannot have a value since this instrument or event is not a repeating instrument or "
    "repeating event, respectively.  The redcap_repeat_instance field must be left blank for this row of data."
)
BAD_INSTANCE = "redcap_repeat_instance must be a whole number from 1 for a repeating instrument or event."
UNKNOWN_EVENT = "The event name is not the unique name of an event of this project."
ELSEWHERE = "This field ('{field}') exists on another instrument than the repeating instrument of this row of data."
NOT_DESIGNATED = (
    "This field ('{field}') exists on an instrument that is not designated for the event named '{event}'. "
    "You are not allowed to import data for this field into this event."
)
NEW_INSTANCE = "new"


class BadPlaceError(ValueError):
    """A row that the project has no place for.

    Args:
        column: The column that says so.
        value: What stands in it.
        reason: The server's reason.
    """

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.value = value
        self.reason = reason


def place_of(project: ProjectState, row: Mapping[str, str], *, next_instance: Mapping[tuple[str, str], int]) -> RowKey:
    """The place that a row names; a longitudinal row without an event is one of the first event.

    Args:
        project: The live project.
        row: The row as sent.
        next_instance: ``(event, instrument)`` -> number that ``redcap_repeat_instance=new`` stands for; 1 where missing.

    Raises:
        BadPlaceError: No such place.
    """
    event = _event(project, row.get("redcap_event_name", "").strip())
    instrument = row.get("redcap_repeat_instrument", "").strip()
    instance = row.get("redcap_repeat_instance", "").strip()
    if instrument and not project.repeats_form(event, instrument):
        raise BadPlaceError("redcap_repeat_instrument", instrument, NOT_REPEATING_INSTRUMENT)
    if not instrument and not project.repeats_event(event):
        if instance:
            raise BadPlaceError("redcap_repeat_instance", instance, INSTANCE_NOT_ALLOWED)
        return RowKey(event)
    if instance == NEW_INSTANCE:
        return RowKey(event, instrument, next_instance.get((event, instrument), 1))
    if not instance.isdecimal() or int(instance) < 1:
        raise BadPlaceError("redcap_repeat_instance", instance, BAD_INSTANCE)
    return RowKey(event, instrument, int(instance))


def _event(project: ProjectState, name: str) -> str:
    if not project.is_longitudinal:
        return ""
    if not name:
        return project.event_names[0]
    if name not in project.event_names:
        raise BadPlaceError("redcap_event_name", name, UNKNOWN_EVENT)
    return name


def misplaced(project: ProjectState, key: RowKey, form: str, field: str) -> str:
    """Why a field of a form cannot stand on a row; ``""`` when it can."""
    place = project.place(key.event, form)
    if place is None:
        return NOT_DESIGNATED.format(field=field, event=project.event_label(key.event))
    if place == "instrument" and not key.instrument:
        return NOT_REPEATING_INSTRUMENT
    if key.instrument and key.instrument != form:
        return ELSEWHERE.format(field=field)
    return ""

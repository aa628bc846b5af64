"""Records deleted, in whole or in part, and renamed. Source: ``docs/redcap.md`` sections 9 and 14.

Clearing a form, an instance or an event is logged as an update with blanks; only re-reading the record shows it.
"""

from __future__ import annotations

from collections.abc import Collection

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError, ApiRequest, bad_parameter
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.structure import RowKey

_NOT_THERE = (
    "One or more of the records provided cannot be deleted because they do not exist in the project. "
    "The following records do not exist: {names}"
)
_EVENT_NEEDED = "The event parameter is missing: it is mandatory for an instrument of a longitudinal project"
_INSTANCE_NEEDED = "The repeat_instance parameter is missing: the instrument or event repeats"


def delete_records(project: ProjectState, rights: TokenRights, request: ApiRequest) -> int:
    """Delete records, or one arm, event, instrument or instance of them.

    Returns:
        How many records were asked for.

    Raises:
        ApiError: 400, a record that does not exist for this user, or a place that the project lacks; nothing was
            deleted.
    """
    names = list(dict.fromkeys(request.array("records")))
    if not names:
        raise ApiError(400, 'The parameter "records" is missing or empty')
    events = _events_of_arm(project, request)
    missing = [name for name in names if not _exists(project, rights, name, events)]
    if missing:
        raise ApiError(400, _NOT_THERE.format(names=", ".join(missing)))
    event, instrument = request.text("event"), request.text("instrument")
    if event and (event not in project.event_names or (events is not None and event not in events)):
        raise bad_parameter("event")
    if instrument and instrument not in project.dictionary.forms:
        raise bad_parameter("instrument")
    if instrument and project.is_longitudinal and not event:
        raise ApiError(400, _EVENT_NEEDED)
    key = _key(project, request, event, instrument) if instrument or event else None
    for name in names:
        if key is not None:
            _clear(project, rights, name, key, instrument)
        else:
            _delete(project, rights, name, events)
        if request.flag("delete_logging"):
            project.log.forget(name)
    return len(names)


def rename_record(project: ProjectState, rights: TokenRights, request: ApiRequest) -> int:
    """Give a record another name; with an arm, to its part in that arm.

    Returns:
        1.

    Raises:
        ApiError: 400, no such record for this user, or a name that is blank or taken.
    """
    old, new = request.text("record"), request.text("new_record_name").strip()
    events = _events_of_arm(project, request)
    if not _exists(project, rights, old, events):
        raise ApiError(400, f'The record "{old}" does not exist')
    if not new:
        raise bad_parameter("new_record_name")
    if new in project.records:
        raise ApiError(400, f'The record "{new}" exists already')
    record = project.records[old]
    if events is not None and any(key.event not in events for key in record.rows):
        project.add_record(new, record.group)
        moved = {key: stored for key, stored in record.rows.items() if key.event in events}
        project.records[new].rows = moved
        record.rows = {key: stored for key, stored in record.rows.items() if key not in moved}
        project.touched.record(old)
        details = f"{project.dictionary.record_id_field} = '{new}'"
        project.write("record_edit", f"Update record {new}", details, new, rights.username)
    else:
        project.rename_record(old, new, rights.username)
    return 1


def _events_of_arm(project: ProjectState, request: ApiRequest) -> frozenset[str] | None:
    """Unique event names of the arm that the request names; None for all."""
    arm = request.text("arm").strip()
    if not arm or not project.is_longitudinal:
        return None
    if not arm.isdecimal() or int(arm) not in project.arms:
        raise bad_parameter("arm")
    return frozenset(event.unique_name for event in project.events if event.arm == int(arm))


def _exists(project: ProjectState, rights: TokenRights, name: str, events: Collection[str] | None) -> bool:
    record = project.records.get(name)
    if record is None or not rights.may_see_group(record.group):
        return False
    return events is None or any(key.event in events for key in record.rows)


def _key(project: ProjectState, request: ApiRequest, event: str, instrument: str) -> RowKey:
    """The row that an instrument or event stands for."""
    instance = request.text("repeat_instance").strip()
    place = project.place(event, instrument) if instrument else "event" if project.repeats_event(event) else "base"
    if place is None:
        raise bad_parameter("instrument")
    if place == "base" or (not instrument and not instance):
        return RowKey(event)
    if not instance:
        raise ApiError(400, _INSTANCE_NEEDED)
    if not instance.isdecimal() or int(instance) < 1:
        raise bad_parameter("repeat_instance")
    return RowKey(event, instrument if place == "instrument" else "", int(instance))


def _clear(project: ProjectState, rights: TokenRights, name: str, key: RowKey, instrument: str) -> None:
    """Take away a form, an instance, or, without instrument, an event or an instance of it; nothing there, no line."""
    rows = project.records[name].rows
    if instrument:
        stored = rows.get(key, {})
        gone = {column: "" for column in stored if column in project.stored_names(instrument)}
        for column in gone:
            del stored[column]
        if gone:
            if key.instance and not stored:
                del rows[key]
            _log_cleared(project, rights, name, key, gone)
            project.calculate(name, {key: gone}, rights.username)
        return
    whole_event = not key.instance
    for each in [each for each in rows if each.event == key.event and (whole_event or each == key)]:
        gone = dict.fromkeys(rows.pop(each), "")
        _log_cleared(project, rights, name, each, gone)
    if not rows:
        if project.is_longitudinal:
            del project.records[name]
        else:
            rows[RowKey()] = {}


def _log_cleared(project: ProjectState, rights: TokenRights, name: str, key: RowKey, gone: dict[str, str]) -> None:
    event = f" ({project.event_label(key.event)})" if key.event else ""
    details = project.details(gone, key.instance)
    project.write("record_edit", f"Update record {name}{event}", details, name, rights.username)


def _delete(project: ProjectState, rights: TokenRights, name: str, events: frozenset[str] | None) -> None:
    """Delete a record, or only its part in some events."""
    rows = project.records[name].rows
    if events is None or all(key.event in events for key in rows):
        project.delete_record(name, rights.username)
        return
    project.records[name].rows = {key: stored for key, stored in rows.items() if key.event not in events}
    details = f"{project.dictionary.record_id_field} = '{name}'"
    project.write("record_delete", f"Delete record {name}", details, name, rights.username)

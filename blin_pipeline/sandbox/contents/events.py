"""Arms and events of a longitudinal project. Source: ``docs/redcap.md`` sections 3 and 11."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blin_pipeline.sandbox.contents.call import Answer, Call, chosen, count, table
from blin_pipeline.sandbox.contents.payload import Row, rows_of
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import CLASSIC_ARMS, CLASSIC_EVENTS, ApiError, unknown_values
from blin_pipeline.sandbox.relocation import change_events
from blin_pipeline.sandbox.setup import Arm, Event, unique_event_name

_EVENT_COLUMNS = ["event_name", "arm_num", "unique_event_name", "custom_event_label", "event_id"]
_SCHEDULE = ("day_offset", "offset_min", "offset_max")
_NO_IMPORT = "You cannot import {} for classic projects"


def arms(call: Call) -> Answer:
    """Arms that have an event."""
    if not call.project.is_longitudinal:
        raise ApiError(400, CLASSIC_ARMS)
    numbers = wanted_arms(call)
    rows: list[list[Cell]] = [[arm.number, arm.name] for arm in call.project.arms.values() if arm.number in numbers]
    return table(call, ["arm_num", "name"], rows)


def wanted_arms(call: Call) -> set[int]:
    """Numbers of the arms with an event, of those that ``arms`` names where it names any.

    Raises:
        ApiError: 400, an arm that the project lacks.
    """
    used = {event.arm for event in call.project.events}
    asked = call.request.array("arms")
    unknown = [number for number in asked if number not in {str(known) for known in call.project.arms}]
    if unknown:
        raise unknown_values("arms", unknown)
    return {number for number in used if not asked or str(number) in asked}


def import_arms(call: Call) -> Answer:
    """Add or rename arms; ``override=1`` first deletes all arms and events."""
    project = call.project
    _must_be_longitudinal(project, "arms")
    given = [Arm(_arm_number(row), row.get("name", "").strip()) for row in rows_of(call.request)]
    if any(not arm.name for arm in given):
        raise ApiError(400, "Each arm must have a name")
    override = call.request.flag("override")
    kept = {} if override else dict(project.arms)
    kept.update((arm.number, arm) for arm in given)
    change_events(project, kept.values(), () if override else project.events)
    call.log_change("Import arms (API)")
    return count(call, len(given))


def delete_arms(call: Call) -> Answer:
    """Delete arms with their events and what was entered there."""
    project = call.project
    if not project.is_longitudinal:
        raise ApiError(400, CLASSIC_ARMS)
    gone = {int(number) for number in chosen(call, "arms", [str(number) for number in project.arms])}
    arms_left = [arm for arm in project.arms.values() if arm.number not in gone]
    change_events(project, arms_left, [event for event in project.events if event.arm not in gone])
    call.log_change("Delete arms (API)")
    return count(call, len(gone))


def events(call: Call) -> Answer:
    """Events in order; the day columns only where scheduling is enabled."""
    project = call.project
    if not project.is_longitudinal:
        raise ApiError(400, CLASSIC_EVENTS)
    numbers = wanted_arms(call)
    scheduling = bool(project.settings["scheduling_enabled"])
    columns = [*_EVENT_COLUMNS[:2], *(_SCHEDULE if scheduling else ()), *_EVENT_COLUMNS[2:]]
    rows = [_event_cells(event, columns) for event in project.events if event.arm in numbers]
    return table(call, columns, rows)


def _event_cells(event: Event, columns: Sequence[str]) -> list[Cell]:
    values: dict[str, Cell] = {
        "event_name": event.name,
        "arm_num": event.arm,
        "day_offset": event.day_offset,
        "offset_min": event.offset_min,
        "offset_max": event.offset_max,
        "unique_event_name": event.unique_name,
        "custom_event_label": event.custom_label,
        "event_id": event.event_id,
    }
    return [values[column] for column in columns]


def import_events(call: Call) -> Answer:
    """Add events, or edit those that are named by a known unique name; ``override=1`` first deletes all events.

    An event whose label changes gets another unique name, as on the real server.
    """
    project = call.project
    _must_be_longitudinal(project, "events")
    rows = rows_of(call.request)
    kept = [] if call.request.flag("override") else list(project.events)
    renamed: dict[str, str] = {}
    for row in rows:
        arm, name = _arm_number(row), row.get("event_name", "").strip()
        if not name:
            raise ApiError(400, "Each event must have an event_name")
        if arm not in project.arms:
            raise unknown_values("arm_num", [str(arm)])
        place = _place_of(kept, row.get("unique_event_name", ""))
        old = kept.pop(place) if place is not None else None
        taken = [event.unique_name for event in kept]
        unique = old.unique_name if old and (old.name, old.arm) == (name, arm) else unique_event_name(name, arm, taken)
        if old is not None and old.unique_name != unique:
            renamed[old.unique_name] = unique
        event = Event(
            old.event_id if old else project.new_id("event"),
            name,
            arm,
            unique,
            row.get("custom_event_label", old.custom_label if old else ""),
            *(_days(row, column, getattr(old, column) if old else 0) for column in _SCHEDULE),
        )
        kept.insert(len(kept) if place is None else place, event)
    change_events(project, project.arms.values(), kept, renamed)
    call.log_change("Import events (API)")
    return count(call, len(rows))


def delete_events(call: Call) -> Answer:
    """Delete events with what was entered there."""
    project = call.project
    if not project.is_longitudinal:
        raise ApiError(400, CLASSIC_EVENTS)
    gone = set(chosen(call, "events", [event.unique_name for event in project.events]))
    change_events(project, project.arms.values(), [item for item in project.events if item.unique_name not in gone])
    call.log_change("Delete events (API)")
    return count(call, len(gone))


def _must_be_longitudinal(project: ProjectState, what: str) -> None:
    if not project.longitudinal_switch:
        raise ApiError(400, _NO_IMPORT.format(what))


def _arm_number(row: Row) -> int:
    number = row.get("arm_num", "").strip()
    if not number.isdigit() or not int(number):
        raise ApiError(400, "Each arm_num must be a positive number")
    return int(number)


def _place_of(events_now: Iterable[Event], unique_name: str) -> int | None:
    return next((place for place, event in enumerate(events_now) if event.unique_name == unique_name), None)


def _days(row: Row, column: str, otherwise: int) -> int:
    value = row.get(column, "").strip()
    if not value:
        return otherwise
    if not value.lstrip("-").isdigit():
        raise ApiError(400, f"Each {column} must be a number")
    return int(value)

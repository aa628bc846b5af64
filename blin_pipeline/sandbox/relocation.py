"""Stored values follow a changed set-up: renamed and deleted events, forms that begin or cease to repeat.

REDCap stores an event's number and takes a missing instance for the first, so that its values reappear where the new
set-up looks for them; here they are moved. What the new set-up does not show stays stored, unseen, except for events
that were deleted, whose values go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.setup import Arm, Event, unique_event_name
from blin_pipeline.sandbox.structure import SURVEY_IDENTIFIER, RowKey


def change_events(
    project: ProjectState, arms: Iterable[Arm], events: Iterable[Event], renamed: Mapping[str, str] | None = None
) -> None:
    """Put other arms and events in place.

    Args:
        project: The live project.
        arms: All arms.
        events: All events.
        renamed: Old unique name -> new one, of events that stay under another name.
    """
    names = renamed or {}
    project.event_forms = frozenset((names.get(event, event), form) for event, form in project.event_forms)
    project.repeats = tuple(item._replace(event=names.get(item.event, item.event)) for item in project.repeats)
    project.set_events(arms, events)
    kept = {event.unique_name for event in project.events} | {""}
    for record_id, record in list(project.records.items()):
        moved = ((key._replace(event=names.get(key.event, key.event)), stored) for key, stored in record.rows.items())
        record.rows = {key: stored for key, stored in moved if key.event in kept}
        if not record.rows:
            del project.records[record_id]


def switch_longitudinal(project: ProjectState, switch: bool) -> None:
    """Make a project longitudinal or classic; the first event and the classic rows are the same rows.

    A project that has no event yet gets ``Event 1`` in ``Arm 1`` with every instrument.
    """
    if switch == project.longitudinal_switch:
        return
    if switch and not project.events:
        name = unique_event_name("Event 1", 1, ())
        project.set_events([Arm(1, "Arm 1")], [Event(project.new_id("event"), "Event 1", 1, name, day_offset=1)])
        project.set_event_forms((name, form) for form in project.dictionary.forms)
    first = project.events[0].unique_name if project.events else ""
    source, target = ("", first) if switch else (first, "")
    project.set_repeats(item._replace(event=target) if item.event == source else item for item in project.repeats)
    project.set_longitudinal(switch)
    for record in project.records.values():
        record.rows = {
            key._replace(event=target) if key.event == source else key: stored for key, stored in record.rows.items()
        }
        if not switch:
            record.rows.setdefault(RowKey(), {})


def change_places(project: ProjectState, change: Callable[[], None]) -> None:
    """Make a change to forms or to what repeats, and move every value to where the project now stores it."""
    before = _parts(project)
    change()
    after = _parts(project)
    if before == after:
        return
    for record in project.records.values():
        for key, stored in list(record.rows.items()):
            for name in list(stored):
                part = after.get((key.event, name))
                target = _target(key, part) if part is not None else None
                if target is not None and target != key:
                    # A value that is already there was entered later: for the real server both are one cell.
                    record.rows.setdefault(target, {}).setdefault(name, stored.pop(name))
            if key.instance and not stored:
                del record.rows[key]


class _Part(NamedTuple):
    """Which rows of an event hold a value."""

    instrument: str
    repeats: bool


def _parts(project: ProjectState) -> dict[tuple[str, str], _Part]:
    """Event and stored name -> the rows that hold it."""
    found = {}
    for event in project.event_names:
        for form in project.forms_of(event):
            place = project.place(event, form)
            part = _Part(form if place == "instrument" else "", place != "base")
            found.update({(event, name): part for name in project.stored_names(form) if name != SURVEY_IDENTIFIER})
    return found


def _target(key: RowKey, new: _Part) -> RowKey | None:
    """The row of another part that takes a row's values; what is no first instance has none where nothing repeats."""
    if new.repeats:
        return RowKey(key.event, new.instrument, key.instance or 1)
    return RowKey(key.event) if key.instance in {0, 1} else None

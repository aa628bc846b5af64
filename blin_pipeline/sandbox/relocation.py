"""Stored values follow a changed set-up: renamed and deleted events, forms that begin or cease to repeat.

REDCap stores an event's number and takes a missing instance for the first, so that its values reappear where the new
set-up looks for them; here they are moved. What the new set-up does not show stays stored, unseen, except for events
that were deleted, whose values go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from blin_pipeline.sandbox.project import ProjectState, Record
from blin_pipeline.sandbox.setup import Arm, Event, unique_event_name
from blin_pipeline.sandbox.structure import Place, RowKey


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
    """Make a change to what repeats, and move every form's values to where it now stores them."""
    before = _places(project)
    change()
    after = _places(project)
    moves = [(*spot, before[spot], after[spot]) for spot in before if spot in after and before[spot] != after[spot]]
    for record in project.records.values():
        for event, form, old, new in moves:
            _move(
                record, project.stored_names(form), RowKey(event, *_part(form, old)), RowKey(event, *_part(form, new))
            )


def _places(project: ProjectState) -> dict[tuple[str, str], Place]:
    spots = ((event, form) for event in project.event_names for form in project.forms_of(event))
    return {(event, form): place for event, form in spots if (place := project.place(event, form)) is not None}


def _part(form: str, place: Place) -> tuple[str, int]:
    """Instrument and first instance of a place; the base row counts as the first instance."""
    return (form if place == "instrument" else "", 0 if place == "base" else 1)


def _move(record: Record, names: frozenset[str], first: RowKey, target: RowKey) -> None:
    last = max((key.instance for key in record.rows if key[:2] == first[:2]), default=0)
    count = last - first.instance + 1 if first.instance and target.instance else 1
    for step in range(count):
        source = first._replace(instance=first.instance + step)
        found = {name: value for name, value in record.rows.get(source, {}).items() if name in names}
        if not found:
            continue
        rest = {name: value for name, value in record.rows[source].items() if name not in names}
        if rest or not source.instance:
            record.rows[source] = rest
        else:
            del record.rows[source]
        record.rows.setdefault(target._replace(instance=target.instance + step), {}).update(found)

"""Which instruments belong to which event, and what repeats. Source: ``docs/redcap.md`` sections 3 and 11."""

from __future__ import annotations

from blin_pipeline.sandbox.contents.call import Answer, Call, count, table
from blin_pipeline.sandbox.contents.events import wanted_arms
from blin_pipeline.sandbox.contents.payload import rows_of
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.protocol import CLASSIC_MAPPINGS, NO_REPEATING, ApiError, unknown_values
from blin_pipeline.sandbox.relocation import change_places
from blin_pipeline.sandbox.setup import Repeat


def mappings(call: Call) -> Answer:
    """Designated instruments by event."""
    project = call.project
    if not project.is_longitudinal:
        raise ApiError(400, CLASSIC_MAPPINGS)
    numbers = wanted_arms(call)
    rows: list[list[Cell]] = [
        [event.arm, event.unique_name, form]
        for event in project.events
        if event.arm in numbers
        for form in project.forms_of(event.unique_name)
    ]
    return table(call, ["arm_num", "unique_event_name", "form"], rows)


def import_mappings(call: Call) -> Answer:
    """Replace all designations; the answer is the number of rows."""
    project = call.project
    if not project.is_longitudinal:
        raise ApiError(400, CLASSIC_MAPPINGS)
    rows = rows_of(call.request)
    arm_of = {event.unique_name: str(event.arm) for event in project.events}
    unknown = [row.get("unique_event_name", "") for row in rows if row.get("unique_event_name") not in arm_of]
    if unknown:
        raise unknown_values("unique_event_name", unknown)
    wrong_arms = [
        row["arm_num"] for row in rows if row.get("arm_num", "") not in {"", arm_of[row["unique_event_name"]]}
    ]
    if wrong_arms:
        raise unknown_values("arm_num", wrong_arms)
    unknown = [row.get("form", "") for row in rows if row.get("form") not in project.dictionary.forms]
    if unknown:
        raise unknown_values("form", unknown)
    pairs = [(row["unique_event_name"], row["form"]) for row in rows]
    change_places(project, lambda: project.set_event_forms(pairs))
    call.log_change("Import instrument-event mappings (API)")
    return count(call, len(rows))


def repeating(call: Call) -> Answer:
    """Repeating instruments and events; a repeating event is a row without an instrument."""
    project = call.project
    if not project.active_repeats:
        raise ApiError(400, NO_REPEATING)
    if project.is_longitudinal:
        rows: list[list[Cell]] = [[item.event, item.form, item.label] for item in project.active_repeats]
        return table(call, ["event_name", "form_name", "custom_form_label"], rows)
    return table(call, ["form_name", "custom_form_label"], [[item.form, item.label] for item in project.active_repeats])


def import_repeating(call: Call) -> Answer:
    """Replace what repeats; an empty import clears it."""
    project = call.project
    rows = rows_of(call.request)
    repeats = []
    for row in rows:
        event = row.get("event_name", "") if project.is_longitudinal else ""
        form = row.get("form_name", "")
        if event not in project.event_names:
            raise unknown_values("event_name", [event])
        if (form or not event) and form not in project.forms_of(event):
            raise unknown_values("form_name", [form])
        repeats.append(Repeat(form, event, row.get("custom_form_label", "")))
    hidden = [item for item in project.repeats if item.event not in project.event_names]
    change_places(project, lambda: project.set_repeats([*repeats, *hidden]))
    call.log_change("Import repeating instruments and events (API)")
    return count(call, len(rows))

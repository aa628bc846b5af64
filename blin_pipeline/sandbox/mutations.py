"""Changes that a project undergoes while it is being read, by name: what people do at a site during a pull.

Each takes the first record, form or field that it can work on, so that the same project always changes the same way. One
that finds nothing to work on changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.sandbox.faults import Mutation
from blin_pipeline.sandbox.log import SandboxClock
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rights import ExportRight

_HOUR = timedelta(hours=1)


def _first(project: ProjectState) -> str | None:
    return next((name for name, _ in project.sorted_records()), None)


def _set_first(project: ProjectState, wanted: str, value: str) -> None:
    """Save ``value`` in the first stored field of a type (``notes``, or ``text`` with a validation)."""
    types = {item.field_name: item for item in project.dictionary.fields if item.field_type == wanted}
    for record_id, record in project.sorted_records():
        for key, stored in project.rows_of(record):
            for name in stored:
                if name in types and (wanted == "notes" or types[name].validation):
                    form, instance = types[name].form_name, key.instance or None
                    project.save(record_id, form, instance, {name: value}, event=key.event)
                    return


def edit_notes(project: ProjectState) -> None:
    """Give a notes field two lines (CRLF) and a no-break space."""
    _set_first(project, "notes", "changed\r\nwhile\u00a0being read")


def junk_value(project: ProjectState) -> None:
    """Put text into a validated field, as it stays from before a validation was added."""
    _set_first(project, "text", "before validation 1")


def add_record(project: ProjectState) -> None:
    """Add a record with nothing but its id and the first form's status."""
    numbers = [int(name) for name in project.records if name.isdigit()]
    event, form = project.event_names[0], next(iter(project.forms_of(project.event_names[0])), None)
    if form is not None:
        instance = None if project.place(event, form) == "base" else 1
        project.save(str(max(numbers, default=0) + 1), form, instance, {}, event=event)


def delete_record(project: ProjectState) -> None:
    """Delete the first record."""
    if (name := _first(project)) is not None:
        project.delete_record(name)


def rename_record(project: ProjectState) -> None:
    """Rename the first record."""
    if (name := _first(project)) is not None:
        project.rename_record(name, f"{name}-renamed")


def move_record(project: ProjectState) -> None:
    """Put the first record into another Data Access Group."""
    if (name := _first(project)) is not None:
        now = project.records[name].group
        other = next((group.unique_name for group in project.groups if group.unique_name != now), None)
        if other is not None:
            project.assign_group(name, other)


def new_field(project: ProjectState) -> None:
    """Add a field at the end of the first form."""
    form = project.dictionary.forms[0]
    last = max(place for place, item in enumerate(project.dictionary.fields) if item.form_name == form)
    added = Field(field_name="added_meanwhile", form_name=form, field_type="text", field_label="Added meanwhile")
    fields = [item for item in project.dictionary.fields if item.field_name != added.field_name]
    project.replace_dictionary(Dictionary(fields=(*fields[: last + 1], added, *fields[last + 1 :])))


def new_form(project: ProjectState) -> None:
    """Add an instrument on which no user has an export right yet, as the real server adds it."""
    added = Field(field_name="added_form_date", form_name="added_form", field_type="text", field_label="Date")
    if "added_form" not in project.dictionary.forms:
        project.replace_dictionary(Dictionary(fields=(*project.dictionary.fields, added)))
    for name, user in project.users.items():
        rights = {**user.privileges.form_export_rights, "added_form": ExportRight.NONE}
        project.users[name] = replace(user, privileges=replace(user.privileges, form_export_rights=rights))


def clock_back(project: ProjectState) -> None:
    """Put the server's clock back by an hour, as daylight saving ends; wall-clock time stays as it is."""
    if isinstance(project.clock, SandboxClock):
        project.clock.advance(-_HOUR)


#: Name, as the command takes it -> change.
MUTATIONS: Mapping[str, Mutation] = {
    "edit_notes": edit_notes,
    "junk_value": junk_value,
    "add_record": add_record,
    "delete_record": delete_record,
    "rename_record": rename_record,
    "move_record": move_record,
    "new_field": new_field,
    "new_form": new_form,
    "clock_back": clock_back,
}

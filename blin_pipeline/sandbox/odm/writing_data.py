"""The records of a project XML."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from blin_pipeline.redcap.odm.vocabulary import ACCESS_GROUP
from blin_pipeline.sandbox.odm.items import Group, Item
from blin_pipeline.sandbox.odm.markup import Attributes, empty, opening
from blin_pipeline.sandbox.odm.vocabulary import data_type
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.records.choosing import Chosen
from blin_pipeline.sandbox.structure import UPLOADS, RowKey

_MOMENTS = frozenset({"datetime", "partialDatetime"})


@dataclass(frozen=True)
class DataScope:
    """What of the records is written.

    Attributes:
        names: Export names that may be written.
        groups: Instrument -> item groups.
        with_files: Whether uploaded files are written.
        shown_ids: Record id -> the id as the user may see it.
    """

    names: Collection[str]
    groups: Mapping[str, list[Group]]
    with_files: bool
    shown_ids: Mapping[str, str]


def data_lines(project: ProjectState, chosen: Iterable[Chosen], scope: DataScope) -> Iterator[str]:
    """One ``SubjectData`` per record."""
    for item in chosen:
        attributes = {
            "SubjectKey": scope.shown_ids[item.record_id],
            "redcap:RecordIdField": project.dictionary.record_id_field,
        }
        yield "\t" + opening("SubjectData", attributes)
        yield from _record_lines(project, item, scope)
        yield "\t</SubjectData>"


def _record_lines(project: ProjectState, chosen: Chosen, scope: DataScope) -> Iterator[str]:
    """Rows by event; instances of a repeating instrument inside the event, those of a repeating event on their own."""
    rows = [
        (key, stored)
        for key, stored in project.rows_of(chosen.record)
        if chosen.events is None or key.event in chosen.events
    ]
    blocks: dict[tuple[str, int], list[tuple[RowKey, dict[str, str]]]] = {}
    for key, stored in rows:
        blocks.setdefault((key.event, 0 if key.instrument else key.instance), []).append((key, stored))
    for (event, instance), members in blocks.items():
        if event:
            attributes: Attributes = {
                "StudyEventOID": f"Event.{event}",
                "StudyEventRepeatKey": instance or 1,
                "redcap:UniqueEventName": event,
            }
            yield "\t\t" + opening("StudyEventData", attributes)
        for key, stored in members:
            yield from _row_lines(project, chosen, key, stored, scope)
        if event:
            yield "\t\t</StudyEventData>"


def _row_lines(
    project: ProjectState, chosen: Chosen, key: RowKey, stored: Mapping[str, str], scope: DataScope
) -> Iterator[str]:
    place = "instrument" if key.instrument else "event" if key.instance else "base"
    for form in project.forms_of(key.event):
        if project.place(key.event, form) != place or (key.instrument and form != key.instrument):
            continue
        lines = _form_lines(project, chosen, scope.groups[form], stored, scope)
        if lines:
            repeat_key = key.instance if key.instrument else 1
            yield "\t\t\t" + opening("FormData", {"FormOID": f"Form.{form}", "FormRepeatKey": repeat_key})
            yield from lines
            yield "\t\t\t</FormData>"


def _form_lines(
    project: ProjectState, chosen: Chosen, groups: Iterable[Group], stored: Mapping[str, str], scope: DataScope
) -> list[str]:
    """The groups of a form that hold something; an item of several groups stands in the first."""
    lines: list[str] = []
    written: set[str] = set()
    for group in groups:
        items = [item for item in group.items if item.oid not in written]
        written.update(item.oid for item in items)
        values = [line for item in items for line in _item_lines(project, chosen, item, stored, scope)]
        if values:
            attributes: Attributes = {"ItemGroupOID": group.oid, "ItemGroupRepeatKey": 1}
            lines += ["\t\t\t\t" + opening("ItemGroupData", attributes), *values, "\t\t\t\t</ItemGroupData>"]
    return lines


def _item_lines(
    project: ProjectState, chosen: Chosen, item: Item, stored: Mapping[str, str], scope: DataScope
) -> Iterator[str]:
    """One item; options of a checkbox are written ticked or not, also of forms that were never saved."""
    if item.oid == project.dictionary.record_id_field:
        value = scope.shown_ids[chosen.record_id]
    elif item.oid == ACCESS_GROUP:
        value = chosen.record.group
    else:
        value = stored.get(item.oid, "0" if item.code else "") if item.oid in scope.names else ""
    definition = item.definition
    if not value:
        return
    if definition is not None and definition.field_type in UPLOADS and value not in project.missing_data_codes:
        if scope.with_files and value.isdecimal() and int(value) in project.files:
            file = project.files[int(value)]
            attributes = {"ItemOID": item.oid, "redcap:DocName": file.name, "redcap:MimeType": file.media_type}
            content = base64.b64encode(file.content).decode()
            yield f"\t\t\t\t\t{opening('ItemDataBase64Binary', attributes)}<![CDATA[{content}]]></ItemDataBase64Binary>"
        return
    if definition is not None and data_type(definition) in _MOMENTS and value not in project.missing_data_codes:
        value = value.replace(" ", "T", 1)
    yield "\t\t\t\t\t" + empty("ItemData", {"ItemOID": item.oid, "Value": value})

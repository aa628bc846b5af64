"""The flat export: one row per record, event and instance.

Source: ``docs/redcap.md`` sections 4.2 and 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.records.cells import FileValue, Writer, cell_writer, combined_writer
from blin_pipeline.sandbox.records.choosing import Chosen
from blin_pipeline.sandbox.records.columns import Column, ColumnKind, Selection
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.rights import hashed_record_id
from blin_pipeline.sandbox.structure import RowKey

_OWN_KINDS: frozenset[ColumnKind] = frozenset({"record_id", "event", "repeat_instrument", "repeat_instance", "group"})
_RowKind = tuple[str, str, bool]


class ServerHabits(NamedTuple):
    """What differs between servers and versions.

    Attributes:
        base_rows_always: Whether a request for the record id and repeating instruments only also gives the base rows.
        file_value: What stands for an uploaded file: its name (14.x on) or ``[document]``.
        old_status_quirk: Whether the first instance of a repeating event shows status 0 of the record id's form
            although the form does not belong to the event (seen on 9.1.3).
    """

    base_rows_always: bool = True
    file_value: FileValue = "name"
    old_status_quirk: bool = False


class FlatRows:
    """Turns records into rows of cells: prepared once per export, applied to every record."""

    def __init__(self, project: ProjectState, selection: Selection, query: RecordQuery, habits: ServerHabits) -> None:
        self._project = project
        self._selection = selection
        self._query = query
        self._habits = habits
        self._templates: dict[_RowKind, list[tuple[str, str]]] = {}
        self._own_columns = [
            (position, column.kind) for position, column in enumerate(selection.columns) if column.kind in _OWN_KINDS
        ]
        self._combined: list[tuple[int, Callable[[Mapping[str, str]], str]]] = [
            (position, combined_writer(project, column, query))
            for position, column in enumerate(selection.columns)
            if column.kind == "combined_checkbox"
        ]
        writers = (cell_writer(project, column, query, habits.file_value) for column in selection.columns)
        self._writers: list[tuple[int, Writer]] = [
            (position, writer)
            for position, writer in enumerate(writers)
            if writer is not None and selection.columns[position].kind not in {"record_id", "repeat_instance"}
        ]
        self._base_forms = {
            event: any(project.place(event, form) == "base" for form in selection.forms)
            for event in project.event_names
        }
        self._selects_repeats = any(
            project.place(event, form) == "instrument" for event in project.event_names for form in selection.forms
        )

    def rows(self, chosen: Chosen) -> Iterator[list[Cell]]:
        """Cells of one record: rows that do not repeat in event order, then repeating ones by event, form, instance."""
        shown_id = shown_record_id(self._project, self._selection, chosen.record_id)
        for key, stored in self._project.rows_of(chosen.record):
            if (chosen.events is None or key.event in chosen.events) and self._is_shown(key, stored):
                yield self._cells(key, shown_id, chosen.record.group, stored)

    def _is_shown(self, key: RowKey, stored: Mapping[str, str]) -> bool:
        if not key.instance:
            if self._selection.has_record_id:
                return self._habits.base_rows_always or not self._selects_repeats or self._base_forms[key.event]
            return self._base_forms[key.event]
        if not key.instrument and self._selection.has_record_id:
            return True
        return any(name in stored for name, _ in self._template(key) if name)

    def _template(self, key: RowKey) -> list[tuple[str, str]]:
        """Per column the stored name and the text where nothing is stored; a blank name where it cannot stand."""
        is_instance = key.instance > 0
        kind = (key.event, key.instrument, is_instance)
        if kind not in self._templates:
            place = "base" if not is_instance else "instrument" if key.instrument else "event"
            live = {
                form
                for form in self._project.forms_of(key.event)
                if self._project.place(key.event, form) == place and (not key.instrument or form == key.instrument)
            }
            self._templates[kind] = [self._entry(column, live, key) for column in self._selection.columns]
        return self._templates[kind]

    def _entry(self, column: Column, live: set[str], key: RowKey) -> tuple[str, str]:
        if column.kind == "survey_identifier":
            return ("", "") if key.instrument else (column.name, "")
        if column.form not in live or column.kind == "combined_checkbox":
            return "", ""
        has_zero = column.kind == "checkbox" or (column.kind == "status" and not self._query.blank_gray_status)
        return column.name, "0" if has_zero else ""

    def _cells(self, key: RowKey, record_id: str, group: str, stored: Mapping[str, str]) -> list[Cell]:
        cells: list[Cell] = [stored.get(name, blank) for name, blank in self._template(key)]
        own: Mapping[ColumnKind, Cell] = {
            "record_id": record_id,
            "event": key.event,
            "repeat_instrument": key.instrument,
            "repeat_instance": key.instance or "",
            "group": group,
        }
        for position, kind in self._own_columns:
            cells[position] = own[kind]
        for position, combine in self._combined:
            cells[position] = combine(stored)
        if self._habits.old_status_quirk and key.instance == 1 and not key.instrument:
            self._add_status_quirk(key, cells)
        for position, write in self._writers:
            if cells[position] != "":
                cells[position] = write(str(cells[position]))
        return cells

    def _add_status_quirk(self, key: RowKey, cells: list[Cell]) -> None:
        form = self._project.dictionary.fields[0].form_name
        if self._project.place(key.event, form) is None:
            for position, column in enumerate(self._selection.columns):
                if column.kind == "status" and column.form == form:
                    cells[position] = "0"


def shown_record_id(project: ProjectState, selection: Selection, record_id: str) -> str:
    """The id as the user may see it."""
    return hashed_record_id(project.project_id, record_id) if selection.hashes_record_id else record_id

"""The eav export: one row per stored value, in the order of storage.

Source: ``docs/redcap.md`` section 5. A ticked option is one row with the base name of the field and the code as value;
blanks and unticked options have no row; a file is its document number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.records.cells import Writer, cell_writer
from blin_pipeline.sandbox.records.choosing import Chosen
from blin_pipeline.sandbox.records.columns import Column, Selection
from blin_pipeline.sandbox.records.flat import shown_record_id
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.structure import UPLOADS


def eav_header(project: ProjectState) -> list[str]:
    """Columns of an eav export."""
    event = ["redcap_event_name"] if project.is_longitudinal else []
    repeat = ["redcap_repeat_instrument", "redcap_repeat_instance"] if project.active_repeats else []
    return ["record", *event, *repeat, "field_name", "value"]


def eav_rows(
    project: ProjectState, selection: Selection, query: RecordQuery, chosen: Iterable[Chosen]
) -> Iterator[list[Cell]]:
    """Rows of an eav export."""
    columns = {column.name: column for column in selection.columns if column.kind in {"field", "checkbox", "status"}}
    writers = {name: _writer(project, column, query) for name, column in columns.items()}
    has_repeats = bool(project.active_repeats)
    for record_id, record, events in chosen:
        shown_id = shown_record_id(project, selection, record_id)
        for key, stored in project.rows_of(record):
            if events is not None and key.event not in events:
                continue
            place: list[Cell] = [key.event] if project.is_longitudinal else []
            if has_repeats:
                place += [key.instrument, key.instance or ""]
            if selection.has_record_id and not key.instrument:
                yield [shown_id, *place, project.dictionary.record_id_field, shown_id]
            for name, value in stored.items():
                if name not in columns:
                    continue
                definition, code = columns[name].definition, columns[name].code
                if not code or definition is None:
                    yield [shown_id, *place, name, writers[name](value)]
                elif value == "1":
                    label = {**definition.choices, **project.missing_data_codes}[code]
                    yield [shown_id, *place, definition.field_name, label if query.labels else code]


def _writer(project: ProjectState, column: Column, query: RecordQuery) -> Writer:
    if column.definition is not None and column.definition.field_type in UPLOADS:
        return lambda value: value
    return cell_writer(project, column, replace(query, removes_line_breaks=False), "name") or (lambda value: value)

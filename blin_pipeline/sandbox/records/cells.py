"""How a stored text becomes a cell: file names, labels, decimal marks, line breaks.

Source: ``docs/redcap.md`` section 4.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

from blin_pipeline.registry.dictionary import checkbox_column
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.records.columns import Column
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.structure import UPLOADS

Writer = Callable[[str], str]
FileValue = Literal["name", "document"]

DOCUMENT = "[document]"
STATUS_LABELS: Mapping[str, str] = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
_LINE_BREAK = re.compile(r"[\r\n]")
_NUMBER = re.compile(r"[-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?")
_NUMBER_VALIDATIONS = ("number", "integer")


def cell_writer(project: ProjectState, column: Column, query: RecordQuery, file_value: FileValue) -> Writer | None:
    """What to do with the stored texts of a column; None where they go out as they are. Blanks are never written."""
    writers = [
        writer
        for writer in (
            _missing_writer(project, query),
            _file_writer(project, column, file_value),
            _label_writer(project, column, query) if query.labels else _number_writer(column, query.decimal_mark),
            _break_writer(query),
        )
        if writer is not None
    ]
    if len(writers) < 2:
        return writers[0] if writers else None

    def write(value: str) -> str:
        for writer in writers:
            value = writer(value)
        return value

    return write


def combined_writer(project: ProjectState, column: Column, query: RecordQuery) -> Callable[[Mapping[str, str]], str]:
    """The ticked options of a checkbox in one cell: codes, or labels in label mode, joined by commas."""
    if column.definition is None:
        return lambda _: ""
    options = {**column.definition.choices, **project.missing_data_codes}
    shown = {checkbox_column(column.name, code): label if query.labels else code for code, label in options.items()}
    return lambda stored: ",".join(text for name, text in shown.items() if stored.get(name) == "1")


def _missing_writer(project: ProjectState, query: RecordQuery) -> Writer | None:
    if query.shows_missing_codes or not project.missing_data_codes:
        return None
    return lambda value: "" if value in project.missing_data_codes else value


def _file_writer(project: ProjectState, column: Column, file_value: FileValue) -> Writer | None:
    if column.definition is None or column.definition.field_type not in UPLOADS:
        return None
    if file_value == "document":
        return lambda value: value if value in project.missing_data_codes else DOCUMENT
    return project.file_name


def _break_writer(query: RecordQuery) -> Writer | None:
    return (lambda value: _LINE_BREAK.sub(" ", value)) if query.removes_line_breaks else None


def _label_writer(project: ProjectState, column: Column, query: RecordQuery) -> Writer | None:
    if column.kind == "event":
        return lambda name: shown_event(project, name)
    if column.kind == "repeat_instrument":
        return project.instrument_label
    if column.kind == "group":
        return project.group_label
    if column.kind == "status":
        return lambda value: STATUS_LABELS.get(value, value)
    definition = column.definition
    if definition is None or column.kind == "combined_checkbox":
        return None
    if column.kind == "checkbox":
        if query.checkbox_labels:
            label = {**definition.choices, **project.missing_data_codes}[column.code]
            return lambda value: label if value == "1" else ""
        return lambda value: "Checked" if value == "1" else "Unchecked"
    missing = {code: f"{label} ({code})" for code, label in project.missing_data_codes.items()}
    labels = {**missing, **definition.choices}
    return lambda value: labels.get(value, value)


def shown_event(project: ProjectState, unique_name: str) -> str:
    """Label of an event in label mode: with its arm where the project has several."""
    event = project.event(unique_name)
    if event is None:
        return unique_name
    return project.event_label(unique_name) if len(project.arms) > 1 else event.name


def _number_writer(column: Column, mark: str) -> Writer | None:
    definition = column.definition
    if not mark or definition is None or column.kind != "field":
        return None
    if definition.field_type != "calc" and not definition.validation.startswith(_NUMBER_VALIDATIONS):
        return None
    other = "," if mark == "." else "."
    return lambda value: value.replace(other, mark) if _NUMBER.fullmatch(value) else value

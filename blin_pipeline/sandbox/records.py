"""Record export: rows, blanks, labels and the two types, flat and eav.

Source: ``docs/redcap.md`` sections 4, 5 and 8. Which columns there are is decided in
:mod:`blin_pipeline.sandbox.columns`, how they become bytes in :mod:`blin_pipeline.sandbox.formats`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from blin_pipeline.sandbox.columns import STATUS_LABELS, Column, ColumnKind, Selection, select_columns
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.logic import Expression, parse_logic
from blin_pipeline.sandbox.project import ProjectState, Record
from blin_pipeline.sandbox.protocol import ApiError, ApiRequest, bad_parameter
from blin_pipeline.sandbox.rights import TokenRights, hashed_record_id
from blin_pipeline.sandbox.structure import UPLOADS, RowKey

_OWN_KINDS: frozenset[ColumnKind] = frozenset({"record_id", "repeat_instrument", "repeat_instance", "group"})
_NUMBER_VALIDATIONS = ("number", "integer")


class Table(NamedTuple):
    """Columns and rows of one export, not yet bytes."""

    columns: list[str]
    rows: list[list[Cell]]


def export_records(
    project: ProjectState, rights: TokenRights, request: ApiRequest, *, base_rows_always: bool = True
) -> Table:
    """Answer ``content=record``.

    Args:
        project: The live project.
        rights: Rights of the token's user.
        request: The request.
        base_rows_always: Whether a request for the record id and repeating instruments only also gives the base rows.

    Raises:
        ApiError: 400, a parameter that the server refuses.
    """
    kind = request.text("type", "flat") or "flat"
    if kind not in {"flat", "eav"}:
        raise bad_parameter("type")
    selection = select_columns(project, rights, request)
    chosen = list(_chosen_records(project, rights, request))
    if kind == "eav":
        return _eav(project, selection, chosen)
    labels = request.answer_format == "csv" and request.text("rawOrLabelHeaders").lower() == "label"
    header = [column.label if labels else column.name for column in selection.columns]
    shape = _RowShape(project, selection, request)
    return Table(header, [cells for item in chosen for cells in shape.rows(*item, base_rows_always=base_rows_always)])


def _chosen_records(project: ProjectState, rights: TokenRights, request: ApiRequest) -> Iterator[tuple[str, Record]]:
    wanted = set(request.array("records"))
    begin, end = request.moment("dateRangeBegin"), request.moment("dateRangeEnd")
    changed = project.log.changed_records(begin, end) if begin or end else None
    logic = _filter(project, request)
    for record_id, record in project.sorted_records():
        if (
            (not wanted or record_id in wanted)
            and (changed is None or record_id in changed)
            and rights.may_see_group(record.group)
            and (logic is None or _holds(project, logic, record_id, record))
        ):
            yield record_id, record


def _filter(project: ProjectState, request: ApiRequest) -> Expression | None:
    text = request.text("filterLogic").strip()
    if not text:
        return None
    logic = parse_logic(text)
    names = {definition.field_name for definition in project.dictionary.fields}
    names.update(f"{form}_complete" for form in project.dictionary.forms)
    if logic is None or not logic.fields <= names:
        raise ApiError(400, "The filter logic provided contains errors and could not be applied")
    return logic


def _holds(project: ProjectState, logic: Expression, record_id: str, record: Record) -> bool:
    base = {project.dictionary.record_id_field: record_id, **record.rows.get(RowKey(), {})}
    overlays = [base, *({**base, **values} for key, values in record.rows.items() if key.instrument)]
    return any(logic.holds(values) for values in overlays)


def _shown_id(project: ProjectState, selection: Selection, record_id: str) -> str:
    return hashed_record_id(project.project_id, record_id) if selection.hashes_record_id else record_id


class _RowShape:
    """Turns records into cells: prepared once per export, applied to every row."""

    def __init__(self, project: ProjectState, selection: Selection, request: ApiRequest) -> None:
        self._project = project
        self._selection = selection
        self._is_gray_blank = request.flag("exportBlankForGrayFormStatus")
        self._is_label = request.text("rawOrLabel").lower() == "label"
        repeating = set(project.repeating_instruments)
        self._has_base_form = any(form not in repeating for form in selection.forms)
        self._repeating = [form for form in project.dictionary.forms if form in repeating and form in selection.forms]
        self._order = {form: number for number, form in enumerate(self._repeating)}
        base_forms = [form for form in project.dictionary.forms if form not in repeating]
        self._templates = {
            "": self._template(frozenset(base_forms), is_base=True),
            **{form: self._template(frozenset({form}), is_base=False) for form in self._repeating},
        }
        self._own_columns = [
            (position, column.kind) for position, column in enumerate(selection.columns) if column.kind in _OWN_KINDS
        ]
        number_mark = request.text("decimalCharacter")
        self._writers = [
            _file_writer(project, column)
            or (_label_writer(project, column, request) if self._is_label else _number_writer(column, number_mark))
            for column in selection.columns
        ]
        self._has_writers = any(self._writers)

    def rows(self, record_id: str, record: Record, *, base_rows_always: bool) -> Iterator[list[Cell]]:
        """Cells of one record, base row first, then its repeating rows by instrument and instance."""
        shown_id = _shown_id(self._project, self._selection, record_id)
        order = self._order
        ordered = sorted(
            (key for key in record.rows if not key.instrument or key.instrument in order),
            key=lambda key: (order.get(key.instrument, -1), key.instance),
        )
        shows_base = self._has_base_form or not self._repeating or (base_rows_always and self._selection.has_record_id)
        for key in ordered:
            stored = record.rows[key]
            if not key.instrument:
                if shows_base:
                    yield self._cells(key, shown_id, record.group, stored)
            elif any(name in stored for name, _ in self._templates[key.instrument] if name):
                yield self._cells(key, shown_id, record.group, stored)

    def _template(self, live_forms: frozenset[str], *, is_base: bool) -> list[tuple[str, str]]:
        template = []
        for column in self._selection.columns:
            if (column.kind == "survey_identifier" and is_base) or column.form in live_forms:
                template.append((column.name, self._default(column)))
            else:
                template.append(("", ""))
        return template

    def _default(self, column: Column) -> str:
        if column.kind == "checkbox" or (column.kind == "status" and not self._is_gray_blank):
            return "0"
        return ""

    def _cells(self, key: RowKey, record_id: str, group: str, stored: Mapping[str, str]) -> list[Cell]:
        cells: list[Cell] = [stored.get(name, default) for name, default in self._templates[key.instrument]]
        own: Mapping[ColumnKind, Cell] = {
            "record_id": record_id,
            "repeat_instrument": key.instrument,
            "repeat_instance": key.instance or "",
            "group": group,
        }
        for position, kind in self._own_columns:
            cells[position] = own[kind]
        if self._has_writers:
            for position, writer in enumerate(self._writers):
                if writer is not None and cells[position] != "":
                    cells[position] = writer(str(cells[position]))
        return cells


Writer = Callable[[str], str]


def _file_writer(project: ProjectState, column: Column) -> Writer | None:
    is_upload = column.definition is not None and column.definition.field_type in UPLOADS
    return project.file_name if is_upload else None


def _label_writer(project: ProjectState, column: Column, request: ApiRequest) -> Writer | None:
    if column.kind == "repeat_instrument":
        return project.instrument_label
    if column.kind == "group":
        return project.group_label
    if column.kind == "status":
        return lambda value: STATUS_LABELS.get(value, value)
    definition = column.definition
    if definition is None:
        return None
    if column.kind == "checkbox":
        if request.flag("exportCheckboxLabel"):
            label = {**definition.choices, **project.missing_data_codes}[column.code]
            return lambda value: label if value == "1" else ""
        return lambda value: "Checked" if value == "1" else "Unchecked"
    missing = {code: f"{label} ({code})" for code, label in project.missing_data_codes.items()}
    labels = {**missing, **definition.choices}
    return lambda value: labels.get(value, value)


def _number_writer(column: Column, mark: str) -> Writer | None:
    definition = column.definition
    if mark not in {".", ","} or definition is None or column.kind != "field":
        return None
    if definition.field_type == "calc" or definition.validation.startswith(_NUMBER_VALIDATIONS):
        other = "," if mark == "." else "."
        return lambda value: value.replace(other, mark)
    return None


def _eav(project: ProjectState, selection: Selection, chosen: Sequence[tuple[str, Record]]) -> Table:
    """One row per stored value; a ticked option is one row with the base field name and the code as value."""
    repeats = bool(project.repeating_instruments)
    places = ["redcap_repeat_instrument", "redcap_repeat_instance"] if repeats else []
    header = ["record", *places, "field_name", "value"]
    facts: dict[str, tuple[str, str]] = {}
    for column in selection.columns:
        if column.kind == "checkbox" and column.definition is not None:
            facts[column.name] = (column.definition.field_name, column.code)
        elif column.kind in {"field", "status"}:
            facts[column.name] = (column.name, "")
    rows: list[list[Cell]] = []
    for record_id, record in chosen:
        shown_id = _shown_id(project, selection, record_id)
        for key, stored in project.rows_of(record):
            place: list[Cell] = [key.instrument, key.instance or ""] if repeats else []
            if selection.has_record_id and not key.instrument:
                rows.append([shown_id, *place, project.dictionary.record_id_field, shown_id])
            for name, value in stored.items():
                if name not in facts:
                    continue
                field_name, code = facts[name]
                if not code:
                    rows.append([shown_id, *place, field_name, value])
                elif value == "1":
                    rows.append([shown_id, *place, field_name, code])
    return Table(header, rows)

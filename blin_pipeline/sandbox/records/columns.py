"""Which columns a record export has, and in which order: wishes, set-up and rights in, columns out.

Source: ``docs/redcap.md`` sections 4.1, 4.4 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from blin_pipeline.registry.dictionary import NOT_EXPORTED, Field, checkbox_column
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import NO_EXPORT_RIGHT, ApiError
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.rights import ExportRight, TokenRights, is_hidden
from blin_pipeline.sandbox.structure import SURVEY_IDENTIFIER

ColumnKind = Literal[
    "record_id",
    "event",
    "repeat_instrument",
    "repeat_instance",
    "group",
    "survey_identifier",
    "survey_timestamp",
    "field",
    "checkbox",
    "combined_checkbox",
    "status",
]


@dataclass(frozen=True)
class Column:
    """One column of a record export.

    Attributes:
        kind: What it holds.
        name: Export name.
        form: Instrument it belongs to, ``""`` for the project's own columns.
        label: Header under ``rawOrLabelHeaders=label``.
        definition: The dictionary row behind it, where there is one.
        code: Option of a checkbox column.
    """

    kind: ColumnKind
    name: str
    form: str = ""
    label: str = ""
    definition: Field | None = None
    code: str = ""


@dataclass(frozen=True)
class Selection:
    """What an export asks for, after rights.

    Attributes:
        columns: Columns in export order.
        has_record_id: Whether the record id was asked for, and with it the key columns.
        forms: Instruments of which at least one column besides the record id is exported.
        hashes_record_id: Whether de-identification replaces the record id by a hash.
    """

    columns: tuple[Column, ...]
    has_record_id: bool
    forms: tuple[str, ...]
    hashes_record_id: bool


def select_columns(project: ProjectState, rights: TokenRights, query: RecordQuery) -> Selection:
    """Work out the columns of one record export.

    Raises:
        ApiError: 403, no form may be exported.
    """
    record_id_field = project.dictionary.fields[0]
    levels = {rights.on_form(form) for form in project.dictionary.forms}
    if levels == {ExportRight.NONE}:
        raise ApiError(403, NO_EXPORT_RIGHT)
    wanted = _wanted_names(project, query)
    has_record_id = record_id_field.field_name in wanted
    by_form = {form: _form_columns(project, rights, query, form, wanted) for form in project.dictionary.forms}
    by_form = {form: columns for form, columns in by_form.items() if columns}
    columns = _key_columns(project, query) if has_record_id else []
    if query.groups and project.groups and not rights.data_access_group:
        columns.append(Column("group", "redcap_data_access_group", label="Data Access Group"))
    with_survey_columns = query.survey_fields and bool(project.surveys)
    if with_survey_columns and not levels & {ExportRight.DEIDENTIFIED, ExportRight.WITHOUT_IDENTIFIERS}:
        columns.append(Column("survey_identifier", SURVEY_IDENTIFIER, label="Survey Identifier"))
    own = [column for form_columns in by_form.values() for column in form_columns]
    if query.in_given_order:
        position = {name: number for number, name in enumerate(query.fields)}
        own.sort(key=lambda column: position[column.definition.field_name if column.definition else column.name])
    dated = {
        form
        for form in by_form
        if with_survey_columns and form in project.surveys and rights.on_form(form) is not ExportRight.DEIDENTIFIED
    }
    for column in own:
        if column.form in dated:
            dated.remove(column.form)
            columns.append(Column("survey_timestamp", f"{column.form}_timestamp", column.form, "Survey Timestamp"))
        columns.append(column)
    hashes = rights.on_form(record_id_field.form_name) is ExportRight.DEIDENTIFIED and record_id_field.is_identifier
    return Selection(tuple(columns), has_record_id, tuple(by_form), hashes)


def _key_columns(project: ProjectState, query: RecordQuery) -> list[Column]:
    """Record id, and the columns that come with it."""
    field = project.dictionary.fields[0]
    columns = [Column("record_id", field.field_name, field.form_name, field.field_label, field)]
    if project.is_longitudinal:
        columns.append(Column("event", "redcap_event_name", label="Event Name"))
    if project.active_repeats and query.repeat_columns:
        columns.append(Column("repeat_instrument", "redcap_repeat_instrument", label="Repeat Instrument"))
        columns.append(Column("repeat_instance", "redcap_repeat_instance", label="Repeat Instance"))
    return columns


def _wanted_names(project: ProjectState, query: RecordQuery) -> frozenset[str]:
    names_of = {
        form: [item.field_name for item in project.dictionary.form_fields(form)] + [f"{form}_complete"]
        for form in project.dictionary.forms
    }
    wanted = {*query.fields, *(name for form in query.forms for name in names_of[form])}
    return frozenset(wanted or (name for names in names_of.values() for name in names))


def _form_columns(
    project: ProjectState, rights: TokenRights, query: RecordQuery, form: str, wanted: frozenset[str]
) -> list[Column]:
    right = rights.on_form(form)
    if right is ExportRight.NONE:
        return []
    columns: list[Column] = []
    for definition in project.dictionary.form_fields(form):
        name = definition.field_name
        if (
            name not in wanted
            or name == project.dictionary.record_id_field
            or definition.field_type in NOT_EXPORTED
            or is_hidden(definition, right)
        ):
            continue
        if definition.field_type != "checkbox":
            columns.append(Column("field", name, form, definition.field_label, definition))
        elif query.combined_checkboxes and query.kind == "flat":
            columns.append(Column("combined_checkbox", name, form, definition.field_label, definition))
        else:
            columns.extend(_checkbox_columns(project, definition))
    if f"{form}_complete" in wanted:
        columns.append(Column("status", f"{form}_complete", form, "Complete?"))
    return columns


def _checkbox_columns(project: ProjectState, definition: Field) -> list[Column]:
    options = {**definition.choices, **project.missing_data_codes}
    return [
        Column(
            "checkbox",
            checkbox_column(definition.field_name, code),
            definition.form_name,
            f"{definition.field_label} (choice={label})",
            definition,
            code,
        )
        for code, label in options.items()
    ]

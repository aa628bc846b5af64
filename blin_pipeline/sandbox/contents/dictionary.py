"""Dictionary, instruments, export names. Source: ``docs/redcap.md`` sections 3, 4.4 and 10."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import (
    COLUMNS,
    NOT_EXPORTED,
    Dictionary,
    Field,
    checkbox_column,
    dictionary_from_rows,
)
from blin_pipeline.sandbox.contents.call import Answer, Call, count, table
from blin_pipeline.sandbox.contents.payload import rows_of
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.protocol import ApiError, bad_parameter, unknown_values
from blin_pipeline.sandbox.relocation import change_places
from blin_pipeline.sandbox.structure import UPLOADS
from blin_pipeline.sandbox.validation import BadValueError, DateFormat, stored_value


def metadata(call: Call) -> Answer:
    """The dictionary, whole or by fields and forms.

    Raises:
        ApiError: 400, a field or form that it lacks.
    """
    known = call.project.dictionary
    fields, forms = call.request.array("fields"), call.request.array("forms")
    names = {definition.field_name for definition in known.fields}
    for parameter, given, there in (("fields", fields, names), ("forms", forms, known.forms)):
        if unknown := [name for name in given if name not in there]:
            raise unknown_values(parameter, unknown)
    rows: list[list[Cell]] = [
        [str(getattr(definition, name)) for name in COLUMNS]
        for definition in known.fields
        if not (fields or forms) or definition.field_name in fields or definition.form_name in forms
    ]
    return table(call, list(COLUMNS), rows)


def import_metadata(call: Call) -> Answer:
    """Replace the dictionary; the answer is the number of its fields. Values of fields that are gone stay, unseen."""
    project = call.project
    date_format = call.request.text("dateFormat").upper() or "YMD"
    if date_format not in get_args(DateFormat):
        raise bad_parameter("dateFormat")
    by_header = {header: name for name, header in COLUMNS.items()}
    rows = [{by_header.get(name, name): value for name, value in row.items()} for row in rows_of(call.request)]
    try:
        dictionary = dictionary_from_rows(rows, Path("data"))
    except ConfigurationError as error:
        raise ApiError(400, error.what) from None
    if date_format != "YMD":
        fields = tuple(_with_stored_limits(field, cast("DateFormat", date_format)) for field in dictionary.fields)
        dictionary = Dictionary(fields=fields)
    change_places(project, lambda: project.set_dictionary(dictionary))
    call.log_change("Import metadata (API)")
    return count(call, len(dictionary.fields))


def _with_stored_limits(field: Field, date_format: DateFormat) -> Field:
    """A field whose limits are dates, with the year first; ``today`` and fields as limits stay."""
    if not field.validation.startswith(("date_", "datetime_")):
        return field
    changed = {}
    for limit in ("text_validation_min", "text_validation_max"):
        value = getattr(field, limit)
        if value[:1].isdigit():
            try:
                changed[limit] = stored_value(field, value, date_format=date_format, missing_data_codes=())
            except BadValueError as error:
                raise ApiError(400, f"{field.field_name}: {error}") from None
    return field.model_copy(update=changed)


def instrument(call: Call) -> Answer:
    """Instruments in project order."""
    project = call.project
    rows: list[list[Cell]] = [[form, project.instrument_label(form)] for form in project.dictionary.forms]
    return table(call, ["instrument_name", "instrument_label"], rows)


def field_names(call: Call) -> Answer:
    """Field, option and export name of every column that a record export can have, uploads excepted."""
    project, only = call.project, call.request.text("field")
    rows: list[list[Cell]] = []
    for form in project.dictionary.forms:
        for definition in project.dictionary.form_fields(form):
            name = definition.field_name
            if definition.field_type in NOT_EXPORTED or definition.field_type in UPLOADS:
                continue
            if definition.field_type == "checkbox":
                codes = (*definition.choices, *project.missing_data_codes)
                rows.extend([name, code, checkbox_column(name, code)] for code in codes)
            else:
                rows.append([name, "", name])
        rows.append([f"{form}_complete", "", f"{form}_complete"])
    if only:
        rows = [row for row in rows if row[0] == only]
        if not rows:
            raise bad_parameter("field")
    return table(call, ["original_field_name", "choice_value", "export_field_name"], rows)

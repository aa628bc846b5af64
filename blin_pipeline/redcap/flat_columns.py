"""The columns of one flat file: which a dictionary allows, and which instrument each belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.project_setup import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT, SURVEY_IDENTIFIER
from blin_pipeline.redcap.setup_rows import ExportName
from blin_pipeline.registry.dictionary import Dictionary, checkbox_column

#: What the file is called in errors.
DATA_FILE = "the file of records"
#: System columns that make the key of a row, and its group.
KEYS = (EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE, GROUP)
_COLUMN = re.compile(r"[A-Za-z0-9_]{1,100}")


def check_first_column(header: Sequence[str], record_id_field: str) -> None:
    """See that a file begins with the record id.

    Raises:
        RedcapReadError: ``E_SCHEMA``: labels as headers, or another separator.
    """
    first = header[0]
    if first == record_id_field:
        return
    if len(header) == 1 and re.search(r"[;\t|^]", first):
        detail = "the cells are not separated by commas"
    else:
        detail = f"the first column is not {record_id_field!r} (an export with labels as headers?)"
    raise RedcapReadError("E_SCHEMA", DATA_FILE, detail=detail)


def flat_export_names(dictionary: Dictionary, codes: Sequence[str]) -> dict[str, ExportName]:
    """Every column that a flat export of this dictionary may have.

    Args:
        dictionary: Data dictionary.
        codes: Missing-data codes that a checkbox may have a column for.
    """
    names: dict[str, ExportName] = {}
    for form in dictionary.forms:
        for field in dictionary.form_fields(form):
            if field.field_name == dictionary.record_id_field:
                continue
            options = [*field.choices, *codes] if field.field_type == "checkbox" else [""]
            for code in options:
                column = checkbox_column(field.field_name, code) if code else field.field_name
                if field.export_names(codes):
                    names.setdefault(
                        column,
                        ExportName(original_field_name=field.field_name, choice_value=code, export_field_name=column),
                    )
        status = f"{form}_complete"
        names[status] = ExportName(original_field_name=status, export_field_name=status)
    return names


def columns_by_form(
    header: Sequence[str], dictionary: Dictionary, names: Mapping[str, ExportName]
) -> dict[str, list[str]]:
    """Columns of each instrument in the file's order, the status last; only instruments that the file holds.

    Args:
        header: Columns of the file, the record id first.
        dictionary: Data dictionary.
        names: Every column that it allows.

    Raises:
        RedcapReadError: ``E_SCHEMA``, a column that is neither a system column nor in the dictionary.
    """
    forms = dictionary.forms
    form_of = {field.field_name: field.form_name for field in dictionary.fields}
    by_form: dict[str, list[str]] = {form: [] for form in forms}
    stamps = {f"{form}_timestamp": form for form in forms}
    for place, column in enumerate(header[1:], start=2):
        if column in KEYS or column == SURVEY_IDENTIFIER:
            continue
        if column in names:
            field = names[column].original_field_name
            by_form[form_of[field] if field in form_of else field.removesuffix("_complete")].append(column)
        elif column in stamps:
            by_form[stamps[column]].append(column)
        else:
            # Whatever is no column name could be a cell: the number must do.
            name = repr(column) if _COLUMN.fullmatch(column) else f"number {place}"
            raise RedcapReadError(
                "E_SCHEMA", DATA_FILE, detail=f"column {name} is neither a system column nor in the dictionary"
            )
    if SURVEY_IDENTIFIER in header:
        host = next((form for form in forms if f"{form}_timestamp" in by_form[form]), forms[0])
        by_form[host].insert(0, SURVEY_IDENTIFIER)
    return {form: _status_last(form, columns) for form, columns in by_form.items() if columns}


def _status_last(form: str, columns: Sequence[str]) -> list[str]:
    status = f"{form}_complete"
    return sorted(columns, key=lambda name: name == status)

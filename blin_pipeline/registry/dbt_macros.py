"""The registry's numbers and fields as one dbt macro file, so that SQL and Python cannot disagree.

``python -m blin_pipeline.registry.dbt_macros FILE`` writes it (``make codegen``); a test fails when the committed file is stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from blin_pipeline.registry.dictionary import Dictionary, Field, checkbox_column, load_dictionary
from blin_pipeline.registry.missing_codes import load_missing_data_codes
from blin_pipeline.registry.parameters import Parameters, load_parameters

HEADER = """{#- Generated from blin_pipeline/registry/study by `make codegen`; do not edit by hand. -#}
"""
_SQL_TYPES = {"integer": "integer", "number": "number", "date_ymd": "date", "datetime_ymd": "datetime"}


def field_kind(field: Field) -> str:
    """Staging type of a field: text, integer, number, date, datetime, code, checkbox or calc."""
    if field.field_type in {"radio", "dropdown", "yesno", "truefalse"}:
        return "code"
    if field.field_type in {"checkbox", "calc"}:
        return field.field_type
    if field.field_type == "slider":
        return "integer"
    return _SQL_TYPES.get(field.validation, "text")


def _field_entry(field: Field) -> dict[str, object]:
    entry: dict[str, object] = {"name": field.field_name, "kind": field_kind(field)}
    if field.is_required:
        entry["required"] = True
    if field.choices:
        entry["codes"] = list(field.choices)
    if field.field_type == "checkbox":
        entry["columns"] = [checkbox_column(field.field_name, code) for code in field.choices]
    if entry["kind"] in {"integer", "number"}:
        low, high = field.text_validation_min, field.text_validation_max
        entry |= {key: float(cell) for key, cell in (("min", low), ("max", high)) if cell}
    return entry


def _fields_literal(fields: dict[str, list[dict[str, object]]]) -> str:
    """One line per field, so that a changed dictionary shows as a readable difference."""
    forms = []
    for form, entries in fields.items():
        lines = ",\n    ".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        forms.append(f'  "{form}": [\n    {lines}\n  ]')
    return "{\n" + ",\n".join(forms) + "\n}"


def macro_file(dictionary: Dictionary, parameters: Parameters, missing_data_codes: Iterable[str]) -> str:
    """Text of the generated macro file.

    Args:
        dictionary: The canonical dictionary; its record id field is a key, not a field, in the macro.
        parameters: The parameters; lists come through as lists, dates as ISO text.
        missing_data_codes: The project-level missing-data codes that the registry proposes.
    """
    fields = {
        form: [_field_entry(f) for f in dictionary.form_fields(form) if f.field_name != dictionary.record_id_field]
        for form in dictionary.forms
    }
    values = {name: entry.model_dump(mode="json")["value"] for name, entry in parameters.entries.items()}
    return (
        HEADER
        + "{% macro registry_parameters() %}\n  {{ return("
        + json.dumps(values, indent=2)
        + ") }}\n{% endmacro %}\n\n"
        + "{% macro registry_missing_data_codes() %}\n  {{ return("
        + json.dumps(list(missing_data_codes))
        + ") }}\n{% endmacro %}\n\n"
        + "{% macro registry_fields() %}\n  {{ return("
        + _fields_literal(fields)
        + ") }}\n{% endmacro %}\n"
    )


def main() -> None:
    """Write the macro file named on the command line."""
    text = macro_file(load_dictionary(), load_parameters(), load_missing_data_codes())
    Path(sys.argv[1]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

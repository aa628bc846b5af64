"""Column documentation of the staging models, from the dictionary: labels, codes, limits and units are written once.

``python -m blin_pipeline.registry.dbt_docs FOLDER`` writes one ``stg_redcap__<form>.yml`` per instrument (``make codegen``); a test
fails when a committed file is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from blin_pipeline.registry.dbt_macros import field_kind
from blin_pipeline.registry.dictionary import Dictionary, Field, load_dictionary

HEADER = "# Generated from blin_pipeline/registry/study/dictionary.csv by `make codegen`; do not edit by hand.\n"
_TYPES = {
    "text": "varchar",
    "integer": "integer",
    "number": "double",
    "date": "date",
    "datetime": "timestamp",
    "calc": "double",
    "checkbox": "boolean",
    "code": "varchar",
}
_KEYS: list[dict[str, Any]] = [
    {
        "name": "patient_key",
        "data_type": "varchar",
        "description": "Pseudonymous patient key.",
        "data_tests": ["not_null"],
    },
    {"name": "site_id", "data_type": "varchar", "description": "Coded site; UNASSIGNED without data access group."},
    {"name": "event_name", "data_type": "varchar", "description": "Unique event name; null in a classic project."},
    {"name": "instance_no", "data_type": "integer", "description": "Repeat instance; 1 on a once-only instrument."},
]
_TAIL: list[dict[str, Any]] = [
    {
        "name": "form_status_cd",
        "data_type": "varchar",
        "description": "0 incomplete, 1 unverified, 2 complete; null never saved.",
    },
    {"name": "form_opened", "data_type": "boolean", "description": "Whether anything was entered on the form."},
    {"name": "pull_id", "data_type": "varchar", "description": "Pull that the row comes from."},
]


def _limits(field: Field) -> str:
    low, high = field.text_validation_min, field.text_validation_max
    return f" Limits {low or 'none'} to {high or 'none'}." if low or high else ""


def _columns(field: Field) -> list[dict[str, Any]]:
    kind, name, label = field_kind(field), field.field_name, field.field_label
    if kind == "checkbox":
        return [
            {
                "name": f"{name}__{code}",
                "data_type": "boolean",
                "description": f"{label}: {choice}. Null when the form was not opened or the cell is neither 0 nor 1.",
            }
            for code, choice in field.choices.items()
        ] + [_null_flavor(name, name)]
    if kind == "calc":
        return [
            {
                "name": f"{name}_calc",
                "data_type": "double",
                "description": f"{label}, as REDCap stored it; not trusted.",
            }
        ]
    codes = (
        " Codes: " + "; ".join(f"{code} = {text}" for code, text in field.choices.items()) + "."
        if kind == "code"
        else ""
    )
    clock = " Wall clock of the site." if kind == "datetime" else ""
    column = f"{name}_cd" if kind == "code" else name
    return [
        {"name": column, "data_type": _TYPES[kind], "description": f"{label}.{codes}{_limits(field)}{clock}"},
        _null_flavor(name, column),
    ]


def _null_flavor(name: str, column: str) -> dict[str, Any]:
    return {
        "name": f"{name}_null_flavor_cd",
        "data_type": "varchar",
        "description": f"Why {column} has no value: missing-data code, INVALID or OUT_OF_RANGE; null when blank or valued.",
    }


def staging_columns(dictionary: Dictionary, form: str) -> list[dict[str, Any]]:
    """Columns of ``stg_redcap__<form>`` in order: name, data_type, description."""
    fields = [field for field in dictionary.form_fields(form) if field.field_name != dictionary.record_id_field]
    return [*_KEYS, *(column for field in fields for column in _columns(field)), *_TAIL]


def staging_yaml(dictionary: Dictionary, form: str) -> str:
    """Text of ``stg_redcap__<form>.yml``."""
    model = {
        "name": f"stg_redcap__{form}",
        "description": f"Instrument {form}, typed, each missing value with its reason. Grain: patient x event x instance.",
        "config": {"meta": {"grain": "patient_key, event_name, instance_no"}},
        "columns": staging_columns(dictionary, form),
    }
    base = {
        "name": f"base_redcap__{form}",
        "description": f"Instrument {form} under canonical names (field map applied), text, blanks null, keys joined.",
        "config": {"meta": {"grain": "patient_key, event_name, instance_no"}},
    }
    return HEADER + yaml.safe_dump(
        {"version": 2, "models": [base, model]}, sort_keys=False, allow_unicode=True, width=120
    )


def main() -> None:
    """Write the files into the folder named on the command line."""
    dictionary = load_dictionary()
    for form in dictionary.forms:
        (Path(sys.argv[1]) / f"stg_redcap__{form}.yml").write_text(staging_yaml(dictionary, form), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Reading a generated project as REDCap's own rules do: branching logic, choices, limits, per record."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from blin_pipeline.registry.dictionary import Dictionary, Field, checkbox_column
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, generate

MISSING = {"UNK", "NA", "NASK", "NAVU"}
_TERM = re.compile(r"\[(\w+)(?:\((\w+)\))?\]\s*(=|<>|<)\s*'?([^' ]*)'?")


@cache
def registry(seed: int = 20240614, patients: int = 200, planted: bool = True) -> SyntheticRegistry:
    """A registry, generated once in a test run."""
    return generate(SyntheticPlan(seed=seed, patients=patients, planted=planted))


def by_record(project: SourceProject) -> dict[str, list[FormRow]]:
    """Rows of each record."""
    rows: dict[str, list[FormRow]] = defaultdict(list)
    for row in project.rows:
        rows[row.record_id].append(row)
    return dict(rows)


def shown(field: Field, values: dict[str, str]) -> bool:
    """Whether the field's branching logic shows it, given this instance's and the record's values."""
    if not field.branching_logic:
        return True
    alternatives = re.split(r"\s+or\s+", field.branching_logic)
    return any(all(_holds(term, values) for term in re.split(r"\s+and\s+", part)) for part in alternatives)


def _holds(term: str, values: dict[str, str]) -> bool:
    match = _TERM.fullmatch(term.strip())
    assert match is not None, f"unread branching term {term}"
    name, option, sign, wanted = match.groups()
    value = values.get(checkbox_column(name, option) if option else name, "")
    if sign == "<":
        return value != "" and float(value) < float(wanted)
    return (value == wanted) if sign == "=" else (value != wanted)


def filled(field: Field, row: FormRow) -> bool:
    """Whether anything is stored in the field."""
    if field.field_type == "checkbox":
        return any(name.startswith(f"{field.field_name}___") for name in row.values)
    return row.values.get(field.field_name, "") != ""


def cells(dictionary: Dictionary, project: SourceProject) -> Iterator[tuple[FormRow, Field, dict[str, str]]]:
    """Every row with every field of its form, and the values that branching can see."""
    for rows in by_record(project).values():
        once = {name: value for row in rows if row.instance is None for name, value in row.values.items()}
        for row in rows:
            for field in dictionary.form_fields(row.form):
                yield row, field, once | row.values

"""Calculated fields: found in the dictionary, evaluated when a form is saved, stored like any other value.

A stored result stays as it is until a form is saved that it stands on, or that it depends on; so an age that counts from
``today`` is as old as the last save. Source: ``docs/redcap.md`` sections 4.5 and 10.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.sandbox.logic import Expression, parse_logic
from blin_pipeline.sandbox.logic.values import number
from blin_pipeline.sandbox.references import RecordReader
from blin_pipeline.sandbox.structure import RowKey

if TYPE_CHECKING:
    from blin_pipeline.sandbox.project import ProjectState

Kind = Literal["calc", "date", "text"]
Changes = dict[RowKey, dict[str, str]]

_TAGS: Mapping[str, Kind] = {"@CALCTEXT": "text", "@CALCDATE": "date"}
_MOMENT_LENGTHS = {"date": 10, "datetime": 16, "datetime_seconds": 19}


class Calculation(NamedTuple):
    """A field whose value the server works out.

    Attributes:
        field: The field.
        kind: ``calc`` gives a number, ``@CALCDATE`` a date or time, ``@CALCTEXT`` any text.
        expression: The formula; None when it is not valid, which leaves the field blank for good.
    """

    field: Field
    kind: Kind
    expression: Expression | None


@lru_cache(maxsize=32)
def calculations(dictionary: Dictionary) -> tuple[Calculation, ...]:
    """All calculated fields, in project order."""
    found: list[Calculation] = []
    for field in dictionary.fields:
        if field.field_type == "calc":
            found.append(Calculation(field, "calc", parse_logic(field.select_choices_or_calculations)))
        elif field.field_type == "text":
            for tag, kind in _TAGS.items():
                if (inside := _inside(field.field_annotation, tag)) is not None:
                    formula = f"calcdate({inside})" if kind == "date" else inside
                    found.append(Calculation(field, kind, parse_logic(formula)))
    return tuple(found)


def recalculate(project: ProjectState, record_id: str, saved: Mapping[RowKey, Collection[str]]) -> Changes:
    """Work out what a save changes in the calculated fields of one record, and store it.

    Args:
        project: The live project.
        record_id: The record, as it is after the save.
        saved: Row -> export names of the values that were saved there.

    Returns:
        Row -> field -> new value, ``""`` for one that is gone; only what differs from before.
    """
    everything = calculations(project.dictionary)
    if not everything:
        return {}
    record = project.records[record_id]
    reader = RecordReader(project, record_id, record)
    forms = project.column_forms()
    saved_forms = {(key, forms[name]) for key, names in saved.items() for name in names if name in forms}
    changed = {(key, name) for key, names in saved.items() for name in names}
    changes: Changes = {}
    for _ in everything:
        found: set[tuple[RowKey, str]] = set()
        for item in everything:
            name, form = item.field.field_name, item.field.form_name
            for key in _rows(project, record.rows, form):
                if (key, form) not in saved_forms and not _reads(item, reader, key, changed):
                    continue
                value = _result(item, reader, key)
                if record.rows[key].get(name, "") != value:
                    _put(record.rows[key], name, value)
                    changes.setdefault(key, {})[name] = value
                    found.add((key, name))
        if not found:
            break
        changed |= found
    return changes


def _inside(annotation: str, tag: str) -> str | None:
    """The text between the parentheses of an action tag."""
    start = annotation.find(f"{tag}(")
    if start < 0:
        return None
    depth, begin, quote = 0, start + len(tag) + 1, ""
    for position in range(start + len(tag), len(annotation)):
        letter = annotation[position]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                return annotation[begin:position]
    return None


def _reads(item: Calculation, reader: RecordReader, key: RowKey, changed: Collection[tuple[RowKey, str]]) -> bool:
    """Whether a calculation at one row reads a value that changed."""
    return item.expression is not None and any(
        (source, reference.column) in changed
        for reference in item.expression.references
        if (source := reader.source(key, reference)) is not None
    )


def _rows(project: ProjectState, keys: Iterable[RowKey], form: str) -> list[RowKey]:
    """The rows of a record on which a form's values stand."""
    kinds = {"base": (False, ""), "event": (True, ""), "instrument": (True, form)}
    return [
        key
        for key in keys
        if (place := project.place(key.event, form)) is not None and (key.instance > 0, key.instrument) == kinds[place]
    ]


def _result(item: Calculation, reader: RecordReader, key: RowKey) -> str:
    if item.expression is None:
        return ""
    value = item.expression.value(reader.scope(key))
    if item.kind == "calc":
        return value if number(value) is not None else ""
    if item.kind == "date":
        kind = item.field.validation.rpartition("_")[0]
        return value[: _MOMENT_LENGTHS.get(kind, len(value))]
    return value


def _put(stored: dict[str, str], name: str, value: str) -> None:
    if value:
        stored[name] = value
    else:
        stored.pop(name, None)

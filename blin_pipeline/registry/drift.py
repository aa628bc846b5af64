"""Drift: how a live data dictionary differs from the registry's own, concept by concept, before any table is built."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.registry.field_map import FieldMap


class DriftKind(StrEnum):
    """What changed. Retyped and relabelled fields would be misread silently, so they block a refresh."""

    MISSING = "missing"
    ADDED = "added"
    RETYPED = "retyped"
    CODES_RELABELLED = "codes_relabelled"
    CODES_CHANGED = "codes_changed"
    IDENTIFIER_FLAG_CHANGED = "identifier_flag_changed"


BLOCKING = frozenset({DriftKind.RETYPED, DriftKind.CODES_RELABELLED})


class Drift(NamedTuple):
    """One difference: the field (live name for an added one, canonical name otherwise) and its kind."""

    field_name: str
    kind: DriftKind


def _text(label: str) -> str:
    return " ".join(label.casefold().split())


def _compare(expected: Field, live: Field, *, same_codes: bool) -> Iterable[DriftKind]:
    if (expected.field_type, expected.validation) != (live.field_type, live.validation):
        yield DriftKind.RETYPED
    elif same_codes:
        shared = expected.choices.keys() & live.choices.keys()
        if any(_text(expected.choices[code]) != _text(live.choices[code]) for code in shared):
            yield DriftKind.CODES_RELABELLED
        if expected.choices.keys() != live.choices.keys():
            yield DriftKind.CODES_CHANGED
    if expected.is_identifier != live.is_identifier:
        yield DriftKind.IDENTIFIER_FLAG_CHANGED


def find_drift(registry: Dictionary, live: Dictionary, field_map: FieldMap) -> list[Drift]:
    """Differences between the registry's dictionary and a live one, read through the field map.

    Args:
        registry: The canonical dictionary.
        live: The source project's dictionary.
        field_map: Which source field feeds which concept; recoded and renamed fields are not compared code by code.

    Returns:
        Differences in the order of the registry's dictionary, added fields last.
    """
    mapped = {entry.concept for entry in field_map.entries}
    found: list[Drift] = []
    for expected in registry.fields:
        if expected.field_name == registry.record_id_field:
            continue
        source = field_map.source_of(expected.field_name)
        if source is None:
            continue
        field = live.field(source)
        if field is None:
            found.append(Drift(expected.field_name, DriftKind.MISSING))
        elif expected.field_name not in mapped:
            found += [Drift(expected.field_name, kind) for kind in _compare(expected, field, same_codes=True)]
    sources = {field_map.source_of(field.field_name) for field in registry.fields} | {live.record_id_field}
    sources |= {entry.source_field.partition("___")[0] for entry in field_map.entries}
    found += [Drift(field.field_name, DriftKind.ADDED) for field in live.fields if field.field_name not in sources]
    return found

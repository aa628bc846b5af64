"""Drift: how a live data dictionary differs from what the registry reads, concept by concept, before any table is built.

Texts of the differences quote dictionaries (names, types, codes, labels), never a record.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from blin_pipeline.registry.dbt_macros import field_kind
from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.registry.field_map import FieldMap, MapEntry

_LONGEST = 160


class DriftKind(StrEnum):
    """What changed. Retyped and relabelled fields would be misread silently, so they block a refresh."""

    MISSING = "missing"
    ADDED = "added"
    RETYPED = "retyped"
    CODES_RELABELLED = "codes_relabelled"
    CODES_CHANGED = "codes_changed"
    CODES_UNMAPPED = "codes_unmapped"
    IDENTIFIER_FLAG_CHANGED = "identifier_flag_changed"


BLOCKING = frozenset({DriftKind.RETYPED, DriftKind.CODES_RELABELLED})


class Drift(NamedTuple):
    """One difference.

    Attributes:
        field_name: Live name for an added field, canonical name otherwise.
        kind: What changed.
        detail: The difference in words; empty where the kind says it all.
    """

    field_name: str
    kind: DriftKind
    detail: str = ""

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.field_name}: {self.kind.value.replace('_', ' ')}{f' ({self.detail})' if self.detail else ''}"


def _text(label: str) -> str:
    return " ".join(label.casefold().split())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _type(field: Field) -> str:
    return f"{field.field_type} {field.validation}".strip()


def _codes(codes: Iterable[str], choices: dict[str, str]) -> str:
    return ", ".join(f"{code} {choices[code]!r}" for code in codes)


def _compare(expected: Field, live: Field) -> Iterable[tuple[DriftKind, str]]:
    """Differences of two versions of one field."""
    if (expected.field_type, expected.validation) != (live.field_type, live.validation):
        yield DriftKind.RETYPED, f"{_type(expected)} became {_type(live)}"
    else:
        yield from _compare_codes(expected.choices, live.choices)
    if expected.is_identifier != live.is_identifier:
        yield DriftKind.IDENTIFIER_FLAG_CHANGED, "now an identifier" if live.is_identifier else "no identifier any more"


def _compare_codes(expected: dict[str, str], live: dict[str, str]) -> Iterable[tuple[DriftKind, str]]:
    shared = [code for code in expected if code in live]
    other = [code for code in shared if _text(expected[code]) != _text(live[code])]
    if other:
        pairs = ", ".join(f"{code}: {expected[code]!r} became {live[code]!r}" for code in other)
        yield DriftKind.CODES_RELABELLED, _cut(pairs)
    added = [code for code in live if code not in expected]
    removed = [code for code in expected if code not in live]
    parts = [
        *([f"added {_codes(added, live)}"] if added else []),
        *([f"removed {_codes(removed, expected)}"] if removed else []),
    ]
    if parts:
        yield DriftKind.CODES_CHANGED, _cut("; ".join(parts))


def _compare_mapped(expected: Field, live: Field, entry: MapEntry) -> Iterable[tuple[DriftKind, str]]:
    """Whether a field that a person mapped can still mean what the row of the map says."""
    if entry.transform == "recode" and live.choices:
        unnamed = [code for code in live.choices if code not in entry.codes]
        if unnamed:
            yield (
                DriftKind.CODES_UNMAPPED,
                _cut(f"{live.field_name}: {_codes(unnamed, live.choices)}; such values are rejected and counted"),
            )
        gone = [code for code in entry.codes if code not in live.choices]
        if gone:
            yield DriftKind.CODES_CHANGED, _cut(f"{live.field_name} has no code {', '.join(gone)} any more")
    elif entry.transform == "as_is":
        kinds = {field_kind(expected), field_kind(live)}
        if len(kinds) > 1 and field_kind(live) != "text" and kinds != {"integer", "number"} and "calc" not in kinds:
            yield DriftKind.RETYPED, f"{live.field_name} is {_type(live)}, the concept is {_type(expected)}"


def find_drift(registry: Dictionary, live: Dictionary, field_map: FieldMap) -> list[Drift]:
    """Differences between the registry's dictionary and a live one, read through the field map.

    Args:
        registry: The canonical dictionary.
        live: The source project's dictionary.
        field_map: Which source field feeds which concept; a field with a row is compared with what its row says.

    Returns:
        Differences in the order of the registry's dictionary, added fields last.
    """
    found: list[Drift] = []
    sources = {live.record_id_field}
    for expected in registry.fields:
        if expected.field_name == registry.record_id_field:
            continue
        entry = field_map.entry(expected.field_name)
        options = [field_map.entry(name) for name in expected.export_names()]
        rows = [row for row in (entry, *options) if row is not None]
        if not rows:
            sources.add(expected.field_name)
            field = live.field(expected.field_name)
            if field is None:
                found.append(Drift(expected.field_name, DriftKind.MISSING))
            else:
                found += [Drift(expected.field_name, *difference) for difference in _compare(expected, field)]
        for row in rows if expected.field_type == "checkbox" else rows[:1]:
            fields = {name.partition("___")[0] for name in row.source_fields}
            sources |= fields
            for name in sorted(fields):
                field = live.field(name)
                if field is None:
                    found.append(Drift(row.concept, DriftKind.MISSING, f"{name} is not in the dictionary"))
                else:
                    found += [Drift(row.concept, *difference) for difference in _compare_mapped(expected, field, row)]
    found += [Drift(field.field_name, DriftKind.ADDED) for field in live.fields if field.field_name not in sources]
    return found


def dictionary_changes(before: Dictionary, after: Dictionary) -> list[Drift]:
    """What changed between two versions of one project's dictionary, in the order of the newer one, removed fields last."""
    found: list[Drift] = []
    for field in after.fields:
        earlier = before.field(field.field_name)
        if earlier is None:
            found.append(Drift(field.field_name, DriftKind.ADDED, f"{_type(field)} on {field.form_name}"))
        else:
            found += [Drift(field.field_name, *difference) for difference in _compare(earlier, field)]
    names = {field.field_name for field in after.fields}
    found += [
        Drift(field.field_name, DriftKind.MISSING, f"removed from {field.form_name}")
        for field in before.fields
        if field.field_name not in names
    ]
    return found

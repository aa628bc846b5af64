"""Field map: how a source project's fields feed the registry's concepts, so that another dictionary needs no other code.

A concept is a field of the study's dictionary (or one ``name___code`` column of a checkbox). A concept without a row feeds from the
source field of its own name. The shipped map is therefore empty; ``study/field_map.csv`` holds its header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.files import STUDY_DIR, fault, read_csv

HEADER = ("concept", "source_form", "source_event", "source_field", "transform", "codes", "unit", "on_missing")


class MapEntry(BaseModel):
    """One row of a field map.

    Attributes:
        concept: Canonical field or checkbox column.
        source_form: Instrument of the source, empty for the same name.
        source_field: Export column of the source; for ``constant`` the constant itself.
        transform: ``as_is``, ``recode`` (codes), ``constant`` or ``absent``.
        codes: Translation of a recoded field, source code -> canonical code.
        on_missing: What an absent source field means: ``error`` or ``not_collected``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    concept: str
    source_form: str = ""
    source_field: str = ""
    transform: Literal["as_is", "recode", "constant", "absent"] = "as_is"
    codes: dict[str, str] = {}
    on_missing: Literal["error", "not_collected"] = "error"

    @model_validator(mode="after")
    def _complete(self) -> MapEntry:
        if self.transform == "recode" and not self.codes:
            raise ValueError("recode needs codes, written raw=canonical;raw=canonical")
        if self.transform != "absent" and not self.source_field:
            raise ValueError(f"{self.transform} needs a source_field")
        return self


class FieldMap(BaseModel):
    """A validated field map: only what differs from identity."""

    model_config = ConfigDict(frozen=True)

    entries: tuple[MapEntry, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash over the rows, whatever their order."""
        text = "\n".join(sorted(entry.model_dump_json() for entry in self.entries))
        return hashlib.sha256(text.encode()).hexdigest()

    def source_of(self, concept: str) -> str | None:
        """Source column that feeds a concept: its own name without a row, None when declared absent or constant."""
        for entry in self.entries:
            if entry.concept == concept:
                return entry.source_field if entry.transform in {"as_is", "recode"} else None
        return concept

    def is_constant(self, concept: str) -> bool:
        """Whether the map gives the concept one and the same value for everybody."""
        return any(entry.concept == concept and entry.transform == "constant" for entry in self.entries)

    def source_forms(self, dictionary: Dictionary) -> dict[str, str]:
        """Canonical instrument -> source instrument, where the two differ.

        Raises:
            ConfigurationError: Code ``E_REGISTRY_FILE`` when one instrument would be fed from several of the source.
        """
        found: dict[str, set[str]] = {}
        for entry in self.entries:
            field = dictionary.field(entry.concept.partition("___")[0])
            if field is not None and entry.source_form:
                found.setdefault(field.form_name, set()).add(entry.source_form)
        for form, sources in found.items():
            if len(sources) > 1:
                fault(Path("field_map.csv"), f"{form} is fed from several instruments: {', '.join(sorted(sources))}")
        return {form: sources.pop() for form, sources in found.items() if sources != {form}}

    def dbt_variable(self) -> dict[str, dict[str, Any]]:
        """The map as the dbt variable ``field_map`` that the base models read."""
        return {
            entry.concept: {
                "transform": entry.transform,
                "source_field": entry.source_field,
                "codes": entry.codes,
                "constant": entry.source_field if entry.transform == "constant" else "",
            }
            for entry in self.entries
        }


class Requirement(BaseModel):
    """A concept, or alternatives of concepts, without which the declared outcomes cannot be computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requirement: str
    alternatives: tuple[tuple[str, ...], ...]
    why: str

    @property
    def in_words(self) -> str:
        """The alternatives as people read them."""
        return " or ".join(" with ".join(option) for option in self.alternatives)


def load_field_map(path: Path | None = None, dictionary: Dictionary | None = None) -> FieldMap:
    """Read a field map.

    Args:
        path: File; the shipped identity when None.
        dictionary: Canonical dictionary that the concepts must belong to; the study's own when None.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``, with row and column.
    """
    from blin_pipeline.registry.dictionary import load_dictionary

    path = path or STUDY_DIR / "field_map.csv"
    dictionary = dictionary or load_dictionary()
    concepts = {name for field in dictionary.fields for name in (field.field_name, *field.export_names())}
    entries: list[MapEntry] = []
    for number, row in read_csv(path, HEADER):
        if row["concept"] not in concepts:
            fault(path, f"{row['concept']!r} is no concept of the registry", row=number, column="concept")
        if any(entry.concept == row["concept"] for entry in entries):
            fault(path, "the concept stands twice", row=number, column="concept")
        if row["source_event"] or row["unit"]:
            fault(
                path,
                "events and unit factors cannot be mapped",
                row=number,
                column="source_event" if row["source_event"] else "unit",
            )
        pairs = [pair.partition("=") for pair in row["codes"].split(";") if pair.strip()]
        if any(not sign for _, sign, _ in pairs):
            fault(path, "codes are written raw=canonical;raw=canonical", row=number, column="codes")
        try:
            entries.append(
                MapEntry.model_validate(
                    {
                        "concept": row["concept"],
                        "source_form": row["source_form"],
                        "source_field": row["source_field"],
                        "transform": row["transform"] or "as_is",
                        "codes": {raw.strip(): canonical.strip() for raw, _, canonical in pairs},
                        "on_missing": row["on_missing"] or "error",
                    }
                )
            )
        except ValidationError as error:
            fault(path, error.errors(include_input=False)[0]["msg"], row=number)
    return FieldMap(entries=tuple(entries))


def load_requirements(path: Path | None = None) -> tuple[Requirement, ...]:
    """Read the concepts that the declared outcomes need.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``.
    """
    path = path or STUDY_DIR / "required_concepts.csv"
    return tuple(
        Requirement(
            requirement=row["requirement"],
            alternatives=tuple(tuple(option.split("+")) for option in row["alternatives"].split("|")),
            why=row["why"],
        )
        for _, row in read_csv(path, ("requirement", "alternatives", "why"))
    )


def unmet_requirements(
    field_map: FieldMap, source_columns: Collection[str], requirements: tuple[Requirement, ...], record_id_field: str
) -> list[Requirement]:
    """Requirements that the source cannot meet through the map.

    Args:
        field_map: Map of this source.
        source_columns: Export columns that the source has, system columns included.
        requirements: What the outcomes need.
        record_id_field: Name of the source's record id field, which meets the concept ``record_id``.
    """

    def fed(concept: str) -> bool:
        if concept == "record_id":
            return bool(record_id_field)
        source = field_map.source_of(concept)
        return field_map.is_constant(concept) or (source is not None and source in source_columns)

    return [
        requirement
        for requirement in requirements
        if not any(all(fed(concept) for concept in option) for option in requirement.alternatives)
    ]


def refuse_unmet(unmet: list[Requirement]) -> None:
    """Stop a refresh whose source lacks required concepts, naming each.

    Raises:
        ConfigurationError: Code ``E_REQUIRED_CONCEPTS``.
    """
    if not unmet:
        return
    lines = "".join(f"\n    {item.requirement}: {item.in_words} ({item.why})" for item in unmet)
    raise ConfigurationError(
        "E_REQUIRED_CONCEPTS",
        f"{len(unmet)} required concepts have no source field:{lines}",
        fix="Map them in the field map of the home folder (setting field_map; `blin init` writes its header), then run again.",
    )

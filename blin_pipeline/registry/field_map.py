"""Field map: how a source project's fields feed the registry's concepts, so that another dictionary needs no other code.

A concept is a field of the study's dictionary (or one ``name___code`` column of a checkbox). A concept without a row feeds from the
source field of its own name. The shipped map is therefore empty; ``study/field_map.csv`` holds its header. What the rows mean for
one source project is :mod:`blin_pipeline.registry.source_plan`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.files import STUDY_DIR, fault, read_csv

HEADER = ("concept", "source_form", "source_event", "source_field", "transform", "codes", "unit", "on_missing")
#: Columns that a draft has beside these; a file that still has them was not reviewed.
DRAFT_COLUMNS = ("score", "why")
DATE_ORDERS = frozenset({"dmy", "mdy", "ymd"})
#: Transforms that read one date of which parts may be unknown: its day, and how exactly that day is known.
PARTIAL_DATES = frozenset({"partial_date", "date_precision"})
#: Ending of the concept that says how exactly a date is known (``dx_date_prec`` of ``dx_date``).
PRECISION_SUFFIX = "_prec"
_MAX_FACTOR_DIGITS = 20


class MapEntry(BaseModel):
    """One row of a field map.

    Attributes:
        concept: Canonical field or checkbox column.
        source_form: Instrument of the source, empty for the one that has the field.
        source_events: Events of a longitudinal source whose rows count; empty for all events of the instrument.
        source_field: Export column of the source; for ``derive`` several, the first that is not blank counts; for
            ``constant`` the constant itself; for a partial date one text, or its three parts in the order of ``unit``.
        transform: ``as_is``, ``recode`` (codes), ``unit`` (factor), ``date`` (order of day, month and year),
            ``partial_date`` and ``date_precision`` (of one date of which parts may be unknown), ``derive``, ``constant`` or
            ``absent``.
        codes: Translation of a recoded field, source code -> canonical code.
        unit: For ``unit`` the number that source values are multiplied by; for dates ``dmy``, ``mdy`` or ``ymd``.
        on_missing: What an absent source field means: ``error`` or ``not_collected``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    concept: str
    source_form: str = ""
    source_events: tuple[str, ...] = ()
    source_field: str = ""
    transform: Literal[
        "as_is", "recode", "unit", "date", "partial_date", "date_precision", "derive", "constant", "absent"
    ] = "as_is"
    codes: dict[str, str] = {}
    unit: str = ""
    on_missing: Literal["error", "not_collected"] = "error"

    @property
    def source_fields(self) -> tuple[str, ...]:
        """Export columns that feed the concept; none for a constant or an absent one."""
        if self.transform in {"constant", "absent"}:
            return ()
        return tuple(name.strip() for name in self.source_field.split("|"))

    @model_validator(mode="after")
    def _complete(self) -> MapEntry:
        if self.transform == "recode" and not self.codes:
            raise ValueError("recode needs codes, written raw=canonical;raw=canonical")
        if self.transform != "absent" and not self.source_field:
            raise ValueError(f"{self.transform} needs a source_field")
        if self.transform == "derive" and len(self.source_fields) < 2:
            raise ValueError("derive needs several source fields, written first|second")
        if self.transform in PARTIAL_DATES and len(self.source_fields) not in {1, 3}:
            raise ValueError(f"{self.transform} needs one source field, or three for day, month and year")
        if self.transform not in {"derive", "constant", *PARTIAL_DATES} and "|" in self.source_field:
            raise ValueError("only derive and partial dates take several source fields")
        if self.transform == "unit" and not _is_factor(self.unit):
            raise ValueError("unit needs a positive decimal factor in column unit")
        if self.transform in {"date", *PARTIAL_DATES} and self.unit not in DATE_ORDERS:
            raise ValueError(f"{self.transform} needs dmy, mdy or ymd in column unit")
        if self.transform not in {"unit", "date", *PARTIAL_DATES} and self.unit:
            raise ValueError("column unit belongs to the transform unit and to dates")
        if self.transform != "recode" and self.codes:
            raise ValueError("column codes belongs to the transform recode")
        return self


def _is_factor(text: str) -> bool:
    digits = text.replace(".", "", 1)
    return digits.isascii() and digits.isdigit() and len(digits) <= _MAX_FACTOR_DIGITS and float(text) > 0


class FieldMap(BaseModel):
    """A validated field map: only what differs from identity."""

    model_config = ConfigDict(frozen=True)

    entries: tuple[MapEntry, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash over the rows, whatever their order."""
        text = "\n".join(sorted(entry.model_dump_json() for entry in self.entries))
        return hashlib.sha256(text.encode()).hexdigest()

    def entry(self, concept: str) -> MapEntry | None:
        """The row of a concept; None when it feeds from the field of its own name."""
        return next((entry for entry in self.entries if entry.concept == concept), None)


def load_field_map(path: Path | None = None, dictionary: Dictionary | None = None) -> FieldMap:
    """Read a field map.

    Args:
        path: File; the shipped identity when None.
        dictionary: Canonical dictionary that the concepts must belong to; the study's own when None.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``, with row and column; ``E_MAP_DRAFT`` for a draft that nobody reviewed.
    """
    from blin_pipeline.registry.dictionary import load_dictionary

    path = path or STUDY_DIR / "field_map.csv"
    dictionary = dictionary or load_dictionary()
    concepts = {name for field in dictionary.fields for name in (field.field_name, *field.export_names())}
    concepts.discard(dictionary.record_id_field)
    _refuse_draft(path)
    entries: list[MapEntry] = []
    for number, row in read_csv(path, HEADER):
        if row["concept"] not in concepts:
            fault(path, f"{row['concept']!r} is no concept of the registry", row=number, column="concept")
        if any(entry.concept == row["concept"] for entry in entries):
            fault(path, "the concept stands twice", row=number, column="concept")
        pairs = [pair.partition("=") for pair in row["codes"].split(";") if pair.strip()]
        if any(not sign for _, sign, _ in pairs):
            fault(path, "codes are written raw=canonical;raw=canonical", row=number, column="codes")
        codes = {raw.strip(): canonical.strip() for raw, _, canonical in pairs}
        if len(codes) != len(pairs):
            fault(path, "a code of the source is translated twice", row=number, column="codes")
        _check_codes(path, number, dictionary, row["concept"], codes)
        try:
            entries.append(
                MapEntry.model_validate(
                    {
                        "concept": row["concept"],
                        "source_form": row["source_form"],
                        "source_events": tuple(part.strip() for part in row["source_event"].split(";") if part.strip()),
                        "source_field": row["source_field"],
                        "transform": row["transform"] or "as_is",
                        "codes": codes,
                        "unit": row["unit"],
                        "on_missing": row["on_missing"] or "error",
                    }
                )
            )
        except ValidationError as error:
            fault(path, error.errors(include_input=False)[0]["msg"], row=number)
    _check_partial_dates(path, entries, concepts)
    return FieldMap(entries=tuple(entries))


def _refuse_draft(path: Path) -> None:
    header = next(iter(read_csv(path)), None)
    if header is not None and header[1].keys() >= {*DRAFT_COLUMNS}:
        raise ConfigurationError(
            "E_MAP_DRAFT",
            f"{path.name} is a draft: it still has the columns {' and '.join(DRAFT_COLUMNS)}.",
            fix="Review every row, correct or remove it, then remove the two columns.",
        )


def _check_codes(path: Path, number: int, dictionary: Dictionary, concept: str, codes: dict[str, str]) -> None:
    """A translation into a code that the registry does not have would be rejected row by row: say so once, here."""
    field = dictionary.field(concept)
    known = set(field.choices) if field is not None else {"0", "1"}
    unknown = sorted({*codes.values()} - known)
    if known and unknown:
        fault(path, f"{concept} has no code {unknown[0]!r}", row=number, column="codes")


def _check_partial_dates(path: Path, entries: list[MapEntry], concepts: set[str]) -> None:
    """A day put in for an unknown one must never be read as exact: both rows of a partial date, from the same fields."""
    for entry in entries:
        if entry.transform not in PARTIAL_DATES:
            continue
        dated = entry.concept.removesuffix(PRECISION_SUFFIX) if entry.transform == "date_precision" else entry.concept
        pair = (dated, f"{dated}{PRECISION_SUFFIX}")
        if not concepts.issuperset(pair) or entry.concept not in pair or dated == pair[1]:
            fault(
                path, f"{entry.concept} has no precision in the registry, so its date must be whole", column="transform"
            )
        date_row, precision_row = (next((one for one in entries if one.concept == name), None) for name in pair)
        if (
            date_row is None
            or precision_row is None
            or (date_row.transform, precision_row.transform) != ("partial_date", "date_precision")
            or _place(date_row) != _place(precision_row)
        ):
            fault(
                path,
                f"{pair[0]} needs transform partial_date and {pair[1]} date_precision, from the same fields, event and unit",
                column="transform",
            )


def _place(entry: MapEntry) -> tuple[object, ...]:
    return entry.source_fields, entry.source_form, entry.source_events, entry.unit, entry.on_missing

"""External reference values, shown beside ours and never pooled. Only values read in a public source (mark R) may ship."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from blin_pipeline.registry.files import STUDY_DIR, fault, read_csv


class ExternalReference(BaseModel):
    """One published value with its source and population."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference_id: str
    source: str
    population: str
    measure: str
    value: str
    mark: str


def load_references(path: Path | None = None) -> tuple[ExternalReference, ...]:
    """Read the reference values.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``: also for a row not marked R, which nobody has checked against its source.
    """
    path = path or STUDY_DIR / "external_reference.csv"
    references = []
    for number, row in read_csv(path, tuple(ExternalReference.model_fields)):
        if row["mark"] != "R":
            fault(path, "only values marked R may be shown", row=number, column="mark")
        references.append(ExternalReference.model_validate(row))
    return tuple(references)

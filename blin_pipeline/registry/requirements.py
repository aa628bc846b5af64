"""What the declared outcomes cannot be computed without (``study/required_concepts.csv``), and what a source lacks of it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.files import STUDY_DIR, read_csv


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


def unmet_requirements(collected: Collection[str], requirements: tuple[Requirement, ...]) -> list[Requirement]:
    """Requirements that the source cannot meet.

    Args:
        collected: Concepts that the source feeds through the map, ``record_id`` and ``redcap_data_access_group`` included.
        requirements: What the outcomes need.
    """
    known = frozenset(collected)
    return [item for item in requirements if not any(known.issuperset(option) for option in item.alternatives)]


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
        fix="Map them in the field map of the home folder (setting field_map; `blin map draft` proposes one), then run again.",
    )

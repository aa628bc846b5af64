"""The project-level missing-data codes that the registry proposes (``study/missing_data_codes.csv``)."""

from __future__ import annotations

from pathlib import Path

from blin_pipeline.registry.files import STUDY_DIR, read_csv


def load_missing_data_codes(path: Path | None = None) -> dict[str, str]:
    """Code -> label, in order.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``.
    """
    path = path or STUDY_DIR / "missing_data_codes.csv"
    return {row["code"]: row["label"] for _, row in read_csv(path, ("code", "label"))}

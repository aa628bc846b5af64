"""Instruments of the registry and whether each repeats: one row per patient, or one per instance."""

from __future__ import annotations

from pathlib import Path

from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.files import STUDY_DIR, fault, read_csv

_HEADER = ("form", "repeats")


def load_repeating(dictionary: Dictionary, path: Path | None = None) -> frozenset[str]:
    """Names of the registry's repeating instruments.

    Args:
        dictionary: The registry's dictionary; the file must name its instruments, each once.
        path: File; the study's own when None.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``.
    """
    path = path or STUDY_DIR / "instruments.csv"
    repeats: dict[str, bool] = {}
    for number, row in read_csv(path, _HEADER):
        if row["form"] not in dictionary.forms or row["form"] in repeats:
            fault(path, "no instrument of the dictionary, or named twice", row=number, column="form")
        if row["repeats"] not in {"yes", "no"}:
            fault(path, "yes or no", row=number, column="repeats")
        repeats[row["form"]] = row["repeats"] == "yes"
    missing = [form for form in dictionary.forms if form not in repeats]
    if missing:
        fault(path, f"{missing[0]} is not named")
    return frozenset(form for form, yes in repeats.items() if yes)

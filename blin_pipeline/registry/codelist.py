"""Words of the codes that the tables hold, from the dictionary and the registry's own lists, as one dbt seed.

``python -m blin_pipeline.registry.codelist FILE`` writes it (``make codegen``); a test fails when the committed file is stale.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from blin_pipeline.registry.dictionary import Dictionary, load_dictionary
from blin_pipeline.registry.files import SEED_DIR, read_csv
from blin_pipeline.registry.missing_codes import load_missing_data_codes

HEADER = ("codelist", "order_no", "code", "label")
NULL_FLAVOR, BACKBONE = "null_flavor", "backbone"
#: Reasons of ours why a stored value counts as none, beside the project's missing-data codes.
REJECTED = {
    "INVALID": "Not of the type of its field, or not a declared code",
    "OUT_OF_RANGE": "Outside the limits of the dictionary",
}


def codelists(
    dictionary: Dictionary, missing_data_codes: Mapping[str, str], backbones: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """List -> code -> label, in order: each coded field under its name, then ``backbone`` and ``null_flavor``.

    Args:
        dictionary: The canonical dictionary.
        missing_data_codes: Missing-data codes that the registry proposes, with their labels.
        backbones: Backbone code of the tables -> its name.
    """
    fields = {field.field_name: field.choices for field in dictionary.fields if field.choices}
    return {**fields, BACKBONE: dict(backbones), NULL_FLAVOR: {**missing_data_codes, **REJECTED}}


def seed_text(lists: Mapping[str, Mapping[str, str]]) -> str:
    """Text of the seed ``dictionary_codelist.csv``."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for name, codes in lists.items():
        writer.writerows(_rows(name, codes))
    return text.getvalue()


def _rows(name: str, codes: Mapping[str, str]) -> Iterable[tuple[str, int, str, str]]:
    return ((name, place, code, label) for place, (code, label) in enumerate(codes.items(), start=1))


def load_codelists() -> dict[str, dict[str, str]]:
    """The lists of the shipped study.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``.
    """
    backbones = {row["backbone_cd"]: row["backbone_label"] for _, row in read_csv(SEED_DIR / "backbone.csv")}
    return codelists(load_dictionary(), load_missing_data_codes(), backbones)


def main() -> None:
    """Write the seed named on the command line."""
    Path(sys.argv[1]).write_text(seed_text(load_codelists()), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()

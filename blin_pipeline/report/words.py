"""What codes are called on a page: the labels of ``wording.toml``.

Another registry, or another language, replaces that file. A code without a label is shown as it is, made readable.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

_FILE: Final = "wording.toml"


@cache
def _wording() -> Mapping[str, Mapping[str, str]]:
    """The file, with the parameters' values in the places that name them (``{interrupt_h}``)."""
    sections = tomllib.loads(resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
    values = sections["parameter"]
    return {
        section: {code: label.format_map(values) for code, label in labels.items()}
        for section, labels in sections.items()
    }


def say(section: str, code: str) -> str:
    """The label of a code; ``SOME_CODE`` becomes ``Some code`` when the file has none."""
    label = labels(section).get(code)
    if label is not None:
        return label
    return code.replace("_", " ").strip().capitalize() if code.isupper() else code


def labels(section: str) -> Mapping[str, str]:
    """All labels of a section, in the order of the file."""
    return _wording().get(section, {})


def rank(section: str, code: str) -> tuple[int, str]:
    """Sort key: the order of the file, codes without a label last."""
    known = list(_wording().get(section, {}))
    return (known.index(code) if code in known else len(known), code)

"""XML text as REDCap writes it: attributes with raw line breaks, an apostrophe as ``&#039;``.

What XML cannot hold at all (control characters) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Attributes = Mapping[str, str | int]

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;"}
_SPECIAL = re.compile("[&<>\"']")


def escaped(text: str) -> str:
    """Text for an element or an attribute."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found.group()], _ILLEGAL.sub("", text))


def opening(tag: str, attributes: Attributes | None = None) -> str:
    """An opening tag."""
    return f"<{_with(tag, attributes)}>"


def empty(tag: str, attributes: Attributes | None = None) -> str:
    """An element without content."""
    return f"<{_with(tag, attributes)}/>"


def element(tag: str, text: str, attributes: Attributes | None = None) -> str:
    """An element that holds text."""
    return f"{opening(tag, attributes)}{escaped(text)}</{tag}>"


def _with(tag: str, attributes: Attributes | None) -> str:
    written = (f'{name}="{escaped(str(value))}"' for name, value in (attributes or {}).items())
    return " ".join([tag, *written])

"""Order of rows in a landed table: record ids as people count them, then event, instrument, instance."""

from __future__ import annotations

import re
from functools import lru_cache

_NUMBERS = re.compile(r"([0-9]+)")

NaturalKey = tuple[tuple[int, int, str], ...]


@lru_cache(maxsize=4096)
def natural(text: str) -> NaturalKey:
    """Sort key under which ``2`` comes before ``10`` and ``S2-9`` before ``S2-10``; ties end by the text itself.

    >>> sorted(["10", "9", "B-2", "B-10", "09"], key=natural)
    ['09', '9', '10', 'B-2', 'B-10']
    """
    parts = tuple((0, int(part), "") if i % 2 else (1, 0, part) for i, part in enumerate(_NUMBERS.split(text)) if part)
    return (*parts, (2, 0, text))


def row_order(record_id: str, event: str, instrument: str, instance: str) -> tuple[NaturalKey, str, str, int, str]:
    """Sort key of a row's identity; two identities never tie."""
    return natural(record_id), event, instrument, int(instance or "0"), instance

"""How much a heavy proof does: a part of it by default, all of it with ``BLIN_PROOF=full``."""

from __future__ import annotations

import os

FULL = "full"


def proof_count(default: int, full: int) -> int:
    """Number of cases of a proof.

    Args:
        default: What every run of the suite affords.
        full: What the proof claims, done with ``BLIN_PROOF=full``.
    """
    return full if os.environ.get("BLIN_PROOF") == FULL else default

"""How much a heavy proof does: a part of it by default, all of it with ``BLIN_PROOF=full``, a glance with ``BLIN_PROOF=quick``."""

from __future__ import annotations

import os

FULL = "full"
QUICK = "quick"


def proof_count(default: int, full: int, quick: int | None = None) -> int:
    """Number of cases of a proof.

    Args:
        default: What every run of the suite (``make test``) affords.
        full: What the proof claims, done with ``BLIN_PROOF=full``.
        quick: What the inner loop (``make check``) looks at; the default when None.
    """
    level = os.environ.get("BLIN_PROOF")
    if level == FULL:
        return full
    return quick if level == QUICK and quick is not None else default

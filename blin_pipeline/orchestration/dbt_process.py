"""``blin-dbt``: dbt that ends with the run that started it.

A killed run cannot stop its dbt; left behind, dbt would go on writing into the warehouse and hold it against the next run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

DBT = Path(sys.executable).with_name("dbt")
#: ``PR_SET_PDEATHSIG`` of prctl(2).
_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent() -> None:
    """Have the kernel kill this process, and what it turns into, when its parent ends.

    Linux only. Elsewhere a dbt left behind ends by itself, and the next run waits for the warehouse (``Warehouse``).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main() -> None:
    """Become dbt, with the arguments given."""
    end_with_parent()
    os.execv(DBT, [str(DBT), *sys.argv[1:]])  # noqa: S606 (no shell: the arguments are dagster-dbt's)

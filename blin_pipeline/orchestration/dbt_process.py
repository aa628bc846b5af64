"""``blin-dbt``: dbt that ends with the run that started it, and starts from the project as the home has it.

A killed run cannot stop its dbt; left behind, dbt would go on writing into the warehouse and hold it against the next run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from blin_pipeline.orchestration.parsed_project import is_fresh, run_dbt

DBT = Path(sys.executable).with_name("dbt")
#: First argument, before the folder of a parsed project.
FROM_PARSED = "--from-parsed"
#: ``PR_SET_PDEATHSIG`` of prctl(2).
_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent() -> None:
    """Have the kernel kill this process, and what it turns into, when its parent ends.

    Linux only. Elsewhere a dbt left behind ends by itself, and the next run waits for the warehouse (``Warehouse``).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main() -> None:
    """Run dbt with the arguments given, from a parsed project where that fits the project's files; else become dbt itself."""
    end_with_parent()
    arguments = sys.argv[1:]
    if arguments[:1] == [FROM_PARSED]:
        folder, arguments = Path(arguments[1]), arguments[2:]
        if is_fresh(folder):
            sys.exit(run_dbt(folder, arguments))
    os.execv(DBT, [str(DBT), *arguments])  # noqa: S606 (no shell: the arguments are dagster-dbt's)

"""All scheduled outcomes of a built home, from the tables to ``report.result``: CPU and wall seconds beyond imports.

Usage: python -m benchmarks.outcomes.scheduled HOME [--rounds 3]. Works on a copy of the home's warehouse.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from blin_pipeline.landing.database import Warehouse
from blin_pipeline.orchestration.results import compute_outcomes
from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.registry.parameters import load_parameters
from blin_pipeline.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for name in ("lifelines", "pyarrow", "scipy.stats", *(f"blin_pipeline.outcomes.{each.name}" for each in OUTCOMES)):
        importlib.import_module(name)
    parameters = load_parameters()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "warehouse.duckdb"
        shutil.copyfile(load_settings(given.home).warehouse_path, copy)
        workspace: Any = SimpleNamespace(warehouse=Warehouse(copy), parameters=parameters)
        for _ in range(given.rounds):
            cpu, wall = time.process_time(), time.perf_counter()
            n_rows = sum(len(rows) for _, rows in compute_outcomes(workspace, OUTCOMES))
            print(f"{n_rows} rows: {time.process_time() - cpu:.2f} s CPU, {time.perf_counter() - wall:.2f} s wall")


if __name__ == "__main__":
    main()

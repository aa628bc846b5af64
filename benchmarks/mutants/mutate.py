"""Change the SQL of the models, one small fault at a time, and see that a unit test of the model fails for each.

    python benchmarks/mutants/mutate.py benchmarks/mutants/exposure.toml

A unit test of dbt gives its model all inputs, so that faults in different models do not touch each other: each round plants one
fault per model in a copy of the project and runs the unit tests of those models once. Nothing of the checkout is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"


class Mutant(NamedTuple):
    """One fault: in which model, what text becomes what, and what that means."""

    model: str
    find: str
    replace: str
    what: str


def load(path: Path) -> list[Mutant]:
    """Mutants of a file, in its order."""
    return [Mutant(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]]


def rounds(mutants: list[Mutant]) -> list[list[Mutant]]:
    """Groups with one mutant per model."""
    by_model: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_model[mutant.model].append(mutant)
    return [
        [own[number] for own in by_model.values() if number < len(own)]
        for number in range(max(map(len, by_model.values())))
    ]


def dbt(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dbt on the copy of the project."""
    own = {
        **os.environ,
        "BLIN_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", "--quiet", *arguments]
    place = ["--project-dir", str(folder / "project"), "--profiles-dir", str(folder / "project")]
    return subprocess.run([*command, *place], env=own, capture_output=True, text=True, check=False)


def failing(folder: Path, models: list[str]) -> dict[str, set[str]]:
    """Model -> outcomes of its unit tests ("pass", "fail", "error")."""
    dbt(folder, "test", "--select", *[f"{model},test_type:unit" for model in models])
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    found: dict[str, set[str]] = defaultdict(set)
    for result in results:
        found[result["unique_id"].split(".")[2]].add(result["status"])
    return found


def prepare(folder: Path) -> None:
    """A copy of the project, and a warehouse in which every model exists (unit tests look up column types there)."""
    shutil.copytree(PROJECT, folder / "project")
    sys.path[:0] = [str(ROOT / "tests")]
    from dbt_warehouse import RawRegistry, RawSite, write_raw

    from blin_pipeline.sandbox.synthetic import SyntheticPlan, generate

    source = generate(SyntheticPlan(patients=20, sites=2))
    sites = [RawSite(s.site_id, s.data_access_group, s.record_prefix, s.time_zone) for s in source.sites]
    write_raw(
        folder / "warehouse.duckdb",
        RawRegistry(source.project.rows, sites, source.project.record_groups),
    )
    done = dbt(folder, "build", "--resource-type", "model", "--resource-type", "seed")
    if done.returncode != 0:
        raise SystemExit(f"The project does not build without any fault.\n{done.stdout[-2000:]}")


def main() -> int:
    """Run the file's mutants; 1 when one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mutants", type=Path)
    mutants = load(parser.parse_args().mutants)
    survived = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        paths = {path.stem: path for path in (folder / "project" / "models").rglob("*.sql")}
        whole = {model: paths[model].read_text(encoding="utf-8") for model in {mutant.model for mutant in mutants}}
        for group in rounds(mutants):
            for mutant in group:
                if whole[mutant.model].count(mutant.find) != 1:
                    raise SystemExit(f"{mutant.model}: {mutant.find!r} stands there not exactly once")
                text = whole[mutant.model].replace(mutant.find, mutant.replace)
                paths[mutant.model].write_text(text, encoding="utf-8")
            outcomes = failing(folder, [mutant.model for mutant in group])
            for mutant in group:
                seen = outcomes.get(mutant.model, set())
                word = "caught" if "fail" in seen else "DOES NOT RUN" if "error" in seen else "SURVIVES"
                survived += [mutant] if word != "caught" else []
                print(f"{word:8} {mutant.model}: {mutant.what}", flush=True)
                paths[mutant.model].write_text(whole[mutant.model], encoding="utf-8")
    print(f"{len(mutants)} mutants, {len(mutants) - len(survived)} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Mutation check of the tables: change one threshold, inequality or join of a model and see a test of it fail.

Not part of the suite: ``python tests/mutants/run.py LIST.yml [NAME ...]``, with a list of this folder. Each mutant is made in a
copy of the dbt project; the model is built in a copy of a warehouse that holds its parents, with its unit tests and data tests.
A mutant that no test notices is a survivor; one whose SQL does not run shows nothing about the tests and is told apart. The
command ends with 1 when there is either.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import yaml

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

import dbt_warehouse  # noqa: E402 - the tests are no package: their folder must be on the path first

from blin_pipeline.sandbox.synthetic import SyntheticPlan, generate  # noqa: E402 - as above

KILLED, SURVIVED, BROKEN = "killed", "SURVIVED", "BROKEN"


def main(arguments: list[str]) -> int:
    """Try the mutants of a list and print what became of each."""
    listed = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    wanted = set(arguments[1:])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = Path(shutil.copytree(dbt_warehouse.PROJECT, folder / "project"))
        dbt_warehouse.PROJECT = project
        warehouse = _built(folder)
        unproven = 0
        for number, mutant in enumerate(listed, start=1):
            if wanted and mutant["name"] not in wanted:
                continue
            fate = _fate(project, warehouse, folder, mutant)
            unproven += fate != KILLED
            print(f"{number:3d} {fate:8} {mutant['model']}: {mutant['name']}", flush=True)  # noqa: T201 - its output
    return 1 if unproven else 0


def _built(folder: Path) -> Path:
    """A warehouse with every model built as it stands."""
    source = generate(SyntheticPlan(patients=60, sites=3))
    sites = [dbt_warehouse.RawSite(s.site_id, s.data_access_group, s.record_prefix, s.time_zone) for s in source.sites]
    cut = source.truth.plan.data_cut
    moment = datetime.combine(cut, datetime.min.time()) + timedelta(days=1, hours=5)
    warehouse = folder / "warehouse.duckdb"
    registry = dbt_warehouse.RawRegistry(source.project.rows, sites, source.project.record_groups, cut, moment)
    dbt_warehouse.write_raw(warehouse, registry)
    done = dbt_warehouse.run_dbt(warehouse, folder, "build", "--resource-type", "model", "--resource-type", "seed")
    if done.returncode != 0:
        raise SystemExit(done.stdout[-4000:])
    return warehouse


def _fate(project: Path, warehouse: Path, folder: Path, mutant: dict[str, str]) -> str:
    path = next((project / "models").rglob(f"{mutant['model']}.sql"))
    original = path.read_text(encoding="utf-8")
    if original.count(mutant["from"]) != 1:
        raise SystemExit(
            f"{mutant['name']}: {mutant['from']!r} stands {original.count(mutant['from'])} times in {path.name}"
        )
    copy = Path(shutil.copy(warehouse, folder / "mutant.duckdb"))
    results = folder / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    path.write_text(original.replace(mutant["from"], mutant["to"]), encoding="utf-8")
    try:
        succeeded = dbt_warehouse.run_dbt(copy, folder, "build", "--select", mutant["model"]).returncode == 0
    finally:
        path.write_text(original, encoding="utf-8")
    if succeeded:
        return SURVIVED
    return KILLED if results.exists() and any(map(_notices, json.loads(results.read_text())["results"])) else BROKEN


def _notices(result: dict[str, str]) -> bool:
    """Whether a test failed, or the table broke a constraint of its contract; an error of any other kind is none of these."""
    return result["status"] == "fail" or (result["status"] == "error" and "Constraint Error" in result["message"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

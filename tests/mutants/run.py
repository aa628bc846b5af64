"""Mutation check of the tables: change one threshold, inequality or join of a model and see a test of it fail.

Not part of the suite: ``python tests/mutants/run.py LIST.yml [NAME ...]``, with a list of this folder. Mutants are made in a copy
of the dbt project. First come the unit tests, for one mutant of every model at a time: they see nothing but their own model. A
mutant that they leave alone is then built by itself, in a copy of a warehouse that holds its parents, with unit tests and data
tests. One that no test notices is a survivor; one whose SQL does not run shows nothing about the tests and is told apart. The
command ends with 1 when there is either.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import yaml

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

import dbt_warehouse  # noqa: E402 - the tests are no package: their folder must be on the path first

from blin_pipeline.sandbox.synthetic import SyntheticPlan, generate  # noqa: E402 - as above

KILLED, SURVIVED, BROKEN = "killed", "SURVIVED", "BROKEN"


#: dbt's words for the unit tests of a model.
_UNIT_TESTS = "{},test_type:unit"
Mutant = dict[str, str]


def main(arguments: list[str]) -> int:
    """Try the mutants of a list and print what became of each."""
    listed = list(enumerate(yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8")), start=1))
    wanted = [(number, mutant) for number, mutant in listed if not arguments[1:] or mutant["name"] in arguments[1:]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = Path(shutil.copytree(dbt_warehouse.PROJECT, folder / "project"))
        dbt_warehouse.PROJECT = project
        warehouse = _built(folder)
        models = sorted({mutant["model"] for _, mutant in wanted})
        done = dbt_warehouse.run_dbt(warehouse, folder, "test", "--select", *map(_UNIT_TESTS.format, models))
        if done.returncode != 0:
            raise SystemExit(f"a test fails without any mutant\n{done.stdout[-4000:]}")
        killed: set[int] = set()
        for batch in _batches(wanted):
            killed |= _unit_tested(project, warehouse, folder, batch)
        unproven = 0
        for number, mutant in wanted:
            fate = KILLED if number in killed else _fate(project, warehouse, folder, mutant)
            unproven += fate != KILLED
            print(f"{number:3d} {fate:8} {mutant['model']}: {mutant['name']}", flush=True)  # noqa: T201 - its output
    return 1 if unproven else 0


def _batches(mutants: list[tuple[int, Mutant]]) -> list[list[tuple[int, Mutant]]]:
    """The mutants in groups that change each model at most once."""
    groups: list[list[tuple[int, Mutant]]] = []
    for number, mutant in mutants:
        free = (group for group in groups if all(other["model"] != mutant["model"] for _, other in group))
        group = next(free, None)
        if group is None:
            groups.append(group := [])
        group.append((number, mutant))
    return groups


def _unit_tested(project: Path, warehouse: Path, folder: Path, batch: list[tuple[int, Mutant]]) -> set[int]:
    """Numbers of the mutants of which a unit test of their model fails."""
    results = folder / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    selected = [_UNIT_TESTS.format(mutant["model"]) for _, mutant in batch]
    with ExitStack() as changed:
        for _, mutant in batch:
            changed.enter_context(_changed(project, mutant))
        dbt_warehouse.run_dbt(warehouse, folder, "test", "--select", *selected)
    if not results.exists():
        return set()
    failed = {
        result["unique_id"].split(".")[2]
        for result in json.loads(results.read_text())["results"]
        if result["status"] == "fail"
    }
    return {number for number, mutant in batch if mutant["model"] in failed}


@contextmanager
def _changed(project: Path, mutant: Mutant) -> Iterator[None]:
    """The project with the mutant in it."""
    path = next((project / "models").rglob(f"{mutant['model']}.sql"))
    original = path.read_text(encoding="utf-8")
    if original.count(mutant["from"]) != 1:
        raise SystemExit(
            f"{mutant['name']}: {mutant['from']!r} stands {original.count(mutant['from'])} times in {path.name}"
        )
    path.write_text(original.replace(mutant["from"], mutant["to"]), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(original, encoding="utf-8")


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


def _fate(project: Path, warehouse: Path, folder: Path, mutant: Mutant) -> str:
    """What becomes of one mutant built by itself."""
    copy = Path(shutil.copy(warehouse, folder / "mutant.duckdb"))
    results = folder / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    with _changed(project, mutant):
        succeeded = dbt_warehouse.run_dbt(copy, folder, "build", "--select", mutant["model"]).returncode == 0
    if succeeded:
        return SURVIVED
    return KILLED if results.exists() and any(map(_notices, json.loads(results.read_text())["results"])) else BROKEN


def _notices(result: dict[str, str]) -> bool:
    """Whether a test failed, or the table broke a constraint of its contract; an error of any other kind is none of these."""
    return result["status"] == "fail" or (result["status"] == "error" and "Constraint Error" in result["message"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

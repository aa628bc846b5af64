"""Same plan, same bytes; another seed, another registry; the truth survives being written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from synthetic_reading import registry

from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, Truth, generate, write_truth

pytestmark = pytest.mark.slow


def digest(made: SyntheticRegistry, folder: Path) -> str:
    """Hash over project and written truth."""
    path = folder / "truth.json"
    write_truth(made, path)
    project = made.project
    parts = [
        project.rows,
        sorted(project.record_groups.items()),
        project.data_access_groups,
        project.created.isoformat(),
        made.sites,
    ]
    return hashlib.sha256(repr(parts).encode() + path.read_bytes()).hexdigest()


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    first = digest(registry(), tmp_path)
    assert digest(generate(SyntheticPlan()), tmp_path) == first
    other = generate(SyntheticPlan(seed=1))
    assert digest(other, tmp_path) != first
    assert {row.values.get("dx_date") for row in other.project.rows} != {
        row.values.get("dx_date") for row in registry().project.rows
    }


def test_a_patient_is_the_same_in_a_smaller_registry() -> None:
    large, small = registry(patients=300, planted=False).truth, registry(patients=100, planted=False).truth
    assert large.population[: len(small.population)] != []
    for left, right in zip(large.population, small.population, strict=False):
        assert left.model_copy(update={"record_id": None}) == right.model_copy(update={"record_id": None})


def test_the_truth_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    write_truth(registry(), path)
    assert Truth.model_validate_json(path.read_bytes()) == registry().truth
    assert "SYNTHETIC" in json.loads(path.read_text())["statement"]


@pytest.mark.parametrize("patients", [1, 20, 60, 450])
def test_any_number_of_patients(patients: int) -> None:
    made = registry(patients=patients)
    assert len(made.project.record_groups) == patients == len(made.truth.records)
    assert len({row.record_id for row in made.project.rows if row.form == "registration"}) == patients
    carrying = sum(any(case.kind != "ordinary" for case in record.planted) for record in made.truth.records)
    assert carrying <= max(0.31 * patients, 95)


@pytest.mark.parametrize("sites", [1, 9, 30])
def test_any_number_of_sites(sites: int) -> None:
    made = generate(SyntheticPlan(patients=120, sites=sites))
    groups = [name for _, name in made.project.data_access_groups]
    assert len(made.sites) == len(set(groups)) == sites == len({site.record_prefix for site in made.sites})
    assert set(made.project.record_groups.values()) <= set(groups)
    assert all(len(name) <= 18 for name in groups), "REDCap cuts unique group names at 18 characters"

"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from homes import CUT, Home

from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, generate

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Folder of recorded REDCap projects that nobody here made; the test skips where it is not at hand."""
    folder = Path(os.environ.get("BLIN_RECORDED") or REPOSITORY.parent / "shared" / "recorded" / "redcapr")
    if not folder.is_dir():
        pytest.skip("no folder of recorded REDCap projects (BLIN_RECORDED)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser; the test skips where it is not installed."""
    path = Path("/usr/bin/chromium")
    if not path.exists():
        pytest.skip("Chromium is not installed")
    return path


@pytest.fixture(scope="session")
def demo_registry() -> SyntheticRegistry:
    """The registry of ``blin demo``."""
    return generate(SyntheticPlan(seed=20240614, patients=200, sites=9, data_cut=CUT))


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home after ``blin demo``; tests must leave it as it is."""
    home = Home(tmp_path_factory.mktemp("demo"))
    home.blin("demo", "--json")
    return home


def _group(item: pytest.Item) -> str | None:
    """Tests that stay in one process: those with the demo home; else those of a file whose fixtures are expensive."""
    fixtures = getattr(item, "fixturenames", ())
    if "demo_home" in fixtures:
        return "demo"
    return item.path.stem if item.get_closest_marker("slow") or "defs" in fixtures else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For runs on several processes (pytest-xdist): tests of a group go to the same one."""
    for item in items:
        group = _group(item)
        if group is None:
            continue
        item.add_marker(pytest.mark.xdist_group(group))
        if hasattr(config, "workerinput"):
            # pytest 9.2 keeps a test's id elsewhere than pytest-xdist 3.8 writes the group to, which then has no effect.
            item._id = type(item._id).parse(f"{item.nodeid}@{group}")

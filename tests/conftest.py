"""Fixtures that several rooms share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from homes import CUT, Home
from proof import proof_count

from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, generate

# Fewer looks at what stays to the end anyway (Dagster, pandas, thousands of tests); Python's own number is 700 new objects.
gc.set_threshold(100_000)

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


@pytest.fixture
def proof(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """States what a proof reached (how many cases it compared); shown at the end of the run."""
    return lambda text: record_property("proof", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the proofs reached."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "proof":
                terminalreporter.write_line(f"proof: {text}")


def _group(item: pytest.Item) -> str | None:
    """Tests that stay in one process: those that share a dear fixture; else those of a file that is slow."""
    fixtures = getattr(item, "fixturenames", ())
    for shared in ("demo_home", "many_registries", "build", "spoilt"):
        if shared in fixtures:
            return shared
    return item.path.stem if item.get_closest_marker("slow") or "defs" in fixtures else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Full proofs have no time limit; on several processes (pytest-xdist) the tests of a group go to the same one."""
    for item in items:
        if "many_registries" in getattr(item, "fixturenames", ()) and proof_count(0, 1):
            # The full count is one long build; it ends when it ends.
            item.add_marker(pytest.mark.timeout(0))
        group = _group(item)
        if group is None:
            continue
        item.add_marker(pytest.mark.xdist_group(group))
        if hasattr(config, "workerinput"):
            # pytest 9.2 keeps a test's id elsewhere than pytest-xdist 3.8 writes the group to, which then has no effect.
            item._id = type(item._id).parse(f"{item.nodeid}@{group}")

"""A small registry, a sandbox of the test's own, and a home with a release that is made once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from homes import CUT, TOKEN, Home, with_parsed_project, write_settings
from many_registries import ManyRegistries, build_many
from proof import proof_count
from special_records import MAKERS

from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, generate
from blin_pipeline.settings import load_settings


@pytest.fixture(scope="session")
def small_registry() -> SyntheticRegistry:
    """Forty patients at three sites, without planted faults."""
    return generate(SyntheticPlan(seed=7, patients=40, sites=3, data_cut=CUT))


@pytest.fixture
def sandbox(small_registry: SyntheticRegistry) -> Iterator[RunningSandbox]:
    """The small registry behind a server of the test's own."""
    with serving({TOKEN: small_registry.project}) as running:
        yield running


@dataclass(frozen=True)
class Published:
    """A home with a release of the small registry, to be left as it is, and how long the refresh took."""

    home: Home
    seconds: float


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, small_registry: SyntheticRegistry) -> Published:
    """Made once for all processes of the test run."""
    from blin_pipeline.orchestration.refresh import run_refresh

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, took = shared / "published", shared / "published.seconds"
    with FileLock(shared / "published.lock"):
        if not took.exists():
            folder.mkdir()
            with serving({TOKEN: small_registry.project}) as running:
                with_parsed_project(write_settings(folder, running.url, small_registry).path)
                started = time.monotonic()
                assert run_refresh(load_settings(folder)).success
            took.write_text(str(time.monotonic() - started), encoding="ascii")
    return Published(Home(folder), float(took.read_text(encoding="ascii")))


@pytest.fixture
def published_copy(published: Published, tmp_path: Path) -> Home:
    """A copy of the published home, to be changed."""
    return published.home.copy(tmp_path / "home")


@pytest.fixture(scope="session")
def many_registries(tmp_path_factory: pytest.TempPathFactory) -> ManyRegistries:
    """Generated registries in one build: 20, or 1,000 with ``BLIN_PROOF=full``; tests must leave them as they are."""
    return build_many(proof_count(20, 1_000), tmp_path_factory.mktemp("many"), MAKERS)

"""A small registry, and a sandbox of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from homes import CUT, TOKEN
from many_registries import ManyRegistries, build_many
from proof import proof_count
from special_records import MAKERS

from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, generate


@pytest.fixture(scope="session")
def small_registry() -> SyntheticRegistry:
    """Forty patients at three sites, without planted faults."""
    return generate(SyntheticPlan(seed=7, patients=40, sites=3, data_cut=CUT))


@pytest.fixture
def sandbox(small_registry: SyntheticRegistry) -> Iterator[RunningSandbox]:
    """The small registry behind a server of the test's own."""
    with serving({TOKEN: small_registry.project}) as running:
        yield running


@pytest.fixture(scope="session")
def many_registries(tmp_path_factory: pytest.TempPathFactory) -> ManyRegistries:
    """Generated registries in one build: 20, or 1,000 with ``BLIN_PROOF=full``; tests must leave them as they are."""
    return build_many(proof_count(20, 1_000), tmp_path_factory.mktemp("many"), MAKERS)

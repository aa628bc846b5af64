"""A small registry, and a sandbox of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from homes import CUT, TOKEN

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

"""Fixtures of the release room's tests: a policy, and a home folder to build and publish in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_registry import POLICY, Home, policy_from

from blin_pipeline.registry.deid import Policy
from blin_pipeline.registry.dictionary import Dictionary, load_dictionary


@pytest.fixture(scope="session")
def dictionary() -> Dictionary:
    return load_dictionary()


@pytest.fixture(scope="session")
def make_policy(dictionary: Dictionary, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Policy]:
    return lambda text: policy_from(text, tmp_path_factory.mktemp("policy"), dictionary)


@pytest.fixture
def policy(make_policy: Callable[[str], Policy]) -> Policy:
    return make_policy(POLICY)


@pytest.fixture
def home(tmp_path: Path, policy: Policy, dictionary: Dictionary) -> Home:
    return Home(tmp_path, policy, dictionary)

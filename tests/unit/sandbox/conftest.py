"""Fixtures of the sandbox room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from server_sample import ONCE_ONLY, OTHER_TOKEN, PROJECT, TOKEN

from blin_pipeline.sandbox.serve import RunningSandbox, serving


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """For tests that only read: the sample under TOKEN, its part without repeating instruments under OTHER_TOKEN."""
    with serving({TOKEN: PROJECT, OTHER_TOKEN: ONCE_ONLY}) as running:
        yield running


@pytest.fixture
def fresh_sandbox() -> Iterator[RunningSandbox]:
    """The sample project for one test alone."""
    with serving({TOKEN: PROJECT}) as running:
        yield running

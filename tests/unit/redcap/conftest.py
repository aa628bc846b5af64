"""Fixtures of the protocol room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redcap_sample import TOKEN, project

from blin_pipeline.sandbox.serve import RunningSandbox, serving


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """The sample project, served for one test."""
    with serving({TOKEN: project()}) as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty folder for one reading."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Folder of recorded projects of real servers."""
    beside = Path(__file__).parents[4] / "shared" / "recorded" / "redcapr"
    folder = Path(os.environ.get("BLIN_RECORDED", beside))
    if not folder.is_dir():
        pytest.skip("no recorded REDCap projects here (set BLIN_RECORDED)")
    return folder

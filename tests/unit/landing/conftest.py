"""Fixtures of the raw zone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from landing_sample import landed

from blin_pipeline.landing.pull import Pull


@pytest.fixture
def pulls_dir(tmp_path: Path) -> Path:
    """A folder of pulls that does not exist yet."""
    return tmp_path / "restricted" / "pulls"


@pytest.fixture
def pull(pulls_dir: Path) -> Pull:
    """The sample, landed."""
    return landed(pulls_dir)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Folder of recorded projects of real servers."""
    beside = Path(__file__).parents[4] / "shared" / "recorded" / "redcapr"
    folder = Path(os.environ.get("BLIN_RECORDED", beside))
    if not folder.is_dir():
        pytest.skip("no recorded REDCap projects here (set BLIN_RECORDED)")
    return folder

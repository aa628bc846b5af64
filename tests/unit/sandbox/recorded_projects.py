"""Where the recorded REDCap projects are. They are not part of this repository: their folder is ``BLIN_RECORDED``, or
``shared/recorded/redcapr`` beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
RECORDED = Path(os.environ.get("BLIN_RECORDED", REPOSITORY.parent / "shared/recorded/redcapr"))
PROJECTS = sorted(folder.name for folder in RECORDED.iterdir()) if RECORDED.is_dir() else []

needs_recordings = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded projects are not here (BLIN_RECORDED or ../shared/recorded/redcapr)"
)


def recorded_file(name: str, file: str) -> bytes:
    return (RECORDED / name / file).read_bytes()

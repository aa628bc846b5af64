"""Row sets that the report must be able to draw, and their pages."""

from __future__ import annotations

from typing import Any

import pytest
import report_sample as sample

Records = list[dict[str, Any]]


@pytest.fixture(scope="session")
def cases() -> dict[str, Records]:
    """Row sets by name."""
    return {name: make() for name, make in sample.CASES.items()}


@pytest.fixture(scope="session")
def pages(cases: dict[str, Records]) -> dict[str, str]:
    """The page of every row set."""
    from blin_pipeline.report.study import render

    return {name: render(rows, sample.META) for name, rows in cases.items()}

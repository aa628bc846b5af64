"""The documentation of the tables is one page that needs no server, no database and no network."""

from __future__ import annotations

import re

import pytest
from homes import Home

pytestmark = pytest.mark.slow


def test_the_page_is_written_without_a_warehouse(tmp_path):
    home = Home(tmp_path)
    page = tmp_path / "restricted" / "engineering" / "lineage.html"
    assert home.json("docs")["page"] == str(page)
    text = page.read_text(encoding="utf-8")
    for name in ("time_to_event", "blin_cycle_exposure", "int_tte__origin", "unique_on"):
        assert name in text
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"?https?:", text)
    assert page.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "restricted" / "warehouse.duckdb").exists()

"""Which event an instrument stands in where no file tells: where a row of it does, whatever its status."""

from __future__ import annotations

from pathlib import Path

import pytest
from landing_sample import landed

from blin_pipeline.landing.reading import source_shape

FIELDS = (("record_id", "visit", "text", ""), ("seen", "visit", "text", ""), ("value", "lab", "text", ""))
HEADER = ("record_id", "redcap_event_name", "redcap_repeat_instance", "seen", "visit_complete", "value", "lab_complete")
ROWS = (
    ("1", "v1_arm_1", "", "yes", "2", "", ""),
    ("1", "v2_arm_1", "", "", "", "9", "2"),
    ("1", "v3_arm_1", "", "", "", "8", ""),
)


@pytest.mark.parametrize("with_status", [True, False])
def test_an_instrument_stands_where_a_row_of_it_landed(with_status: bool, pulls_dir: Path) -> None:
    """An imported value has no status; a file may have no status column at all."""
    width = len(HEADER) if with_status else len(HEADER) - 1
    pull = landed(pulls_dir, [row[:width] for row in ROWS], HEADER[:width], fields=FIELDS)
    assert pull.manifest.forms["lab"].table.rows == 2
    assert source_shape(pull).events == {"visit": ["v1_arm_1"], "lab": ["v2_arm_1", "v3_arm_1"]}

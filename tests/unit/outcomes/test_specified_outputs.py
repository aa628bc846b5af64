"""Everything that the schedule must make is made, is listed in the docs, and can be released as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.release.transforms import NOT_WORDS

DOCS = Path(__file__).parents[3] / "docs" / "numbers.md"


def listed():
    """Rows of the table of outputs in the docs: title, outcomes, begins of statistics."""
    section = DOCS.read_text(encoding="utf-8").split("## What is computed at every refresh\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return [
        (title.strip(), re.findall(r"`(\w+)`", outcomes), re.findall(r"`(\w+)`", names))
        for title, outcomes, names in rows
    ]


def test_twenty_outputs_are_specified():
    assert len(listed()) == 20


@pytest.mark.parametrize(("outcomes", "begins"), [row[1:] for row in listed()], ids=[row[0] for row in listed()])
def test_the_output_is_made(outcomes, begins, hand_made_rows):
    assert set(outcomes) <= {outcome.name for outcome in OUTCOMES}
    made = {row.statistic for row in hand_made_rows if row.outcome in outcomes}
    variables = {row.group_variable for row in hand_made_rows if row.outcome in outcomes}
    for begin in begins:
        assert any(name.startswith(begin) for name in made) or begin in variables, begin


def test_no_reason_is_lost_on_release(hand_made_rows):
    refused = re.compile(NOT_WORDS)
    assert not {
        row.result_id for row in hand_made_rows if refused.search(row.reason) or refused.search(row.group_label)
    }


def test_every_row_says_what_it_counts(hand_made_rows):
    for row in hand_made_rows:
        assert row.population and row.cut_id and row.parameters_hash  # noqa: PT018

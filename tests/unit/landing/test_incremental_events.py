"""A longitudinal project that people edit at random: after each step a pull by change holds what a full one holds."""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from landing_sample import landed_cells
from proof import proof_count
from pulling import SOURCE, TOKEN, Clock, PullHome, stored_cells

from blin_pipeline.landing.parquet import read_rows
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import serving
from blin_pipeline.sandbox.setup import Arm, Event, Repeat

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

BASE, VISIT, OTHER = "base_arm_1", "visit_arm_1", "base_arm_2"
#: Two arms, an event that repeats as a whole, an instrument that repeats in another.
PROJECT: SourceProject = dataclasses.replace(
    SOURCE,
    repeating_instruments=(),
    settings={"is_longitudinal": 1},
    arms=(Arm(1, "Arm 1"), Arm(2, "Arm 2")),
    events=(Event(1, "Base", 1, BASE), Event(2, "Visit", 1, VISIT), Event(3, "Base", 2, OTHER)),
    event_forms=(
        *((BASE, "baseline"), (BASE, "course"), (VISIT, "baseline"), (VISIT, "diary")),
        *((OTHER, "baseline"), (OTHER, "course")),
    ),
    repeats=(Repeat("course", BASE), Repeat("", VISIT)),
    rows=(
        FormRow("S1-1", "course", 1, {"drug": "x", "course_complete": "2"}, BASE),
        FormRow("S1-1", "diary", 2, {"feeling": "ill", "diary_complete": "2"}, VISIT),
        FormRow("S2-1", "course", None, {"drug": "y", "course_complete": "1"}, OTHER),
        *(FormRow(f"S4-{n}", "baseline", None, {"code": str(n)}, BASE) for n in range(1, 13)),
    ),
)
#: (instrument, event, whether it has instances there, a column).
PLACES = (
    *(("baseline", BASE, False, "code"), ("course", BASE, True, "drug"), ("baseline", VISIT, True, "race___1")),
    *(("diary", VISIT, True, "feeling"), ("baseline", OTHER, False, "code"), ("course", OTHER, False, "drug")),
)
TEXTS = ("", "1", "007", "UNK", 'say "so"', "two\r\nlines")
GROUPS = ("", "site_1", "site_2")


def _step(state: ProjectState, chance: random.Random, number: int) -> str:
    """Do one thing to the project, and say what."""
    name = chance.choice(sorted(state.records))
    form, event, repeats, column = chance.choice(PLACES)
    instance = chance.randint(1, 4) if repeats else None
    what = chance.choice(("save", "save", "clear", "delete", "enter", "rename", "move", "nothing"))
    if what == "save":
        text = chance.choice(("", "1")) if "___" in column else chance.choice(TEXTS)
        state.save(name, form, instance, {column: text}, event=event)
    elif what == "clear":
        places = sorted(
            (record, key.event, key.instrument, key.instance or 0)
            for record, entry in state.records.items()
            for key in entry.rows
            if key.instrument
        )
        if places:
            record, event, form, number_of = chance.choice(places)
            state.clear_form(record, form, number_of, event=event)
    elif what == "delete" and len(state.records) > 8:
        state.delete_record(name)
    elif what == "enter":
        state.save(f"new-{number}", form, instance, {column: "1"}, event=event)
    elif what == "rename":
        state.rename_record(name, f"named-{number}")
    elif what == "move":
        state.assign_group(name, chance.choice(GROUPS))
    return what


def test_by_change_equals_in_full_after_every_step(tmp_path: Path, proof: Callable[[str], None]) -> None:
    chance, clock = random.Random(11), Clock()
    counts: Counter[str] = Counter()
    with serving({TOKEN: PROJECT}, clock=clock) as running:
        home = PullHome(tmp_path / "by_change", clock)
        home.pull(running.url)
        state = running.project(TOKEN)
        for number in range(proof_count(20, 300, quick=8)):
            clock.move(minutes=chance.choice((0, 1, 59, 61, 200, 3000)))
            what = _step(state, chance, number)
            found, reading = home.pull(running.url, incremental=True)
            whole, _ = PullHome(tmp_path / "in_full", clock).pull(running.url)
            assert found.manifest.content_sha256 == whole.manifest.content_sha256, (number, what)
            assert landed_cells(found) == stored_cells(state), (number, what)
            assert dict(read_rows(found.setup_path("records"))) == {
                # Without a row a record of a longitudinal project stands in no event, and so in no export.
                record: entry.group
                for record, entry in state.records.items()
                if entry.rows
            }
            shutil.rmtree(tmp_path / "in_full")
            counts.update((f"read: {reading.mode}", f"step: {what}"))
    proof("pull by change of events: " + ", ".join(f"{name} {n}" for name, n in sorted(counts.items())))
    assert counts["read: incremental"] > counts.total() / 4

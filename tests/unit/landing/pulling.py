"""Pulls of a sandbox project into a home of the test's own, by change or in full, on a clock that the test moves."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from blin_pipeline.landing.baseline import baseline_of
from blin_pipeline.landing.inspection import workspace
from blin_pipeline.landing.ledger import Reading
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import accept, latest_reading
from blin_pipeline.landing.write import land
from blin_pipeline.redcap.client import ClientLimits, RedcapClient
from blin_pipeline.redcap.export import ReadingPlan, export_project
from blin_pipeline.registry.dictionary import dictionary_from_rows
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rows import FormRow, SourceProject

TOKEN = "CAFE0123456789CAFE0123456789CAFE"
START = datetime(2026, 7, 1, 6, 0)
#: What the server's clock lacks to UTC.
ZONE = timedelta(hours=5)


class Clock:
    """The server's time: it stands until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def utc(self) -> datetime:
        """The same moment as our own clock shows it."""
        return self.now + ZONE

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


def _field(name: str, form: str, kind: str = "text", choices: str = "") -> dict[str, str]:
    cells = {"field_name": name, "form_name": form, "field_type": kind, "field_label": name}
    return {**cells, "select_choices_or_calculations": choices}


DICTIONARY = dictionary_from_rows(
    [
        _field("record_id", "baseline"),
        _field("code", "baseline"),
        _field("race", "baseline", "checkbox", "1, Asian | 2, Other"),
        _field("feeling", "diary", "notes"),
        _field("drug", "course"),
        _field("reaction", "course", "checkbox", "1, Fever | 2, Rash"),
    ],
    Path("sample.csv"),
)
SOURCE = SourceProject(
    title="Synthetic sample",
    project_id=42,
    dictionary=DICTIONARY,
    instrument_labels={},
    repeating_instruments=("course",),
    surveys=(),
    data_access_groups=(("Site 1", "site_1"), ("Site 2", "site_2")),
    # Enough records that a change of some is not a change of most.
    record_groups={
        "S1-1": "site_1",
        "S1-10": "site_1",
        "S2-1": "site_2",
        "7": "",
        "S3-5": "",
        "S3-50": "site_2",
        **{f"S4-{number}": "site_2" for number in range(1, 13)},
    },
    missing_data_codes={"UNK": "Unknown"},
    rows=(
        FormRow("S1-1", "baseline", None, {"code": "1", "race___1": "1", "baseline_complete": "2"}),
        FormRow("S1-10", "course", 1, {"drug": "x", "course_complete": "2"}),
        FormRow("S1-10", "course", 2, {"drug": "y", "course_complete": "1"}),
        FormRow("S2-1", "diary", None, {"feeling": "well", "diary_complete": "2"}),
    ),
    created=datetime(2026, 3, 1, 9, 0),
)


@dataclass
class PullHome:
    """A folder of pulls and the way to fill it."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    token: str = TOKEN

    @property
    def pulls_dir(self) -> Path:
        return self.folder / "pulls"

    def pull(self, url: str, *, incremental: bool = False, **plan: object) -> tuple[Pull, Reading]:
        """Read, land, accept."""
        limits = ClientLimits(sleep=lambda _: None, jitter=lambda: 0.0, attempts=2, read_seconds=20)
        client = RedcapClient(url, SecretStr(self.token), limits)
        baseline, why = baseline_of(self.pulls_dir) if incremental else (None, "")
        parts = {"parts_dir": self.folder / "partial", **plan}
        with workspace(self.folder) as here:
            try:
                chosen = ReadingPlan(baseline=baseline, why_full=why, **parts)  # type: ignore[arg-type]
                export = export_project(client, here, chosen, clock=self.clock.utc)
            finally:
                client.close()
            pull = land(export, self.pulls_dir)
        accept(self.pulls_dir, pull)
        shutil.rmtree(self.folder / "partial", ignore_errors=True)
        reading = latest_reading(self.pulls_dir)
        assert reading is not None
        return pull, reading


def stored_cells(state: ProjectState) -> Counter[tuple[str, ...]]:
    """(record, event, instrument, instance, column, value) of every cell that an export of the project's forms must show.

    Written from the state alone: stored values, and the zeros that REDCap gives for the unticked options of a form that
    was saved.
    """
    cells: Counter[tuple[str, ...]] = Counter()
    for record_id, record in state.records.items():
        for key, stored in record.rows.items():
            forms = [key.instrument] if key.instrument else list(state.dictionary.forms)
            for form in forms:
                columns = [*state.dictionary.export_columns(form, state.missing_data_codes), f"{form}_complete"]
                here = {name: stored[name] for name in columns if name in stored}
                if here:
                    here |= {name: "0" for name in columns if "___" in name and name not in here}
                instance = str(key.instance) if key.instance else ""
                cells.update(
                    (record_id, key.event, key.instrument, instance, name, text) for name, text in here.items()
                )
    return cells

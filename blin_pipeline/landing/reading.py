"""Reading what was landed: the newest pull, its records, its dictionary, the columns that its source has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pyarrow.parquet as pq

from blin_pipeline.errors import DataError
from blin_pipeline.landing.pull import Pull, open_pull, readings
from blin_pipeline.landing.setup_tables import DICTIONARY_COLUMNS, KEY_COLUMNS
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.project_setup import EVENT, GROUP
from blin_pipeline.registry.dictionary import COLUMNS, Dictionary, dictionary_from_rows
from blin_pipeline.registry.source_plan import SourceShape

#: File in the folder of pulls that names the accepted one.
ACCEPTED = "accepted"


def latest_pull(pulls_dir: Path) -> Pull | None:
    """The pull of the newest reading, None when nothing was landed yet.

    Raises:
        DataError: ``E_PULL_TAMPERED``.
    """
    found = readings(pulls_dir)
    return open_pull(pulls_dir / found[-1].pull_id) if found else None


def accept(pulls_dir: Path, pull: Pull) -> None:
    """Note that a pull passed its comparison with the one before: only such a pull may feed the tables."""
    unfinished = pulls_dir / f".{ACCEPTED}-{pull.pull_id}"
    with disk_faults("noting the pull"):
        unfinished.write_text(f"{pull.pull_id}\n", encoding="ascii")
        unfinished.replace(pulls_dir / ACCEPTED)


def accepted_pull(pulls_dir: Path) -> Pull:
    """The pull that was accepted last.

    Raises:
        DataError: ``E_NO_PULL`` when there is none; ``E_PULL_TAMPERED``.
    """
    note = pulls_dir / ACCEPTED
    if not note.is_file():
        raise DataError("E_NO_PULL", "no accepted pull is landed here", fix="Run a whole refresh.")
    return open_pull(pulls_dir / note.read_text(encoding="ascii").strip())


def records(pull: Pull) -> list[tuple[str, str]]:
    """(record id, unique name of its data access group or blank) of every record, in the pull's order."""
    table = pq.read_table(pull.setup_path("records"))
    return list(zip(table["record_id"].to_pylist(), table[GROUP].to_pylist(), strict=True))


def live_dictionary(pull: Pull) -> Dictionary:
    """The source's own data dictionary as it was at the pull."""
    table = pq.read_table(pull.setup_path("dictionary"), columns=[*COLUMNS, DICTIONARY_COLUMNS[-1]])
    rows = sorted(table.to_pylist(), key=lambda row: int(row[DICTIONARY_COLUMNS[-1]]))
    return dictionary_from_rows(rows, pull.setup_path("dictionary"))


def source_shape(pull: Pull) -> SourceShape:
    """What the source has: columns of each instrument, events that each stands in, whether records have a group."""
    table = pq.read_table(pull.setup_path("form_event")).to_pylist()
    events: dict[str, list[str]] = {form: [] for form in pull.forms}
    for row in table:
        events.setdefault(row["form"], []).append(row["event"])
    return SourceShape(
        columns={form: frozenset(entry.table.columns) - {*KEY_COLUMNS} for form, entry in pull.manifest.forms.items()},
        events=events,
        repeating={(row["form"], row["event"]) for row in table if row["is_repeating"] == "true"},
        has_groups=any(group for _, group in records(pull)),
        is_longitudinal=pull.manifest.is_longitudinal,
    )


def records_with_two_rows(pull: Pull, form: str, events: Collection[str]) -> int:
    """How many records have more than one row of an instrument in these events (in all, when none is named)."""
    table = pq.read_table(pull.form_path(form), columns=["record_id", EVENT])
    counts = Counter(
        record
        for record, event in zip(table["record_id"].to_pylist(), table[EVENT].to_pylist(), strict=True)
        if not events or event in events
    )
    return sum(count > 1 for count in counts.values())

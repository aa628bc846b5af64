"""Reading what was landed: the accepted pull, its records, its dictionary, the columns that its source has.

Whoever opens a pull here gets one whose files were hashed again first.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from blin_pipeline.errors import DataError
from blin_pipeline.landing.ledger import Reading, readings
from blin_pipeline.landing.pull import Pull, open_pull, tampered
from blin_pipeline.landing.setup_tables import DICTIONARY_COLUMNS, KEY_COLUMNS
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.project_setup import EVENT, GROUP
from blin_pipeline.registry.dictionary import COLUMNS, Dictionary, dictionary_from_rows
from blin_pipeline.registry.source_plan import SourceShape

#: File in the folder of pulls that names the accepted one.
ACCEPTED = "accepted"


class Accepted(BaseModel):
    """The note of the accepted pull.

    Attributes:
        pull_id: The pull.
        reading: Hash of its line in the list of readings.
        full_reading: Hash of the line of the last full reading that was accepted; blank without any.
        silent_changes: Records that a full reading showed changed without a line in the log since the pull before; None when
            the reading was no such comparison.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pull_id: str
    reading: str
    full_reading: str
    silent_changes: int | None = None


def checked_pull(pulls_dir: Path, pull_id: str) -> Pull:
    """A pull whose files, and whose manifest against the list of readings, were hashed again.

    Raises:
        DataError: ``E_PULL_TAMPERED``.
        StorageError: A file cannot be read.
    """
    pull = open_pull(pulls_dir / pull_id)
    pull.check_files()
    listed = [reading.manifest_sha256 for reading in readings(pulls_dir) if reading.pull_id == pull_id]
    if listed and listed[-1] != hashlib.sha256(pull.manifest.canonical()).hexdigest():
        raise tampered(pull_id, "manifest.json", "is not the one that the list of pulls names")
    return pull


def latest_reading(pulls_dir: Path) -> Reading | None:
    """The newest reading, None when nothing was landed yet.

    Raises:
        DataError: ``E_PULL_TAMPERED``.
    """
    found = readings(pulls_dir)
    return found[-1] if found else None


def accept(pulls_dir: Path, pull: Pull, silent_changes: int | None = None) -> None:
    """Note that a pull passed its comparison with the one before: only such a pull may feed the tables.

    Args:
        pulls_dir: Folder of pulls.
        pull: The pull, landed last.
        silent_changes: Records that changed without a line in the log, where that was compared.
    """
    reading = next(line for line in reversed(readings(pulls_dir)) if line.pull_id == pull.pull_id)
    before = accepted_note(pulls_dir)
    full = reading.sha256 if reading.mode == "full" else before.full_reading if before is not None else ""
    note = Accepted(pull_id=pull.pull_id, reading=reading.sha256, full_reading=full, silent_changes=silent_changes)
    unfinished = pulls_dir / f".{ACCEPTED}-{pull.pull_id}"
    with disk_faults("noting the pull"):
        unfinished.write_text(json.dumps(note.model_dump()) + "\n", encoding="ascii")
        unfinished.replace(pulls_dir / ACCEPTED)


def accepted_note(pulls_dir: Path) -> Accepted | None:
    """Which pull was accepted last; None when there is none."""
    try:
        return Accepted.model_validate_json((pulls_dir / ACCEPTED).read_bytes())
    except (OSError, ValidationError):
        return None


def accepted_pull(pulls_dir: Path) -> Pull:
    """The pull that was accepted last, checked.

    Raises:
        DataError: ``E_NO_PULL`` when there is none; ``E_PULL_TAMPERED``.
    """
    note = accepted_note(pulls_dir)
    if note is None:
        raise DataError("E_NO_PULL", "no accepted pull is landed here", fix="Run a whole refresh.")
    return checked_pull(pulls_dir, note.pull_id)


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

"""Reading what was landed: the accepted pull, its records, its dictionary, the columns that its source has.

Whoever opens a pull here gets one whose files were hashed again first.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from blin_pipeline.errors import DataError
from blin_pipeline.landing.ledger import Reading, readings
from blin_pipeline.landing.loss import Loss
from blin_pipeline.landing.pull import Pull, open_pull, tampered
from blin_pipeline.landing.setup_tables import DICTIONARY_COLUMNS, KEY_COLUMNS
from blin_pipeline.redcap.disk import disk_faults, flush
from blin_pipeline.redcap.project_setup import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from blin_pipeline.redcap.text_arrays import joined, text_array
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
        loss: What is gone since the pull behind the release; None when there was none to compare with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pull_id: str
    reading: str
    full_reading: str
    silent_changes: int | None = None
    loss: Loss | None = None


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


def log_seen(pulls_dir: Path, pull_id: str) -> str:
    """Newest line of the log when the content of a pull was last read; blank when no reading of it could read the log.

    The manifest is of the first reading: the same content may have been read many times since.

    Raises:
        DataError: ``E_PULL_TAMPERED``.
    """
    lines = (line.log_newest for line in reversed(readings(pulls_dir)) if line.pull_id == pull_id)
    return next((newest for newest in lines if newest), "")


def accept(pulls_dir: Path, pull: Pull, silent_changes: int | None = None, loss: Loss | None = None) -> None:
    """Note that a pull passed its comparison with the one before: only such a pull may feed the tables.

    Args:
        pulls_dir: Folder of pulls.
        pull: The pull, landed last.
        silent_changes: Records that changed without a line in the log, where that was compared.
        loss: What is gone since the pull behind the release, where there was one.
    """
    reading = next(line for line in reversed(readings(pulls_dir)) if line.pull_id == pull.pull_id)
    before = accepted_note(pulls_dir)
    full = reading.sha256 if reading.mode == "full" else before.full_reading if before is not None else ""
    note = Accepted(
        pull_id=pull.pull_id, reading=reading.sha256, full_reading=full, silent_changes=silent_changes, loss=loss
    )
    unfinished = pulls_dir / f".{ACCEPTED}-{pull.pull_id}"
    with disk_faults("noting the pull"):
        unfinished.write_text(json.dumps(note.model_dump(mode="json")) + "\n", encoding="ascii")
        # Without this a power cut may leave the name and not the bytes.
        flush(unfinished)
        unfinished.replace(pulls_dir / ACCEPTED)
        flush(pulls_dir)


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


def repeated_keys(pull: Pull) -> int:
    """How many landed rows bear the key of the row before them; rows lie in the order of their keys, so equal ones meet."""
    found = 0
    for form in pull.forms:
        last = text_array([])
        columns = ["record_id", EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE]
        for batch in pq.ParquetFile(pull.form_path(form)).iter_batches(columns=columns):
            keys = joined(*batch.columns)
            both = pa.concat_arrays([last, keys])
            found += pc.equal(both.slice(1), both.slice(0, max(0, len(both) - 1))).true_count
            last = keys.slice(max(0, len(keys) - 1))
    return found


def records_with_two_rows(pull: Pull, form: str, events: Collection[str]) -> int:
    """How many records have more than one row of an instrument in these events (in all, when none is named)."""
    table = pq.read_table(pull.form_path(form), columns=["record_id", EVENT])
    counts = Counter(
        record
        for record, event in zip(table["record_id"].to_pylist(), table[EVENT].to_pylist(), strict=True)
        if not events or event in events
    )
    return sum(count > 1 for count in counts.values())

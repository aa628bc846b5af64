"""Reading what was landed: the newest pull, its records, its dictionary, the columns that its source has."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from blin_pipeline.errors import DataError
from blin_pipeline.landing.pull import Pull, open_pull, readings
from blin_pipeline.landing.setup_tables import DICTIONARY_COLUMNS
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.project_setup import GROUP
from blin_pipeline.registry.dictionary import COLUMNS, Dictionary, dictionary_from_rows

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


def source_columns(pull: Pull) -> set[str]:
    """Export columns that the source has, over all instruments; the access group counts when any record has one."""
    found = {column for entry in pull.manifest.forms.values() for column in entry.table.columns}
    return found if any(group for _, group in records(pull)) else found - {GROUP}

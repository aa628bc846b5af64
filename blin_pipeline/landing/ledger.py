"""The list of readings, ``pulls.jsonl``: one line per reading, each holding the hash of the line before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from blin_pipeline.errors import DataError
from blin_pipeline.redcap.disk import disk_faults

LEDGER = "pulls.jsonl"


class Reading(BaseModel):
    """One reading and the pull that holds its content.

    Attributes:
        pull_id: The pull.
        pulled_at_utc: When the reading began, naive UTC.
        source_kind: ``api`` or ``files``.
        redcap_version: The server's version, None when unknown.
        n_records: Records of the project.
        rows: Instrument -> landed rows.
        manifest_sha256: Hash of the pull's manifest.
        setup_sha256: Hash of the project's set-up at this reading; blank on lines of versions that did not write it.
        log_newest: Newest line of the project's log when the reading began; blank when unknown.
        mode: ``full``, or ``incremental`` when unchanged rows came from an earlier pull.
        why_full: Why everything was read although a reading by change was asked for; blank else.
        n_changed: Records fetched by an incremental reading; None for a full one.
        n_bytes: Bytes received.
        previous: Hash of the line before; blank on the first, None on lines of versions that did not write it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pull_id: str
    pulled_at_utc: datetime
    source_kind: str
    redcap_version: str | None
    n_records: int
    rows: Mapping[str, int]
    manifest_sha256: str
    log_newest: str
    setup_sha256: str = ""
    mode: Literal["full", "incremental"] = "full"
    why_full: str = ""
    n_changed: int | None = None
    n_bytes: int = 0
    previous: str | None = None

    @property
    def line(self) -> bytes:
        """The reading as a line of the list, without line end."""
        return self.model_dump_json().encode()

    @property
    def sha256(self) -> str:
        """Hash of the line."""
        return hashlib.sha256(self.line).hexdigest()


def append(pulls_dir: Path, reading: Reading) -> Reading:
    """Append one reading, flushed to the disk; what a killed writer left unfinished at the end is cut off first.

    Returns:
        The reading with the hash of the line before.
    """
    known = readings(pulls_dir)
    chained = reading.model_copy(update={"previous": known[-1].sha256 if known else ""})
    ledger = pulls_dir / LEDGER
    with disk_faults("writing the list of pulls"):
        descriptor = os.open(ledger, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            whole = file.read()
            file.seek(whole.rfind(b"\n") + 1)
            file.truncate()
            file.write(chained.line + b"\n")
            file.flush()
            os.fsync(file.fileno())
    return chained


def readings(pulls_dir: Path) -> list[Reading]:
    """Every reading that was landed here, oldest first.

    Raises:
        DataError: ``E_PULL_TAMPERED``: a line that no landing wrote, or one that is gone.
    """
    ledger = pulls_dir / LEDGER
    with disk_faults("reading the list of pulls"):
        content = ledger.read_bytes() if ledger.exists() else b""
    found: list[Reading] = []
    # A line without end was cut by a kill: its pull is landed, and the next reading lists it.
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        try:
            reading = Reading.model_validate_json(line)
        except ValidationError:
            reading = None  # The error quotes the line.
        if reading is None or not _follows(reading, found):
            raise _tampered()
        found.append(reading)
    return found


def _follows(reading: Reading, before: list[Reading]) -> bool:
    if reading.previous is None:
        return not before or before[-1].previous is None
    return reading.previous == (before[-1].sha256 if before else "")


def _tampered() -> DataError:
    return DataError(
        "E_PULL_TAMPERED",
        f"The list of pulls, {LEDGER}, was changed.",
        fix="Restore it from the backup, or set it aside for inspection and pull again.",
    )

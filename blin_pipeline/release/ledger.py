"""The restricted ledger of releases: an append-only file of JSON lines, each holding the hash of the line before."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from blin_pipeline.errors import ReleaseError
from blin_pipeline.release.files import flush
from blin_pipeline.release.manifest import Inputs

FIRST = "0" * 64
Event = Literal["published", "confirmed", "rolled_back", "recovered", "retired"]


class LedgerEntry(BaseModel):
    """One line.

    Attributes:
        event: published; confirmed (built again, nothing new); rolled_back (``current`` set to an older release);
            recovered (published, but the process died before it wrote its line); retired (removed by retention).
        inputs: What the release was built from, None where it is not known.
        previous_sha256: SHA-256 of the line before, 64 zeros for the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_utc: str
    event: Event
    release_id: str
    content_sha256: str
    manifest_sha256: str
    key_id: str
    inputs: Inputs | None
    previous_sha256: str


def _broken(line: int) -> ReleaseError:
    return ReleaseError(
        "E_LEDGER_BROKEN",
        f"The ledger of releases does not hold together at line {line}.",
        fix="Restore restricted/ledger/releases.jsonl from the restricted backup; it is only ever appended to.",
    )


def _lines(path: Path) -> list[bytes]:
    """Whole lines; a last line without its end was torn by a crash and never counted."""
    if not path.exists():
        return []
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1].splitlines()


def read_ledger(path: Path) -> list[LedgerEntry]:
    """All entries, oldest first, after checking the chain.

    Raises:
        ReleaseError: ``E_LEDGER_BROKEN``.
    """
    entries = []
    expected = FIRST
    for number, line in enumerate(_lines(path), start=1):
        try:
            entry = LedgerEntry.model_validate_json(line)
        except ValidationError:
            raise _broken(number) from None
        if entry.previous_sha256 != expected:
            raise _broken(number)
        expected = hashlib.sha256(line).hexdigest()
        entries.append(entry)
    return entries


def append_entry(
    path: Path,
    event: Event,
    *,
    at: datetime,
    release_id: str,
    content_sha256: str,
    manifest_sha256: str,
    key_id: str,
    inputs: Inputs | None,
) -> LedgerEntry:
    """Append one line and force it onto the disk.

    Raises:
        ReleaseError: ``E_LEDGER_BROKEN``; nothing is appended to a broken chain.
    """
    read_ledger(path)
    lines = _lines(path)
    entry = LedgerEntry(
        at_utc=at.isoformat(timespec="seconds"),
        event=event,
        release_id=release_id,
        content_sha256=content_sha256,
        manifest_sha256=manifest_sha256,
        key_id=key_id,
        inputs=inputs,
        previous_sha256=hashlib.sha256(lines[-1]).hexdigest() if lines else FIRST,
    )
    line = json.dumps(entry.model_dump(mode="json"), sort_keys=True, ensure_ascii=False).encode() + b"\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(handle, sum(len(known) + 1 for known in lines))
        os.lseek(handle, 0, os.SEEK_END)
        os.write(handle, line)
        os.fsync(handle)
    finally:
        os.close(handle)
    flush(path.parent)
    return entry

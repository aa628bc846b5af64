"""The list of failed runs, ``failed_runs.jsonl``: ids and error codes, one whole line per run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blin_pipeline.redcap.disk import disk_faults

FAILED_RUNS = "failed_runs.jsonl"


def append(ledger_dir: Path, line: Mapping[str, Any]) -> None:
    """Append one line; what a killed writer left unfinished stays a line of its own.

    Raises:
        StorageError: No space.
    """
    with disk_faults("noting a failed run"):
        descriptor = os.open(ledger_dir / FAILED_RUNS, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            fresh = b"" if file.read(1) in {b"", b"\n"} else b"\n"
            file.write(fresh + json.dumps(dict(line), sort_keys=True).encode() + b"\n")


def last(ledger_dir: Path) -> dict[str, Any] | None:
    """The newest line that is whole; None without any.

    Raises:
        StorageError: It cannot be read.
    """
    path = ledger_dir / FAILED_RUNS
    with disk_faults("reading the list of failed runs"):
        content = path.read_bytes() if path.is_file() else b""
    for text in reversed(content[: content.rfind(b"\n") + 1].splitlines()):
        try:
            line = json.loads(text)
        except ValueError:
            continue  # Half of a line, by a writer that was killed.
        if isinstance(line, dict):
            return line
    return None

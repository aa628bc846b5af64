"""What a reading leaves behind: a whole project lying in a workspace, the same type whatever the source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from blin_pipeline.redcap.census import Census
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.fates import FormFile
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.setup_rows import LogEntry


@dataclass(frozen=True)
class Payload:
    """One answer or file exactly as received.

    Attributes:
        name: Name in the archive, without suffix.
        path: Where it lies.
        sha256: Hash of its bytes.
        n_bytes: Size.
    """

    name: str
    path: Path
    sha256: str
    n_bytes: int


@dataclass(frozen=True)
class LogWatermark:
    """Where the project's log stood before the pull.

    Attributes:
        newest: Timestamp of the newest line, server-local minutes; blank when the slice held none.
        n_lines: Lines of the slice that was read.
        sha256: Hash of the slice.
    """

    newest: str
    n_lines: int
    sha256: str


@dataclass(frozen=True)
class ProjectExport:
    """A project, read completely, lying in a workspace until it is landed.

    Attributes:
        source_kind: ``api``, ``files`` or ``project_xml``.
        setup: Everything but the records.
        redcap_version: The server's version, None when unknown.
        pulled_at_utc: When the reading began, naive UTC.
        exported_at: Local time in the name of an export file or in a project XML, blank otherwise.
        forms: Instruments that the source holds.
        census: Keys and statuses.
        payloads: Exact bytes, for the archive.
        log: Lines of the log since the previous pull's watermark (at least the last hours); None when not permitted.
        log_watermark: Where the log stood; None when not permitted.
        notes: What a person should know about this reading; no value of a record.
        mode: ``full``, or ``incremental`` when unchanged rows come from an earlier pull.
        why_full: Why everything was read although a reading by change was asked for; blank else.
        n_changed: Records fetched by an incremental reading; None for a full one.
        n_bytes: Bytes received.
        unchanged_since: Name of the earlier pull whose content this reading proved to be the project's still; then there
            are no rows here.
    """

    source_kind: Literal["api", "files", "project_xml"]
    setup: ProjectSetup
    redcap_version: str | None
    pulled_at_utc: datetime
    exported_at: str
    forms: tuple[FormFile, ...]
    census: Census
    payloads: tuple[Payload, ...]
    log: tuple[LogEntry, ...] | None = None
    log_watermark: LogWatermark | None = None
    notes: tuple[str, ...] = ()
    mode: Literal["full", "incremental"] = "full"
    why_full: str = ""
    n_changed: int | None = None
    n_bytes: int = 0
    unchanged_since: str = ""


def utc_now() -> datetime:
    """The present, naive UTC, whole seconds."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def describe_payload(name: str, path: Path) -> Payload:
    """Hash and size of a file for the archive."""
    with disk_faults("reading an answer"), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Payload(name, path, digest, file.tell())

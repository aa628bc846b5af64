"""The manifest of a pull: what was read, from where, and the hash of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

#: Raised when the folder's shape changes; part of the content, so that old and new pulls never share an id.
FORMAT_VERSION = 1


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableEntry(_Entry):
    """One Parquet file. ``path`` is relative to the pull; ``content_sha256`` hashes its rows, ``sha256`` its bytes."""

    path: str
    rows: int
    n_bytes: int
    sha256: str
    content_sha256: str
    columns: tuple[str, ...]


class FateCount(_Entry):
    """Rows of one fate (``redcap.rows.Fate``) and their non-blank cells."""

    rows: int
    cells: int


class FormEntry(_Entry):
    """One landed instrument: its table, and what became of every row that named it or could have."""

    label: str
    table: TableEntry
    landed: FateCount
    unopened: FateCount
    elsewhere: FateCount
    misplaced: FateCount


class PayloadEntry(_Entry):
    """Exact bytes as received, compressed. ``sha256`` and ``n_bytes`` are of the bytes before compression."""

    path: str
    n_bytes: int
    sha256: str
    archive_n_bytes: int
    archive_sha256: str


class LogWatermark(_Entry):
    """Where the project's log stood: newest timestamp (server-local), lines read, their hash."""

    newest: str
    n_lines: int
    sha256: str


class PullManifest(_Entry):
    """What a pull is. Restricted: holds names of data access groups and the project's title.

    Attributes:
        pull_id: First 16 hexadecimal digits of ``content_sha256``.
        content_sha256: Hash over all that an analysis could see; no clock, no version of a server or library.
        pulled_at_utc: When this content was first read, naive UTC; later readings stand in ``pulls.jsonl``.
        exported_at: Local time in an export file's name, blank otherwise.
        setup_sha256: Hash over dictionary, instruments, export names, repeating set-up, groups.
        n_records: Records of the project, opened forms or not.
    """

    format_version: int = FORMAT_VERSION
    pull_id: str
    content_sha256: str
    source_kind: str
    project_id: str
    project_title: str
    redcap_version: str | None
    pulled_at_utc: datetime
    exported_at: str
    record_id_field: str
    is_longitudinal: bool
    dictionary_sha256: str
    setup_sha256: str
    data_access_groups: tuple[str, ...]
    n_records: int
    forms: dict[str, FormEntry]
    setup: dict[str, TableEntry]
    payloads: dict[str, PayloadEntry]
    log_watermark: LogWatermark | None
    notes: tuple[str, ...]

    def canonical(self) -> bytes:
        """The manifest as bytes: keys in the order above, forms in project order, UTF-8, one final line end."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def content_hash(facts: Mapping[str, object], tables: Mapping[str, str]) -> str:
    """Hash of a pull's content.

    Args:
        facts: Facts of the project that change what rows mean.
        tables: Table name -> content hash.
    """
    content = {"format_version": FORMAT_VERSION, "facts": dict(facts), "tables": dict(tables)}
    return hashlib.sha256(canonical_json(content)).hexdigest()


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and one final line end."""
    return (json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()

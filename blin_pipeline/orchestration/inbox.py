"""A folder into which people drop exported files: which export is the newest complete one, and whether it is new.

An export is a project XML, or the newest file of records with the newest file of a dictionary. Names are REDCap's own; a name
that begins with a dot or ends like an upload under way counts as not there. File names and hashes only, never a content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from blin_pipeline.errors import ConfigurationError, SourceError
from blin_pipeline.redcap.disk import disk_faults

_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".download")


class Watch(NamedTuple):
    """What one look into the folder leads to.

    Attributes:
        cursor: To be handed to the next look.
        content_sha256: Hash of an export that is new and complete; blank when there is nothing to do.
        why_not: Why there is nothing to do, for people.
    """

    cursor: str
    content_sha256: str
    why_not: str


def find_export(folder: Path) -> tuple[Path, ...]:
    """The newest export in a folder: ``(project XML,)`` or ``(records, dictionary)``; nothing when none is whole.

    Raises:
        StorageError: The folder cannot be read.
    """
    with disk_faults("looking into the folder of exports"):
        files = [
            path
            for path in (folder.iterdir() if folder.is_dir() else ())
            if path.is_file() and not path.name.startswith(".") and not path.name.lower().endswith(_UNFINISHED)
        ]
        files.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    xml = [path for path in files if path.suffix.lower() == ".xml"]
    tables = [path for path in files if path.suffix.lower() == ".csv"]
    dictionaries = [path for path in tables if "dictionary" in path.name.lower()]
    data = [path for path in tables if path not in dictionaries]
    newest = next((path for path in files if path in xml or path in data), None)
    if newest is None:
        return ()
    if newest in xml:
        return (newest,)
    return (newest, dictionaries[0]) if dictionaries else ()


def state_of(files: Sequence[Path]) -> list[list[str | int]]:
    """Name, size and time of change of each file: equal twice means that nobody is writing it."""
    with disk_faults("looking at an export"):
        return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]


def watch(folder: Path, cursor: str | None) -> Watch:
    """Look into the folder once; an export counts as complete when two looks in a row found it the same.

    Args:
        folder: The folder.
        cursor: From the look before, None at the first.

    Raises:
        StorageError: A file cannot be read.
    """
    known = json.loads(cursor) if cursor else {"state": [], "handled": ""}
    files = find_export(folder)
    if not files:
        return Watch(json.dumps({**known, "state": []}), "", "no complete export in the folder")
    state = state_of(files)
    seen = json.dumps({"state": state, "handled": known["handled"]})
    if state != known["state"]:
        return Watch(seen, "", "an export is new or still being written")
    content = content_hash(files)
    if state_of(files) != state:
        return Watch(seen, "", "an export is still being written")
    if content == known["handled"]:
        return Watch(seen, "", "the export is the one that was refreshed last")
    return Watch(json.dumps({"state": state, "handled": content}), content, "")


def content_hash(files: Sequence[Path]) -> str:
    """Hash over the contents, whatever the names and times."""
    whole = hashlib.sha256()
    with disk_faults("reading an export"):
        for path in files:
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def export_to_read(folder: Path) -> tuple[Path, ...]:
    """The export that a refresh reads.

    Raises:
        ConfigurationError: ``E_INBOX_EMPTY``: there is no whole export.
        StorageError: The folder cannot be read.
    """
    files = find_export(folder)
    if not files:
        raise ConfigurationError(
            "E_INBOX_EMPTY",
            "the folder of exports holds no project XML, and no records with a dictionary",
            fix="Drop the exported files there (setting inbox), under the names that REDCap gave them.",
        )
    return files


def refuse_changed(files: Sequence[Path], before: list[list[str | int]]) -> None:
    """Refuse an export that was written while it was read.

    Raises:
        SourceError: ``E_FILE_CHANGING``.
    """
    if state_of(files) != before:
        raise SourceError(
            "E_FILE_CHANGING",
            "An exported file changed while it was read.",
            fix="Wait until the upload has ended, then run again.",
        )

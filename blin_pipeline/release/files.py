"""Small effects on files: hashes, flushing to disk, removal, and one error for a disk that refuses."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from blin_pipeline.errors import StorageError


@contextmanager
def disk_faults(doing: str) -> Iterator[None]:
    """Turn a refusal of the disk into our own error.

    Args:
        doing: What was being done, as a clause ("building the release").

    Raises:
        StorageError: ``E_DISK``; the cause is dropped, since a DuckDB message can quote values.
    """
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        reason = (
            os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "the database could not write"
        )
        raise StorageError(
            "E_DISK",
            f"The disk refused while {doing}: {reason.lower()}.",
            fix="Make room or correct the permissions of the home folder, then refresh again.",
        ) from None


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Force a file's bytes, or a directory's entries, onto the disk (fsync)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_flushed(path: Path, text: str) -> None:
    """Write a small text file and force it onto the disk."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, sorted by their path relative to it."""
    return sorted(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.relative_to(folder).as_posix()
    )


def remove_tree(folder: Path) -> None:
    """Remove a folder even where its directories are read-only; nothing happens when it is gone already."""
    if not folder.is_dir():
        return
    folder.chmod(stat.S_IRWXU)
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder)

"""Files on disk: their hash, their way onto it, and a full or forbidden disk as one error of ours, whoever meets it."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blin_pipeline.errors import StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def disk_faults(doing: str) -> Iterator[None]:
    """Turn ``OSError`` in the block into ours.

    Args:
        doing: What the block does, as "writing the pull"; printed.

    Raises:
        StorageError: ``E_DISK`` when the disk (or a quota) is full, ``E_DISK_ACCESS`` for any other refusal.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageError(
                "E_DISK",
                f"No space left while {doing}.",
                fix="Free space on the disk of the home folder and run again.",
            ) from None
        raise StorageError(
            "E_DISK_ACCESS",
            f"The disk refused while {doing} ({errno.errorcode.get(error.errno or 0, 'unknown')}).",
            fix="Check that the home folder exists and belongs to the user who runs this.",
        ) from None


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Force a file's bytes, or a folder's entries, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

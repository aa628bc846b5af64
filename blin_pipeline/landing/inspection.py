"""Raw bytes of a pull that failed, kept for a person to look at, with the reason beside them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.manifest import canonical_json
from blin_pipeline.redcap.disk import disk_faults

REASON_FILE = "reason.json"


_PREFIX = ".pulling-"


@contextmanager
def workspace(parent: Path) -> Iterator[Path]:
    """A private folder for one reading, gone afterwards; those that killed readings left in ``parent`` are cleared first.

    Raises:
        StorageError: It cannot be made.
    """
    with disk_faults("making a work folder"):
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear_abandoned(parent)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = FileLock(_lock_of(folder), mode=0o600)
        lock.acquire(timeout=0)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _lock_of(folder).unlink(missing_ok=True)
        lock.release()


def _clear_abandoned(parent: Path) -> None:
    """Remove work folders whose process is gone: a lock ends with the process that held it."""
    for folder in parent.glob(f"{_PREFIX}*"):
        if not folder.is_dir():
            if not folder.with_suffix("").is_dir():
                folder.unlink(missing_ok=True)
            continue
        lock = FileLock(_lock_of(folder), mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        _lock_of(folder).unlink(missing_ok=True)
        lock.release()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def keep_for_inspection(folder: Path, quarantine_dir: Path, run_label: str, error: BlinError) -> Path | None:
    """Move what a failed reading received into ``<quarantine_dir>/<run label>/`` and write the reason beside it.

    Args:
        folder: Workspace of the reading; gone afterwards.
        quarantine_dir: Folder of kept failures, restricted.
        run_label: Names the run; other characters than letters, digits, ``.``, ``_`` and ``-`` become ``_``.
        error: What ended the reading.

    Returns:
        The folder that was kept; None when the disk is full or refuses (the first error stays the one that counts).
    """
    if error.code == "E_DISK":
        shutil.rmtree(folder, ignore_errors=True)
        return None
    label = re.sub(r"[^A-Za-z0-9._-]", "_", run_label).lstrip(".") or "run"
    try:
        quarantine_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = quarantine_dir / label
        number = 1
        while target.exists():
            number += 1
            target = quarantine_dir / f"{label}-{number}"
        folder.rename(target)
        for path in target.rglob("*"):
            if path.is_file():
                path.chmod(0o400)
        reason = {"code": error.code, "what": error.what, "fix": error.fix}
        descriptor = os.open(target / REASON_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "wb") as out:
            out.write(canonical_json(reason))
    except OSError:
        return None
    return target

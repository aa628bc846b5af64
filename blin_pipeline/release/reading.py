"""The way in for readers: the newest release, its manifest, and a database connection that can do nothing but read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from blin_pipeline.errors import RELEASE_UNTOUCHED, ReleaseError
from blin_pipeline.landing.database import connect_analyst
from blin_pipeline.release.candidate import DATABASE
from blin_pipeline.release.files import sha256_file
from blin_pipeline.release.manifest import Manifest

CURRENT = "current"
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
RELEASE_ID = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z_[0-9a-f]{8}")


def current_release(releases_dir: Path) -> Path | None:
    """Folder of the newest good release, resolved once: it stays the same release whatever is published later."""
    link = releases_dir / CURRENT
    return link.resolve() if link.is_dir() else None


def list_releases(releases_dir: Path) -> list[Path]:
    """Folders of all releases, oldest first."""
    if not releases_dir.is_dir():
        return []
    return sorted(path for path in releases_dir.iterdir() if path.is_dir() and RELEASE_ID.fullmatch(path.name))


def read_manifest(release: Path) -> Manifest:
    """Manifest of a release.

    Raises:
        ReleaseError: ``E_RELEASE_UNREADABLE``.
    """
    try:
        return Manifest.model_validate_json((release / MANIFEST).read_bytes())
    except (FileNotFoundError, ValidationError):
        raise ReleaseError(
            "E_RELEASE_UNREADABLE",
            "The release has no whole manifest.",
            fix="Use another release (blin releases), or refresh.",
        ) from None


def verify_release(release: Path) -> int:
    """Compare every file of a release with ``SHA256SUMS``; returns the number of files.

    Raises:
        ReleaseError: ``E_RELEASE_TAMPERED``: a file changed, is gone, or was added.
    """
    release = release.resolve()
    sums = release / SUMS
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    expected = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
    found = {
        path.relative_to(release).as_posix(): path for path in release.rglob("*") if path.is_file() and path != sums
    }
    odd = sorted(found.keys() ^ expected.keys()) if lines else [SUMS]
    odd = odd or sorted(path for path, file in found.items() if sha256_file(file) != expected[path])
    if odd:
        raise ReleaseError(
            "E_RELEASE_TAMPERED",
            f"Release {release.name} is not as it was published: {', '.join(odd)}.",
            fix="Do not use it. Roll back to another release, or refresh to publish a new one.",
            unaffected="Other releases.",
        )
    return len(found)


@contextmanager
def open_release_database(path: Path, *, memory_limit: str = "1GB", threads: int = 2) -> Iterator[DuckDBPyConnection]:
    """Read-only connection to a release: no other file, no network, no settings.

    Args:
        path: ``releases/current``, the folder of a release, or its ``analytic.duckdb``. Links are followed first, so
            that the connection belongs to one release whatever is published meanwhile.
        memory_limit: Memory the session may use, as DuckDB writes it.
        threads: Threads the session may use.

    Raises:
        ReleaseError: ``E_NO_RELEASE`` when there is nothing at that path.
    """
    found = path.resolve()
    database = found / DATABASE if found.is_dir() else found
    if not database.is_file():
        raise ReleaseError(
            "E_NO_RELEASE", "There is no release here.", fix="Run blin refresh.", unaffected=RELEASE_UNTOUCHED
        )
    with connect_analyst(database, memory_limit=memory_limit, threads=threads) as connection:
        yield connection

"""Publish a candidate so that a reader sees the old release or the new one, whole, and never anything between.

Order: verify, manifest, sums, flush, modes, rename, flush, swap of ``current``, flush, ledger, retention.
A process that dies at any point leaves ``current`` on a whole release; the next publish clears up after it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blin_pipeline.errors import ReleaseError
from blin_pipeline.registry.deid import Policy
from blin_pipeline.release.candidate import BUILDING, FACTS, Candidate
from blin_pipeline.release.files import disk_faults, files_below, flush, remove_tree, sha256_file, write_flushed
from blin_pipeline.release.ledger import Event, LedgerEntry, append_entry, read_ledger
from blin_pipeline.release.manifest import FindingFact, Inputs, Manifest, canonical_json
from blin_pipeline.release.reading import (
    CURRENT,
    MANIFEST,
    SUMS,
    current_release,
    list_releases,
    read_manifest,
    verify_release,
)
from blin_pipeline.release.verify import verify_candidate

KEEP = 10
#: Finding of a release most of whose identifying values could not be searched.
NOT_SEARCHABLE = "identifiers_not_searchable"
#: A release younger than this is never removed: somebody may still be reading it.
DRAINED_AFTER = timedelta(hours=24)
_FILE_MODE = 0o440
_FOLDER_MODE = 0o550
PAGE = "report.html"
_ID_TIME = "%Y-%m-%dT%H%M%SZ"


@dataclass(frozen=True)
class Release:
    """The release that ``current`` points to after a publish.

    Attributes:
        path: Its own folder, not the link.
        manifest: Its manifest.
        is_new: False when the candidate held nothing new and the release before it stayed.
    """

    path: Path
    manifest: Manifest
    is_new: bool


def unchanged(releases_dir: Path, ledger: Path, inputs: Inputs) -> bool:
    """Whether a refresh with these inputs would publish nothing new: they are those of the newest release.

    After a rollback this stays true for the inputs of the release that was rolled back, so that a nightly run does not
    bring it back; changed data, code or parameters do publish. False when the current release is not whole.

    Raises:
        ReleaseError: ``E_LEDGER_BROKEN``.
    """
    known = [entry.inputs for entry in read_ledger(ledger) if entry.event in {"published", "confirmed"}]
    return bool(known) and known[-1] == inputs and _whole_current(releases_dir) is not None


def publish(
    candidate: Candidate,
    releases_dir: Path,
    *,
    policy: Policy,
    ledger: Path,
    forbidden: Collection[str] = (),
    at: datetime | None = None,
    keep: int = KEEP,
    drained_after: timedelta = DRAINED_AFTER,
) -> Release:
    """Verify a candidate and make it the current release.

    A candidate whose content and report equal the current release's is not published anew; the ledger notes it as confirmed.

    Args:
        candidate: Built by ``build_candidate``; the report may have been added to its folder.
        releases_dir: Folder of the releases.
        policy: Policy that the candidate was built under.
        ledger: ``restricted/ledger/releases.jsonl``.
        forbidden: Values that may appear nowhere in the release.
        at: Time of publication, aware; now when None.
        keep: How many releases retention keeps, the current one always among them.
        drained_after: Age below which retention removes nothing.

    Raises:
        ReleaseError: ``E_RELEASE_VERIFY``, ``E_RELEASE_LEAK``, ``E_LEDGER_BROKEN``.
        StorageError: ``E_DISK``. After any error the candidate is gone and ``current`` as it was.
    """
    moment = (at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    try:
        with disk_faults("publishing the release"):
            recover(releases_dir, ledger, at=moment)
            if (stays := _same_content(candidate, releases_dir)) is not None:
                _note(ledger, "confirmed", stays.path, moment, candidate.inputs)
                return stays
            scan = verify_candidate(candidate, policy, forbidden)
            release_id = _free_id(releases_dir, moment, candidate.facts.content_sha256)
            manifest = _seal(candidate, release_id, moment, _last(ledger), scan)
            path = _move_in(candidate.path, releases_dir / release_id)
            point_current_to(releases_dir, release_id)
            _note(ledger, "published", path, moment, candidate.inputs)
            retire(releases_dir, ledger, at=moment, keep=keep, drained_after=drained_after)
            return Release(path, manifest, is_new=True)
    finally:
        if candidate.path.is_dir():
            remove_tree(candidate.path)


def rollback(releases_dir: Path, release_id: str, *, ledger: Path, at: datetime | None = None) -> Release:
    """Point ``current`` to another release that is still here; nothing is removed.

    Raises:
        ReleaseError: ``E_RELEASE_UNKNOWN``, ``E_RELEASE_TAMPERED``, ``E_LEDGER_BROKEN``.
        StorageError: ``E_DISK``.
    """
    moment = (at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    path = releases_dir / release_id
    if path not in list_releases(releases_dir):
        raise ReleaseError(
            "E_RELEASE_UNKNOWN", "There is no release of that name.", fix="Choose one that blin releases lists."
        )
    with disk_faults("rolling back"):
        verify_release(path)
        manifest = read_manifest(path)
        read_ledger(ledger)
        point_current_to(releases_dir, release_id)
        _note(ledger, "rolled_back", path, moment, None)
    return Release(path.resolve(), manifest, is_new=False)


def recover(releases_dir: Path, ledger: Path, *, at: datetime) -> None:
    """Clear up after a process that died while publishing; called by ``publish`` before anything else.

    Half-made links go. A release that ``current`` points to and the ledger does not know is entered as recovered. One
    that is newer than anything in the ledger and that nothing points to was never published: it goes.
    """
    releases_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    for link in sorted(releases_dir.glob(f".{CURRENT}-*")):
        link.unlink()
    known = {entry.release_id for entry in read_ledger(ledger)}
    current = current_release(releases_dir)
    if current is not None and current.name not in known:
        _note(ledger, "recovered", current, at, None)
        known.add(current.name)
    newest = max(known, default="")
    for path in list_releases(releases_dir):
        if path.name > newest and path.name not in known:
            _discard(releases_dir, path)


def retire(
    releases_dir: Path, ledger: Path, *, at: datetime, keep: int = KEEP, drained_after: timedelta = DRAINED_AFTER
) -> list[str]:
    """Remove releases beyond the newest ``keep`` that are older than ``drained_after``, never the current one."""
    current = current_release(releases_dir)
    latest_gone = (at - drained_after).strftime(_ID_TIME)
    gone = []
    for path in list_releases(releases_dir)[: -max(keep, 1)]:
        if path.resolve() != current and path.name.partition("_")[0] <= latest_gone:
            _note(ledger, "retired", path, at, None)
            _discard(releases_dir, path)
            gone.append(path.name)
    return gone


def point_current_to(releases_dir: Path, release_id: str) -> None:
    """Swap the link ``current`` in one step (rename of a finished link over it)."""
    link = releases_dir / f".{CURRENT}-{secrets.token_hex(4)}"
    link.symlink_to(release_id, target_is_directory=True)
    link.replace(releases_dir / CURRENT)
    flush(releases_dir)


def _whole_current(releases_dir: Path) -> Path | None:
    current = current_release(releases_dir)
    try:
        if current is not None:
            verify_release(current)
    except ReleaseError:
        return None
    return current


def _same_content(candidate: Candidate, releases_dir: Path) -> Release | None:
    current = _whole_current(releases_dir)
    if current is None:
        return None
    manifest = read_manifest(current)
    same = manifest.content_sha256 == candidate.facts.content_sha256 and _same_page(candidate.path, current)
    return Release(current, manifest, is_new=False) if same else None


def _same_page(candidate: Path, current: Path) -> bool:
    """Whether both hold the same report, or none: a better drawing of equal content is published too."""
    pages = [path / PAGE for path in (candidate, current)]
    contents = [page.read_bytes() if page.is_file() else None for page in pages]
    return contents[0] == contents[1]


def _free_id(releases_dir: Path, moment: datetime, content_sha256: str) -> str:
    while (releases_dir / (release_id := f"{moment.strftime(_ID_TIME)}_{content_sha256[:8]}")).exists():
        moment += timedelta(seconds=1)
    return release_id


def _last(ledger: Path) -> LedgerEntry | None:
    return next((entry for entry in reversed(read_ledger(ledger)) if entry.event in {"published", "recovered"}), None)


def _seal(
    candidate: Candidate, release_id: str, moment: datetime, previous: LedgerEntry | None, scan: dict[str, int]
) -> Manifest:
    """Write manifest and sums, flush every file and folder, and take the write bits away."""
    folder = candidate.path
    (folder / FACTS).unlink()
    hashes = {path.relative_to(folder).as_posix(): sha256_file(path) for path in files_below(folder)}
    facts = candidate.facts.model_dump()
    if scan["values_not_searchable"] > scan["values_searched"]:
        n = scan["values_not_searchable"]
        facts["findings"] = (*candidate.facts.findings, FindingFact(code=NOT_SEARCHABLE, where="leak_scan", n=n))
    manifest = Manifest(
        **facts,
        release_id=release_id,
        published_utc=moment.isoformat(timespec="seconds"),
        files=hashes,
        previous_release=previous.release_id if previous else None,
        previous_manifest_sha256=previous.manifest_sha256 if previous else None,
        leak_scan=scan,
    )
    write_flushed(folder / MANIFEST, canonical_json(manifest.model_dump(mode="json")))
    hashes[MANIFEST] = sha256_file(folder / MANIFEST)
    write_flushed(folder / SUMS, "".join(f"{digest}  {path}\n" for path, digest in sorted(hashes.items())))
    for path in files_below(folder):
        flush(path)
        path.chmod(_FILE_MODE)
    for inner in sorted(path for path in folder.rglob("*") if path.is_dir()):
        flush(inner)
        inner.chmod(_FOLDER_MODE)
    flush(folder)
    return manifest


def _move_in(folder: Path, target: Path) -> Path:
    """Rename into place; the folder's own mode comes after, since a folder without write permission cannot be moved."""
    folder.rename(target)
    target.chmod(_FOLDER_MODE)
    flush(target.parent)
    return target.resolve()


def _discard(releases_dir: Path, path: Path) -> None:
    """Take a release out of sight in one step, then remove it."""
    (releases_dir / BUILDING).mkdir(mode=0o700, exist_ok=True)
    hidden = releases_dir / BUILDING / f"retired-{path.name}"
    path.chmod(0o700)
    path.rename(hidden)
    flush(releases_dir)
    remove_tree(hidden)


def _note(ledger: Path, event: Event, path: Path, at: datetime, inputs: Inputs | None) -> None:
    manifest = read_manifest(path)
    append_entry(
        ledger,
        event,
        at=at,
        release_id=path.name,
        content_sha256=manifest.content_sha256,
        manifest_sha256=sha256_file(path / MANIFEST),
        key_id=manifest.key_id,
        inputs=inputs,
    )

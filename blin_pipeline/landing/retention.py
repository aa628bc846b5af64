"""Which pulls may go: a policy of numbers and days, and the pulls that something still stands on."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from blin_pipeline.landing.ledger import readings
from blin_pipeline.landing.pull import open_pull
from blin_pipeline.landing.reading import accepted_note
from blin_pipeline.redcap.disk import disk_faults

_GOING = ".pruned-"


@dataclass(frozen=True)
class Retention:
    """How long pulls are kept; a pull goes only when every bound that is given lets it go.

    Attributes:
        newest: Number of pulls kept, newest first; None without a bound.
        days: Days that a pull is kept after its last reading; None without a bound.
    """

    newest: int | None = None
    days: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether anything may ever go."""
        return self.newest is not None or self.days is not None


@dataclass(frozen=True)
class Stored:
    """A pull on the disk: when it was last read, and its size in bytes."""

    pull_id: str
    last_read_at_utc: datetime
    n_bytes: int


def stored_pulls(pulls_dir: Path) -> list[Stored]:
    """Every whole pull on the disk, the last read first.

    Raises:
        DataError: ``E_PULL_TAMPERED``.
    """
    # The last line of each pull; its place tells apart readings of one second.
    last_read = {reading.pull_id: (place, reading.pulled_at_utc) for place, reading in enumerate(readings(pulls_dir))}
    found: list[tuple[int, Stored]] = []
    for manifest in sorted(pulls_dir.glob("*/manifest.json")):
        folder = manifest.parent
        if folder.name.startswith(".") or "." in folder.name:
            continue
        # A pull that no line names: its landing was killed between the rename and the line.
        place, moment = last_read.get(folder.name) or (-1, open_pull(folder).manifest.pulled_at_utc)
        n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        found.append((place, Stored(folder.name, moment, n_bytes)))
    ordered = sorted(found, key=lambda pull: (pull[0], pull[1].last_read_at_utc, pull[1].pull_id), reverse=True)
    return [pull for _, pull in ordered]


def removable(pulls_dir: Path, policy: Retention, used: Collection[str], now: datetime) -> list[Stored]:
    """Pulls that the policy lets go, oldest last; never the newest, the accepted one, or one that is used.

    Args:
        pulls_dir: Folder of pulls.
        policy: The policy.
        used: Ids of pulls that a kept release was made from.
        now: The present, naive UTC.
    """
    note = accepted_note(pulls_dir)
    held = {*used, *([note.pull_id] if note is not None else [])}
    found = []
    for place, pull in enumerate(stored_pulls(pulls_dir)):
        is_many = policy.newest is None or place >= policy.newest
        is_old = policy.days is None or now - pull.last_read_at_utc > timedelta(days=policy.days)
        if policy.is_set and place and is_many and is_old and pull.pull_id not in held:
            found.append(pull)
    return found


def remove(pulls_dir: Path, pulls: Collection[Stored]) -> None:
    """Remove pulls; their lines in the list of readings stay. What a killed removal left is removed too.

    Raises:
        StorageError: The disk refuses.
    """
    with disk_faults("removing pulls"):
        for pull in pulls:
            (pulls_dir / pull.pull_id).rename(pulls_dir / f"{_GOING}{pull.pull_id}")
        for folder in pulls_dir.glob(f"{_GOING}*"):
            shutil.rmtree(folder)

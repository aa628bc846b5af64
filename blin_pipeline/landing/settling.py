"""The last step of a landing: a finished folder gets its name in one rename, for good."""

from __future__ import annotations

from pathlib import Path

from blin_pipeline.errors import DataError
from blin_pipeline.landing.manifest import PullManifest
from blin_pipeline.landing.pull import Pull, open_pull
from blin_pipeline.redcap.disk import flush


def settle(unfinished: Path, target: Path, manifest: PullManifest) -> Pull:
    """Give a finished folder its name; an equal one that stands whole already wins."""
    if target.exists():
        try:
            standing = open_pull(target)
            standing.check_files()
        except DataError:
            _aside(target.parent, target)
        else:
            return standing
    for folder in (unfinished / "setup", unfinished / "payload", unfinished):
        flush(folder)
    unfinished.rename(target)
    flush(target.parent)
    return Pull(target, manifest)


def _aside(pulls_dir: Path, damaged: Path) -> None:
    """Set a damaged pull aside for a person to look at, so that a fresh one may bear its name."""
    number = 1
    while (target := pulls_dir / f"{damaged.name}.damaged-{number}").exists():
        number += 1
    damaged.rename(target)

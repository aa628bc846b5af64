"""The accepted pull as the ground of an incremental reading, or the reason why there is none."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path

from blin_pipeline.errors import DataError
from blin_pipeline.landing.archive import unpack_to
from blin_pipeline.landing.ledger import readings
from blin_pipeline.landing.manifest import FORMAT_VERSION
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import accepted_note, checked_pull
from blin_pipeline.redcap.answers import read_json
from blin_pipeline.redcap.change_log import newest
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.doubts import Baseline
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.setup_reading import archived_setup
from blin_pipeline.redcap.setup_rows import LogEntry, parse_rows

#: How the archive names small answers.
_SMALL = ".json.zst"


def baseline_of(pulls_dir: Path, project: str = "") -> tuple[Baseline | None, str]:
    """The accepted pull, checked, for an incremental reading.

    Args:
        pulls_dir: Folder of pulls.
        project: Name of one of several projects that the pull was merged from; blank where there is one project.

    Returns:
        The baseline and a blank, or None and why a full reading is needed.
    """
    note = accepted_note(pulls_dir)
    if note is None:
        return None, "there is no accepted pull yet"
    if not (pulls_dir / note.pull_id).is_dir():
        return None, "the pull before is gone"
    try:
        pull = checked_pull(pulls_dir, note.pull_id)
        lines = {reading.sha256: reading for reading in readings(pulls_dir)}
    except DataError:
        return None, "the pull before, or the list of pulls, is not as it was written"
    reading, full = lines.get(note.reading), lines.get(note.full_reading)
    if reading is None or full is None:
        return None, "the list of pulls does not know the pull before"
    if reading.source_kind != "api":
        return None, "the pull before came from files"
    if pull.manifest.format_version != FORMAT_VERSION:
        return None, "the pull before was landed by another version"
    if project:
        return _of_project(pull, project, full.pulled_at_utc)
    baseline = Baseline(
        name=pull.pull_id,
        project_id=pull.manifest.project_id,
        # The reading's own: equal content may have been landed under another title of the project, say.
        setup_sha256=reading.setup_sha256 or pull.manifest.setup_sha256,
        log_newest=reading.log_newest,
        read_at_utc=reading.pulled_at_utc,
        read_in_full_at_utc=full.pulled_at_utc,
        payload_sha256={name: entry.sha256 for name, entry in pull.manifest.payloads.items()},
        unpack=partial(_unpack, pull, ""),
    )
    return baseline, ""


def _of_project(pull: Pull, project: str, read_in_full_at_utc: datetime) -> tuple[Baseline | None, str]:
    """One of the projects of a merged pull: its own answers lie in the archive under its name."""
    prefix = f"{project}."
    payloads = {
        name.removeprefix(prefix): entry for name, entry in pull.manifest.payloads.items() if name.startswith(prefix)
    }
    try:
        small = {name: pull.payload(prefix + name) for name, entry in payloads.items() if entry.path.endswith(_SMALL)}
        setup = archived_setup(small)
        log = parse_rows(LogEntry, read_json(small.get("log_before", b""), "the log"), "the log", may_repeat=True)
    except RedcapReadError:
        return None, "the pull before does not hold the server's own answers"
    baseline = Baseline(
        # No name: what is merged must have its rows, also when nothing changed.
        name="",
        project_id=setup.info.project_id,
        setup_sha256=setup.sha256,
        log_newest=newest(log),
        read_at_utc=pull.manifest.pulled_at_utc,
        read_in_full_at_utc=read_in_full_at_utc,
        payload_sha256={name: entry.sha256 for name, entry in payloads.items()},
        unpack=partial(_unpack, pull, prefix),
    )
    return baseline, ""


def _unpack(pull: Pull, prefix: str, name: str, path: Path) -> None:
    with disk_faults("unpacking the pull before"):
        unpack_to(pull.path / "payload" / pull.manifest.payloads[prefix + name].path, path)

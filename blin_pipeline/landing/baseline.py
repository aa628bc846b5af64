"""The accepted pull as the ground of an incremental reading, or the reason why there is none."""

from __future__ import annotations

from pathlib import Path

from blin_pipeline.errors import DataError
from blin_pipeline.landing.archive import unpack_to
from blin_pipeline.landing.ledger import readings
from blin_pipeline.landing.manifest import FORMAT_VERSION
from blin_pipeline.landing.reading import accepted_note, checked_pull
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.doubts import Baseline


def baseline_of(pulls_dir: Path) -> tuple[Baseline | None, str]:
    """The accepted pull, checked, for an incremental reading.

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
    payloads = pull.manifest.payloads

    def unpack(name: str, path: Path) -> None:
        with disk_faults("unpacking the pull before"):
            unpack_to(pull.path / "payload" / payloads[name].path, path)

    baseline = Baseline(
        name=pull.pull_id,
        project_id=pull.manifest.project_id,
        setup_sha256=pull.manifest.setup_sha256,
        log_newest=reading.log_newest,
        read_at_utc=reading.pulled_at_utc,
        read_in_full_at_utc=full.pulled_at_utc,
        payload_sha256={name: entry.sha256 for name, entry in payloads.items()},
        unpack=unpack,
    )
    return baseline, ""

"""A pull from beginning to end, without Dagster: read, prove, land, compare with the pull behind the release, accept, tidy up."""

from __future__ import annotations

import shutil

from blin_pipeline.errors import BlinError, DataError
from blin_pipeline.landing.baseline import baseline_of
from blin_pipeline.landing.compare import refuse_shrunk_sites, refuse_unexplained_loss, silent_changes
from blin_pipeline.landing.inspection import keep_for_inspection
from blin_pipeline.landing.inspection import workspace as reading_folder
from blin_pipeline.landing.loss import Loss
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import accept, checked_pull, log_seen
from blin_pipeline.landing.retention import Retention, removable, remove
from blin_pipeline.landing.write import land
from blin_pipeline.orchestration.inputs import export_source, pulls_in_use, released_pull, released_pull_id
from blin_pipeline.orchestration.workspace import Workspace
from blin_pipeline.redcap.exported import ProjectExport, utc_now
from blin_pipeline.redcap.progress import Progress, Step
from blin_pipeline.settings import Settings


def progress_line(step: Step, seconds: float) -> str:
    """One line of progress: counts only.

    Args:
        step: The step.
        seconds: Time since the reading began.
    """
    left = step.seconds_left(seconds)
    parts = [
        f"{step.done}/{step.total}",
        f"{step.records} records" if step.records else "",
        f"{step.rows} rows",
        f"{step.n_bytes / 1e6:.1f} MB",
        f"{step.fraction:.0%}" if step.fraction is not None else "",
        f"about {left:.0f} s left" if left is not None else "",
    ]
    return f"{step.name} ({', '.join(part for part in parts if part)})"


def run_pull(workspace: Workspace, note: Progress | None = None, label: str = "pull") -> Pull:
    """Read the source, prove it complete, land it, and check that nothing is gone without an explanation.

    Args:
        workspace: Settings and the registry's files.
        note: Told of each step.
        label: Names the reading, should it fail and be kept for inspection.

    Raises:
        SourceError: The source cannot be read or trusted; what it sent is kept in quarantine.
        ConfigurationError: Settings, token or field map cannot be used.
        DataError: ``E_UNEXPLAINED_LOSS``, ``E_SITE_SET_SHRUNK``, ``E_PULL_MISSING``, ``E_PULL_TAMPERED``.
        StorageError: ``E_DISK``.
    """
    settings = workspace.settings
    previous, missing = _measure(settings)
    with reading_folder(settings.restricted) as folder:
        try:
            export = export_source(settings, folder, note, previous)
            landed = land(export, settings.pulls_dir)
            if missing is not None and landed.pull_id != released_pull_id(settings):
                raise missing
            loss = None if previous is None else _compared(settings, previous, landed, export)
        except BlinError as error:
            keep_for_inspection(folder, settings.quarantine_dir, label, error)
            raise
        accept(settings.pulls_dir, landed, _silent_changes(settings, export, landed), loss)
        shutil.rmtree(settings.partial_dir, ignore_errors=True)
        policy = Retention(settings.pulls.keep, settings.pulls.keep_days)
        remove(settings.pulls_dir, removable(settings.pulls_dir, policy, pulls_in_use(settings), utc_now()))
        return landed


def _compared(settings: Settings, previous: Pull, landed: Pull, export: ProjectExport) -> Loss:
    """What is gone since the pull behind the release; refused when nothing explains it and no person accepted it."""
    if previous.pull_id == landed.pull_id:
        return Loss()
    accepted = settings.source.accept_loss
    seen = log_seen(settings.pulls_dir, previous.pull_id)
    loss = refuse_unexplained_loss(previous, landed, export.log, seen=seen, accepted=accepted)
    if not accepted:
        refuse_shrunk_sites(previous, landed)
    return loss


def _silent_changes(settings: Settings, export: ProjectExport, landed: Pull) -> int | None:
    """What a full reading of a source that is otherwise read by change shows, and the log does not; None else."""
    baseline, _ = baseline_of(settings.pulls_dir) if settings.source.incremental else (None, "")
    if baseline is None or export.mode != "full" or export.log is None:
        return None
    if baseline.setup_sha256 != export.setup.sha256:
        return None
    return silent_changes(checked_pull(settings.pulls_dir, baseline.name), landed, export.log, baseline.log_newest)


def _measure(settings: Settings) -> tuple[Pull | None, DataError | None]:
    """The pull that a new one is compared with, or why it cannot be had.

    A new pull of the same name proves itself: nothing was lost. Any other is refused, unless a person accepted the loss.
    """
    try:
        return released_pull(settings), None
    except DataError as error:
        return None, None if settings.source.accept_loss else error

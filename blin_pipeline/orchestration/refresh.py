"""The job ``refresh`` run in this process, for the command: the same run that the schedule starts, seen in the same UI."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from blin_pipeline.errors import BlinError, DataError, InterruptedRunError, LockedError
from blin_pipeline.orchestration.automation import REFRESH
from blin_pipeline.orchestration.build import build_defs
from blin_pipeline.orchestration.event_log import open_instance
from blin_pipeline.orchestration.workspace import close_abandoned_runs, refresh_lock
from blin_pipeline.settings import Settings


@dataclass(frozen=True)
class Progress:
    """One thing that happened in a run.

    Attributes:
        kind: ``step_started``, ``step_done``, ``step_failed``, ``step_skipped`` or ``note``.
        step: Step of the job.
        text: What to print, counts only.
    """

    kind: str
    step: str
    text: str = ""


@dataclass(frozen=True)
class RefreshResult:
    """How a refresh ended.

    Attributes:
        success: Whether the run is green.
        run_id: Run in the Dagster UI.
        built: Whether the run reached the release; False when the inputs had not changed.
        published: Whether there is a new release; False also when the content came out the same.
        failures: Errors, first one first.
    """

    success: bool
    run_id: str
    built: bool
    published: bool
    failures: tuple[BlinError, ...]


def prepare_instance(settings: Settings) -> Path:
    """Put the instance's configuration into the home, unless an operator put one there; returns the Dagster home."""
    settings.prepare_home()
    target = settings.dagster_home / "dagster.yaml"
    if not target.exists():
        shutil.copyfile(Path(__file__).with_name("dagster.yaml"), target)
    return settings.dagster_home


def tidy_instance(settings: Settings) -> None:
    """Close runs whose process is gone, so that the queue of a server about to start is free; nothing while a refresh runs."""
    home = prepare_instance(settings)
    try:
        with refresh_lock(settings), dg.DagsterInstance.from_config(str(home)) as instance:
            close_abandoned_runs(instance)
    except LockedError:
        return


def dagster_environment(settings: Settings) -> dict[str, str]:
    """Environment of Dagster's own processes for this home."""
    return os.environ | {
        "BLIN_HOME": str(settings.home),
        "DAGSTER_HOME": str(prepare_instance(settings)),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


_KINDS = {
    dg.DagsterEventType.STEP_START: "step_started",
    dg.DagsterEventType.STEP_SUCCESS: "step_done",
    dg.DagsterEventType.STEP_FAILURE: "step_failed",
    dg.DagsterEventType.STEP_SKIPPED: "step_skipped",
}


def _follow(
    instance: dg.DagsterInstance, run_id: str, done: threading.Event, listener: Callable[[Progress], None]
) -> None:
    cursor: str | None = None
    while True:
        ended = done.wait(0.5)
        connection = instance.get_records_for_run(run_id, cursor=cursor)
        cursor = connection.cursor
        for record in connection.records:
            entry = record.event_log_entry
            event = entry.dagster_event
            if event is not None and event.event_type in _KINDS and event.step_key:
                listener(Progress(_KINDS[event.event_type], event.step_key))
            elif event is None and entry.step_key == "pull" and entry.user_message:
                listener(Progress("note", entry.step_key, entry.user_message))
        if ended and not connection.has_more:
            return


@contextmanager
def _without_gating_warnings() -> Iterator[None]:
    """Hush what Dagster says of the checks of skipped steps: a run that finds nothing new skips them on purpose."""
    logger = logging.getLogger("dagster._core.execution.plan.active")

    def concerns_something_else(record: logging.LogRecord) -> bool:
        return "will proceed without gating" not in record.getMessage()

    logger.addFilter(concerns_something_else)
    try:
        yield
    finally:
        logger.removeFilter(concerns_something_else)


def _place(instance: dg.DagsterInstance, run_id: str) -> None:
    """Say which code location a run of this process belongs to: else the UI's first page and the job's page do not show it."""
    location = RegisteredCodeLocationOrigin("blin_pipeline")
    repository = RemoteRepositoryOrigin(location, "__repository__")
    instance.add_run_tags(run_id, {".dagster/repository": repository.get_label()})
    run = instance.get_run_by_id(run_id)
    if run is not None:
        instance.run_storage.replace_job_origin(run, RemoteJobOrigin(repository, REFRESH))


def _without_error(failed_checks: list[str], run_id: str) -> BlinError:
    """What to say of a red run in which no step raised: a blocking check failed, or somebody stopped it."""
    where = f"Open run {run_id[:8]} in the Dagster UI (blin ui)"
    if failed_checks:
        what = f"the run ended at a check that blocks a release: {', '.join(failed_checks)}"
        return DataError("E_CHECK_FAILED", what, fix=f"{where}: the red check says what it compared.")
    return InterruptedRunError("E_INTERRUPTED", "the run was stopped before its end", fix=f"{where}, or run again.")


def run_refresh(
    settings: Settings, *, force: bool = False, listener: Callable[[Progress], None] | None = None
) -> RefreshResult:
    """Run the whole refresh as one in-process Dagster run.

    Args:
        settings: Settings of the home folder.
        force: Build and publish even when nothing changed.
        listener: Told of steps as they start and end.

    Raises:
        ConfigurationError: Before the run starts: settings, registry files or dbt project cannot be read.
    """
    failures: list[BlinError] = []
    os.umask(0o077)
    defs = build_defs(settings, failures=failures, force=force)
    home = prepare_instance(settings)
    run_id = str(uuid.uuid4())
    with open_instance(home) as instance:
        done = threading.Event()
        follower = threading.Thread(target=_follow, args=(instance, run_id, done, listener or (lambda _: None)))
        follower.start()
        try:
            with (
                (settings.dbt_dir / "output.log").open("a", encoding="utf-8") as output,
                redirect_stdout(output),
                _without_gating_warnings(),
            ):
                result = defs.resolve_job_def(REFRESH).execute_in_process(
                    instance=instance,
                    raise_on_error=False,
                    run_id=run_id,
                    tags={"blin/started_by": "command", "dagster/max_retries": "0"},
                    run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                )
        finally:
            done.set()
            follower.join()
            if instance.has_run(run_id):
                _place(instance, run_id)
    current = [
        event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["release", "current"])
    ]
    if not result.success and not failures:
        failed = sorted(
            check.check_name
            for check in result.get_asset_check_evaluations()
            if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
        )
        failures.append(_without_error(failed, run_id))
    published = any(metadata["is_new"].value for metadata in current)
    return RefreshResult(result.success, run_id, bool(current), published, tuple(failures))

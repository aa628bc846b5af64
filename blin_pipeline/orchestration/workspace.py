"""The resource that assets share: settings, the registry's files, the warehouse, and the lock that one refresh holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg
from filelock import FileLock, Timeout

from blin_pipeline.errors import BlinError, InternalError, LockedError
from blin_pipeline.landing.database import Warehouse
from blin_pipeline.registry.deid import Policy, load_policy
from blin_pipeline.registry.dictionary import Dictionary, load_dictionary
from blin_pipeline.registry.field_map import FieldMap, load_field_map
from blin_pipeline.registry.instruments import load_repeating
from blin_pipeline.registry.parameters import Parameters, load_parameters
from blin_pipeline.registry.query_answers import QueryAnswers, load_query_answers
from blin_pipeline.settings import SECRET_VARIABLES, Settings

#: What no child process is given: the token, and on a server the password of Dagster's database.
_SECRETS = (*SECRET_VARIABLES, "BLIN_POSTGRES_PASSWORD")
#: Seconds that a run waits for a warehouse that is open elsewhere; dbt waits about as long (``profiles.yml``).
_PATIENCE = 60.0


@dataclass
class Workspace:
    """What the assets of one run share.

    Attributes:
        settings: Settings of the home folder.
        failures: Errors of this run, for the command that started it in the same process.
        force: Build and publish even when nothing changed.
    """

    settings: Settings
    failures: list[BlinError] = field(default_factory=list)
    force: bool = False

    @cached_property
    def dictionary(self) -> Dictionary:
        """The registry's own dictionary."""
        return load_dictionary()

    @cached_property
    def repeating(self) -> frozenset[str]:
        """The registry's repeating instruments."""
        return load_repeating(self.dictionary)

    @cached_property
    def parameters(self) -> Parameters:
        """The registry's parameters."""
        return load_parameters()

    @cached_property
    def policy(self) -> Policy:
        """The de-identification policy."""
        return load_policy()

    @cached_property
    def field_map(self) -> FieldMap:
        """The source's field map; identity without one."""
        path = self.settings.field_map
        return load_field_map(self.settings.home / path if path else None, self.dictionary)

    @cached_property
    def query_answers(self) -> QueryAnswers:
        """Answers to data queries, as they stood when the run first asked."""
        return load_query_answers(self.settings.query_answers_file)

    @property
    def warehouse(self) -> Warehouse:
        """The pipeline's private database."""
        return Warehouse(self.settings.warehouse_path, patience=_PATIENCE)


@contextmanager
def refresh_lock(settings: Settings) -> Iterator[None]:
    """Hold the home folder: one refresh at a time, whoever starts it.

    Raises:
        LockedError: Code ``E_LOCKED``, naming the process that holds it.
    """
    settings.prepare_home()
    holder = settings.lock_file.with_suffix(".pid")
    lock = FileLock(settings.lock_file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        pid = holder.read_text(encoding="ascii").strip() if holder.exists() else "unknown"
        raise LockedError(
            "E_LOCKED",
            f"another refresh holds this home folder (process {pid})",
            fix="Wait until it has ended, or stop that process; then run again.",
        ) from None
    try:
        holder.write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def close_abandoned_runs(instance: dg.DagsterInstance, own_run: str | None = None) -> None:
    """Close runs whose process is gone (killed, or lost with the machine); they would hold the queue and the pool for ever.

    Only while holding the refresh lock: whoever holds it is the one live run of the home.

    Args:
        instance: Instance of the home.
        own_run: The run that calls.
    """
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    for run in instance.get_runs(started):
        if run.run_id != own_run:
            instance.add_run_tags(run.run_id, {"dagster/max_retries": "0"})
            instance.report_run_failed(run, "The process of this run is gone; closed by a later one.")
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits:
        for run_id in storage.get_concurrency_run_ids() - {own_run}:
            storage.free_concurrency_slots_for_run(run_id)


@contextmanager
def handled(workspace: Workspace, *, retry: bool = False) -> Iterator[None]:
    """Turn an error into a Dagster failure that holds its code and what to do, and nothing of a record.

    Args:
        workspace: Keeps the error for the command that runs in the same process.
        retry: Whether Dagster may try the step again (the pull on a schedule).

    Raises:
        dagster.Failure: For every error.
    """
    try:
        yield
    except BlinError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - the text of an unforeseen error may hold a patient's value: keep kind and place only
        failure = InternalError.of(error)
    else:
        return
    workspace.failures.append(failure)
    metadata = {"code": failure.code, "to_do": failure.fix}
    raise dg.Failure(str(failure), metadata=metadata, allow_retries=retry and failure.exit_code == 3) from None


@contextmanager
def without_secrets(settings: Settings) -> Iterator[None]:
    """Take the secrets out of the environment while a child process is started."""
    names = {*_SECRETS, *settings.token_variables}
    taken = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(taken)


def workspace_resource(settings: Settings, failures: list[BlinError], *, force: bool = False) -> dg.ResourceDefinition:
    """The workspace as a resource that holds the refresh lock for the length of a run."""

    @dg.resource(description="Settings, registry files, warehouse; holds the refresh lock of the home folder.")
    def workspace(context: dg.InitResourceContext) -> Iterator[Workspace]:
        shared = Workspace(settings, failures, force)
        try:
            with refresh_lock(settings):
                if context.instance is not None and context.run is not None:
                    close_abandoned_runs(context.instance, context.run.run_id)
                yield shared
        except LockedError as error:
            failures.append(error)
            raise dg.Failure(str(error), metadata={"code": error.code}, allow_retries=False) from None

    return workspace

"""What goes into a refresh: the source that the settings name, and the checks between a landed pull and the registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from blin_pipeline.errors import ConfigurationError, DataError
from blin_pipeline.landing.baseline import baseline_of
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import (
    checked_pull,
    live_dictionary,
    log_seen,
    records_with_two_rows,
    source_shape,
)
from blin_pipeline.orchestration.inbox import export_to_read, refuse_changed, state_of
from blin_pipeline.orchestration.projects import export_projects
from blin_pipeline.redcap.client import ClientLimits, RedcapClient
from blin_pipeline.redcap.export import ReadingPlan, export_project
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.files import export_from_files
from blin_pipeline.redcap.progress import Progress
from blin_pipeline.redcap.project_xml import export_from_project_xml
from blin_pipeline.registry.drift import BLOCKING, Drift, find_drift
from blin_pipeline.registry.requirements import load_requirements, refuse_unmet, unmet_requirements
from blin_pipeline.registry.source_plan import SourcePlan, plan_source
from blin_pipeline.release.manifest import Inputs
from blin_pipeline.release.pseudonyms import PseudonymKey, ensure_key
from blin_pipeline.release.reading import current_release, list_releases, read_manifest
from blin_pipeline.settings import Settings, code_version

if TYPE_CHECKING:
    from blin_pipeline.orchestration.workspace import Workspace


def export_source(
    settings: Settings,
    folder: Path,
    note: Progress | None,
    previous: Pull | None = None,
    project: str = "",
    *,
    only_look: bool = False,
) -> ProjectExport:
    """Read the source of the settings into a folder.

    Args:
        settings: Settings of the home folder.
        folder: Empty private folder for the exact bytes.
        note: Told of each step.
        previous: The pull before: the server's log is read from where it stood when that was last read.
        project: Name of the project when it is one of several.
        only_look: Read in full for somebody who looks, beside the pulls: nothing is taken from them or kept for the next.

    Raises:
        SourceError: It cannot be read or trusted.
        ConfigurationError: Codes ``E_SOURCE_SETTINGS``, ``E_TOKEN_MISSING``, ``E_TOKEN``, ``E_URL``.
    """
    if settings.projects:
        return export_projects(
            settings,
            folder,
            lambda own, place: export_source(own, place, note, previous, place.name, only_look=only_look),
        )
    if settings.source.kind == "inbox":
        files = export_to_read(settings.inbox_dir)
        before = state_of(files)
        export = export_source(_reading_files(settings, files), folder, note, previous)
        refuse_changed(files, before)
        return export
    source = settings.source
    if source.kind == "project_xml":
        if source.project_xml is None:
            raise ConfigurationError(
                "E_SOURCE_SETTINGS",
                "no project XML is named",
                fix="Give --project-xml, or source.project_xml in blin.toml.",
            )
        path = settings.home / source.project_xml
        return export_from_project_xml(path, folder, allow_empty=source.allow_empty, progress=note)
    if source.kind == "files":
        if source.data is None or source.dictionary is None:
            raise ConfigurationError(
                "E_SOURCE_SETTINGS",
                "a file source needs both the exported records and the data dictionary",
                fix="Give --data and --dictionary, or source.data and source.dictionary in blin.toml.",
            )
        data, dictionary = settings.home / source.data, settings.home / source.dictionary
        return export_from_files(data, dictionary, folder, allow_empty=source.allow_empty, progress=note)
    client = open_client(settings)
    try:
        plan = reading_plan(settings, previous, project)
        if only_look:
            plan = replace(plan, baseline=None, why_full="", parts_dir=None)
        return export_project(client, folder, plan, progress=note)
    finally:
        client.close()


def _reading_files(settings: Settings, files: tuple[Path, ...]) -> Settings:
    """The settings as if these files had been named: one project XML, or records and dictionary."""
    if len(files) == 1:
        named: dict[str, object] = {"kind": "project_xml", "project_xml": files[0]}
    else:
        named = {"kind": "files", "data": files[0], "dictionary": files[1]}
    return settings.model_copy(update={"source": settings.source.model_copy(update=named)})


def open_client(settings: Settings) -> RedcapClient:
    """A guarded client of the one server of the settings.

    Raises:
        ConfigurationError: Codes ``E_SOURCE_SETTINGS``, ``E_TOKEN_MISSING``, ``E_TOKEN``, ``E_URL``.
    """
    source = settings.source
    if not source.url:
        raise ConfigurationError(
            "E_SOURCE_SETTINGS", "no REDCap address is set", fix="Set source.url in blin.toml (`blin init` writes one)."
        )
    limits = ClientLimits(
        read_seconds=source.read_seconds,
        deadline_seconds=source.deadline_seconds,
        attempts=source.attempts,
        first_wait_seconds=source.first_wait_seconds,
        pause_seconds=source.pause_seconds,
    )
    return RedcapClient(source.url, settings.token(), limits)


def reading_plan(settings: Settings, previous: Pull | None, project: str = "") -> ReadingPlan:
    """How the settings want a server to be read.

    Args:
        settings: Settings of the home folder.
        previous: The pull that the new one will be compared with.
        project: Name of the project when it is one of several.
    """
    source = settings.source
    baseline, why_full = baseline_of(settings.pulls_dir, project) if source.incremental else (None, "")
    return ReadingPlan(
        allow_empty=source.allow_empty,
        records_per_request=source.records_per_request,
        log_since=log_seen(settings.pulls_dir, previous.pull_id) if previous is not None else "",
        baseline=baseline,
        why_full=why_full,
        full_every=timedelta(days=source.full_every_days),
        parts_dir=settings.partial_dir / project if project else settings.partial_dir,
        one_group=source.one_group,
    )


def released_pull_id(settings: Settings) -> str | None:
    """Id of the pull behind the current release: what a new pull is compared with. A refused pull never becomes the measure."""
    current = current_release(settings.releases_dir)
    return read_manifest(current).pull_id if current is not None else None


def released_pull(settings: Settings) -> Pull | None:
    """The pull behind the current release, checked; None without a release.

    Raises:
        DataError: ``E_PULL_MISSING``, ``E_PULL_TAMPERED``.
    """
    pull_id = released_pull_id(settings)
    if pull_id is None:
        return None
    if not (settings.pulls_dir / pull_id).is_dir():
        raise DataError(
            "E_PULL_MISSING",
            "The pull behind the current release is gone, so that a loss of records could not be seen.",
            fix="Restore restricted/pulls from the backup, or say with --accept-loss that this pull needs no comparison.",
        )
    return checked_pull(settings.pulls_dir, pull_id)


def pulls_in_use(settings: Settings) -> set[str]:
    """Ids of the pulls that the releases still here were made from."""
    return {read_manifest(release).pull_id for release in list_releases(settings.releases_dir)}


def source_plan(pull: Pull, workspace: Workspace) -> SourcePlan:
    """What feeds the registry's instruments, by the field map and what the pull has."""
    return plan_source(workspace.field_map, workspace.dictionary, workspace.repeating, source_shape(pull))


def check_source(pull: Pull, workspace: Workspace) -> SourcePlan:
    """Refuse a pull that cannot feed the declared outcomes, or whose fields would be misread.

    Returns:
        What feeds the registry's instruments.

    Raises:
        ConfigurationError: Codes ``E_REQUIRED_CONCEPTS``, ``E_FIELD_MAP``, ``E_DICTIONARY_DRIFT``.
    """
    plan = source_plan(pull, workspace)
    problems = [*plan.problems, *_rows_where_one_must_be(pull, plan)]
    if problems:
        lines = "".join(f"\n    {problem}" for problem in problems)
        raise ConfigurationError(
            "E_FIELD_MAP",
            f"the field map does not fit the source in {len(problems)} places:{lines}",
            fix="Correct the field map (`blin map check`); write not_collected in on_missing for what the source lacks.",
        )
    refuse_unmet(unmet_requirements(plan.collected, load_requirements()))
    blocking = [item for item in drift_of(pull, workspace) if item.kind in BLOCKING]
    if blocking:
        lines = "".join(f"\n    {item}" for item in blocking)
        raise ConfigurationError(
            "E_DICTIONARY_DRIFT",
            f"{len(blocking)} fields of the live dictionary would be misread:{lines}",
            fix="Map them in the field map, or renew the registry's dictionary after a review, then run again.",
        )
    return plan


def _rows_where_one_must_be(pull: Pull, plan: SourcePlan) -> list[str]:
    found = []
    for form, source in plan.once_only_sources():
        if plan.shape.is_longitudinal and (n_records := records_with_two_rows(pull, source.form, source.events)):
            found.append(f"{form} has one row per patient, and {n_records} records have several of {source.form}")
    return found


def drift_of(pull: Pull, workspace: Workspace) -> list[Drift]:
    """Differences between the pull's dictionary and the registry's."""
    return find_drift(workspace.dictionary, live_dictionary(pull), workspace.field_map)


def pseudonym_key(settings: Settings) -> PseudonymKey:
    """The key of this home: read, or made while no release used another.

    Raises:
        ConfigurationError: ``E_KEY_LOST``, ``E_KEY_CHANGED``, ``E_KEY_OPEN``.
    """
    current = current_release(settings.releases_dir)
    last = read_manifest(current).key_id if current is not None else None
    return ensure_key(settings.secrets_dir / "pseudonym.key", last)


def release_inputs(workspace: Workspace, pull_id: str, data_cut: date) -> Inputs:
    """Everything that decides what a release holds."""
    return Inputs(
        pull_id=pull_id,
        code_version=code_version(),
        policy_hash=workspace.policy.sha256,
        parameters_hash=workspace.parameters.sha256,
        field_map_hash=workspace.field_map.sha256,
        sites_hash=workspace.settings.deployment_sha256,
        data_cut=data_cut.isoformat(),
        query_answers_hash=workspace.query_answers.sha256,
    )

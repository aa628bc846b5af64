"""What goes into a refresh: the source that the settings name, and the checks between a landed pull and the registry."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.landing.pull import Pull, open_pull
from blin_pipeline.landing.reading import live_dictionary, source_columns
from blin_pipeline.redcap.client import RedcapClient
from blin_pipeline.redcap.export import ReadingPlan, export_project
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.files import export_from_files
from blin_pipeline.redcap.progress import Progress
from blin_pipeline.redcap.transport import ClientLimits
from blin_pipeline.registry.drift import BLOCKING, Drift, find_drift
from blin_pipeline.registry.field_map import load_requirements, refuse_unmet, unmet_requirements
from blin_pipeline.release.manifest import Inputs
from blin_pipeline.release.pseudonyms import PseudonymKey, ensure_key
from blin_pipeline.release.reading import current_release, read_manifest
from blin_pipeline.settings import Settings, code_version

if TYPE_CHECKING:
    from blin_pipeline.orchestration.workspace import Workspace


def export_source(
    settings: Settings, folder: Path, note: Progress | None, previous: Pull | None = None
) -> ProjectExport:
    """Read the source of the settings into a folder.

    Args:
        settings: Settings of the home folder.
        folder: Empty private folder for the exact bytes.
        note: Told of each step.
        previous: The pull before, whose log watermark the server's log is read from.

    Raises:
        SourceError: It cannot be read or trusted.
        ConfigurationError: Codes ``E_SOURCE_SETTINGS``, ``E_TOKEN_MISSING``, ``E_TOKEN``, ``E_URL``.
    """
    source = settings.source
    if source.kind == "files":
        if source.data is None or source.dictionary is None:
            raise ConfigurationError(
                "E_SOURCE_SETTINGS",
                "a file source needs both the exported records and the data dictionary",
                fix="Give --data and --dictionary, or source.data and source.dictionary in blin.toml.",
            )
        data, dictionary = settings.home / source.data, settings.home / source.dictionary
        return export_from_files(data, dictionary, folder, allow_empty=source.allow_empty, progress=note)
    if not source.url:
        raise ConfigurationError(
            "E_SOURCE_SETTINGS", "no REDCap address is set", fix="Set source.url in blin.toml (`blin init` writes one)."
        )
    limits = ClientLimits(
        read_seconds=source.read_seconds,
        deadline_seconds=source.deadline_seconds,
        attempts=source.attempts,
        first_wait_seconds=source.first_wait_seconds,
    )
    client = RedcapClient(source.url, settings.token(), limits)
    try:
        mark = previous.manifest.log_watermark if previous is not None else None
        plan = ReadingPlan(allow_empty=source.allow_empty, log_since=mark.newest if mark else "")
        return export_project(client, folder, plan, progress=note)
    finally:
        client.close()


def released_pull(settings: Settings) -> Pull | None:
    """The pull behind the current release: what a new pull is compared with. A refused pull never becomes the measure."""
    current = current_release(settings.releases_dir)
    if current is None:
        return None
    folder = settings.pulls_dir / read_manifest(current).pull_id
    return open_pull(folder) if folder.is_dir() else None


def check_source(pull: Pull, workspace: Workspace) -> None:
    """Refuse a pull that cannot feed the declared outcomes, or whose fields would be misread.

    Raises:
        ConfigurationError: Codes ``E_LONGITUDINAL``, ``E_REQUIRED_CONCEPTS``, ``E_FIELD_MAP``, ``E_DICTIONARY_DRIFT``.
    """
    if pull.manifest.is_longitudinal:
        raise ConfigurationError(
            "E_LONGITUDINAL",
            "this REDCap project is longitudinal, and the tables read classic projects only",
            fix="The pull is landed and kept; tables and release of longitudinal projects are not there yet.",
        )
    unmet = unmet_requirements(
        workspace.field_map, source_columns(pull), load_requirements(), pull.manifest.record_id_field
    )
    refuse_unmet(unmet)
    absent = sorted(
        entry.source_field
        for entry in workspace.field_map.entries
        if entry.transform in {"as_is", "recode"}
        and entry.on_missing == "error"
        and entry.source_field not in source_columns(pull)
    )
    if absent:
        raise ConfigurationError(
            "E_FIELD_MAP",
            f"the field map names {len(absent)} fields that the source does not have: {', '.join(absent)}",
            fix="Correct the field map, or write not_collected in on_missing.",
        )
    blocking = [item for item in drift_of(pull, workspace) if item.kind in BLOCKING]
    if blocking:
        named = ", ".join(f"{item.field_name} ({item.kind.value})" for item in blocking)
        raise ConfigurationError(
            "E_DICTIONARY_DRIFT",
            f"{len(blocking)} fields of the live dictionary would be misread: {named}",
            fix="Map them in the field map, or renew the registry's dictionary after a review, then run again.",
        )


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
    )

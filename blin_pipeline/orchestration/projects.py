"""Several REDCap projects as one source: each read by its own settings and token, merged by qualified names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blin_pipeline.errors import BlinError, ConfigurationError
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import records
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.merged import merge_exports
from blin_pipeline.redcap.merged_setup import SEPARATOR
from blin_pipeline.registry.sites import Site
from blin_pipeline.release.pseudonyms import PseudonymKey, crosswalk
from blin_pipeline.settings import Settings


def export_projects(
    settings: Settings, folder: Path, export_one: Callable[[Settings, Path], ProjectExport]
) -> ProjectExport:
    """Read every project of the settings, one after the other, and merge them.

    Args:
        settings: Settings with projects.
        folder: Empty private folder.
        export_one: Reads the one source of settings into a folder.

    Raises:
        BlinError: As the reading of one project, naming the project; ``E_PROJECTS_DIFFER``.
        ConfigurationError: ``E_SOURCE_SETTINGS``: projects and one source at the same time.
    """
    if settings.source.url or settings.source.data or settings.source.project_xml:
        raise ConfigurationError(
            "E_SOURCE_SETTINGS",
            "the settings name both one source and several projects",
            fix="Keep either source.url (or files) or the [projects.NAME] entries in blin.toml.",
        )
    exports: dict[str, ProjectExport] = {}
    for name in sorted(settings.projects):
        place = folder / name
        place.mkdir(mode=0o700)
        try:
            exports[name] = export_one(settings_of(settings, name), place)
        except BlinError as error:
            error.what = f"Project {name}: {error.what}"
            raise
    merged = folder / "merged"
    merged.mkdir(mode=0o700)
    return merge_exports(exports, merged)


def settings_of(settings: Settings, name: str) -> Settings:
    """The settings as if one project were the only source; what a person allowed for this run holds for each."""
    own = settings.projects[name]
    said = "incremental" in settings.source.model_fields_set
    allowed = {
        "incremental": settings.source.incremental if said else own.incremental,
        "allow_empty": own.allow_empty or settings.source.allow_empty,
        "accept_loss": own.accept_loss or settings.source.accept_loss,
    }
    return settings.model_copy(update={"source": own.model_copy(update=allowed), "projects": {}})


def patient_rows(pull: Pull, key: PseudonymKey, sites: tuple[Site, ...]) -> list[tuple[str, str, str]]:
    """Rows of the crosswalk: the key of a patient hangs on its own project alone, so that adding one changes no other.

    Raises:
        ConfigurationError: ``E_SITE_UNKNOWN``.
        DataError: ``E_DUPLICATE_RECORD``.
    """
    numbers = dict(part.split("/", 1) for part in pull.manifest.project_id.split(",") if "/" in part)
    if not numbers:
        return crosswalk(records(pull), key, pull.manifest.project_id, sites)
    found: list[tuple[str, str, str]] = []
    for name, number in sorted(numbers.items()):
        own = [(record, group) for record, group in records(pull) if record.startswith(f"{name}{SEPARATOR}")]
        found += crosswalk(own, key, f"{name}/{number}", sites)
    return sorted(found)


def presented_sites(settings: Settings) -> tuple[Site, ...]:
    """Sites whose record prefixes are those of the merged records, where there are several projects."""
    if not settings.projects:
        return settings.sites
    return tuple(
        site.model_copy(update={"record_prefix": f"{project}{SEPARATOR}{site.record_prefix}"})
        if (project := site.data_access_group.partition(SEPARATOR)[0]) in settings.projects and site.record_prefix
        else site
        for site in settings.sites
    )

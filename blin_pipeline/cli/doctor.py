"""What `blin doctor` looks at. Each finding says what was seen and, unless it is good, what to do."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib import metadata
from typing import TYPE_CHECKING, Literal, NamedTuple

from blin_pipeline.errors import BlinError
from blin_pipeline.settings import PROJECT_DIR

if TYPE_CHECKING:
    from blin_pipeline.settings import Settings

_MIN_FREE_BYTES = 1 << 30
_PIN = re.compile(r"^([a-z0-9._-]+)==([^ ;\\]+)(?:\s*;\s*([^\\]+))?", re.MULTILINE)


class Finding(NamedTuple):
    """One line of the examination."""

    level: Literal["OK", "WARN", "FAIL"]
    what: str
    fix: str = ""


def examine(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    """Look at machine, home, registry files, dbt project and, unless offline, the server.

    Args:
        settings: Settings of the home folder.
        offline: Leave the server out.
    """
    yield _packages()
    yield from _home(settings)
    yield from _registry(settings)
    yield _dbt(settings)
    if not offline and settings.source.kind == "api":
        yield from _server(settings)


def _packages() -> Finding:
    from packaging.markers import Marker

    lock = PROJECT_DIR / "requirements" / "run.txt"
    if not lock.exists():
        return Finding("WARN", "no lock file beside the package", "Run from a checkout.")
    pins = {
        name: version
        for name, version, marker in _PIN.findall(lock.read_text(encoding="utf-8"))
        if not marker.strip() or Marker(marker.strip()).evaluate()
    }
    installed = {item.name.lower().replace("_", "-"): item.version for item in metadata.distributions()}
    differing = sorted(name for name, version in pins.items() if installed.get(name.replace("_", "-")) != version)
    if differing:
        return Finding(
            "WARN", f"{len(differing)} packages differ from the lock ({', '.join(differing[:5])})", "make install"
        )
    return Finding("OK", f"python {sys.version.split()[0]}, {len(pins)} packages match the lock")


def _home(settings: Settings) -> Iterator[Finding]:
    from blin_pipeline.orchestration.workspace import refresh_lock

    if not settings.config_file.exists():
        yield Finding("FAIL", f"no {settings.config_file.name} in {settings.home}", "blin init")
    free = shutil.disk_usage(settings.home).free
    if free < _MIN_FREE_BYTES:
        yield Finding("WARN", f"{free >> 20} MiB free on the home's disk", "Make room: a refresh needs about 1 GiB.")
    else:
        yield Finding("OK", f"home {settings.home} writable, {free >> 30} GiB free")
    mode = settings.restricted.stat().st_mode & 0o077
    if mode:
        yield Finding("FAIL", "the restricted folder may be read by others", f"chmod 0700 {settings.restricted}")
    try:
        with refresh_lock(settings), _warehouse(settings):
            yield Finding("OK", "warehouse not locked, no refresh running")
    except BlinError as error:
        yield Finding("WARN", error.what, error.fix)
    yield Finding("OK", f"time zone of the registry: {settings.time_zone}")
    if not settings.sites:
        yield Finding("FAIL", "no [[sites]] in blin.toml", "Add one entry per data access group.")


def _warehouse(settings: Settings) -> AbstractContextManager[object]:
    from blin_pipeline.landing.database import Warehouse

    if not settings.warehouse_path.exists():
        return nullcontext()
    return Warehouse(settings.warehouse_path).connect(read_only=True)


def _registry(settings: Settings) -> Iterator[Finding]:
    from blin_pipeline.orchestration.workspace import Workspace

    workspace = Workspace(settings)
    try:
        yield Finding(
            "OK",
            f"registry files: {len(workspace.dictionary.fields)} fields, {len(workspace.dictionary.forms)} instruments, "
            f"{len(workspace.parameters.entries)} parameters, {len(workspace.field_map.entries)} mapped fields",
        )
        yield Finding("OK", f"de-identification policy version {workspace.policy.version}")
    except BlinError as error:
        yield Finding("FAIL", error.what, error.fix)


def _dbt(settings: Settings) -> Finding:
    from blin_pipeline.orchestration.tables import prepare_dbt

    try:
        prepare_dbt(settings)
    except BlinError as error:
        return Finding("FAIL", error.what, error.fix)
    return Finding("OK", "dbt project parses")


def _server(settings: Settings) -> Iterator[Finding]:
    from blin_pipeline.landing.inspection import workspace as reading_folder
    from blin_pipeline.landing.reading import records
    from blin_pipeline.landing.write import land
    from blin_pipeline.orchestration.inputs import check_source, drift_of, export_source
    from blin_pipeline.orchestration.workspace import Workspace
    from blin_pipeline.registry.drift import BLOCKING

    workspace = Workspace(settings)
    with reading_folder(settings.restricted) as folder:
        try:
            (folder / "source").mkdir(mode=0o700)
            export = export_source(settings, folder / "source", None, only_look=True)
            landed = land(export, folder / "pulls")
        except BlinError as error:
            yield Finding("FAIL", f"{error.code}: {error.what}", error.fix)
            return
        yield Finding("OK", f"server read completely: {landed.manifest.n_records} records, token accepted")
        groups = sorted({group for _, group in records(landed) if group})
        known = {site.data_access_group for site in settings.sites}
        taken = {site.site_id for site in settings.sites}
        free = (f"S{number:02d}" for number in range(1, 1000) if f"S{number:02d}" not in taken)
        for group in (group for group in groups if group not in known):
            entry = f'\n[[sites]]\nsite_id = "{next(free)}"\ndata_access_group = "{group}"'
            yield Finding("FAIL", f"data access group {group} belongs to no site", f"Add to blin.toml:{entry}")
        try:
            check_source(landed, workspace)
            yield Finding("OK", "every required concept has a source field")
        except BlinError as error:
            yield Finding("FAIL", error.what, error.fix)
        drift = drift_of(landed, workspace)
        blocking = [item for item in drift if item.kind in BLOCKING]
        for item in blocking:
            yield Finding(
                "FAIL", f"field {item.field_name}: {item.kind.value}", "Correct the field map or the dictionary file."
            )
        if not blocking:
            yield Finding("OK", f"dictionary fits the registry ({len(drift)} harmless differences)")

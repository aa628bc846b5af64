"""The sandbox REDCap behind a demo home: its registry, its settings, its server while the source is read."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from blin_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from blin_pipeline.sandbox.synthetic import SyntheticRegistry
    from blin_pipeline.settings import Settings

#: The demo's data cut: fixed, so that the same synthetic registry gives the same release on any day.
DEMO_CUT = date(2026, 6, 30)
LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def synthetic_registry(patients: int, centres: int, seed: int) -> SyntheticRegistry:
    """The synthetic registry of a plan, as of the demo's cut."""
    from blin_pipeline.sandbox.synthetic import SyntheticPlan, generate

    return generate(SyntheticPlan(seed=seed, patients=patients, sites=centres, data_cut=DEMO_CUT))


@contextmanager
def sandbox_of(settings: Settings) -> Iterator[Settings]:
    """Serve the home's synthetic registry while its source is read, and give the settings that point at it.

    The settings stay as they are when the source is a real server or files. Where something listens on the home's port already,
    a server of our own takes a free one: nobody else is ever sent the token.
    """
    if settings.sandbox is None or settings.source.kind != "api":
        yield settings
        return
    from blin_pipeline.sandbox.serve import serving

    plan = settings.sandbox
    project = synthetic_registry(plan.patients, plan.centres, plan.seed).project
    port = free_port() if is_taken(plan.port) else plan.port
    with serving({settings.token().get_secret_value(): project}, host=LOOPBACK, port=port) as running:
        yield settings.model_copy(update={"source": settings.source.model_copy(update={"url": running.url})})


def write_demo_home(settings: Settings, patients: int) -> None:
    """Make a home a demo home: settings, token, sites of the synthetic registry. An existing demo home is kept.

    Raises:
        ConfigurationError: Code ``E_NOT_A_DEMO`` when the home holds settings that are not a demo's.
    """
    if settings.config_file.exists():
        if settings.sandbox is None or not settings.synthetic:
            raise ConfigurationError(
                "E_NOT_A_DEMO",
                "this home folder holds the settings of a real registry",
                fix="Give the demo a folder of its own: blin demo --home FOLDER.",
            )
        if settings.sandbox.patients == patients:
            return
        port, seed = settings.sandbox.port, settings.sandbox.seed
    else:
        port, seed = free_port(), 20240614
    registry = synthetic_registry(patients, 9, seed)
    settings.prepare_home()
    token_file = settings.secrets_dir / "redcap_token"
    if not token_file.exists():
        handle = os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(16).upper() + "\n")
    settings.config_file.write_text(_demo_toml(registry, port, patients, seed), encoding="utf-8")


def _demo_toml(registry: SyntheticRegistry, port: int, patients: int, seed: int) -> str:
    lines = [
        "# Demo home, written by `blin demo`: a synthetic registry in a sandbox REDCap. No real patients.",
        "synthetic = true",
        f"data_cut = {DEMO_CUT.isoformat()}",
        "",
        "[source]",
        f'url = "http://{LOOPBACK}:{port}/api/"',
        "",
        "[sandbox]",
        f"patients = {patients}",
        f"centres = {len(registry.sites)}",
        f"seed = {seed}",
        f"port = {port}",
    ]
    for site in registry.sites:
        lines += [
            "",
            "[[sites]]",
            f'site_id = "{site.site_id}"',
            f'data_access_group = "{site.data_access_group}"',
            f'record_prefix = "{site.record_prefix}"',
            *([f'time_zone = "{site.time_zone}"'] if site.time_zone else []),
            f"activated = {site.activated.isoformat()}",
            f"complete_ascertainment = {str(site.complete_ascertainment).lower()}",
        ]
    return "\n".join(lines) + "\n"

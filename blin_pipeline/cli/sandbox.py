"""The sandbox REDCap as the command uses it: behind a demo home, or served until stopped."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blin_pipeline.cli.app import Home, app
from blin_pipeline.cli.console import messages
from blin_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from blin_pipeline.sandbox.synthetic import SyntheticRegistry
    from blin_pipeline.settings import SandboxSettings, Settings

#: The demo's data cut: fixed, so that the same synthetic registry gives the same release on any day.
DEMO_CUT = date(2026, 6, 30)
_HOST = "127.0.0.1"


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return True
    return False


def _registry(patients: int, centres: int, seed: int) -> SyntheticRegistry:
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
    project = _registry(plan.patients, plan.centres, plan.seed).project
    port = free_port() if is_taken(plan.port) else plan.port
    with serving({settings.token().get_secret_value(): project}, host=_HOST, port=port) as running:
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
    registry = _registry(patients, 9, seed)
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
        f'url = "http://{_HOST}:{port}/api/"',
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


@app.command()
def sandbox(
    home: Home = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Loopback port; 0 takes a free one.")] = 0,
    patients: Annotated[
        int, typer.Option("--synthetic", min=20, help="Synthetic patients, when not serving a demo home.")
    ] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the generator.")] = 20240614,
    truth: Annotated[Path | None, typer.Option(help="Write the truth behind the registry to this JSON file.")] = None,
) -> None:
    """Serve a synthetic registry as a REDCap would, on this machine only, until stopped."""
    from blin_pipeline.sandbox.host import Host, open_accounts
    from blin_pipeline.sandbox.serve import run
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    plan: SandboxSettings | None = settings.sandbox
    if plan is not None:
        token, patients, seed, port = settings.token().get_secret_value(), plan.patients, plan.seed, plan.port
    else:
        token, port = secrets.token_hex(16).upper(), port or free_port()
    registry = _registry(patients, plan.centres if plan else 9, seed)
    if truth is not None:
        from blin_pipeline.sandbox.synthetic import write_truth

        write_truth(registry, truth)
    messages.print(f"Sandbox REDCap with {patients} synthetic patients: http://{_HOST}:{port}/api/")
    messages.print(f"Token: {token}" if plan is None else "Token: the one of this home's token file.")
    messages.print("Stop it with Ctrl+C.")
    run(Host(open_accounts({token: registry.project})), _HOST, port)

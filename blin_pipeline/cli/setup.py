"""Verbs that set up: init, doctor, ui."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from blin_pipeline.cli.app import AsJson, Home, app
from blin_pipeline.cli.console import messages, print_json, results

TEMPLATE = """# Settings of one registry. Environment variables BLIN_<NAME> (nested with __) win over this file.
study = "NCT07117136"
title = "Blinatumomab Consolidation in Real World"
time_zone = "America/Chicago"          # in which a day of the registry ends, and schedules run
# data_cut = 2026-06-30                # last day that counts; default: the moment of the pull
# field_map = "field_map.csv"          # only for a dictionary that differs from the shipped one

[source]
url = "https://redcap.example.org/api/"
token_file = "restricted/secrets/redcap_token"   # mode 0400; or set the variable BLIN_REDCAP_TOKEN
# kind = "files"                       # exported files instead of a server:
# data = "export_DATA.csv"
# dictionary = "export_DataDictionary.csv"

# One entry per data access group. `blin doctor` prints entries for the groups that it finds on the server.
# [[sites]]
# site_id = "S01"                      # coded name; the only one that leaves the restricted zone
# data_access_group = "unique_group_name"
# record_prefix = "ABC"                # what record ids of this site start with
# time_zone = "America/Chicago"
# activated = 2025-01-15
# complete_ascertainment = false       # whether the site states that it enters every eligible patient, dead included
"""


@app.command()
def init(home: Home = None) -> None:
    """Write blin.toml and field_map.csv into the home folder; never overwrites."""
    from blin_pipeline.registry.field_map import HEADER
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    settings.prepare_home()
    for path, text in ((settings.config_file, TEMPLATE), (settings.home / "field_map.csv", ",".join(HEADER) + "\n")):
        if path.exists():
            messages.print(f"kept    {path}", soft_wrap=True)
        else:
            path.write_text(text, encoding="utf-8")
            messages.print(f"written {path}", soft_wrap=True)
    messages.print("Next: edit blin.toml, put the token into its file, then run `blin doctor` until nothing fails.")


@app.command()
def doctor(
    home: Home = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the server.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check this machine, the settings and the server; each failure with its fix."""
    from blin_pipeline.cli.doctor import examine
    from blin_pipeline.cli.sandbox import sandbox_of
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    settings.prepare_home()
    with sandbox_of(settings) as served:
        findings = list(examine(served, offline=offline))
    failed = sum(finding.level == "FAIL" for finding in findings)
    warned = sum(finding.level == "WARN" for finding in findings)
    if as_json:
        print_json("doctor", [finding._asdict() for finding in findings], status="failed" if failed else "ok")
    else:
        from rich.markup import escape

        colour = {"OK": "green", "WARN": "yellow", "FAIL": "bold red"}
        for finding in findings:
            fix = f"  [dim]fix:[/] {escape(finding.fix)}" if finding.fix else ""
            results.print(f"[{colour[finding.level]}]{finding.level:<5}[/] {escape(finding.what)}{fix}", soft_wrap=True)
        results.print(f"{failed} failed, {warned} warnings")
    raise typer.Exit(1 if failed else 0)


def _serve(command: list[str], environment: dict[str, str]) -> int:
    """Run a server until it ends; a signal to stop reaches it once, and it is waited for while it stops its own processes."""
    from blin_pipeline.settings import PROJECT_DIR

    with subprocess.Popen(command, env=environment, cwd=PROJECT_DIR, start_new_session=True) as server:
        stopping = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, lambda *_: server.send_signal(signal.SIGINT)) for number in stopping}
        try:
            return server.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@app.command()
def ui(
    home: Home = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Loopback port.")] = 3000,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look, do not touch: no launching, no daemon.")
    ] = False,
) -> None:
    """Dagster's web page and daemon for this home, on this machine only; schedules can be started there."""
    from blin_pipeline.cli.sandbox import is_taken, sandbox_of
    from blin_pipeline.orchestration.refresh import dagster_environment, tidy_instance
    from blin_pipeline.settings import PROJECT_DIR, load_settings

    settings = load_settings(home)
    if is_taken(port):
        raise typer.BadParameter(f"something already listens on port {port}", param_hint="--port")
    binaries = Path(sys.executable).parent
    address = ["-h", "127.0.0.1", "-p", str(port), "-w", str(PROJECT_DIR / "workspace.yaml")]
    if read_only:
        command = [str(binaries / "dagster-webserver"), *address, "--read-only"]
    else:
        command = [str(binaries / "dagster"), "dev", *address]
        tidy_instance(settings)
    # Dagster advises its developers' tool instead of `dagster dev`: nothing that a user of this command can act on.
    environment = {"PYTHONWARNINGS": "ignore::FutureWarning"} | dagster_environment(settings)
    messages.print(
        f"Dagster UI: http://127.0.0.1:{port}  (there in about half a minute; stop it with Ctrl+C)", soft_wrap=True
    )
    with sandbox_of(settings) as served:
        raise typer.Exit(
            _serve(command, environment | {"BLIN_SOURCE__URL": served.source.url} if served.sandbox else environment)
        )

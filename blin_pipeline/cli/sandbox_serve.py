"""``blin sandbox``: projects from files or a generator, served as a REDCap would, on this machine only, until stopped."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blin_pipeline.cli.app import Home, app
from blin_pipeline.cli.console import messages, results
from blin_pipeline.cli.sandbox import LOOPBACK, free_port, synthetic_registry
from blin_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blin_pipeline.sandbox.host import Account, Host
    from blin_pipeline.sandbox.rows import SourceProject
    from blin_pipeline.sandbox.state import StateFolder
    from blin_pipeline.settings import SandboxSettings

_SOURCES = "Projects"
_SEED = 20240614
_SERVER = "Server"


@app.command()
def sandbox(
    home: Home = None,
    project_xml: Annotated[
        list[Path] | None,
        typer.Option(rich_help_panel=_SOURCES, help="Project XML with or without data; may be given several times."),
    ] = None,
    dictionary: Annotated[
        list[Path] | None,
        typer.Option(rich_help_panel=_SOURCES, help="Data dictionary; goes with --data."),
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option(rich_help_panel=_SOURCES, help="Raw CSV export of the same project.")
    ] = None,
    synthetic: Annotated[
        int | None,
        typer.Option(min=20, rich_help_panel=_SOURCES, help="Synthetic patients; 200 when no project is named."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_SOURCES, help=f"Seed of the generator; {_SEED}, or the one of the demonstration home."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(rich_help_panel=_SOURCES, help="Write the truth behind the synthetic registry to this JSON file."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(rich_help_panel=_SOURCES, help="Keep everything in this folder and go on from it next time."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            rich_help_panel=_SERVER,
            help="Loopback port; 0 takes a free one, as does nothing, but for a demonstration home, which has its own.",
        ),
    ] = None,
    super_token: Annotated[
        list[str] | None,
        typer.Option(rich_help_panel=_SERVER, help="64 hexadecimal digits that may create projects; 'new' makes some."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", rich_help_panel=_SERVER, help="Tokens that may export, and nothing else.")
    ] = False,
    redcap_version: Annotated[str, typer.Option(rich_help_panel=_SERVER, help="Version to report.")] = "15.5.2",
    base_url: Annotated[
        str | None, typer.Option(rich_help_panel=_SERVER, help="Address that survey links begin with.")
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_SERVER,
            help="Tell this zone's wall-clock time, as America/New_York; without it a clock of one second per request.",
        ),
    ] = None,
    rate_limit: Annotated[
        int, typer.Option(min=0, rich_help_panel=_SERVER, help="Requests a minute before a ban; 0 for no limit.")
    ] = 0,
    max_rows: Annotated[
        int, typer.Option(min=0, rich_help_panel=_SERVER, help="Rows above which an export fails; 0 for no limit.")
    ] = 0,
    document_word: Annotated[
        bool,
        typer.Option("--document-word", rich_help_panel=_SERVER, help=r"Files show as \[document], as before 14."),
    ] = False,
    old_status_quirk: Annotated[
        bool,
        typer.Option(
            "--old-status-quirk",
            rich_help_panel=_SERVER,
            help="Status 0 of a form on rows of another event, as in 9.1.",
        ),
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_SERVER,
            help="Something to get wrong, as 'status_html=503,content=record,at=2,times=always'; docs/sandbox.md.",
        ),
    ] = None,
) -> None:
    """Serve projects as a REDCap would, on this machine only, until stopped."""
    from blin_pipeline.sandbox.contents.call import ServerSettings
    from blin_pipeline.sandbox.fault_text import check_forms, fault_from_text
    from blin_pipeline.sandbox.faults import FaultPlan
    from blin_pipeline.sandbox.host import Host, server_clock
    from blin_pipeline.sandbox.records.flat import ServerHabits
    from blin_pipeline.sandbox.serve import run

    faults = [fault_from_text(text) for text in fault or ()]
    named = [*(project_xml or ()), *(dictionary or ()), *(data or ())]
    demo, demo_token = (None, "") if named or synthetic or state else _demo_home(home)
    if demo is not None:
        seed = demo.seed if seed is None else seed
        port = demo.port if port is None else port
    seed = _SEED if seed is None else seed
    port = port or free_port()
    server = ServerSettings.of_version(redcap_version)._replace(
        base_url=(base_url or f"http://{LOOPBACK}:{port}").rstrip("/"),
        time_zone=time_zone,
        requests_per_minute=rate_limit,
        max_rows=max_rows,
        habits=ServerHabits(file_value="document" if document_word else "name", old_status_quirk=old_status_quirk),
    )
    super_tokens = [secrets.token_hex(32).upper() if given == "new" else given for given in super_token or ()]
    keeper = _open_state(state)
    accounts = keeper.load(server_clock(server)) if keeper is not None else {}
    if accounts and (named or synthetic):
        raise ConfigurationError(
            "E_SANDBOX_STATE",
            "The state folder already holds projects; those named beside it would not be served.",
            fix="Leave the projects out, or give a new folder with --state.",
        )
    redcap = Host(accounts, server, super_tokens, keeper=keeper)
    if not accounts:
        patients = demo.patients if demo else synthetic or (0 if named else 200)
        centres = demo.centres if demo else 9
        projects = _file_projects(project_xml or (), dictionary or (), data or ())
        if patients:
            projects.append(_synthetic_project(patients, centres, seed, truth))
        _open(redcap, projects, read_only=read_only or demo is not None, token=demo_token)
    if not super_tokens:  # A project that is still to be created may have any instrument.
        check_forms(faults, {form for project in redcap.projects for form in project.dictionary.forms})
    plan = FaultPlan(faults)
    run(redcap, LOOPBACK, port, faults=plan, ready=lambda url: _tell(url, redcap, super_tokens, hide=demo is not None))


def _demo_home(home: Path | None) -> tuple[SandboxSettings | None, str]:
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    return settings.sandbox, settings.token().get_secret_value() if settings.sandbox is not None else ""


def _open_state(folder: Path | None) -> StateFolder | None:
    from blin_pipeline.sandbox.state import StateFolder

    return StateFolder(folder) if folder is not None else None


def _file_projects(xml: Sequence[Path], dictionaries: Sequence[Path], data: Sequence[Path]) -> list[SourceProject]:
    from blin_pipeline.sandbox.load import project_from_export
    from blin_pipeline.sandbox.odm.reading import project_from_xml

    if len(dictionaries) != len(data):
        raise ConfigurationError(
            "E_SANDBOX_PROJECT",
            "A project from files needs a dictionary and its data.",
            fix="Give --dictionary and --data once each per project, in the same order.",
        )
    return [
        *(project_from_xml(path) for path in xml),
        *(project_from_export(*pair) for pair in zip(dictionaries, data, strict=True)),
    ]


def _synthetic_project(patients: int, centres: int, seed: int, truth: Path | None) -> SourceProject:
    registry = synthetic_registry(patients, centres, seed)
    if truth is not None:
        from blin_pipeline.sandbox.synthetic import write_truth

        write_truth(registry, truth)
    return registry.project


def _open(redcap: Host, projects: Sequence[SourceProject], *, read_only: bool, token: str) -> None:
    """Make the projects live, each under a token of its own; of two projects with one number the later gets another."""
    from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, TokenRights

    rights = TokenRights() if read_only else TokenRights.of(EVERY_PRIVILEGE, "sandbox_api")
    for project in projects:
        taken = project.project_id in {live.project_id for live in redcap.projects}
        redcap.add(replace(project, project_id=redcap.next_project_id()) if taken else project, rights, token or None)


def _tell(url: str, redcap: Host, super_tokens: Sequence[str], *, hide: bool) -> None:
    messages.print("Sandbox REDCap: synthetic or rehearsal data only, reachable from this machine only.")
    results.print(f"URL          {url}", soft_wrap=True)
    for token, account in redcap.accounts.items():
        shown = "the one of this home's token file" if hide else token
        results.print(f"Token        {shown}  {_described(account)}", soft_wrap=True, markup=False)
    for token in super_tokens:
        results.print(f"Super token  {token}", soft_wrap=True)
    messages.print("Stop it with Ctrl+C.")


def _described(account: Account) -> str:
    project = account.project
    records = f"{len(project.records)} record{'' if len(project.records) == 1 else 's'}"
    return f"project {project.project_id} ({project.title}), {records}, user {account.username}"

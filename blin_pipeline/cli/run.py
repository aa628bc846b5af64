"""Verbs that do the work: demo, refresh, pull."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from blin_pipeline.cli.app import AsJson, Home, app
from blin_pipeline.cli.console import messages, print_json, progress_lines, pull_bar, results
from blin_pipeline.cli.source_options import DataFile, DictionaryFile, ProjectXml, source_overrides

if TYPE_CHECKING:
    from blin_pipeline.settings import Settings

DataCutDay = Annotated[datetime | None, typer.Option("--data-cut", formats=["%Y-%m-%d"], help="Last day that counts.")]
AcceptLoss = Annotated[
    bool, typer.Option("--accept-loss", help="Rows or sites gone without explanation are meant to be gone, this once.")
]
Incremental = Annotated[
    bool | None,
    typer.Option("--incremental/--full", help="Read only what changed since the last pull; source.incremental else."),
]
AllowEmpty = Annotated[bool, typer.Option("--allow-empty", help="Accept a project without any record, this once.")]


def _settings(
    home: Path | None, files: dict[str, Any], cut: date | None, incremental: bool | None, **accepted: bool
) -> Settings:
    from blin_pipeline.settings import load_settings

    source: dict[str, Any] = files.get("source", {}) | {name: True for name, value in accepted.items() if value}
    if incremental is not None:
        source["incremental"] = incremental
    overrides: dict[str, Any] = {"source": source} if source else {}
    if cut is not None:
        overrides["data_cut"] = cut
    return load_settings(home, **overrides)


def _refresh(settings: Settings, *, force: bool, as_json: bool, command: str) -> int:
    from blin_pipeline.cli.sandbox import sandbox_of
    from blin_pipeline.cli.summary import print_summary, summary_of
    from blin_pipeline.orchestration.refresh import run_refresh

    with ExitStack() as stack:
        settings = stack.enter_context(sandbox_of(settings))
        listen = stack.enter_context(progress_lines(quiet=as_json))
        result = run_refresh(settings, force=force, listener=listen)
    if not result.success:
        raise result.failures[0]
    summary = summary_of(settings)
    if as_json:
        print_json(command, {"run_id": result.run_id, "published": result.published, "summary": summary})
        return 0
    if not result.published:
        why = "The content came out the same" if result.built else "Nothing changed"
        messages.print(f"{why}: the current release stays as it is.")
    print_summary(settings, summary)
    return 0


@app.command()
def refresh(
    home: Home = None,
    data: DataFile = None,
    dictionary: DictionaryFile = None,
    project_xml: ProjectXml = None,
    data_cut: DataCutDay = None,
    incremental: Incremental = None,
    allow_empty: AllowEmpty = False,
    accept_loss: AcceptLoss = False,
    force: Annotated[bool, typer.Option("--force", help="Build and publish even when nothing changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pull, build, check, compute, release, report: the scheduled job, as one Dagster run."""
    cut = data_cut.date() if data_cut else None
    files = source_overrides(data, dictionary, project_xml)
    settings = _settings(home, files, cut, incremental, allow_empty=allow_empty, accept_loss=accept_loss)
    raise typer.Exit(_refresh(settings, force=force, as_json=as_json, command="refresh"))


@app.command()
def pull(
    home: Home = None,
    data: DataFile = None,
    dictionary: DictionaryFile = None,
    project_xml: ProjectXml = None,
    incremental: Incremental = None,
    allow_empty: AllowEmpty = False,
    accept_loss: AcceptLoss = False,
    as_json: AsJson = False,
) -> None:
    """Read the source and land it, nothing more: Parquet per instrument, manifest, exact bytes."""
    from blin_pipeline.cli.sandbox import sandbox_of
    from blin_pipeline.landing.reading import accepted_note, latest_reading
    from blin_pipeline.orchestration.pull_run import run_pull
    from blin_pipeline.orchestration.workspace import Workspace, refresh_lock

    files = source_overrides(data, dictionary, project_xml)
    settings = _settings(home, files, None, incremental, allow_empty=allow_empty, accept_loss=accept_loss)
    with refresh_lock(settings), sandbox_of(settings) as served, pull_bar(quiet=as_json) as listen:
        landed = run_pull(Workspace(served), note=listen)
        reading = latest_reading(settings.pulls_dir)
        note = accepted_note(settings.pulls_dir)
    manifest = landed.manifest
    rows_by_form = {form: entry.table.rows for form, entry in manifest.forms.items()}
    if as_json:
        facts = {"pull_id": landed.pull_id, "records": manifest.n_records, "rows": rows_by_form}
        how = {"mode": reading.mode, "why_full": reading.why_full} if reading is not None else {}
        found = {
            "records_changed_without_log_line": note.silent_changes if note is not None else None,
            "gone": note.loss.model_dump() if note is not None and note.loss is not None else None,
        }
        print_json("pull", facts | how | found)
        return
    from rich.table import Table

    table = Table("instrument", "rows", title=f"Pull {landed.pull_id}: {manifest.n_records} records")
    table.columns[1].justify = "right"
    for form, rows in rows_by_form.items():
        table.add_row(form, str(rows))
    results.print(table)
    results.print(f"Landed in {landed.path}", soft_wrap=True)
    if reading is not None and reading.mode == "incremental":
        fetched = f"{reading.n_changed} records" if reading.n_changed else "no record"
        messages.print(f"Read by change: {fetched} fetched.")
    elif reading is not None and reading.why_full:
        messages.print(f"Read in full: {reading.why_full}.")
    if note is not None and note.loss is not None and note.loss.in_words:
        why = "not all of it explained, and accepted" if note.loss.is_unexplained else "as REDCap's log explains"
        messages.print(f"Gone since the released pull, {why}: {note.loss.in_words}.")
    if note is not None and note.silent_changes:
        messages.print(
            f"[bold]{note.silent_changes} records changed without a line in REDCap's log[/]: ask the administrator how; "
            "reading by change cannot see such changes."
        )


@app.command()
def demo(
    home: Home = None,
    patients: Annotated[int, typer.Option(min=20, max=20000, help="Synthetic patients.")] = 200,
    as_json: AsJson = False,
) -> None:
    """A synthetic registry over real HTTP through the whole pipeline, into the home folder."""
    from blin_pipeline.cli.sandbox import write_demo_home
    from blin_pipeline.settings import load_settings

    write_demo_home(load_settings(home), patients)
    if not as_json:
        messages.print("[bold]Synthetic registry[/]: every patient is made up by a seeded generator.")
    raise typer.Exit(_refresh(load_settings(home), force=False, as_json=as_json, command="demo"))

"""Verbs on the history of pulls: list, diff, verify, prune. Counts on the terminal; values only into the restricted zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from blin_pipeline.cli.app import AsJson, Home, app
from blin_pipeline.cli.console import messages, print_json, results
from blin_pipeline.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from pathlib import Path

    from blin_pipeline.landing.difference import PullDifference
    from blin_pipeline.landing.pull import Pull
    from blin_pipeline.settings import Settings

pulls = typer.Typer(help="The history of pulls: every reading, what changed between two, proof that none was touched.")
app.add_typer(pulls, name="pulls")

_SHOWN = 20


def _pull(settings: Settings, name: str) -> Pull:
    """A pull by its id or the beginning of it, checked."""
    from blin_pipeline.landing.reading import checked_pull
    from blin_pipeline.landing.retention import stored_pulls

    found = [pull.pull_id for pull in stored_pulls(settings.pulls_dir) if pull.pull_id.startswith(name)]
    if len(found) != 1:
        raise DataError(
            "E_PULL_UNKNOWN",
            f"{'Several pulls begin' if found else 'No pull on the disk begins'} with what was given.",
            fix="`blin pulls` lists them; give the id, or as much of its beginning as is needed.",
        )
    return checked_pull(settings.pulls_dir, found[0])


@pulls.callback(invoke_without_command=True)
def list_pulls(
    context: typer.Context,
    home: Home = None,
    everything: Annotated[bool, typer.Option("--all", help=f"All readings, not the last {_SHOWN}.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every reading, the newest last: pull, time, source, records, bytes, how it was read."""
    if context.invoked_subcommand is not None:
        return
    from blin_pipeline.landing.ledger import readings
    from blin_pipeline.landing.reading import accepted_note
    from blin_pipeline.landing.retention import stored_pulls
    from blin_pipeline.orchestration.inputs import pulls_in_use
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    on_disk = {pull.pull_id: pull.n_bytes for pull in stored_pulls(settings.pulls_dir)}
    used = pulls_in_use(settings)
    note = accepted_note(settings.pulls_dir)
    listed: list[dict[str, Any]] = [
        {
            "pull_id": reading.pull_id,
            "pulled_at_utc": reading.pulled_at_utc.isoformat(),
            "source": reading.source_kind,
            "mode": reading.mode,
            "why_full": reading.why_full,
            "records": reading.n_records,
            "records_fetched": reading.n_changed,
            "rows": sum(reading.rows.values()),
            "bytes_received": reading.n_bytes,
            "bytes_on_disk": on_disk.get(reading.pull_id),
            "accepted": note is not None and note.reading == reading.sha256,
            "released": reading.pull_id in used,
        }
        for reading in readings(settings.pulls_dir)
    ]
    if as_json:
        print_json("pulls", listed)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("pull", "read (UTC)", "how", "records", "bytes", "", box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[:3]:
        column.no_wrap = True
    table.columns[3].justify = table.columns[4].justify = "right"
    for line in listed if everything else listed[-_SHOWN:]:
        fetched = "full" if line["records_fetched"] is None else f"{line['records_fetched']} fetched"
        marks = [name for name in ("accepted", "released") if line[name]]
        table.add_row(
            line["pull_id"],
            line["pulled_at_utc"][:16].replace("T", " "),
            f"{line['source']}, {fetched}",
            str(line["records"]),
            _size(line["bytes_received"]),
            ", ".join(marks) if line["bytes_on_disk"] is not None else "removed",
        )
    results.print(table)
    hidden = 0 if everything else len(listed) - _SHOWN
    if hidden > 0:
        messages.print(f"{hidden} older readings: blin pulls --all")


@pulls.command()
def diff(
    before: Annotated[str, typer.Argument(help="Pull id, or its beginning.")],
    after: Annotated[str, typer.Argument(help="Pull id, or its beginning.")],
    home: Home = None,
    values: Annotated[
        bool, typer.Option("--values", help="Also write every changed cell into the restricted zone (mode 0600).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Records, instances and fields that changed from one pull to another: counts, never a value on the terminal."""
    from blin_pipeline.landing.difference import compare_pulls, value_file
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    first, second = _pull(settings, before), _pull(settings, after)
    path: Path | None = None
    if values:
        path = settings.differences_dir / f"{first.pull_id}_{second.pull_id}.csv"
        with value_file(path) as listen:
            found = compare_pulls(first, second, listen)
    else:
        found = compare_pulls(first, second)
    if as_json:
        print_json("pulls diff", _difference(first, second, found, path))
        return
    _print_difference(first, second, found)
    if path is not None:
        messages.print(f"Every changed cell, with patients' values: {path}", soft_wrap=True)


def _difference(first: Pull, second: Pull, found: PullDifference, path: Path | None) -> dict[str, Any]:
    return {
        "before": first.pull_id,
        "after": second.pull_id,
        "records": {
            "added": found.records_added,
            "removed": found.records_removed,
            "moved": found.records_moved,
            "changed": found.records_changed,
        },
        "fields": {
            "added": list(found.fields_added),
            "removed": list(found.fields_removed),
            "changed": list(found.fields_changed),
        },
        "forms": {
            form: {
                "rows_added": each.added,
                "rows_removed": each.removed,
                "rows_changed": each.changed,
                "cells": dict(sorted(each.cells.items())),
            }
            for form, each in found.forms.items()
        },
        "values": str(path) if path is not None else None,
    }


def _print_difference(first: Pull, second: Pull, found: PullDifference) -> None:
    from rich.table import Table

    results.print(
        f"From {first.pull_id} to {second.pull_id}: records {found.records_added} added, {found.records_removed} removed, "
        f"{found.records_changed} changed ({found.records_moved} in another group)",
        soft_wrap=True,
    )
    for what, names in (
        ("added", found.fields_added),
        ("removed", found.fields_removed),
        ("changed in the dictionary", found.fields_changed),
    ):
        if names:
            results.print(f"Fields {what}: {', '.join(names)}", soft_wrap=True)
    table = Table("instrument", "rows added", "removed", "changed", "cells by field")
    for column in table.columns[1:4]:
        column.justify = "right"
    for form, each in found.forms.items():
        cells = ", ".join(f"{name} {count}" for name, count in sorted(each.cells.items()))
        table.add_row(form, str(each.added), str(each.removed), str(each.changed), cells)
    if found.forms:
        results.print(table)
    else:
        results.print("No row of any instrument differs.")


@pulls.command()
def verify(home: Home = None, as_json: AsJson = False) -> None:
    """Hash every file of every pull again and derive each pull's name from its rows; ends with 1 when one was touched."""
    from blin_pipeline.landing.ledger import readings
    from blin_pipeline.landing.reading import checked_pull
    from blin_pipeline.landing.retention import stored_pulls
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    n_readings = len(readings(settings.pulls_dir))
    problems: list[DataError] = []
    found = stored_pulls(settings.pulls_dir)
    for stored in found:
        try:
            checked_pull(settings.pulls_dir, stored.pull_id).verify()
        except DataError as error:
            problems.append(error)
            messages.print(f"[bold red]{error.code}[/] {error.what}")
    if as_json:
        facts = [{"code": error.code, "what": error.what} for error in problems]
        status = "failed" if problems else "ok"
        print_json("pulls verify", {"pulls": len(found), "readings": n_readings}, status=status, errors=facts)
    elif not problems:
        results.print(f"{len(found)} pulls and the list of {n_readings} readings are as they were written.")
    raise typer.Exit(1 if problems else 0)


@pulls.command()
def prune(
    home: Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    keep: Annotated[int | None, typer.Option("--keep", min=1, help="Pulls kept; pulls.keep of the settings.")] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=0, help="Days after the last reading; pulls.keep_days of the settings.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove pulls that the policy lets go; never one that a kept release was made from, nor the accepted one."""
    from blin_pipeline.landing.retention import Retention, removable, remove
    from blin_pipeline.orchestration.inputs import pulls_in_use
    from blin_pipeline.orchestration.workspace import refresh_lock
    from blin_pipeline.redcap.exported import utc_now
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    policy = Retention(
        keep if keep is not None else settings.pulls.keep, days if days is not None else settings.pulls.keep_days
    )
    if not policy.is_set:
        raise ConfigurationError(
            "E_NO_RETENTION",
            "No policy says how long pulls are kept, so all are.",
            fix="Set pulls.keep or pulls.keep_days in blin.toml, or give --keep or --days.",
        )
    with refresh_lock(settings):
        going = removable(settings.pulls_dir, policy, pulls_in_use(settings), utc_now())
        if not dry_run:
            remove(settings.pulls_dir, going)
    n_bytes = sum(pull.n_bytes for pull in going)
    if as_json:
        facts = [{"pull_id": pull.pull_id, "bytes": pull.n_bytes} for pull in going]
        print_json("pulls prune", {"dry_run": dry_run, "pulls": facts, "bytes": n_bytes})
        return
    for pull in going:
        results.print(f"{pull.pull_id}  last read {pull.last_read_at_utc}  {_size(pull.n_bytes)}")
    results.print(f"{len(going)} pulls{' would go' if dry_run else ' removed'}, {_size(n_bytes)}.")


def _size(n_bytes: int) -> str:
    from rich.filesize import decimal

    return decimal(n_bytes)

"""Verbs that look: status, query, report, releases, rollback. They read releases only, never the working file."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from blin_pipeline.cli.app import AsJson, Home, app
from blin_pipeline.cli.console import messages, print_json, results
from blin_pipeline.errors import DataError

if TYPE_CHECKING:
    from blin_pipeline.settings import Settings


def _current(settings: Settings) -> Path:
    from blin_pipeline.release.reading import current_release

    release = current_release(settings.releases_dir)
    if release is None:
        raise DataError(
            "E_NO_RELEASE", "this home folder has no release yet", fix="Run `blin refresh` (or `blin demo`)."
        )
    return release


@app.command()
def status(home: Home = None, as_json: AsJson = False) -> None:
    """The current release, the newest pull, the last failed run."""
    from blin_pipeline.cli.summary import print_summary, summary_of
    from blin_pipeline.landing.reading import latest_reading
    from blin_pipeline.orchestration.failed_runs import last
    from blin_pipeline.settings import code_version, load_settings

    settings = load_settings(home)
    pulled = latest_reading(settings.pulls_dir) if settings.pulls_dir.is_dir() else None
    failed = last(settings.ledger_dir)
    data: dict[str, Any] = {
        "home": str(settings.home),
        "code_version": code_version(),
        "pull_id": pulled.pull_id if pulled else None,
        "records_in_pull": pulled.n_records if pulled else None,
        "last_failed_run": failed,
        "summary": summary_of(settings),
    }
    if as_json:
        print_json("status", data)
        return
    results.print(f"[bold]Home[/]        {settings.home}", soft_wrap=True)
    results.print(f"[bold]Code[/]        {data['code_version']}")
    results.print(f"[bold]Newest pull[/] {data['pull_id'] or 'none'}")
    if failed:
        results.print(f"[bold]Last failure[/] {json.dumps(failed, sort_keys=True)}", soft_wrap=True)
    print_summary(settings, data["summary"])


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement over the released tables.")],
    home: Home = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on stdout.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read-only SQL on the current release: schemas marts, quality, report, meta."""
    import duckdb

    from blin_pipeline.release.reading import open_release_database
    from blin_pipeline.settings import load_settings

    release = _current(load_settings(home))
    with open_release_database(release / "analytic.duckdb") as connection:
        try:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description or []]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise typer.BadParameter(str(error).splitlines()[0]) from None
    if as_json:
        print_json("query", {"columns": names, "rows": [list(row) for row in rows]})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    else:
        from rich.table import Table

        table = Table(*names)
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row))
        results.print(table)


@app.command()
def report(
    home: Home = None,
    output: Annotated[Path | None, typer.Option(help="Draw the page again into this file.", dir_okay=False)] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Where the report of the current release is; with --output, the same page drawn again."""
    from blin_pipeline.settings import load_settings

    release = _current(load_settings(home))
    page = release / "report.html"
    if output is not None:
        from blin_pipeline.report.study import write_report

        write_report(release / "analytic.duckdb", output)
        page = output.absolute()
    if open_page:
        typer.launch(page.as_uri())
    if as_json:
        print_json("report", {"path": str(page), "release_id": release.name})
    else:
        results.print(str(page), soft_wrap=True)


@app.command()
def releases(home: Home = None, as_json: AsJson = False) -> None:
    """All releases, newest first, and which one is current."""
    from blin_pipeline.release.reading import current_release, list_releases, read_manifest
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    current = current_release(settings.releases_dir)
    found = [
        {
            "release_id": path.name,
            "content_sha256": read_manifest(path).content_sha256,
            "current": path.resolve() == current,
        }
        for path in reversed(list_releases(settings.releases_dir))
    ]
    if as_json:
        print_json("releases", found)
        return
    for item in found:
        mark = "current" if item["current"] else ""
        results.print(f"{item['release_id']}  {str(item['content_sha256'])[:16]}  {mark}")
    if not found:
        messages.print("No release yet.")


@app.command()
def verify(home: Home = None, as_json: AsJson = False) -> None:
    """Hash every file of the current release again and compare with its SHA256SUMS."""
    from blin_pipeline.release.reading import verify_release
    from blin_pipeline.settings import load_settings

    release = _current(load_settings(home))
    n_files = verify_release(release)
    if as_json:
        print_json("verify", {"release_id": release.name, "files": n_files})
    else:
        results.print(f"{release.name}: {n_files} files as published.")


@app.command()
def rollback(
    release_id: Annotated[str, typer.Argument(help="A release that `blin releases` lists.")], home: Home = None
) -> None:
    """Make an earlier release the current one; nothing is removed."""
    from blin_pipeline.orchestration.assets.release import LEDGER
    from blin_pipeline.orchestration.workspace import refresh_lock
    from blin_pipeline.release.publish import rollback as roll_back
    from blin_pipeline.settings import load_settings

    settings = load_settings(home)
    with refresh_lock(settings):
        release = roll_back(settings.releases_dir, release_id, ledger=settings.ledger_dir / LEDGER)
    results.print(f"Current release: {release.manifest.release_id}")

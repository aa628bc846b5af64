"""The Typer application and the options that every verb shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="blin",
    help="Registry data platform: REDCap in; an analyst-ready DuckDB, outcomes and a report out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Home = Annotated[
    Path | None,
    typer.Option(
        "--home", help="Folder that holds all state.", envvar="BLIN_HOME", show_default="data/ in the checkout"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def _version(value: bool) -> None:
    if value:
        from blin_pipeline.settings import code_version

        typer.echo(f"blin {code_version()}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Version of the code and leave.")
    ] = False,
) -> None:
    """All state lives in one home folder; the patients of the demo are synthetic."""
    del version

"""Options that name exported files in place of the source of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

DataFile = Annotated[
    Path | None, typer.Option("--data", help="Exported records, raw CSV, instead of a server.", dir_okay=False)
]
DictionaryFile = Annotated[
    Path | None, typer.Option("--dictionary", help="Data dictionary CSV that belongs to --data.", dir_okay=False)
]
ProjectXml = Annotated[
    Path | None,
    typer.Option("--project-xml", help="Project XML, metadata and data, instead of a server.", dir_okay=False),
]


def source_overrides(data: Path | None, dictionary: Path | None, project_xml: Path | None) -> dict[str, Any]:
    """Settings that the options override; empty when none is given.

    Raises:
        BadParameter: Both kinds of file are given.
    """
    if project_xml is not None and (data is not None or dictionary is not None):
        raise typer.BadParameter("--project-xml holds records and dictionary: give it alone")
    if project_xml is not None:
        return {"source": {"kind": "project_xml", "project_xml": project_xml.absolute()}}
    if data is not None or dictionary is not None:
        files = {"kind": "files", "data": data and data.absolute(), "dictionary": dictionary and dictionary.absolute()}
        return {"source": files}
    return {}

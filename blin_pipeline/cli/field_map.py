"""Verbs of the field map: check what it means for the source, draft one for a foreign dictionary."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from blin_pipeline.cli.app import AsJson, Home, app
from blin_pipeline.cli.console import messages, print_json, results
from blin_pipeline.cli.source_options import DataFile, DictionaryFile, ProjectXml, source_overrides
from blin_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from blin_pipeline.orchestration.map_check import MapCheck
    from blin_pipeline.registry.dictionary import Dictionary
    from blin_pipeline.registry.drift import Drift

field_map = typer.Typer(
    help="The field map: how your project's fields feed the study's concepts.", no_args_is_help=True
)
app.add_typer(field_map, name="map")


@field_map.command()
def check(
    home: Home = None,
    data: DataFile = None,
    dictionary: DictionaryFile = None,
    project_xml: ProjectXml = None,
    as_json: AsJson = False,
) -> None:
    """What the field map means for your project; exit code 2 when a refresh would be refused. Reads no record of a server."""
    from blin_pipeline.cli.sandbox import sandbox_of
    from blin_pipeline.orchestration.map_check import check_map
    from blin_pipeline.orchestration.workspace import Workspace
    from blin_pipeline.settings import load_settings

    settings = load_settings(home, **source_overrides(data, dictionary, project_xml))
    with sandbox_of(settings) as served:
        found = check_map(Workspace(served))
    if as_json:
        print_json("map check", _facts(found), status="failed" if found.stops_a_refresh else "ok")
    else:
        _print(found)
    raise typer.Exit(2 if found.stops_a_refresh else 0)


def _facts(found: MapCheck) -> dict[str, Any]:
    return {
        "stops_a_refresh": found.stops_a_refresh,
        "problems": list(found.plan.problems),
        "required_missing": [item.requirement for item in found.unmet],
        "not_collected": [{"form": form, "field": name} for form, name in found.plan.not_collected],
        "drift": [_difference(item) for item in found.drift],
        "changes_since_last_pull": [_difference(item) for item in found.changes],
    }


def _difference(item: Drift) -> dict[str, Any]:
    from blin_pipeline.registry.drift import BLOCKING

    return {"field": item.field_name, "kind": item.kind, "detail": item.detail, "blocking": item.kind in BLOCKING}


def _print(found: MapCheck) -> None:
    from rich.markup import escape
    from rich.table import Table

    from blin_pipeline.registry.drift import BLOCKING

    lacking = Counter(form for form, _ in found.plan.not_collected)
    table = Table("instrument of the study", "fed from", "not collected", title="Field map")
    for form, plan in found.plan.forms.items():
        sources = ", ".join(f"{one.form} ({'; '.join(one.events)})" if one.events else one.form for one in plan.sources)
        table.add_row(form, sources or "-", str(lacking[form] or ""))
    results.print(table)
    for title, lines in (
        ("Does not fit the source", list(found.plan.problems)),
        (
            "Required and without a source",
            [f"{item.requirement}: {item.in_words} ({item.why})" for item in found.unmet],
        ),
        ("Would be misread", [str(item) for item in found.drift if item.kind in BLOCKING]),
        ("Other differences from the study's dictionary", [str(i) for i in found.drift if i.kind not in BLOCKING]),
        ("Changed since the last pull", [str(item) for item in found.changes]),
    ):
        if lines:
            results.print(f"[bold]{title}[/] ({len(lines)})")
            for line in lines:
                results.print(f"  {escape(line)}", soft_wrap=True)
    results.print("A refresh would be refused." if found.stops_a_refresh else "A refresh can run.")


@field_map.command()
def draft(
    output: Annotated[Path, typer.Argument(help="CSV file to write; never overwritten.", dir_okay=False)],
    home: Home = None,
    dictionary: Annotated[
        Path | None,
        typer.Option("--dictionary", help="Your data dictionary CSV; the source's own else.", dir_okay=False),
    ] = None,
    least_score: Annotated[float, typer.Option(min=0, max=1, help="Pairs below this score are not proposed.")] = 0.45,
    as_json: AsJson = False,
) -> None:
    """Propose a field map by names, labels and choices. Review every row: a draft is refused as a field map."""
    from blin_pipeline.registry.dictionary import load_dictionary
    from blin_pipeline.registry.field_map import DRAFT_COLUMNS, HEADER
    from blin_pipeline.registry.map_draft import draft_map

    if output.exists():
        raise ConfigurationError(
            "E_FILE_EXISTS", f"{output.name} is there already.", fix="Give another name, or remove the file."
        )
    source = load_dictionary(dictionary) if dictionary is not None else _live_dictionary(home)
    proposals = draft_map(load_dictionary(), source, least_score=least_score)
    with output.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*HEADER, *DRAFT_COLUMNS])
        for row in proposals:
            missing = "not_collected" if row.transform == "absent" else ""
            cells = (row.concept, row.source_form, "", row.source_field, row.transform, row.codes, "", missing)
            writer.writerow([*cells, f"{row.score:.2f}", row.why])
    n_proposed = sum(row.transform != "absent" for row in proposals)
    if as_json:
        print_json("map draft", {"path": str(output), "rows": len(proposals), "proposed": n_proposed})
        return
    results.print(
        f"{output}: {n_proposed} fields proposed, {len(proposals) - n_proposed} without a candidate.", soft_wrap=True
    )
    messages.print("Review every row, then remove the columns score and why. Until then it is refused as a field map.")


def _live_dictionary(home: Path | None) -> Dictionary:
    from blin_pipeline.cli.sandbox import sandbox_of
    from blin_pipeline.orchestration.map_check import read_live
    from blin_pipeline.orchestration.workspace import Workspace
    from blin_pipeline.settings import load_settings

    with sandbox_of(load_settings(home)) as served:
        return read_live(Workspace(served))[0]

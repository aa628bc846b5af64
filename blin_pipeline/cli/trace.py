"""The verb that goes back from a number to records: restricted zone only, for those who may see record ids."""

from __future__ import annotations

from typing import Annotated

import typer

from blin_pipeline.cli.app import AsJson, Home, app
from blin_pipeline.cli.console import messages, print_json, results


@app.command()
def trace(
    result_id: Annotated[str, typer.Argument(help="Id of a row of report.result.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """The records and the pull behind one number. Reads the restricted zone and prints record ids."""
    from blin_pipeline.orchestration.results import outcome_context, presented_pull, read_frames
    from blin_pipeline.orchestration.workspace import Workspace
    from blin_pipeline.outcomes import OUTCOMES
    from blin_pipeline.outcomes.trace import outcome_of, trace_result
    from blin_pipeline.settings import load_settings

    outcome = outcome_of(result_id, OUTCOMES)
    workspace = Workspace(load_settings(home))
    pull = presented_pull(workspace.warehouse)
    frames = read_frames(workspace.warehouse, outcome.tables_needed)
    with messages.status("Leaving out one patient after the other", spinner="dots"):
        found = trace_result(outcome, result_id, frames, outcome_context(workspace))
    with workspace.warehouse.connect(read_only=True) as connection:
        crosswalk = connection.execute("select patient_key, record_id, site_id from raw.patient_crosswalk").fetchall()
    behind, counted = set(found.patients), set(found.counted)
    records = sorted((site or "", record, key in counted) for key, record, site in crosswalk if key in behind)
    row = found.row
    if as_json:
        data = {
            "result_id": row.result_id,
            "value": row.value,
            "n": row.n,
            "n_event": row.n_event,
            "state": row.state,
            "pull_id": pull.pull_id,
            "records": [
                {"site_id": site, "record_id": record, "in_numerator": marked} for site, record, marked in records
            ],
            "tables": list(outcome.tables_needed),
            "tables_without_patients": list(found.other_tables),
        }
        print_json("trace", data)
        return
    results.print(f"[bold]Result[/]  {row.result_id}", soft_wrap=True)
    results.print(f"[bold]Value[/]   {row.value} {row.unit} (n {row.n}, events {row.n_event}, {row.state})")
    results.print(f"[bold]Pull[/]    {pull.pull_id}")
    results.print(f"[bold]Tables[/]  {', '.join(outcome.tables_needed)}", soft_wrap=True)
    results.print(
        f"[bold]Records[/] {len(records)} of {found.n_candidates}; in the numerator marked +; record ids are restricted"
    )
    for site, record, marked in records:
        results.print(f"{'+' if marked else ' '} {site}\t{record}", markup=False)

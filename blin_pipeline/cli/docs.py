"""Verb docs: the documentation of the tables as one page for engineers."""

from __future__ import annotations

from blin_pipeline.cli.app import AsJson, Home, app
from blin_pipeline.cli.console import print_json, results


@app.command()
def docs(home: Home = None, as_json: AsJson = False) -> None:
    """Models, columns, tests and lineage as one page that opens offline; holds no data, stays in the restricted folder."""
    from blin_pipeline.orchestration.lineage import write_lineage
    from blin_pipeline.settings import load_settings

    page = write_lineage(load_settings(home))
    if as_json:
        print_json("docs", {"page": str(page)})
        return
    results.print(str(page), soft_wrap=True)

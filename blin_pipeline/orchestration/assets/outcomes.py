"""One asset per outcome, all computed in one step: read the tables once, call the pure functions, store their rows."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from blin_pipeline.orchestration.assets.tables import WAREHOUSE_POOL
from blin_pipeline.orchestration.results import compute_outcomes
from blin_pipeline.orchestration.workspace import Workspace, handled
from blin_pipeline.outcomes import OUTCOMES, Outcome

#: Set-up tables that Python writes stand behind one asset.
_SETUP = {"raw.site": dg.AssetKey(["raw", "patient_crosswalk"])}


def table_key(qualified: str) -> dg.AssetKey:
    """Asset of a table named ``schema.table``."""
    return _SETUP.get(qualified) or dg.AssetKey(qualified.split("."))


def outcome_key(name: str) -> dg.AssetKey:
    """Asset of an outcome."""
    return dg.AssetKey(["outcomes", name])


def _headline(rows: list[Any]) -> Mapping[str, dg.MetadataValue]:
    """Up to ten numbers of the whole population, so that the UI plots their trend; aggregates only."""
    found = {
        row.result_id: dg.MetadataValue.float(row.value)
        for row in rows
        if row.group_variable == "all" and row.state == "ok" and row.value is not None and row.statistic != "os_curve"
    }
    return dict(list(found.items())[:10])


def _spec(outcome: Outcome) -> dg.AssetSpec:
    return dg.AssetSpec(
        outcome_key(outcome.name),
        deps=[table_key(name) for name in outcome.tables_needed],
        group_name="outcomes",
        kinds={"python", "duckdb"},
        owners=["team:biostat"],
        tags={"phi": "false"},
        skippable=False,
        description=(
            f"{outcome.description}\n\nGrain: one row per estimate in report.result."
            "\n\nIf it fails: nothing is released and the last release stays."
        ),
    )


@dg.multi_asset(name="outcomes", specs=[_spec(outcome) for outcome in OUTCOMES], can_subset=True, pool=WAREHOUSE_POOL)
def outcomes(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> Iterator[Any]:
    """Every chosen outcome, in the order in which a report reads; one that fails ends the step."""
    chosen = [outcome for outcome in OUTCOMES if outcome_key(outcome.name) in context.selected_asset_keys]
    with handled(workspace):
        for outcome, rows in compute_outcomes(workspace, chosen):
            states = sorted({row.state for row in rows})
            yield dg.MaterializeResult(
                asset_key=outcome_key(outcome.name),
                metadata={"dagster/row_count": len(rows), "states": ", ".join(states), **_headline(rows)},
            )

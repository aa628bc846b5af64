"""One asset per outcome: read the tables, call the pure function, store its rows in ``report.result``."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from blin_pipeline.orchestration.assets.tables import WAREHOUSE_POOL
from blin_pipeline.orchestration.results import compute_outcome
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


def outcome_asset(outcome: Outcome) -> dg.AssetsDefinition:
    """The asset of one outcome."""

    @dg.asset(
        key=outcome_key(outcome.name),
        deps=[table_key(name) for name in outcome.tables_needed],
        group_name="outcomes",
        kinds={"python", "duckdb"},
        owners=["team:biostat"],
        tags={"phi": "false"},
        pool=WAREHOUSE_POOL,
        description=(
            f"{outcome.description}\n\nGrain: one row per estimate in report.result."
            "\n\nIf it fails: nothing is released and the last release stays."
        ),
    )
    def compute(workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult[Any]:
        with handled(workspace):
            rows = compute_outcome(workspace, outcome)
            states = sorted({row.state for row in rows})
            return dg.MaterializeResult(
                metadata={"dagster/row_count": len(rows), "states": ", ".join(states), **_headline(rows)}
            )

    return compute


def outcome_assets() -> list[dg.AssetsDefinition]:
    """All outcomes."""
    return [outcome_asset(outcome) for outcome in OUTCOMES]

"""The dbt models as assets: one dbt invocation per refresh."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from blin_pipeline.errors import DataError
from blin_pipeline.landing.reading import accepted_pull
from blin_pipeline.orchestration.inputs import source_plan
from blin_pipeline.orchestration.tables import Translator
from blin_pipeline.orchestration.workspace import Workspace, handled, without_secrets
from blin_pipeline.registry.missing_codes import load_missing_data_codes
from blin_pipeline.registry.source_plan import SourcePlan

WAREHOUSE_POOL = "warehouse"


def dbt_arguments(plan: SourcePlan, missing_data_codes: list[str] | None) -> list[str]:
    """Arguments of the one dbt invocation: what differs from the shipped dictionary travels as variables, nothing else.

    Args:
        plan: What feeds the registry's instruments.
        missing_data_codes: The project's own codes, in order; None where the source does not list them, as export files do
            not: then the study's own hold.
    """
    variables: dict[str, Any] = {}
    if planned := plan.variables():
        variables["source_plan"] = planned
    if missing_data_codes is not None and set(missing_data_codes) != set(load_missing_data_codes()):
        variables["missing_data_codes"] = missing_data_codes
    # Unit tests judge the code, not tonight's data: they run in the test suite.
    return [
        "build",
        "--exclude-resource-type",
        "unit_test",
        *(["--vars", json.dumps(variables, sort_keys=True)] if variables else []),
    ]


def table_assets(project: DbtProject) -> dg.AssetsDefinition:
    """All models, seeds and tests of the dbt project as assets and checks."""

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        name="tables",
        dagster_dbt_translator=Translator(),
        pool=WAREHOUSE_POOL,
    )
    def tables(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[Any]:
        with handled(workspace):
            with workspace.warehouse.connect(read_only=True) as connection:
                found = connection.sql("select code from raw.missing_code order by code").fetchall()
            pull = accepted_pull(workspace.settings.pulls_dir)
            codes = [str(code) for (code,) in found]
            unlisted = not codes and pull.manifest.source_kind == "files"
            arguments = dbt_arguments(source_plan(pull, workspace), None if unlisted else codes)
            with without_secrets(workspace.settings):
                invocation = dbt.cli(
                    arguments,
                    context=context,
                    raise_on_error=False,
                    target_path=workspace.settings.dbt_dir / "target",
                )
            yield from invocation.stream()
            if not invocation.is_successful():
                raise DataError(
                    "E_TABLES",
                    "dbt could not build or verify the tables",
                    fix="Open the run in the Dagster UI: the red check or the dbt log of this step names the model and the test.",
                )

    return tables

"""The dbt models as assets: one dbt invocation per refresh."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from blin_pipeline.errors import DataError
from blin_pipeline.orchestration.tables import Translator
from blin_pipeline.orchestration.workspace import Workspace, handled, without_secrets
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.field_map import FieldMap
from blin_pipeline.registry.missing_codes import load_missing_data_codes

WAREHOUSE_POOL = "warehouse"


def dbt_arguments(field_map: FieldMap, dictionary: Dictionary, missing_data_codes: list[str]) -> list[str]:
    """Arguments of the one dbt invocation: what differs from the shipped dictionary travels as variables, nothing else.

    Args:
        field_map: Field map of the source.
        dictionary: The registry's own dictionary.
        missing_data_codes: The project's own codes, in order.
    """
    variables: dict[str, Any] = {}
    if field_map.entries:
        variables["field_map"] = field_map.dbt_variable()
        variables["form_map"] = field_map.source_forms(dictionary)
    if missing_data_codes and set(missing_data_codes) != set(load_missing_data_codes()):
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
                codes = connection.sql("select code from raw.missing_code order by code").fetchall()
            arguments = dbt_arguments(workspace.field_map, workspace.dictionary, [str(code) for (code,) in codes])
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

"""The dbt project as Dagster sees it: where it writes, its manifest, its names in the asset graph."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject
from dagster_dbt.compat import DBT_PYTHON_VERSION as INSTALLED_VERSION

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.orchestration.dbt_process import DBT, FROM_PARSED
from blin_pipeline.orchestration.parsed_project import is_fresh, mark_fresh
from blin_pipeline.orchestration.workspace import without_secrets
from blin_pipeline.settings import DBT_PROJECT_DIR, Settings

#: dbt that ends with its run (``dbt_process``).
DBT_OF_A_RUN = DBT.with_name("blin-dbt")


def write_profile(settings: Settings) -> Path:
    """Write dbt's profile with the absolute path of the warehouse into the home; returns its folder."""
    template = (DBT_PROJECT_DIR / "profiles.yml").read_text(encoding="utf-8")
    folder = settings.dbt_dir
    text = template.replace("{{ env_var('BLIN_WAREHOUSE') }}", settings.warehouse_path.as_posix())
    path = folder / "profiles.yml"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return folder


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Environment of a dbt process: no secret, no telemetry, everything written under the restricted zone."""
    with without_secrets(settings):
        return os.environ | {
            "DBT_TARGET_PATH": str(settings.dbt_dir / "parsed"),
            "DBT_LOG_PATH": str(settings.dbt_dir / "logs"),
            "DBT_PROFILES_DIR": str(write_profile(settings)),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        }


def prepare_dbt(settings: Settings) -> DbtProject:
    """The dbt project with a manifest that fits its sources; parses it when they changed.

    Raises:
        ConfigurationError: Code ``E_DBT_PARSE`` when dbt cannot read the project.
    """
    settings.prepare_home()
    project = DbtProject(
        project_dir=DBT_PROJECT_DIR, target_path=settings.dbt_dir / "parsed", profiles_dir=write_profile(settings)
    )
    folder = project.manifest_path.parent
    if project.manifest_path.exists() and is_fresh(folder):
        return project
    parsed = subprocess.run(
        [DBT, "--quiet", "parse", "--project-dir", DBT_PROJECT_DIR],
        env=dbt_environment(settings),
        cwd=DBT_PROJECT_DIR,
        capture_output=True,
        check=False,
    )
    if parsed.returncode != 0 or not project.manifest_path.exists():
        raise ConfigurationError(
            "E_DBT_PARSE",
            "dbt cannot read the project",
            fix=f"Read {settings.dbt_dir / 'logs' / 'dbt.log'} and correct the model.",
        )
    mark_fresh(folder)
    return project


class Translator(DagsterDbtTranslator):
    """Names of dbt's nodes in the asset graph: schema and model, grouped by layer."""

    def __init__(self) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    def get_asset_spec(
        self,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetSpec:
        """Key (layer, name), group, kinds, owner and grain of one node."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
        if node["resource_type"] == "source":
            return spec
        meta = node.get("config", {}).get("meta", {}) or node.get("meta", {})
        layer = node["schema"]
        return spec.replace_attributes(
            key=dg.AssetKey([layer, node["name"]]),
            group_name=layer,
            kinds={"dbt", "duckdb"},
            owners=[meta.get("owner", "team:data")],
            tags={"phi": str(meta.get("phi", "true"))},
            description=_description(node, meta),
        )


def _description(node: Mapping[str, Any], meta: Mapping[str, Any]) -> str:
    default = "one row of the registry's file of this name" if node["resource_type"] == "seed" else ""
    grain = meta.get("grain", default)
    grain = f"\n\nGrain: {grain}." if grain else ""
    failure = "If it fails: downstream steps are skipped and the last release stays. See the dbt log of the run."
    return f"{node.get('description', '').strip()}{grain}\n\n{failure}"


class Dbt(DbtCliResource):
    """Dbt without two detours of dagster-dbt, which each cost a start of dbt and which nothing here needs.

    It asks ``dbt --version`` in a process of its own, and that asks the package index for news; the installed package knows.
    And it loads dbt's adapter beside the build, for row counts and column metadata, which are not fetched (no table is read by
    anything but the one dbt process).
    """

    @property
    def _cli_version(self) -> Any:  # noqa: ANN401 (a class of a package that dagster-dbt brings)
        return INSTALLED_VERSION

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:  # noqa: ANN401, ARG002 (dagster-dbt's signature)
        return None


def dbt_resource(project: DbtProject) -> Dbt:
    """Dbt as a resource, the executable beside this interpreter whatever PATH says."""
    return Dbt(
        project_dir=os.fspath(project.project_dir),
        profiles_dir=os.fspath(project.profiles_dir),
        dbt_executable=str(DBT_OF_A_RUN),
        global_config_flags=[
            FROM_PARSED,
            str(project.manifest_path.parent),
            "--no-use-colors",
            "--log-level-file",
            "info",
        ],
    )

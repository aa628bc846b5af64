"""One assembly of everything that Dagster serves, used by the UI, the daemon, the command and the tests alike."""

from __future__ import annotations

import dagster as dg

from blin_pipeline.errors import BlinError
from blin_pipeline.orchestration.assets.outcomes import outcomes
from blin_pipeline.orchestration.assets.pull import patient_crosswalk, project_asset, pull_assets
from blin_pipeline.orchestration.assets.release import candidate, current, study_report
from blin_pipeline.orchestration.assets.tables import table_assets
from blin_pipeline.orchestration.automation import exported_files, failure_sensor, nightly_schedule, refresh_job
from blin_pipeline.orchestration.checks import identities, registry_checks
from blin_pipeline.orchestration.tables import dbt_resource, prepare_dbt
from blin_pipeline.orchestration.workspace import workspace_resource
from blin_pipeline.registry.dictionary import load_dictionary
from blin_pipeline.settings import Settings


def build_defs(settings: Settings, *, failures: list[BlinError] | None = None, force: bool = False) -> dg.Definitions:
    """Assets, checks, job, schedule, sensor and resources of one home folder.

    Args:
        settings: Settings of the home folder.
        failures: Collects the errors of runs in this process; a list of its own when None.
        force: Build and publish even when nothing changed.

    Raises:
        ConfigurationError: Code ``E_DBT_PARSE`` or those of the registry's files.
    """
    project = prepare_dbt(settings)
    return dg.Definitions(
        assets=[
            project_asset(),
            pull_assets(load_dictionary()),
            patient_crosswalk,
            table_assets(project),
            outcomes,
            candidate,
            study_report,
            current,
        ],
        asset_checks=[identities, registry_checks()],
        jobs=[refresh_job()],
        schedules=[nightly_schedule(settings)],
        sensors=[failure_sensor(settings), exported_files(settings)],
        resources={
            "workspace": workspace_resource(settings, failures if failures is not None else [], force=force),
            "dbt": dbt_resource(project),
        },
        executor=dg.in_process_executor,
    )

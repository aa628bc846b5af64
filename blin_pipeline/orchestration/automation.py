"""When things run: the job ``refresh``, its nightly schedule, and what happens when a run fails."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from blin_pipeline.orchestration.failed_runs import append
from blin_pipeline.orchestration.inbox import watch
from blin_pipeline.settings import Settings

REFRESH = "refresh"


def refresh_job() -> dg.UnresolvedAssetJobDefinition:
    """Pull, build, check, outcomes, release, report: everything, in one process, so that one run sees one pull."""
    return dg.define_asset_job(
        REFRESH,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="The whole refresh: pull, tables, checks, outcomes, release, report. Ends early when nothing changed.",
    )


def nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Every night at 05:15 in the registry's time zone; stopped until somebody starts it."""
    return dg.ScheduleDefinition(
        name="nightly_refresh",
        job_name=REFRESH,
        cron_schedule="15 5 * * *",
        execution_timezone=settings.time_zone,
        description="The nightly refresh, 05:15 in the registry's time zone.",
    )


def exported_files(settings: Settings) -> dg.SensorDefinition:
    """Refreshes when a new, complete export lies in the inbox; stopped until somebody starts it."""

    @dg.sensor(
        name="exported_files",
        job_name=REFRESH,
        minimum_interval_seconds=60,
        description=(
            "Watches the inbox for exported files and refreshes when their content is new and nobody writes them any more. "
            "Needs source.kind = inbox."
        ),
    )
    def exported_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if settings.source.kind != "inbox":
            return dg.SkipReason("source.kind is not inbox")
        found = watch(settings.inbox_dir, context.cursor)
        if not found.content_sha256:
            return dg.SensorResult(skip_reason=found.why_not, cursor=found.cursor)
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=found.content_sha256)], cursor=found.cursor)

    return exported_files


def failure_sensor(settings: Settings) -> dg.SensorDefinition:
    """Writes one line per failed run: run, job, failed steps and error codes; never a message."""

    @dg.run_failure_sensor(
        name="note_failed_run",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Appends one JSON line per failed run to restricted/ledger/failed_runs.jsonl: ids and error codes only.",
    )
    def note_failed_run(context: dg.RunFailureSensorContext) -> None:
        steps = []
        for event in context.get_step_failure_events():
            data = event.step_failure_data
            metadata = data.user_failure_data.metadata if data.user_failure_data else {}
            code = metadata.get("code")
            steps.append({"step": event.step_key, "code": str(code.value) if code is not None else "unknown"})
        line = {
            "at_utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "run_id": context.dagster_run.run_id,
            "job": context.dagster_run.job_name,
            "steps": steps,
        }
        settings.prepare_home()
        append(settings.ledger_dir, line)

    return note_failed_run

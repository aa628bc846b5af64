"""From REDCap to schema ``raw``: the pull (one asset per instrument), then the crosswalk, which opens the way to the tables.

A refresh that finds nothing changed ends here: the pull is noted, the crosswalk is not made, and every later step is skipped.
"""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from blin_pipeline.errors import BlinError, DataError
from blin_pipeline.landing.compare import refuse_shrunk_sites, refuse_unexplained_loss
from blin_pipeline.landing.inspection import keep_for_inspection
from blin_pipeline.landing.inspection import workspace as reading_folder
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.raw_schema import present, write_crosswalk
from blin_pipeline.landing.reading import accept, accepted_pull, latest_reading
from blin_pipeline.landing.retention import Retention, removable, remove
from blin_pipeline.landing.write import land
from blin_pipeline.orchestration.assets.tables import WAREHOUSE_POOL
from blin_pipeline.orchestration.inputs import (
    check_source,
    drift_of,
    export_source,
    pseudonym_key,
    pulls_in_use,
    release_inputs,
    released_pull,
    released_pull_id,
)
from blin_pipeline.orchestration.projects import patient_rows, presented_sites
from blin_pipeline.orchestration.results import clear_results
from blin_pipeline.orchestration.workspace import Workspace, handled
from blin_pipeline.redcap.exported import utc_now
from blin_pipeline.redcap.progress import Progress, Step
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.drift import BLOCKING
from blin_pipeline.release.publish import unchanged
from blin_pipeline.settings import Settings, code_version

PROJECT = dg.AssetKey("redcap_project")
SETUP = dg.AssetKey(["raw", "project_setup"])
CROSSWALK = dg.AssetKey(["raw", "patient_crosswalk"])
#: Fresh when the nightly refresh ran: warn after 26 hours, fail after 36.
_WARN_HOURS, _FAIL_HOURS = 26, 36


def form_key(form: str) -> dg.AssetKey:
    """Asset of one landed instrument."""
    return dg.AssetKey(["raw", form])


def _freshness() -> Any:  # noqa: ANN401 (the class is not exported by name)
    from datetime import timedelta

    return dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=_FAIL_HOURS), warn_window=timedelta(hours=_WARN_HOURS)
    )


def _spec(key: dg.AssetKey, description: str) -> dg.AssetSpec:
    failure = "If it fails: nothing behind it runs and the last release stays; the error names what to do."
    return dg.AssetSpec(
        key,
        deps=[PROJECT],
        group_name="raw",
        kinds={"redcap", "parquet"},
        owners=["team:data"],
        tags={"phi": "true"},
        description=f"{description}\n\n{failure}",
        freshness_policy=_freshness(),
        skippable=True,
    )


def project_asset() -> dg.AssetSpec:
    """The REDCap project, which we do not make."""
    return dg.AssetSpec(
        PROJECT,
        group_name="raw",
        kinds={"redcap"},
        owners=["team:data"],
        tags={"phi": "true"},
        description="The registry's REDCap project: where the data are entered.\n\nGrain: one project.",
    )


def pull_assets(dictionary: Dictionary) -> dg.AssetsDefinition:
    """The pull: one asset per instrument of the registry's dictionary, and the project's set-up."""
    specs = [
        *(
            _spec(form_key(form), f"Instrument {form} as landed, text only.\n\nGrain: record x event x instance.")
            for form in dictionary.forms
        ),
        _spec(SETUP, "Dictionary, census, sites and the pull itself.\n\nGrain: one pull."),
    ]

    @dg.multi_asset(
        name="pull",
        specs=specs,
        check_specs=[
            dg.AssetCheckSpec(
                "dictionary_drift",
                asset=SETUP,
                blocking=True,
                description="No mapped field was retyped or its codes relabelled.",
            ),
            dg.AssetCheckSpec(
                "keys_unique",
                asset=SETUP,
                blocking=True,
                description="No record, event, instrument and instance twice.",
            ),
            dg.AssetCheckSpec(
                "rows_explained",
                asset=SETUP,
                blocking=True,
                description="No row of the previous pull is gone without a deletion in REDCap's log.",
            ),
        ],
        retry_policy=dg.RetryPolicy(
            max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
        pool=WAREHOUSE_POOL,
    )
    def pull(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> Iterator[Any]:
        with handled(workspace, retry="dagster/schedule_name" in context.run.tags):
            landed = run_pull(workspace, _log_of(context), context.run_id)
            yield from _pull_events(workspace, landed)
            check_source(landed, workspace)

    return pull


def _log_of(context: dg.AssetExecutionContext) -> Progress:
    """One line per finished step, counts only; an answer that is still arriving is for a bar, not for a log."""
    started = time.monotonic()

    def log(step: Step) -> None:
        if not step.arriving:
            context.log.info(progress_line(step, time.monotonic() - started))

    return log


def progress_line(step: Step, seconds: float) -> str:
    """One line of progress: counts only.

    Args:
        step: The step.
        seconds: Time since the reading began.
    """
    left = step.seconds_left(seconds)
    parts = [
        f"{step.done}/{step.total}",
        f"{step.records} records" if step.records else "",
        f"{step.rows} rows",
        f"{step.n_bytes / 1e6:.1f} MB",
        f"{step.fraction:.0%}" if step.fraction is not None else "",
        f"about {left:.0f} s left" if left is not None else "",
    ]
    return f"{step.name} ({', '.join(part for part in parts if part)})"


def run_pull(workspace: Workspace, note: Progress | None = None, label: str = "pull") -> Pull:
    """Read the source, prove it complete, land it, and check that nothing is gone without an explanation.

    Args:
        workspace: Settings and the registry's files.
        note: Told of each step.
        label: Names the reading, should it fail and be kept for inspection.

    Raises:
        SourceError: The source cannot be read or trusted; what it sent is kept in quarantine.
        ConfigurationError: Settings, token or field map cannot be used.
        DataError: ``E_UNEXPLAINED_LOSS``, ``E_SITE_SET_SHRUNK``, ``E_PULL_MISSING``, ``E_PULL_TAMPERED``.
        StorageError: ``E_DISK``.
    """
    settings = workspace.settings
    previous, missing = _measure(settings)
    with reading_folder(settings.restricted) as folder:
        try:
            export = export_source(settings, folder, note, previous)
            landed = land(export, settings.pulls_dir)
            if missing is not None and landed.pull_id != released_pull_id(settings):
                raise missing
            if previous is not None:
                refuse_unexplained_loss(previous, landed, export.log, accepted=settings.source.accept_loss)
                if not settings.source.accept_loss:
                    refuse_shrunk_sites(previous, landed)
        except BlinError as error:
            keep_for_inspection(folder, settings.quarantine_dir, label, error)
            raise
        accept(settings.pulls_dir, landed)
        shutil.rmtree(settings.partial_dir, ignore_errors=True)
        policy = Retention(settings.pulls.keep, settings.pulls.keep_days)
        remove(settings.pulls_dir, removable(settings.pulls_dir, policy, pulls_in_use(settings), utc_now()))
        return landed


def _measure(settings: Settings) -> tuple[Pull | None, DataError | None]:
    """The pull that a new one is compared with, or why it cannot be had.

    A new pull of the same name proves itself: nothing was lost. Any other is refused, unless a person accepted the loss.
    """
    try:
        return released_pull(settings), None
    except DataError as error:
        return None, None if settings.source.accept_loss else error


def _pull_events(workspace: Workspace, landed: Pull) -> Iterator[Any]:
    reading = latest_reading(workspace.settings.pulls_dir)
    counts = {form: entry.table.rows for form, entry in landed.manifest.forms.items()}
    drift = drift_of(landed, workspace)
    blocking = [item for item in drift if item.kind in BLOCKING]
    for form in workspace.dictionary.forms:
        yield dg.MaterializeResult(
            asset_key=form_key(form),
            metadata={"dagster/row_count": counts.get(form, 0), "collected": form in counts},
        )
    yield dg.MaterializeResult(
        asset_key=SETUP,
        metadata={
            "pull_id": landed.pull_id,
            "records": landed.manifest.n_records,
            "dictionary_sha256": landed.manifest.dictionary_sha256,
            "redcap_version": landed.manifest.redcap_version or "unknown",
            "mode": reading.mode if reading is not None else "full",
            "read_in_full_because": (reading.why_full if reading is not None else "") or "nothing else was asked for",
            "bytes_received": reading.n_bytes if reading is not None else 0,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="dictionary_drift",
                passed=not blocking,
                metadata={
                    "n_blocking": len(blocking),
                    "n_other": len(drift) - len(blocking),
                    "fields": ", ".join(sorted({f"{item.field_name}: {item.kind.value}" for item in drift})[:20])
                    or "none",
                },
            ),
            dg.AssetCheckResult(check_name="keys_unique", passed=True, metadata={"n_rows": sum(counts.values())}),
            dg.AssetCheckResult(check_name="rows_explained", passed=True, metadata={"n_rows": sum(counts.values())}),
        ],
    )


@dg.asset(
    key=CROSSWALK,
    deps=[SETUP],
    group_name="raw",
    kinds={"python", "duckdb"},
    owners=["team:data"],
    tags={"phi": "true"},
    output_required=False,
    pool=WAREHOUSE_POOL,
    description=(
        "Record id to pseudonymous patient key and coded site; presents the pull in schema raw.\n\nGrain: record. Never released."
        "\n\nNot made when nothing changed since the current release: every later step is then skipped."
    ),
)
def patient_crosswalk(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> Iterator[Any]:
    """Present the newest pull in the warehouse and write the crosswalk, unless nothing changed."""
    with handled(workspace):
        settings = workspace.settings
        landed = accepted_pull(settings.pulls_dir)
        plan = check_source(landed, workspace)
        key = pseudonym_key(settings)
        cut = settings.cut(landed.manifest.pulled_at_utc.replace(tzinfo=UTC))
        inputs = release_inputs(workspace, landed.pull_id, cut.day)
        if not workspace.force and unchanged(settings.releases_dir, settings.ledger_dir / "releases.jsonl", inputs):
            context.log.info(
                "Nothing changed since the current release: data, code, parameters and policy are the same."
            )
            return
        present(
            landed,
            workspace.warehouse,
            sites=presented_sites(settings),
            data_cut=cut,
            code_version=code_version(),
            registry_dictionary=workspace.dictionary,
            not_collected=plan.not_collected,
        )
        rows = patient_rows(landed, key, settings.sites)
        write_crosswalk(workspace.warehouse, rows)
        clear_results(workspace.warehouse)
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(rows),
                "sites": len({site for _, _, site in rows}),
                "presented_at_utc": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
            }
        )

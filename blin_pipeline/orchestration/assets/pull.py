"""From REDCap to schema ``raw``: the pull (one asset per instrument), then the crosswalk, which opens the way to the tables.

A refresh that finds nothing changed ends here: the pull is noted, the crosswalk is not made, and every later step is skipped.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from blin_pipeline.landing.loss import Loss
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.raw_schema import present, write_crosswalk
from blin_pipeline.landing.reading import accepted_note, accepted_pull, latest_reading, repeated_keys
from blin_pipeline.orchestration.assets.tables import WAREHOUSE_POOL
from blin_pipeline.orchestration.inputs import (
    check_source,
    drift_of,
    pseudonym_key,
    release_inputs,
)
from blin_pipeline.orchestration.projects import patient_rows, presented_sites
from blin_pipeline.orchestration.pull_run import progress_line, run_pull
from blin_pipeline.orchestration.results import clear_results
from blin_pipeline.orchestration.workspace import Workspace, handled
from blin_pipeline.redcap.progress import Progress, Step
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.drift import BLOCKING
from blin_pipeline.release.publish import unchanged
from blin_pipeline.settings import code_version

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
                description="No row of the released pull is gone without a line in REDCap's log, or a person accepted it.",
            ),
        ],
        retry_policy=dg.RetryPolicy(
            max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
        pool=WAREHOUSE_POOL,
    )
    def pull(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> Iterator[Any]:
        with handled(workspace, retry="dagster/schedule_name" in context.run.tags):
            # A fault in the data manager's file is told before an hour of reading, not after it.
            if answered := len(workspace.query_answers.answers):
                context.log.info(f"{answered} answers to data queries are on file")
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


def _pull_events(workspace: Workspace, landed: Pull) -> Iterator[Any]:
    reading = latest_reading(workspace.settings.pulls_dir)
    note = accepted_note(workspace.settings.pulls_dir)
    silent = note.silent_changes if note is not None else None
    counts = {form: entry.table.rows for form, entry in landed.manifest.forms.items()}
    repeated = repeated_keys(landed)
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
            "records_changed_without_log_line": "not compared" if silent is None else silent,
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
            dg.AssetCheckResult(
                check_name="keys_unique",
                passed=not repeated,
                metadata={"n_rows": sum(counts.values()), "n_repeated": repeated},
            ),
            rows_explained(note.loss if note is not None else None),
        ],
    )


def rows_explained(loss: Loss | None) -> dg.AssetCheckResult:
    """What is gone since the released pull, as a check.

    A loss that nothing explains ends the pull, so one that comes here was accepted by a person: a warning, which blocks
    nothing.

    Args:
        loss: What is gone; None when there was no pull to compare with.
    """
    loss_or_none = loss or Loss()
    return dg.AssetCheckResult(
        check_name="rows_explained",
        passed=not loss_or_none.is_unexplained,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "compared": loss is not None,
            "gone": loss_or_none.in_words or "nothing",
            "n_records_gone": loss_or_none.records,
            "n_records_unexplained": loss_or_none.unexplained_records,
            "n_rows_gone": loss_or_none.n_rows,
            "n_rows_unexplained": loss_or_none.unexplained_rows,
            "n_columns_gone": loss_or_none.n_columns,
        },
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
                "Nothing changed since the current release: data, answers, code, parameters and policy are the same."
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
            query_answers=workspace.query_answers.rows,
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

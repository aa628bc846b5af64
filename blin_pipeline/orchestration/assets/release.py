"""The last three steps: build a de-identified candidate, draw the report into it, verify and publish."""

from typing import Any

import dagster as dg

from blin_pipeline.orchestration.assets.outcomes import outcome_key
from blin_pipeline.orchestration.assets.tables import WAREHOUSE_POOL
from blin_pipeline.orchestration.inputs import pseudonym_key
from blin_pipeline.orchestration.results import presented_answers_sha256, presented_pull
from blin_pipeline.orchestration.workspace import Workspace, handled
from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.release.build import build_candidate
from blin_pipeline.release.candidate import BUILDING, Candidate, ReleaseContext, open_candidate
from blin_pipeline.release.leaks import warehouse_identifiers
from blin_pipeline.release.publish import PAGE, publish
from blin_pipeline.settings import code_version

CANDIDATE = dg.AssetKey(["release", "candidate"])
REPORT = dg.AssetKey(["report", "study_report"])
CURRENT = dg.AssetKey(["release", "current"])
LEDGER = "releases.jsonl"


def release_context(workspace: Workspace) -> ReleaseContext:
    """What the release is told about this run."""
    pull = presented_pull(workspace.warehouse)
    settings = workspace.settings
    return ReleaseContext(
        study=settings.study,
        synthetic=settings.synthetic,
        data_cut=pull.data_cut,
        cut_id=pull.cut_id,
        code_version=code_version(),
        profile="internal",
        pull_id=pull.pull_id,
        source_kind=pull.source_kind,
        parameters_hash=workspace.parameters.sha256,
        field_map_hash=workspace.field_map.sha256,
        dictionary_hash=pull.dictionary_sha256,
        sites_hash=settings.deployment_sha256,
        key_id=pseudonym_key(settings).key_id,
        query_answers_hash=presented_answers_sha256(workspace.warehouse),
        provenance={"title": settings.title},
    )


@dg.asset(
    key=CANDIDATE,
    deps=[outcome_key(outcome.name) for outcome in OUTCOMES],
    group_name="release",
    kinds={"python", "duckdb", "parquet"},
    owners=["team:data"],
    tags={"phi": "false"},
    pool=WAREHOUSE_POOL,
    description=(
        "De-identified candidate: allow-listed columns, days from diagnosis, DuckDB and Parquet.\n\nGrain: one folder."
        "\n\nIf it fails: the candidate is removed, the last release stays."
    ),
)
def candidate(workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult[Any]:
    """Build the candidate."""
    with handled(workspace):
        built = build_candidate(
            workspace.warehouse,
            workspace.settings.releases_dir,
            workspace.policy,
            workspace.dictionary,
            release_context(workspace),
        )
        return dg.MaterializeResult(
            metadata={
                "content_sha256": built.facts.content_sha256,
                "tables": len(built.facts.tables),
                "columns_held": len(built.facts.held),
                "candidate": built.path.name,
            }
        )


def _newest_candidate(workspace: Workspace) -> Candidate:
    folders = sorted((workspace.settings.releases_dir / BUILDING).iterdir())
    return open_candidate(folders[-1])


@dg.asset(
    key=REPORT,
    deps=[CANDIDATE],
    group_name="report",
    kinds={"python", "html"},
    owners=["team:biostat"],
    tags={"phi": "false"},
    pool=WAREHOUSE_POOL,
    description=(
        "One self-contained HTML page, drawn from report.result of the candidate.\n\nGrain: one file."
        "\n\nIf it fails: nothing is published, the last release stays."
    ),
)
def study_report(workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult[Any]:
    """Draw the report into the candidate."""
    from blin_pipeline.report.study import write_report

    with handled(workspace):
        built = _newest_candidate(workspace)
        page = built.path / PAGE
        write_report(built.database, page)
        return dg.MaterializeResult(metadata={"bytes": page.stat().st_size})


@dg.asset(
    key=CURRENT,
    deps=[REPORT],
    group_name="release",
    kinds={"python"},
    owners=["team:data"],
    tags={"phi": "false"},
    pool=WAREHOUSE_POOL,
    description=(
        "The published release: verified, hashed, scanned for identifiers, swapped in atomically.\n\nGrain: one folder."
        "\n\nIf it fails: the last release stays byte for byte."
    ),
)
def current(workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult[Any]:
    """Verify and publish the candidate."""
    with handled(workspace):
        settings = workspace.settings
        release = publish(
            _newest_candidate(workspace),
            settings.releases_dir,
            policy=workspace.policy,
            ledger=settings.ledger_dir / LEDGER,
            forbidden=warehouse_identifiers(workspace.warehouse),
            keep=settings.keep_releases,
        )
        return dg.MaterializeResult(
            metadata={
                "release_id": release.manifest.release_id,
                "is_new": release.is_new,
                "identifiers_searched": release.manifest.leak_scan["values_searched"],
                "identifiers_not_searchable": release.manifest.leak_scan["values_not_searchable"],
                "content_sha256": release.manifest.content_sha256,
                "path": dg.MetadataValue.path(str(release.path)),
                "report": dg.MetadataValue.path(str(release.path / PAGE)),
            }
        )

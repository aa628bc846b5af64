"""Asset checks written in Python: identities between results (blocking) and the registry's checks D01-D20 (warnings with counts).

Not here: checks of tables, which are dbt tests, and checks of the pull, which the pull itself makes.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from blin_pipeline.orchestration.assets.outcomes import outcome_key
from blin_pipeline.orchestration.assets.tables import WAREHOUSE_POOL
from blin_pipeline.orchestration.results import read_frames, read_results
from blin_pipeline.orchestration.workspace import Workspace, handled
from blin_pipeline.outcomes.identities import IDENTITIES, check_identities
from blin_pipeline.outcomes.identity import Identity
from blin_pipeline.outcomes.result_table import from_frame
from blin_pipeline.registry.checks import CheckDefinition, load_checks

QUERIES = dg.AssetKey(["quality", "data_query"])


def _identity_spec(identity: Identity) -> dg.AssetCheckSpec:
    first, *others = identity.outcomes
    return dg.AssetCheckSpec(
        identity.name,
        asset=outcome_key(first),
        additional_deps=[outcome_key(name) for name in others],
        blocking=True,
        description=identity.description,
    )


@dg.multi_asset_check(
    name="identities",
    specs=[_identity_spec(identity) for identity in IDENTITIES],
    can_subset=False,
    pool=WAREHOUSE_POOL,
)
def identities(workspace: dg.ResourceParam[Workspace]) -> Iterator[Any]:
    """Numbers that must agree with one another; one that does not blocks the release."""
    with handled(workspace):
        tables = sorted({name for identity in IDENTITIES for name in identity.tables})
        frames = read_frames(workspace.warehouse, tables)
        rows = from_frame(read_results(workspace.warehouse))
        first_outcome = {identity.name: identity.outcomes[0] for identity in IDENTITIES}
        for result in check_identities(rows, frames):
            yield dg.AssetCheckResult(
                check_name=result.name,
                asset_key=outcome_key(first_outcome[result.name]),
                passed=result.passed,
                metadata={"n_compared": result.n_compared, "n_failed": result.n_failed},
            )


def _registry_spec(check: CheckDefinition) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(check.name, asset=QUERIES, description=f"{check.finding}. To do: {check.action}.")


def registry_checks() -> dg.AssetChecksDefinition:
    """The checks D01-D20: site-fixable findings, warnings with counts; the work list is ``quality.data_query``."""
    checks = load_checks()

    @dg.multi_asset_check(
        name="registry_checks", specs=[_registry_spec(check) for check in checks], can_subset=False, pool=WAREHOUSE_POOL
    )
    def evaluate(workspace: dg.ResourceParam[Workspace]) -> Iterator[Any]:
        with handled(workspace):
            with workspace.warehouse.connect(read_only=True) as connection:
                counts = {
                    check_id: (n_violating, n_evaluated)
                    for check_id, n_violating, n_evaluated in connection.execute(
                        "select check_id, n_violating, n_evaluated from quality.check_result"
                    ).fetchall()
                }
            for check in checks:
                failing, checked = counts.get(check.check_id, (0, 0))
                yield dg.AssetCheckResult(
                    check_name=check.name,
                    asset_key=QUERIES,
                    passed=failing == 0,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"n_failing": int(failing), "n_checked": int(checked), "level": check.level},
                )

    return evaluate

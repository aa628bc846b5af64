"""Identities that hold in every correct set of results; one that fails must block a release.

Each looks at result rows and, where it says so, at the subject table, and counts what it compared and what broke.
Nothing but counts leaves here. The statements themselves are in ``identities_of_enrolment``, ``_response``, ``_survival``,
``_endpoints`` and ``_tables``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.identities_of_endpoints import ENDPOINT_IDENTITIES
from blin_pipeline.outcomes.identities_of_enrolment import ENROLMENT_IDENTITIES
from blin_pipeline.outcomes.identities_of_response import RESPONSE_IDENTITIES
from blin_pipeline.outcomes.identities_of_survival import SURVIVAL_IDENTITIES
from blin_pipeline.outcomes.identities_of_tables import TABLE_IDENTITIES
from blin_pipeline.outcomes.identity import Frames, Identity, IdentityResult, Results

if TYPE_CHECKING:
    from blin_pipeline.outcomes.result import ResultRow

#: Every identity.
IDENTITIES: tuple[Identity, ...] = (
    *ENROLMENT_IDENTITIES,
    *RESPONSE_IDENTITIES,
    *SURVIVAL_IDENTITIES,
    *ENDPOINT_IDENTITIES,
    *TABLE_IDENTITIES,
)


def check_identities(rows: Sequence[ResultRow], frames: Frames) -> list[IdentityResult]:
    """Check every identity whose outcomes and tables are there.

    Args:
        rows: Result rows of one or more outcomes, of one cut.
        frames: Tables as the outcomes take them; ``marts.subject`` serves all identities that need one.

    Raises:
        DataError: ``E_OUTCOME_TABLE`` when a table lacks a column.
    """
    results = Results(rows)
    needed = {name for identity in IDENTITIES for name in identity.tables}
    typed = {name: table(frames, name) for name in sorted(needed & set(frames))}
    checked = []
    for identity in IDENTITIES:
        if not set(identity.outcomes) <= results.outcomes or not set(identity.tables) <= set(typed):
            continue
        held = list(identity.compare(results, typed))
        failed = held.count(False)
        checked.append(IdentityResult(identity.name, identity.description, failed == 0, len(held), failed))
    return checked

"""Complete remission: the primary outcome by the registry's definition, two others beside it (clinical-spec 4).

The numerator is a best response of complete remission in frontline therapy. D1 are eligible treated patients whose
response is due (no assessment counts as no remission), D2 those assessed, D3 the assessed and those who died or
progressed without an assessment. All three are always given, with the Clopper-Pearson and the Wilson interval. The
tables hold the definitions; here they are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.frames import is_true, table
from blin_pipeline.outcomes.populations import eligible
from blin_pipeline.outcomes.statistics.proportions import METHODS

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "complete_remission"
DEFINITIONS = ("cr_registry", "cr_conventional", "cr_composite")
DENOMINATORS = ("D1", "D2", "D3")
RESPONSE_STATES = ("RESPONDER", "NO_CR", "NOT_ASSESSED", "NOT_YET_DUE", "NOT_TREATED")
#: Backbone families in the order of the protocol's list.
BACKBONES = (
    "HCVAD",
    "MHCVD",
    "C10403",
    "E1910",
    "BFM",
    "GRAALL",
    "DFCI",
    "LINK",
    "TKI_LOW",
    "TKI_INT",
    "LOW",
    "IMMUNO",
    "OTHER",
    "UNK",
)


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    patients = eligible(table(frames, "marts.subject"))
    rows = []
    for definition in DEFINITIONS:
        responded = is_true(patients[f"is_{definition}"])
        for denominator in DENOMINATORS:
            counted = is_true(patients[f"is_response_{denominator.lower()}"])
            rows += [
                build.share(
                    definition,
                    int((counted & responded).sum()),
                    int(counted.sum()),
                    method=method,
                    denominator=denominator,
                )
                for method in METHODS
            ]
    rows += _by_backbone(build, patients)
    total = len(patients)
    states = patients["response_state_cd"]
    rows += [
        build.count(
            "response_state_n", int((states == state).sum()), n=total, group=("response_state", state), order=place
        )
        for place, state in enumerate(RESPONSE_STATES)
    ]
    unassessed = patients.loc[states == "NOT_ASSESSED", "not_assessed_reason_cd"].replace("", "UNK")
    rows += [
        build.count("not_assessed_reason_n", int(count), n=len(unassessed), group=("reason", str(reason)))
        for reason, count in unassessed.value_counts().sort_index().items()
    ]
    return rows


def _by_backbone(build: ResultBuilder, patients: pd.DataFrame) -> list[ResultRow]:
    """Registry remission on D1 by declared backbone; small families are listed without an estimate."""
    treated = patients[is_true(patients["is_response_d1"])]
    families = treated["backbone_declared_cd"].replace("", "UNK")
    responded = is_true(treated["is_cr_registry"])
    found = set(families)
    ordered = [family for family in BACKBONES if family in found] + sorted(found - set(BACKBONES))
    return [
        build.share(
            "cr_registry",
            int((responded & (families == family)).sum()),
            int((families == family).sum()),
            minimum=build.context.parameters.min_subgroup,
            denominator="D1",
            group=("backbone", family),
            order=place,
        )
        for place, family in enumerate(ordered)
    ]

"""Complete remission: the primary outcome by the registry's definition, two others beside it (clinical-spec 4).

The numerator is a best response of complete remission in frontline therapy. D1 are eligible treated patients whose
response is due (no assessment counts as no remission), D2 those assessed, D3 the assessed and those who died or
progressed without an assessment. All three are always given, with the Clopper-Pearson and the Wilson interval. The
tables hold the definitions; here they are counted.

Remission without measurable residual disease stands beside: of the registry's responders those with a negative flow result
(strict reading: below 0.01 %, by an assay that reaches it) in frontline therapy on or after first remission. A responder
without such a result is in the denominator and not in the numerator; how many were tested is a row of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.frames import is_true, table
from blin_pipeline.outcomes.mrd_samples import judged_daily
from blin_pipeline.outcomes.populations import eligible
from blin_pipeline.outcomes.statistics.proportions import METHODS

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "complete_remission"
DEFINITIONS = ("cr_registry", "cr_conventional", "cr_composite")
MRD_NEGATIVE = "cr_mrd_negative"
#: The registry's definition of MRD negativity is one by flow; results of other methods are never merged with it.
MRD_METHOD = "FLOW"
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
        frames: ``marts.subject`` and ``marts.mrd_result``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    patients = eligible(table(frames, "marts.subject"))
    negative, tested = _mrd_by_flow(patients, table(frames, "marts.mrd_result"))
    responses = {definition: is_true(patients[f"is_{definition}"]) for definition in DEFINITIONS}
    responses[MRD_NEGATIVE] = responses["cr_registry"] & negative
    rows = []
    for definition, responded in responses.items():
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
    rows += _by_backbone(build, patients, "cr_registry", responses["cr_registry"])
    rows += _by_backbone(build, patients, MRD_NEGATIVE, responses[MRD_NEGATIVE])
    rows += _mrd_tested(build, patients, tested)
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


def _mrd_by_flow(patients: pd.DataFrame, samples: pd.DataFrame) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Who has a negative, and who a judged, flow result in frontline therapy on or after first remission.

    On one day marrow beats blood: blood alone does not make a patient negative whose marrow is positive.
    """
    in_remission = is_true(samples["is_in_frontline"]) & (samples["days_from_cr1"] >= 0)
    flow = judged_daily(samples[in_remission & (samples["method_cd"] == MRD_METHOD)])
    negative = flow.loc[flow["mrd_cd"] == "NEG", "patient_key"]
    return patients["patient_key"].isin(negative), patients["patient_key"].isin(flow["patient_key"])


def _mrd_tested(build: ResultBuilder, patients: pd.DataFrame, tested: pd.Series[bool]) -> list[ResultRow]:
    """Of the responders on D1, in all and by backbone: how many have a judged flow result in remission."""
    responders = is_true(patients["is_response_d1"]) & is_true(patients["is_cr_registry"])
    families = _families(patients)
    rows = [build.count("cr_mrd_tested_n", int((responders & tested).sum()), n=int(responders.sum()), denominator="D1")]
    for place, family in enumerate(_ordered(families[is_true(patients["is_response_d1"])])):
        here = responders & (families == family)
        given: RowFields = {"n": int(here.sum()), "group": ("backbone", family), "order": place, "denominator": "D1"}
        rows.append(build.count("cr_mrd_tested_n", int((here & tested).sum()), **given))
    return rows


def _families(patients: pd.DataFrame) -> pd.Series[str]:
    return patients["backbone_declared_cd"].replace("", "UNK")


def _ordered(families: pd.Series[str]) -> list[str]:
    """Families that occur, in the protocol's order; codes that it does not know come last."""
    found = set(families)
    return [family for family in BACKBONES if family in found] + sorted(found - set(BACKBONES))


def _by_backbone(
    build: ResultBuilder, patients: pd.DataFrame, statistic: str, responded: pd.Series[bool]
) -> list[ResultRow]:
    """Remission on D1 by declared backbone; small families are listed without an estimate."""
    counted = is_true(patients["is_response_d1"])
    families, responded = _families(patients)[counted], responded[counted]
    return [
        build.share(
            statistic,
            int((responded & (families == family)).sum()),
            int((families == family).sum()),
            minimum=build.context.parameters.min_subgroup,
            denominator="D1",
            group=("backbone", family),
            order=place,
        )
        for place, family in enumerate(_ordered(families))
    ]

"""How a site finds its patients, and the survival estimator that is valid then (clinical-spec 6, left truncation).

The site file may state that a site enters every eligible patient, dead or alive (``complete_ascertainment``). Stated: survival
from diagnosis needs no adjustment. Stated not to be so, and no patient entered because of death: only the living are found, and
they count from their registration. Everything else, and every site that has said nothing: both, side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ELIGIBLE, ResultBuilder
from blin_pipeline.outcomes.curve_rows import analyse, fixed_times
from blin_pipeline.outcomes.curve_steps import DELAYED, PLAIN
from blin_pipeline.outcomes.statistics.risk_sets import NOBODY, conditional_cohort, make_cohort

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.result import ResultRow

COMPLETE, LIVING_ONLY, MIXED_OR_UNKNOWN = "COMPLETE", "LIVING_ONLY", "MIXED_OR_UNKNOWN"
#: Situation -> estimators of overall survival that are valid in it.
VALID: dict[str, tuple[str, ...]] = {
    COMPLETE: (PLAIN,),
    LIVING_ONLY: (DELAYED,),
    MIXED_OR_UNKNOWN: (PLAIN, DELAYED),
}
_STATED = {True: "stated complete", False: "stated not complete", None: "no statement: taken as mixed or unknown"}


def situation(stated: bool | None, entered_deceased: int) -> str:
    """The situation of a site from its statement (None when it made none) and its patients entered because of death."""
    if stated:
        return COMPLETE
    return LIVING_ONLY if stated is False and entered_deceased == 0 else MIXED_OR_UNKNOWN


def situation_rows(
    build: ResultBuilder, patients: pd.DataFrame, survival: pd.DataFrame, early: Mapping[str, ResultRow]
) -> list[ResultRow]:
    """Patients by site and situation; sites, patients and valid survival estimates by situation.

    Args:
        build: Makes the rows.
        patients: Eligible patients with ``site_id``, ``ascertainment_cd``, ``complete_ascertainment``.
        survival: Their survival as ``SurvivalSet.patients``.
        early: Early deaths by site: a site that is stated complete and has fewer than can be is marked.
    """
    rows, found = [], {}
    for site, here in patients.groupby("site_id", sort=True):
        given = here["complete_ascertainment"].dropna()
        stated = None if given.empty else bool(given.iloc[0])
        found[site] = situation(stated, int((here["ascertainment_cd"] == "RETRO_DECEASED").sum()))
        text = _STATED[stated]
        if stated and "warn: below" in early[str(site)].reason:
            text = f"warn: {text}, yet early deaths are below what is expected"
        group = ("site_situation", f"{site}:{found[site]}")
        rows.append(build.count("site_situation_n", len(here), n=len(patients), group=group, reason=text))
    of_patient = patients["site_id"].map(found)
    for place, (name, methods) in enumerate(VALID.items()):
        keys = patients.loc[of_patient == name, "patient_key"]
        fixed = build.sharing(group=("situation", name), order=place)
        n_sites = sum(each == name for each in found.values())
        rows.append(fixed.count("situation_sites_n", n_sites, unit="count", n=len(found)))
        rows.append(fixed.count("situation_patients_n", len(keys), n=len(patients)))
        for method in methods:
            rows += _survival(build, survival[survival["patient_key"].isin(keys)], name, method)
    return rows


def _survival(build: ResultBuilder, times: pd.DataFrame, name: str, method: str) -> list[ResultRow]:
    """Survival at the fixed times by one estimator."""
    cohort, refusal = make_cohort(times["time"], times["event"]), ""
    if method == DELAYED:
        minimum = build.context.parameters.min_at_risk_curve
        late = conditional_cohort(times["time"], times["event"], times["entry"], minimum)
        refusal = f"never {minimum} at risk together" if late is None and len(times) else ""
        cohort = NOBODY if late is None else late
    curve = analyse(build, cohort, prefix="situation_os", population=ELIGIBLE, method=method, group=("situation", name))
    deaths = int(cohort.event.sum())
    begin = []
    if method == DELAYED and cohort.n:
        note = "the curve is conditional on being alive on this day" if cohort.start else ""
        begin = [curve.row("conditional_start", unit="days", value=cohort.start, n=cohort.n, reason=note)]
    return [
        *begin,
        curve.row("patients_n", unit="patients", value=cohort.n, n=cohort.n, n_event=deaths),
        *fixed_times(curve, refusal),
    ]

"""Blinatumomab and survival from first remission: three estimators side by side, and weighted comparisons.

An adjusted association, never an effect. Naive ever against never is biased by immortal time and shown for transparency
only; the landmark analyses count from a day on which the exposure is already known; the time-varying model lets nobody
be exposed before the first infusion (clinical-spec 6). Hazard ratios are those of the exposed against the others,
stratified by site.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.association_data import interval_rows, patients_of
from blin_pipeline.outcomes.association_rows import CR1, extended_curves, landmark_counts, mean_difference
from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.estimators import METHOD, Comparison, adjusted_rows, hazard_ratio_rows
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.statistics.evalue import e_value
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.landmark import Landmark, landmark
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort
from blin_pipeline.outcomes.weighted_comparison import weighted_rows

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "blin_association"
ENDPOINTS = ("OSCR", "RFS")
BIASED = "biased by immortal time, shown for transparency only"
#: From this risk on, a hazard ratio is not a risk ratio (clinical-spec 6).
COMMON_RISK = 0.15


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.cox_interval`` and ``marts.subject``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    intervals, subject = table(frames, "marts.cox_interval"), table(frames, "marts.subject")
    rows: list[ResultRow] = []
    for param in ENDPOINTS:
        prefix = f"association_{param.lower()}"
        long = interval_rows(intervals, param)
        patients = patients_of(long, subject)
        made: list[ResultRow] = []
        for day in context.parameters.landmark_days:
            at = _at(patients, day)
            made += hazard_ratio_rows(build, prefix, CR1, _landmark(patients, at, day))
            made += landmark_counts(build, prefix, at, day)
            made += mean_difference(build, prefix, at, day)
        varying = hazard_ratio_rows(build, prefix, CR1, _varying(long, "time_varying"))
        made += varying
        if varying[0].value is None:
            made.append(_naive_withheld(build, prefix, patients))
        else:
            made += hazard_ratio_rows(build, prefix, CR1, _naive(patients))
        late = interval_rows(intervals, param, delayed_entry=True)
        made += adjusted_rows(build, prefix, CR1, _varying(long, "time_varying_adjusted"), _adjusters(long, subject))
        made += hazard_ratio_rows(build, prefix, CR1, _varying(late, "time_varying_delayed_entry"))
        made += extended_curves(build, prefix, long)
        made += weighted_rows(build, prefix, CR1, patients)
        made += _e_values(build, prefix, patients, made)
        rows += made
    return rows


def _naive(patients: pd.DataFrame) -> Comparison:
    return Comparison(
        label="naive_ever_never",
        stop=patients["time"].to_numpy(dtype=float),
        event=patients["event"].to_numpy(dtype=bool),
        exposed=patients["ever_exposed"].to_numpy(dtype=bool),
        site=patients["site_id"].to_numpy(dtype=str),
        patient=patients["patient_key"].to_numpy(dtype=str),
        warning=BIASED,
    )


def _naive_withheld(build: ResultBuilder, prefix: str, patients: pd.DataFrame) -> ResultRow:
    """The naive ratio never stands alone: without the time-varying one it is not given."""
    return build.row(
        f"{prefix}_hazard_ratio",
        unit="ratio",
        population=CR1,
        group=("estimator", "naive_ever_never"),
        method=METHOD,
        n=len(patients),
        n_event=int(patients["event"].sum()),
        state="too_few",
        reason="biased, and not shown alone: the time-varying estimate could not be given",
    )


def _at(patients: pd.DataFrame, day: int) -> Landmark:
    return landmark(
        patients["time"],
        patients["event"],
        patients["exposure_day"].to_numpy(dtype=float),
        float(day),
        over_day=patients["relapse_day"].to_numpy(dtype=float),
    )


def _landmark(patients: pd.DataFrame, at: Landmark, day: int) -> Comparison:
    return Comparison(
        label=f"landmark_{day:03d}",
        stop=at.time,
        event=at.event,
        exposed=at.exposed,
        site=patients["site_id"].to_numpy(dtype=str)[at.at_risk],
        patient=patients["patient_key"].to_numpy(dtype=str)[at.at_risk],
        time_days=float(day),
    )


def _varying(rows: pd.DataFrame, label: str) -> Comparison:
    return Comparison(
        label=label,
        start=rows["t_start"].to_numpy(dtype=float),
        stop=rows["t_stop"].to_numpy(dtype=float),
        event=rows["event"].to_numpy(dtype=float) == 1,
        exposed=rows["blin_exposed"].to_numpy(dtype=float) == 1,
        site=rows["site_id"].to_numpy(dtype=str),
        patient=rows["patient_key"].to_numpy(dtype=str),
    )


def _adjusters(rows: pd.DataFrame, subject: pd.DataFrame) -> pd.DataFrame:
    """Age in decades and BCR::ABL1 positive, by row; known at diagnosis."""
    known = subject.set_index("patient_key")
    return rows[[]].assign(
        age_decades=rows["patient_key"].map(known["age_dx_years"]) / 10.0,
        bcr_abl1_positive=(rows["patient_key"].map(known["bcr_abl1_cd"]) == "POS").astype(float),
    )


def _e_values(build: ResultBuilder, prefix: str, patients: pd.DataFrame, made: list[ResultRow]) -> list[ResultRow]:
    """E-value of every hazard ratio that is not the naive one; ``lower`` is that of the limit nearest 1."""
    curve = kaplan_meier(make_cohort(patients["time"], patients["event"]))
    common = bool(curve.time.size) and 1.0 - float(curve.survival[-1]) >= COMMON_RISK
    note = (
        "outcome common: hazard ratio turned into a risk ratio"
        if common
        else "outcome rare: hazard ratio taken as risk ratio"
    )
    rows = []
    for row in made:
        if row.statistic != f"{prefix}_hazard_ratio" or row.group_label.startswith("naive") or row.value is None:
            continue
        if row.lower is None or row.upper is None:
            continue
        found = e_value(row.value, row.lower, row.upper, common=common)
        rows.append(
            build.row(
                f"{prefix}_e_value",
                unit="ratio",
                population=CR1,
                group=("estimator", row.group_label),
                time_days=row.time_days,
                method=row.method,
                value=found.value,
                lower=found.limit,
                n=row.n,
                n_event=row.n_event,
                reason=note,
            )
        )
    return rows

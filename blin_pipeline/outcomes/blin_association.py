"""Blinatumomab and survival from first remission: three estimators side by side, and weighted comparisons.

An adjusted association, never an effect. Naive ever against never is biased by immortal time and shown for transparency
only; the landmark analyses count from a day on which the exposure is already known; the time-varying model lets nobody
be exposed before the first infusion (clinical-spec 6). Only a first infusion before relapse is an exposure: salvage
blinatumomab follows the relapse that raises the hazard. Hazard ratios are those of the exposed against the others,
stratified by site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.association_data import interval_rows, patients_of, remission_known
from blin_pipeline.outcomes.association_rows import CR1, extended_curves, landmark_counts, mean_difference
from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.estimators import METHOD, Comparison, adjusted_rows, hazard_ratio_rows
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.statistics.evalue import e_value
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.landmark import Landmark, landmark
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort
from blin_pipeline.outcomes.weighted_comparison import SITE_BOOTSTRAP, weighted_rows

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
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
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Rows by endpoint and kind: each estimator, curves, weights, E-values."""
    build = ResultBuilder(NAME, context)
    found: dict[str, Callable[[], list[ResultRow]]] = {}
    for param in ENDPOINTS:
        intervals, subject = table(frames, "marts.cox_interval"), table(frames, "marts.subject")
        found |= {f"{param}/{name}": part for name, part in _Endpoint(build, param, intervals, subject).parts().items()}
    return found


@dataclass
class _Endpoint:
    """Blinatumomab and one endpoint; what several estimators need is made once, and only when one needs it."""

    build: ResultBuilder
    param: str
    intervals: pd.DataFrame
    subject: pd.DataFrame

    @cached_property
    def prefix(self) -> str:
        return f"association_{self.param.lower()}"

    @cached_property
    def long(self) -> pd.DataFrame:
        return interval_rows(self.intervals, self.param)

    @cached_property
    def patients(self) -> pd.DataFrame:
        return patients_of(self.long, self.subject, remission_known(self.intervals))

    def parts(self) -> dict[str, Callable[[], list[ResultRow]]]:
        """Every part, those with hazard ratios first, for the E-values are of them."""
        ratios: dict[str, Callable[[], list[ResultRow]]] = {
            f"landmark_{day:03d}": cache(partial(self._at_landmark, day))
            for day in self.build.context.parameters.landmark_days
        }
        ratios["time_varying"] = cache(partial(self._ratio, lambda: _varying(self.long, "time_varying")))
        ratios["naive"] = partial(self._naive_beside, ratios["time_varying"])
        ratios["adjusted"] = cache(self._adjusted)
        ratios["delayed_entry"] = cache(partial(self._ratio, self._late))
        rest: dict[str, Callable[[], list[ResultRow]]] = {
            "curves": lambda: extended_curves(self.build, self.prefix, self.long),
            "weighted": cache(lambda: weighted_rows(self.build, self.prefix, CR1, self.patients)),
        }

        def e_values() -> list[ResultRow]:
            made = [row for part in (*ratios.values(), rest["weighted"]) for row in part()]
            return _e_values(self.build, self.prefix, self.patients, made)

        return {**ratios, **rest, "e_values": e_values}

    def _ratio(self, comparison: Callable[[], Comparison]) -> list[ResultRow]:
        return hazard_ratio_rows(self.build, self.prefix, CR1, comparison())

    def _at_landmark(self, day: int) -> list[ResultRow]:
        at = _at(self.patients, day)
        return [
            *hazard_ratio_rows(self.build, self.prefix, CR1, _landmark(self.patients, at, day)),
            *landmark_counts(self.build, self.prefix, at, day),
            *mean_difference(self.build, self.prefix, at, day),
        ]

    def _naive_beside(self, varying: Callable[[], list[ResultRow]]) -> list[ResultRow]:
        if varying()[0].value is None:
            return [_naive_withheld(self.build, self.prefix, self.patients)]
        return hazard_ratio_rows(self.build, self.prefix, CR1, _naive(self.patients))

    def _adjusted(self) -> list[ResultRow]:
        comparison = _varying(self.long, "time_varying_adjusted")
        return adjusted_rows(self.build, self.prefix, CR1, comparison, _adjusters(self.long, self.subject))

    def _late(self) -> Comparison:
        late = interval_rows(self.intervals, self.param, delayed_entry=True)
        return _varying(late, "time_varying_delayed_entry")


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
        known_until=patients["known_until"].to_numpy(dtype=float),
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
        if row.lower is None or row.upper is None or row.method == SITE_BOOTSTRAP:
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

"""One hazard ratio as one row, or the reason why there is none: the small-number rules decide before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.rules import small_number_rules
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.cox import are_told_apart, fit_cox, hazard_ratio, robust_covariance
from blin_pipeline.outcomes.statistics.cox_rows import CoxRows, cox_rows
from blin_pipeline.outcomes.statistics.firth import firth_ratio, fit_firth
from blin_pipeline.outcomes.statistics.proportional_hazards import proportional_hazards_test
from blin_pipeline.outcomes.statistics.small_numbers import CoxPlan

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.result import ResultRow

METHOD = "cox_stratified_by_site"
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Rows of a comparison of exposed and not exposed.

    Attributes:
        label: Name of the estimator.
        stop: End of each row, days.
        event: Whether it ends with an event.
        exposed: Whether it is exposed.
        site: Stratum and cluster.
        start: Beginning of each row; None for the origin.
        patient: Key of the patient of each row.
        weight: Weight of each row; None for 1.
        warning: What a reader must know of it.
        time_days: Landmark, else None.
    """

    label: str
    stop: np.ndarray
    event: np.ndarray
    exposed: np.ndarray
    site: np.ndarray
    patient: np.ndarray
    start: np.ndarray | None = None
    weight: np.ndarray | None = None
    warning: str = ""
    time_days: float | None = None

    def only(self, kept: np.ndarray) -> Comparison:
        """The comparison on some of its rows."""
        return replace(
            self,
            stop=self.stop[kept],
            event=self.event[kept],
            exposed=self.exposed[kept],
            site=self.site[kept],
            patient=self.patient[kept],
            start=None if self.start is None else self.start[kept],
            weight=None if self.weight is None else self.weight[kept],
        )

    def patients(self, exposed: bool) -> int:
        """Distinct patients with a row of this exposure."""
        return int(np.unique(self.patient[self.exposed == exposed]).size)

    def events(self, exposed: bool) -> int:
        """Events in rows of this exposure."""
        return int(np.count_nonzero(self.event & (self.exposed == exposed)))

    def rows(self, covariates: ArrayLike | None = None) -> CoxRows:
        """Rows of the Cox model, stratified by site: the exposure first, then ``covariates``."""
        matrix = self.exposed.astype(float) if covariates is None else np.column_stack([self.exposed, covariates])
        return cox_rows(
            self.stop,
            self.event,
            matrix,
            start=self.start,
            stratum=self.site,
            weight=self.weight,
            cluster=self.site,
        )


def hazard_ratio_rows(build: ResultBuilder, prefix: str, population: str, comparison: Comparison) -> list[ResultRow]:
    """Hazard ratio of the exposure stratified by site, and the check of proportional hazards.

    Model-based errors; errors robust to sites stand beside them from ``min_clusters`` sites, for the sandwich is too
    small with fewer.
    """
    parameters = build.context.parameters
    counts = tuple((comparison.patients(arm), comparison.events(arm)) for arm in (False, True))
    fields: RowFields = {
        "population": population,
        "group": ("estimator", comparison.label),
        "time_days": comparison.time_days,
        "n": int(np.unique(comparison.patient).size),
        "n_event": sum(events for _, events in counts),
        "reason": comparison.warning,
    }
    shared = build.sharing(**fields)
    statistic = f"{prefix}_hazard_ratio"
    refusal = small_number_rules(parameters).comparison(
        tuple(patients for patients, _ in counts), tuple(events for _, events in counts)
    )
    if refusal:
        return [shared.sharing(state="too_few", reason=refusal).row(statistic, unit="ratio", method=METHOD)]
    try:
        rows = comparison.rows()
        fit = fit_cox(rows)
    except NotEstimableError as error:
        return [shared.sharing(state="not_estimable", reason=error.reason).row(statistic, unit="ratio", method=METHOD)]
    covariances = [(METHOD, fit.covariance)]
    if np.unique(comparison.site).size >= parameters.min_clusters:
        covariances.append((f"{METHOD}_robust", robust_covariance(rows, fit)))
    made = []
    for method, covariance in covariances:
        found = hazard_ratio(fit, covariance=covariance, level=parameters.confidence_level)
        numbers: RowFields = {"value": found.value, "lower": found.lower, "upper": found.upper, "se": found.std_err}
        made.append(shared.sharing(**numbers).row(statistic, unit="ratio", method=method))
    try:
        test = proportional_hazards_test(rows, fit).together
    except NotEstimableError as error:
        state: RowFields = {"state": "not_estimable", "reason": error.reason}
    else:
        doubt = (
            "hazards not proportional: read the difference of restricted means" if test.p_value < SIGNIFICANT else ""
        )
        state = {"value": test.statistic, "reason": doubt}
    checked = shared.sharing(**state)
    made.append(checked.row(f"{prefix}_proportional_hazards", unit="chi_square", method="score_test_km"))
    return made


def adjusted_rows(
    build: ResultBuilder, prefix: str, population: str, comparison: Comparison, adjusters: pd.DataFrame
) -> list[ResultRow]:
    """Hazard ratio of the exposure given adjusters: maximum likelihood, Firth's penalty or a refusal, by events.

    Rows with an unknown adjuster are left out; how many patients that leaves is in ``n``. An adjuster that says nothing
    here (one value, or one in each site) is left out of the model and named.
    """
    parameters, rules = build.context.parameters, small_number_rules(build.context.parameters)
    known = adjusters.notna().all(axis=1).to_numpy()
    used, adjusters = comparison.only(known), adjusters[known].astype(float)
    events = (used.events(exposed=False), used.events(exposed=True))
    statistic = f"{prefix}_hazard_ratio"
    fixed = build.sharing(
        population=population,
        group=("estimator", comparison.label),
        n=int(np.unique(used.patient).size),
        n_event=sum(events),
    )
    refusal = rules.comparison((used.patients(exposed=False), used.patients(exposed=True)), events)
    if refusal:
        return [fixed.row(statistic, unit="ratio", method=METHOD, state="too_few", reason=refusal)]
    try:
        names = _telling(used, adjusters)
        plan, warning = rules.cox(sum(events), 1 + len(names))
        if plan is None:
            return [fixed.row(statistic, unit="ratio", method=METHOD, state="too_few", reason=warning)]
        rows, given = used.rows(adjusters[names]), _given(names, adjusters)
        if plan is CoxPlan.PLAIN:
            try:
                found = hazard_ratio(fit_cox(rows), level=parameters.confidence_level)
            except NotEstimableError as error:
                # The exposure's ratio exists without the adjusters: one of these grows without end, and takes the penalty.
                fit_cox(used.rows())
                warning = f"{error.reason}: penalised likelihood (Firth), read with care"
            else:
                limits: RowFields = {
                    "value": found.value,
                    "lower": found.lower,
                    "upper": found.upper,
                    "se": found.std_err,
                }
                return [fixed.sharing(**limits).row(statistic, unit="ratio", method=METHOD, reason=given)]
        penalised = firth_ratio(rows, fit_firth(rows), level=parameters.confidence_level)
    except NotEstimableError as error:
        return [fixed.row(statistic, unit="ratio", method=METHOD, state="not_estimable", reason=error.reason)]
    limits = {"value": penalised.value, "lower": penalised.lower, "upper": penalised.upper}
    shared = fixed.sharing(**limits)
    return [shared.row(statistic, unit="ratio", method=f"{METHOD}_firth", reason=f"{given}; {warning}")]


def _telling(comparison: Comparison, adjusters: pd.DataFrame) -> list[str]:
    """Names of the adjusters that can be told apart from the exposure and from those before them.

    Raises:
        NotEstimableError: When there are none: the ratio would not be adjusted.
    """
    names: list[str] = []
    for name in adjusters.columns:
        try:
            if are_told_apart(comparison.rows(adjusters[[*names, name]])):
                names.append(str(name))
        except NotEstimableError:
            continue
    if not names:
        raise NotEstimableError("nothing to adjust for: no adjuster differs among those at risk")
    return names


def _given(names: list[str], adjusters: pd.DataFrame) -> str:
    """What the ratio is adjusted for, and what it could not be."""
    left_out = [str(name) for name in adjusters.columns if name not in names]
    return f"given {', '.join(names)}" + (f"; not {', '.join(left_out)}, which says nothing here" if left_out else "")

"""Weighted comparison at the middle landmark: propensity of exposure, weights, balance, weighted hazard ratio and curves.

Overlap weights are the primary ones, for the arms are expected to be lopsided; stabilised inverse probability and the
effect among the exposed stand beside them (clinical-spec 6). Patients who could hardly be in the other arm are left out:
those transplanted by the landmark, who are bound for transplant, and those whose disease is CD19 negative. Errors are
robust to the weights; the interval of the primary estimate is a bootstrap of patients within sites when an arm has fewer
than ``bootstrap_below``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.association_data import independent_terms, propensity_terms
from blin_pipeline.outcomes.rules import small_number_rules
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.bootstrap import draws_of_clusters, draws_within, percentile_interval
from blin_pipeline.outcomes.statistics.bootstrap_association import bootstrap_overlap_hazard_ratio
from blin_pipeline.outcomes.statistics.cox import fit_cox, hazard_ratio, robust_covariance
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.landmark import Landmark, landmark
from blin_pipeline.outcomes.statistics.propensity import fit_propensity
from blin_pipeline.outcomes.statistics.weighted_kaplan_meier import weighted_kaplan_meier
from blin_pipeline.outcomes.statistics.weighting import (
    Target,
    effective_sample_size,
    propensity_weights,
    standardised_differences,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from blin_pipeline.outcomes.builder import FixedRows, ResultBuilder, RowFields
    from blin_pipeline.outcomes.result import ResultRow
    from blin_pipeline.outcomes.statistics.arrays import Counts

TARGETS: tuple[Target, ...] = ("overlap", "stabilised_iptw", "att")
BALANCED = 0.1
CD19_NEGATIVE = "NEG"
#: Share of bootstrap samples without an estimate above which there is no interval.
MOST_FAILED = 0.1


def weighted_rows(build: ResultBuilder, prefix: str, population: str, patients: pd.DataFrame) -> list[ResultRow]:
    """All rows of the weighted comparison, or one row that says why there is none."""
    parameters = build.context.parameters
    days = parameters.landmark_days
    day = float(days[len(days) // 2])
    early = patients["transplant_day"].to_numpy(dtype=float)
    transplanted = early <= day
    negative = ~transplanted & (patients["cd19_cd"] == CD19_NEGATIVE).to_numpy(dtype=bool)
    used = patients[~transplanted & ~negative].reset_index(drop=True)
    at = landmark(
        used["time"],
        used["event"],
        used["exposure_day"].to_numpy(dtype=float),
        day,
        over_day=used["relapse_day"].to_numpy(dtype=float),
    )
    chosen = used[at.at_risk].reset_index(drop=True)
    terms = propensity_terms(chosen, parameters)
    known = terms.notna().all(axis=1).to_numpy()
    chosen, terms = chosen[known].reset_index(drop=True), terms[known].reset_index(drop=True)
    at = at._replace(time=at.time[known], event=at.event[known], exposed=at.exposed[known])
    fixed = build.sharing(population=population, time_days=day, n=len(chosen), n_event=int(at.event.sum()))
    left_out = {
        "TRANSPLANT_BY_LANDMARK": int(transplanted.sum()),
        "CD19_NEGATIVE": int(negative.sum()),
        "MISSING_TERM": int((~known).sum()),
    }
    rows = [
        build.count(
            f"{prefix}_weighted_left_out_n", count, group=("reason", label), population=population, time_days=day
        )
        for label, count in left_out.items()
    ]
    refusal = small_number_rules(parameters).comparison(
        (int((~at.exposed).sum()), int(at.exposed.sum())),
        (int((at.event & ~at.exposed).sum()), int((at.event & at.exposed).sum())),
    )
    names = independent_terms(terms)
    matrix = terms[names].to_numpy(dtype=float)
    state = "too_few"
    if not refusal:
        try:
            score = fit_propensity(at.exposed, matrix).score
        except NotEstimableError as error:
            refusal, state = error.reason, "not_estimable"
    if refusal:
        return rows + [
            fixed.row(
                f"{prefix}_hazard_ratio",
                unit="ratio",
                group=("estimator", f"landmark_{int(day):03d}_{target}"),
                method=f"weighted_cox_{target}",
                state=state,
                reason=refusal,
            )
            for target in TARGETS
        ]
    for target in TARGETS:
        weight = propensity_weights(at.exposed, score, target)
        rows += _one_target(fixed, prefix, target, day, at, chosen, weight, matrix)
        rows += _balance(fixed, prefix, target, at.exposed, names, matrix, weight)
        rows += _curves(fixed, prefix, target, at, weight)
    return rows


def _one_target(
    fixed: FixedRows,
    prefix: str,
    target: Target,
    day: float,
    at: Landmark,
    chosen: pd.DataFrame,
    weight: np.ndarray,
    matrix: np.ndarray,
) -> list[ResultRow]:
    """Weighted hazard ratio with robust errors; for overlap weights and small arms the bootstrap's interval too."""
    parameters = fixed.build.context.parameters
    given = fixed.sharing(group=("estimator", f"landmark_{int(day):03d}_{target}"))
    statistic = f"{prefix}_hazard_ratio"
    try:
        rows = cox_rows(at.time, at.event, at.exposed, weight=weight)
        fit = fit_cox(rows)
    except NotEstimableError as error:
        method = f"weighted_cox_{target}"
        return [given.row(statistic, unit="ratio", method=method, state="not_estimable", reason=error.reason)]
    found = hazard_ratio(fit, covariance=robust_covariance(rows, fit), level=parameters.confidence_level)
    made = [
        given.row(
            statistic,
            unit="ratio",
            method=f"weighted_cox_{target}",
            value=found.value,
            lower=found.lower,
            upper=found.upper,
            se=found.std_err,
        )
    ]
    if target == "overlap":
        made += _bootstraps(given, statistic, at, chosen["site_id"].to_numpy(dtype=str), matrix, found.value)
    return made


def _bootstraps(
    given: FixedRows, statistic: str, at: Landmark, site: np.ndarray, matrix: np.ndarray, value: float
) -> list[ResultRow]:
    """Percentile intervals: of patients within sites for small arms, of whole sites where these are few, as a check."""
    parameters = given.build.context.parameters
    draws: dict[str, tuple[str, Callable[[np.ndarray, int, int], Counts]]] = {}
    if min(int(at.exposed.sum()), int((~at.exposed).sum())) < parameters.bootstrap_below:
        draws["weighted_cox_overlap_bootstrap"] = ("patients within sites", draws_within)
    if np.unique(site).size < parameters.min_clusters:
        draws["weighted_cox_overlap_site_bootstrap"] = ("whole sites", draws_of_clusters)
    made = []
    for method, (what, draw) in draws.items():
        counts = draw(site, parameters.bootstrap_samples, parameters.bootstrap_seed)
        logs = bootstrap_overlap_hazard_ratio(at.time, at.event, at.exposed, matrix, counts)
        interval = percentile_interval(logs, parameters.confidence_level)
        if interval.n_failed > MOST_FAILED * interval.n_samples:
            reason = f"{interval.n_failed} of {interval.n_samples} samples of {what} gave no estimate"
            state: RowFields = {"state": "not_estimable", "reason": reason}
        else:
            state = {
                "value": value,
                "lower": min(float(np.exp(interval.lower)), value),
                "upper": max(float(np.exp(interval.upper)), value),
                "se": interval.std_err,
                "reason": f"percentiles of {interval.n_samples} samples of {what}, {interval.n_failed} without an estimate",
            }
        made.append(given.sharing(**state).row(statistic, unit="ratio", method=method))
    return made


def _balance(
    fixed: FixedRows,
    prefix: str,
    target: Target,
    exposed: np.ndarray,
    names: list[str],
    matrix: np.ndarray,
    weight: np.ndarray,
) -> list[ResultRow]:
    """Standardised differences before and after, effective sample size by arm, range of weights."""
    made = []
    stages = [("before", None), ("after", weight)] if target == "overlap" else [("after", weight)]
    for stage, weights in stages:
        method = "unweighted" if stage == "before" else target
        differences = standardised_differences(exposed, matrix, weights)
        for name, difference in zip(names, differences, strict=True):
            given: RowFields = {"group": ("term", name), "method": method}
            if np.isfinite(difference):
                given |= {"value": difference, "reason": "" if abs(difference) < BALANCED else "imbalance above 0.1"}
            else:
                given |= {"state": "not_estimable", "reason": "the term does not vary within the arms"}
            made.append(fixed.row(f"{prefix}_standardised_difference_{stage}", unit="ratio", **given))
    for arm, label in ((True, "exposed"), (False, "not_exposed")):
        part = weight[exposed == arm]
        grouped = fixed.sharing(group=("exposure", label), method=target, n=part.size)
        made.append(grouped.row(f"{prefix}_effective_n", unit="patients", value=effective_sample_size(part)))
        made.append(
            grouped.row(
                f"{prefix}_weight_range",
                unit="weight",
                value=float(np.median(part)),
                lower=float(part.min()),
                upper=float(part.max()),
                reason="median, smallest and largest weight",
            )
        )
    return made


def _curves(fixed: FixedRows, prefix: str, target: Target, at: Landmark, weight: np.ndarray) -> list[ResultRow]:
    """Weighted survival at the fixed times after the landmark, by arm, with enough patients at risk there."""
    parameters = fixed.build.context.parameters
    rules = small_number_rules(parameters)
    made = []
    for arm, label in ((True, "exposed"), (False, "not_exposed")):
        chosen = at.exposed == arm
        curve = weighted_kaplan_meier(at.time[chosen], at.event[chosen], weight[chosen])
        for months in parameters.os_times_months:
            day = months * parameters.days_per_month
            at_risk = int(np.count_nonzero(at.time[chosen] >= day))
            given: RowFields = {
                "time_days": day,
                "group": ("exposure", label),
                "method": f"weighted_kaplan_meier_{target}",
                "n": at_risk,
                "n_event": int(np.count_nonzero(at.event[chosen] & (at.time[chosen] <= day))),
            }
            index = curve.index_at(day)
            if rules.fixed_time(at_risk):
                given |= {"state": "too_few", "reason": rules.fixed_time(at_risk)}
            elif index < 0:
                given |= {"value": 1.0, "se": 0.0, "reason": "no event up to here"}
            else:
                given |= {
                    "value": curve.survival[index],
                    "lower": curve.lower[index],
                    "upper": curve.upper[index],
                    "se": curve.std_err[index],
                }
            made.append(fixed.row(f"{prefix}_weighted_survival", unit="fraction", **given))
    return made

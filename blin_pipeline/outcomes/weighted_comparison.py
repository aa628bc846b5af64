"""Weighted comparison at the middle landmark: propensity of exposure, weights, balance, weighted hazard ratio and curves.

Overlap weights are the primary ones, for the arms are expected to be lopsided; stabilised inverse probability and the
effect among the exposed stand beside them (clinical-spec 6). Who is compared: ``weighted_set``. The model is stratified by
site, as the unweighted ones: site is no term of the propensity model, where a small site would separate the arms. Errors
are robust to the weights (to sites, where there are enough of them); the interval of the primary estimate is a bootstrap
of patients within sites when an arm has fewer than ``bootstrap_below``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.rules import small_number_rules
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.bootstrap import draws_of_clusters, draws_within, percentile_interval
from blin_pipeline.outcomes.statistics.bootstrap_association import bootstrap_overlap_hazard_ratio
from blin_pipeline.outcomes.statistics.cox import fit_cox, hazard_ratio, robust_covariance
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.propensity import fit_propensity
from blin_pipeline.outcomes.statistics.weighted_kaplan_meier import weighted_kaplan_meier
from blin_pipeline.outcomes.statistics.weighting import (
    Target,
    effective_sample_size,
    propensity_weights,
    standardised_differences,
)
from blin_pipeline.outcomes.weighted_set import NO_COUNTERPART, WeightedSet, weighted_set

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.builder import FixedRows, ResultBuilder, RowFields
    from blin_pipeline.outcomes.result import ResultRow
    from blin_pipeline.outcomes.statistics.arrays import Counts
    from blin_pipeline.outcomes.statistics.landmark import Landmark

TARGETS: tuple[Target, ...] = ("overlap", "stabilised_iptw", "att")
BALANCED = 0.1
#: Share of bootstrap samples without an estimate above which there is no interval.
MOST_FAILED = 0.1
#: Samples of whole sites are a check of the other intervals; no other number is made of them.
SITE_BOOTSTRAP = "weighted_cox_overlap_site_bootstrap"


def weighted_rows(build: ResultBuilder, prefix: str, population: str, patients: pd.DataFrame) -> list[ResultRow]:
    """All rows of the weighted comparison, or one row that says why there is none."""
    parameters = build.context.parameters
    days = parameters.landmark_days
    day = float(days[len(days) // 2])
    used = weighted_set(patients, day, parameters)
    at = used.at
    fixed = build.sharing(population=population, time_days=day, n=len(used.patients), n_event=int(at.event.sum()))
    alone = f"level in one arm only: {', '.join(used.alone)}" if used.alone else ""
    rows = [
        build.count(
            f"{prefix}_weighted_left_out_n",
            count,
            group=("reason", label),
            population=population,
            time_days=day,
            reason=alone if label == NO_COUNTERPART else "",
        )
        for label, count in used.left_out.items()
    ]
    refusal = small_number_rules(parameters).comparison(
        (int((~at.exposed).sum()), int(at.exposed.sum())),
        (int((at.event & ~at.exposed).sum()), int((at.event & at.exposed).sum())),
    )
    state = "too_few"
    if not refusal:
        try:
            score = fit_propensity(at.exposed, used.matrix).score
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
        rows += _one_target(fixed, prefix, target, day, used, weight)
        rows += _balance(fixed, prefix, target, used, weight)
        rows += _curves(fixed, prefix, target, at, weight)
    return rows


def _one_target(
    fixed: FixedRows,
    prefix: str,
    target: Target,
    day: float,
    used: WeightedSet,
    weight: np.ndarray,
) -> list[ResultRow]:
    """Weighted hazard ratio with robust errors; for overlap weights and small arms the bootstrap's interval too."""
    parameters, at, site = fixed.build.context.parameters, used.at, used.site
    cluster = site if np.unique(site).size >= parameters.min_clusters else None
    given = fixed.sharing(group=("estimator", f"landmark_{int(day):03d}_{target}"))
    statistic = f"{prefix}_hazard_ratio"
    try:
        rows = cox_rows(at.time, at.event, at.exposed, stratum=site, weight=weight, cluster=cluster)
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
        made += _bootstraps(given, statistic, used, found.value)
    return made


def _bootstraps(given: FixedRows, statistic: str, used: WeightedSet, value: float) -> list[ResultRow]:
    """Percentile intervals: of patients within sites for small arms, of whole sites where these are few, as a check."""
    parameters, exposed, n_sites = given.build.context.parameters, used.at.exposed, np.unique(used.site).size
    made = []
    if min(int(exposed.sum()), int((~exposed).sum())) < parameters.bootstrap_below:
        counts = draws_within(used.site, parameters.bootstrap_samples, parameters.bootstrap_seed)
        state = _percentiles(given, used, counts, value, "patients within sites")
        made.append(given.sharing(**state).row(statistic, unit="ratio", method="weighted_cox_overlap_bootstrap"))
    if n_sites < parameters.min_clusters:
        if n_sites < parameters.bootstrap_min_sites:
            few = parameters.bootstrap_min_sites
            state = {"state": "too_few", "reason": f"fewer than {few} sites: samples of whole sites are too much alike"}
        else:
            counts = draws_of_clusters(used.site, parameters.bootstrap_samples, parameters.bootstrap_seed)
            state = _percentiles(given, used, counts, value, "whole sites")
        made.append(given.sharing(**state).row(statistic, unit="ratio", method=SITE_BOOTSTRAP))
    return made


def _percentiles(given: FixedRows, used: WeightedSet, counts: Counts, value: float, what: str) -> RowFields:
    """Percentile interval of one way to draw, or why there is none."""
    at = used.at
    logs = bootstrap_overlap_hazard_ratio(
        at.time, at.event, at.exposed, used.matrix, counts, stratum=used.site, levels=used.levels
    )
    interval = percentile_interval(logs, given.build.context.parameters.confidence_level)
    if interval.n_failed > MOST_FAILED * interval.n_samples:
        reason = f"{interval.n_failed} of {interval.n_samples} samples of {what} gave no estimate"
        return {"state": "not_estimable", "reason": reason}
    lower, upper = float(np.exp(interval.lower)), float(np.exp(interval.upper))
    if not lower <= value <= upper:
        reason = f"the percentiles of {interval.n_samples} samples of {what} do not contain the estimate"
        return {"state": "not_estimable", "reason": reason}
    reason = f"percentiles of {interval.n_samples} samples of {what}, {interval.n_failed} without an estimate"
    return {"value": value, "lower": lower, "upper": upper, "se": interval.std_err, "reason": reason}


def _balance(
    fixed: FixedRows,
    prefix: str,
    target: Target,
    used: WeightedSet,
    weight: np.ndarray,
) -> list[ResultRow]:
    """Standardised differences before and after, effective sample size by arm, range of weights."""
    made, exposed = [], used.at.exposed
    stages = [("before", None), ("after", weight)] if target == "overlap" else [("after", weight)]
    for stage, weights in stages:
        method = "unweighted" if stage == "before" else target
        differences = standardised_differences(exposed, used.matrix, weights)
        for name, difference in zip(used.terms, differences, strict=True):
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

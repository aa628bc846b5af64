"""Rows of the comparison by blinatumomab beside its hazard ratios: landmark counts, restricted means, extended curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.rules import small_number_rules
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.extended_kaplan_meier import extended_kaplan_meier
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.restricted_mean import restricted_mean, restricted_mean_difference
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
    from blin_pipeline.outcomes.result import ResultRow
    from blin_pipeline.outcomes.statistics.landmark import Landmark

CR1 = "CR1"


def landmark_counts(build: ResultBuilder, prefix: str, at: Landmark, day: int) -> list[ResultRow]:
    """Who is in the landmark analysis, and who is not and why; they sum to the patients."""
    total = int(at.at_risk.size)
    counts = {
        "EXPOSED": int(at.exposed.sum()),
        "NOT_EXPOSED": int((~at.exposed).sum()),
        "EXCLUDED_EVENT_BEFORE": at.excluded_event,
        "EXCLUDED_CENSORED_BEFORE": at.excluded_censored,
    }
    fixed = build.sharing(population=CR1, time_days=float(day), n=total)
    return [
        fixed.count(f"{prefix}_landmark_n", count, group=("landmark_status", label)) for label, count in counts.items()
    ] + [fixed.count(f"{prefix}_landmark_exposed_later_n", at.exposed_later)]


def mean_difference(build: ResultBuilder, prefix: str, at: Landmark, day: int) -> list[ResultRow]:
    """Difference of restricted means from the landmark, exposed minus not exposed, months."""
    parameters = build.context.parameters
    month, minimum = parameters.days_per_month, parameters.min_at_risk_curve
    fields: RowFields = {
        "population": CR1,
        "time_days": float(day),
        "n": int(at.time.size),
        "n_event": int(at.event.sum()),
        "method": "restricted_mean_difference",
    }
    refusal = _comparable(build, at)
    curves = [kaplan_meier(make_cohort(at.time[chosen], at.event[chosen])) for chosen in (at.exposed, ~at.exposed)]
    ends = [curve.time[curve.at_risk >= minimum] for curve in curves]
    if refusal:
        fields |= {"state": "too_few", "reason": refusal}
    elif not all(end.size for end in ends):
        fields |= {"state": "too_few", "reason": f"never {minimum} at risk in each group"}
    else:
        horizon = min(parameters.rmst_horizon_months * month, *(float(end[-1]) for end in ends))
        try:
            exposed, others = (restricted_mean(curve, horizon) for curve in curves)
        except NotEstimableError as error:
            fields |= {"state": "not_estimable", "reason": error.reason}
        else:
            found = restricted_mean_difference(exposed, others, parameters.confidence_level)
            fields |= {
                "value": found.value / month,
                "lower": found.lower / month,
                "upper": found.upper / month,
                "se": found.std_err / month,
                "reason": f"up to {horizon / month:.1f} months from the landmark",
            }
    return [build.row(f"{prefix}_restricted_mean_difference", unit="months", **fields)]


def _comparable(build: ResultBuilder, at: Landmark) -> str:
    """Why the groups of a landmark may not be compared; empty when they may."""
    arms = (~at.exposed, at.exposed)
    patients = tuple(int(arm.sum()) for arm in arms)
    events = tuple(int((arm & at.event).sum()) for arm in arms)
    return small_number_rules(build.context.parameters).comparison(patients, events)


def extended_curves(build: ResultBuilder, prefix: str, rows: pd.DataFrame) -> list[ResultRow]:
    """Simon and Makuch's curves of the not exposed and the exposed, each from where enough are at risk."""
    parameters = build.context.parameters
    found = extended_kaplan_meier(
        rows["t_start"],
        rows["t_stop"],
        rows["event"] == 1,
        rows["blin_exposed"] == 1,
        minimum=parameters.min_at_risk_curve,
        level=parameters.confidence_level,
    )
    made = []
    for label, each in zip(("not_exposed", "exposed"), found, strict=True):
        fixed = build.sharing(population=CR1, group=("exposure", label), method="simon_makuch")
        statistic = f"{prefix}_extended_curve"
        if each.curve is None or each.cohort is None or each.start is None:
            few = parameters.min_at_risk_curve
            reason = f"never {few} at risk together"
            made.append(fixed.row(statistic, unit="fraction", state="too_few", reason=reason))
            continue
        curve = each.curve
        reason = "" if each.start == 0 else "conditional on being event-free on this day"
        at_start = int(np.count_nonzero(each.cohort.entry <= each.start))
        made.append(
            fixed.row(
                statistic,
                unit="fraction",
                time_days=each.start,
                value=1.0,
                se=0.0,
                n=at_start,
                n_event=0,
                reason=reason,
            )
        )
        made += [
            fixed.row(
                statistic,
                unit="fraction",
                time_days=day,
                value=curve.survival[place],
                lower=curve.lower[place],
                upper=curve.upper[place],
                se=curve.std_err[place],
                n=curve.at_risk[place],
                n_event=curve.events[place],
            )
            for place, day in enumerate(curve.time)
        ]
    return made

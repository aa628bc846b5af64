"""Rows along a survival curve: the steps themselves, and the numbers below it.

Numbers at risk, events and censorings below the curve follow experience.md 5.4: at risk at t are those with time >= t
(and entry <= t), events and censorings lie strictly before t, so the three sum to the patients entered by t.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from blin_pipeline.outcomes.curve_rows import Analysis
    from blin_pipeline.outcomes.result import ResultRow

PLAIN = "kaplan_meier"
DELAYED = "kaplan_meier_delayed_entry"
TICK_MONTHS = 6


def ticks(analysis: Analysis) -> list[ResultRow]:
    """At risk, deaths, censored and (delayed entry) entered every six months up to the longest follow-up."""
    cohort = analysis.cohort
    step = TICK_MONTHS * analysis.build.context.parameters.days_per_month
    last = float(cohort.time[-1]) if cohort.n else 0.0
    delayed = analysis.method == DELAYED
    rows = []
    for tick in range(int(last // step) + 1):
        day = tick * step
        entered = int(np.count_nonzero(cohort.entry <= day))
        total = entered if delayed else cohort.n
        before = cohort.time < day
        counts = {
            "at_risk_n": int(np.count_nonzero(~before & (cohort.entry <= day))),
            f"{analysis.event_word}_n": int(np.count_nonzero(before & cohort.event)),
            "censored_n": int(np.count_nonzero(before & ~cohort.event)),
        }
        if delayed:
            counts["entered_n"] = entered
        rows += [
            analysis.row(statistic, unit="patients", time_days=day, value=count, n=total)
            for statistic, count in counts.items()
        ]
    return rows


def steps(analysis: Analysis) -> list[ResultRow]:
    """The step function, one row per distinct time from its start, and the censorings on it."""
    cohort, curve = analysis.cohort, analysis.curve
    if cohort.n == 0:
        return []
    at_start = int(np.count_nonzero(cohort.entry <= cohort.start))
    rows = [
        analysis.row(
            "curve",
            unit="fraction",
            time_days=cohort.start,
            value=1.0,
            lower=1.0,
            upper=1.0,
            se=0.0,
            n=at_start,
            n_event=0,
        )
    ]
    for index, day in enumerate(curve.time):
        rows.append(
            analysis.row(
                "curve",
                unit="fraction",
                time_days=day,
                value=curve.survival[index],
                lower=curve.lower[index],
                upper=curve.upper[index],
                se=curve.std_err[index],
                n=curve.at_risk[index],
                n_event=curve.events[index],
            )
        )
    days, counts = np.unique(cohort.time[~cohort.event], return_counts=True)
    rows += [
        analysis.row("censored_at", unit="patients", time_days=day, value=count)
        for day, count in zip(days, counts, strict=True)
    ]
    return rows

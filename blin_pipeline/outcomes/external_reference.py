"""Published results beside ours: never pooled, never tested against ours, with the difference in time zero in words.

Values are those of ``registry/study/external_reference.csv`` that were read in a public source (mark R); the loader refuses
others. Ours at three years stand beside them, from diagnosis and from first remission: neither is the time zero nor the
population of the trial.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.populations import endpoint
from blin_pipeline.outcomes.rules import small_number_rules
from blin_pipeline.outcomes.statistics.published_curve import published_curve
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort
from blin_pipeline.registry.reference import ExternalReference, load_references

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "external_reference"
OURS_FROM = "ours: overall survival counts from diagnosis"
YEARS = 3


class Ours(NamedTuple):
    """An endpoint of ours that stands beside."""

    param: str
    population: str
    time_zero: str


OURS = (Ours("OS", "ELIGIBLE", "diagnosis"), Ours("OSCR", "CR1", "first remission"))
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """One row per percentage that a reference gives, in its order; then ours at three years from each time zero.

    Args:
        frames: ``marts.time_to_event``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    times = table(frames, "marts.time_to_event")
    published = [row for reference in load_references() for row in _rows(build, reference)]
    return published + [_ours(build, times, each) for each in OURS]


def _ours(build: ResultBuilder, times: pd.DataFrame, each: Ours) -> ResultRow:
    """Our three-year survival from one time zero, all patients of the set; not the published population."""
    parameters = build.context.parameters
    chosen = endpoint(times, each.param, parameters.same_day_days).patients
    cohort = make_cohort(chosen["time"], chosen["event"])
    curve = published_curve(cohort, parameters.confidence_level)
    day = YEARS * parameters.days_per_year
    at_risk = int(np.count_nonzero(cohort.time >= day))
    deaths = int(np.count_nonzero(cohort.event & (cohort.time <= day)))
    text = f"ours, all of the set; time zero is {each.time_zero}; the published trial's is randomisation in MRD-negative remission"
    fixed = build.sharing(
        population=each.population,
        group=("time_zero", each.param),
        method="kaplan_meier",
        time_days=day,
        n=at_risk,
        n_event=deaths,
    )
    refusal = small_number_rules(parameters).fixed_time(at_risk)
    index = curve.index_at(day)
    if refusal or index < 0:
        state = "too_few" if cohort.n else "nothing_yet"
        return fixed.row("ours_survival", unit="fraction", state=state, reason=f"{refusal or 'no event yet'}; {text}")
    return fixed.row(
        "ours_survival",
        unit="fraction",
        value=curve.survival[index],
        lower=curve.lower[index],
        upper=curve.upper[index],
        se=curve.std_err[index],
        reason=text,
    )


def _rows(build: ResultBuilder, reference: ExternalReference) -> list[ResultRow]:
    text = f"external reference, not pooled; {reference.population}; {reference.value}; {reference.source}; {OURS_FROM}"
    group = ("reference", reference.reference_id)
    shared = build.sharing(population="EXTERNAL", method=reference.measure, reason=text)
    percents = [float(found) / 100.0 for found in _PERCENT.findall(reference.value)]
    if not percents:
        return [shared.row("external_value", unit="fraction", group=group, state="not_collected")]
    return [
        shared.row(
            "external_value", unit="fraction", group=("reference", f"{reference.reference_id}_{place + 1}"), value=value
        )
        for place, value in enumerate(percents)
    ]

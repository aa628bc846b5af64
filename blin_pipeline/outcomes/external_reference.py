"""Published results beside ours, in rows of their own and never pooled (clinical-spec 11).

Values are those of ``registry/study/external_reference.csv`` that were read in a public source (mark R); the loader refuses
the others. The population of the rows is EXTERNAL. Ours at fixed years stand beside, each with its own time zero in words.
The closest to trial E1910 counts from a landmark after remission in patients like those whom it randomised
(``is_e1910_like``); how far its time zero lies from theirs is printed with it. Nothing is tested against a published value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.builder import FixedRows, ResultBuilder
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.curve_rows import NO_INTERVAL
from blin_pipeline.outcomes.curve_steps import DELAYED, PLAIN
from blin_pipeline.outcomes.frames import days_between, is_true, table
from blin_pipeline.outcomes.populations import endpoint
from blin_pipeline.outcomes.rules import small_number_rules
from blin_pipeline.outcomes.statistics.published_curve import published_curve
from blin_pipeline.outcomes.statistics.risk_sets import NOBODY, Cohort, conditional_cohort, make_cohort
from blin_pipeline.registry.reference import ExternalReference, load_references

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "external_reference"
OURS_FROM = "ours: overall survival counts from diagnosis"
YEARS = 3
E1910_LIKE = "E1910_LIKE"
SURVIVAL_FROM_REMISSION = "OSCR"
#: What separates a landmark after remission from the time zero of the trial, in words.
APART = (
    "trial E1910 counts from randomisation, after induction and intensification, separately with and without "
    "blinatumomab; ours are all patients of the set, with and without"
)


class Ours(NamedTuple):
    """An endpoint of ours that stands beside."""

    param: str
    population: str
    time_zero: str


OURS = (Ours("OS", "ELIGIBLE", "diagnosis"), Ours("OSCR", "CR1", "first remission"))
#: Reasons of ``landmark_cohort``: alive, but the patient or the disease was not followed beyond the landmark.
NOT_FOLLOWED = ("CENSORED_BEFORE", "REMISSION_NOT_KNOWN")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?%")


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """One row per percentage that a reference gives, in its order; then ours from each time zero.

    Args:
        frames: ``marts.subject``, ``marts.time_to_event`` and ``marts.landmark_cohort``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Published values, ours by time zero, ours by landmark."""
    build = ResultBuilder(NAME, context)
    times = table(frames, "marts.time_to_event")
    subject = table(frames, "marts.subject")
    like = subject[is_true(subject["is_e1910_like"])]
    cohort = table(frames, "marts.landmark_cohort")
    cohort = cohort[(cohort["param_cd"] == SURVIVAL_FROM_REMISSION) & cohort["patient_key"].isin(like["patient_key"])]
    return {
        "published": partial(_published, build),
        **{each.param: partial(_ours, build, times, each) for each in OURS},
        **{
            f"landmark_{day}": partial(_from_landmark, build, like, cohort[cohort["landmark_day"] == day], day)
            for day in context.parameters.landmark_days
        },
    }


def _published(build: ResultBuilder) -> list[ResultRow]:
    return [row for reference in load_references() for row in _rows(build, reference)]


def _ours(build: ResultBuilder, times: pd.DataFrame, each: Ours) -> list[ResultRow]:
    """Our three-year survival from one time zero, all patients of the set; not the published population."""
    chosen = endpoint(times, each.param, build.context.parameters.same_day_days).patients
    text = f"ours, all of the set; time zero is {each.time_zero}; the published trial's is randomisation in MRD-negative remission"
    fixed = build.sharing(population=each.population, group=("time_zero", each.param), method=PLAIN)
    return list(_fixed_years(fixed, make_cohort(chosen["time"], chosen["event"]), text, (YEARS,)))


def _from_landmark(build: ResultBuilder, like: pd.DataFrame, cohort: pd.DataFrame, day: int) -> list[ResultRow]:
    """Survival from a landmark after remission in E1910_LIKE, who is left out, and the distance of the two time zeros."""
    fixed = build.sharing(population=E1910_LIKE, group=("landmark", f"{day:03d}"))
    used = cohort[is_true(cohort["at_risk"]) & cohort["cnsr"].notna()]
    reasons = cohort.loc[~cohort["patient_key"].isin(used["patient_key"]), "not_at_risk_reason_cd"]
    dates = like[like["patient_key"].isin(used["patient_key"])]
    before = days_between(dates["cr1_date"], dates["dx_date"]) + day
    rows = [
        fixed.count("ours_e1910_like_n", len(like), n=len(like)),
        fixed.count("ours_at_landmark_n", len(used), n=len(like)),
        fixed.count("ours_event_before_landmark_n", int((reasons == "RELAPSE_OR_DEATH_BEFORE").sum()), n=len(like)),
        fixed.count("ours_censored_before_landmark_n", int(reasons.isin(NOT_FOLLOWED).sum()), n=len(like)),
        fixed.count("ours_without_time_n", int((~like["patient_key"].isin(cohort["patient_key"])).sum()), n=len(like)),
        build.median(
            "ours_time_zero_after_diagnosis",
            before.tolist(),
            unit="days",
            population=E1910_LIKE,
            group=("landmark", f"{day:03d}"),
            n_event=len(used),
            reason=f"days from diagnosis to the landmark; {APART}",
        ),
    ]
    text = f"ours; time zero is day {day} after first remission, in patients alive in remission then; {APART}"
    years = tuple(range(1, YEARS + 1))
    plain = make_cohort(used["aval_from_landmark_days"], used["cnsr"] == 0)
    rows += _fixed_years(fixed.sharing(method=PLAIN), plain, text, years)
    minimum = build.context.parameters.min_at_risk_curve
    entry = used["delayed_entry_from_landmark_days"]
    late = conditional_cohort(used["aval_from_landmark_days"], used["cnsr"] == 0, entry, minimum)
    few = f"never {minimum} registered alive at risk together" if len(used) else ""
    rows += _fixed_years(fixed.sharing(method=DELAYED), late or NOBODY, f"{text}; delayed entry", years, few)
    return rows


def _fixed_years(
    fixed: FixedRows, cohort: Cohort, text: str, years: tuple[int, ...], refused: str = ""
) -> Iterator[ResultRow]:
    """Survival at whole years; refused with fewer at risk there than the small-number rules ask.

    ``refused`` says why nobody is in the cohort although there are patients.
    """
    parameters = fixed.build.context.parameters
    curve = published_curve(cohort, parameters.confidence_level)
    if cohort.start:
        text = f"{text}; conditional on being alive on day {cohort.start:g} of this clock"
    for year in years:
        day = year * parameters.days_per_year
        at_risk = int(np.count_nonzero((cohort.time >= day) & (cohort.entry <= day)))
        deaths = int(np.count_nonzero(cohort.event & (cohort.time <= day)))
        here = fixed.sharing(time_days=day, n=at_risk, n_event=deaths)
        refusal = small_number_rules(parameters).fixed_time(at_risk)
        index = curve.index_at(day)
        if cohort.n == 0:
            state, why = ("too_few", refused) if refused else ("nothing_yet", "no patient with a survival time")
            yield here.row("ours_survival", unit="fraction", state=state, reason=f"{why}; {text}")
        elif day < cohort.start:
            why = "before the start of the conditional curve"
            yield here.row("ours_survival", unit="fraction", state="not_estimable", reason=f"{why}; {text}")
        elif refusal:
            yield here.row("ours_survival", unit="fraction", state="too_few", reason=f"{refusal}; {text}")
        elif index < 0:
            yield here.row("ours_survival", unit="fraction", value=1.0, se=0.0, reason=f"{NO_INTERVAL}; {text}")
        else:
            yield here.row(
                "ours_survival",
                unit="fraction",
                value=curve.survival[index],
                lower=curve.lower[index],
                upper=curve.upper[index],
                se=curve.std_err[index],
                reason=f"{NO_INTERVAL}; {text}" if np.isnan(curve.lower[index]) else text,
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

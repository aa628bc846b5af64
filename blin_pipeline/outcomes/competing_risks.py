"""Cumulative incidence with competing risks: relapse and death in remission, start of blinatumomab, transplant, MRD.

Aalen-Johansen on ``marts.time_to_event``, never one minus Kaplan-Meier (clinical-spec 5). ``cir`` and ``nrm`` are the two
causes of one estimate, so that with relapse-free survival they sum to one at every time. A curve needs
``min_incidence_events`` events of its cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.curve_summaries import BOUNDS, compared_day, date_sensitivity
from blin_pipeline.outcomes.frames import table
from blin_pipeline.outcomes.populations import endpoint
from blin_pipeline.outcomes.rules import small_number_rules
from blin_pipeline.outcomes.statistics.aalen_johansen import CumulativeIncidence, aalen_johansen

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow
    from blin_pipeline.registry.parameters import Parameters

NAME = "competing_risks"
METHOD = "aalen_johansen"


class Incidence(NamedTuple):
    """A cause of an endpoint: statistic's begin, endpoint, event code, analysis set."""

    prefix: str
    param: str
    cause: int
    population: str


INCIDENCES = (
    Incidence("cir", "CIR", 1, "CR1"),
    Incidence("nrm", "CIR", 2, "CR1"),
    Incidence("blin_uptake", "TTBLIN", 1, "CR1_BLIN_NAIVE"),
    Incidence("blin_uptake_from_start", "TTBLIN_PLAN", 1, "TREATED_BLIN_NAIVE"),
    Incidence("transplant", "TTHSCT", 1, "CR1"),
    Incidence("mrd_negativity", "TTMRDNEG", 1, "TREATED"),
    Incidence("mrd_negativity_after_blin", "TTMRDNEG_BLIN", 1, "MRD_POS_AT_BLIN"),
)


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.time_to_event``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """Rows by cause."""
    build, times = ResultBuilder(NAME, context), table(frames, "marts.time_to_event")
    return {each.prefix: partial(_of_cause, build, times, each) for each in INCIDENCES}


def _of_cause(build: ResultBuilder, times: pd.DataFrame, each: Incidence) -> list[ResultRow]:
    parameters = build.context.parameters
    chosen = endpoint(times, each.param, parameters.same_day_days)
    patients = chosen.patients
    found = aalen_johansen(patients["time"], patients["event_code"], confidence_level=parameters.confidence_level)
    return [
        *_counts(build, each, patients, chosen.left_out),
        *_fixed_times(build, each, patients, found),
        *_curve(build, each, found),
        *_date_sensitivity(build, times, each),
    ]


def _counts(build: ResultBuilder, each: Incidence, patients: pd.DataFrame, left_out: int) -> list[ResultRow]:
    """Patients, events of the cause, competing events, censored: they sum to the patients."""
    code, total = patients["event_code"], len(patients)
    other = 2 if each.cause == 1 else 1
    counts = {
        "patients_n": total,
        "events_n": int((code == each.cause).sum()),
        "competing_n": int((code == other).sum()),
        "censored_n": int((code == 0).sum()),
        "left_out_n": left_out,
    }
    return [
        build.count(f"{each.prefix}_{name}", count, population=each.population, method=METHOD, n=total)
        for name, count in counts.items()
    ]


def _fixed_times(
    build: ResultBuilder, each: Incidence, patients: pd.DataFrame, found: CumulativeIncidence
) -> list[ResultRow]:
    """Incidence at the fixed times, with enough events of the cause and enough at risk there."""
    parameters, rules = build.context.parameters, small_number_rules(build.context.parameters)
    time, code = patients["time"].to_numpy(), patients["event_code"].to_numpy()
    refusal = rules.incidence(int((code == each.cause).sum()))
    rows = []
    for months in parameters.os_times_months:
        day = months * parameters.days_per_month
        at_risk = int(np.count_nonzero(time >= day))
        events = int(np.count_nonzero((time <= day) & (code == each.cause)))
        fields: RowFields = {"time_days": day, "n": at_risk, "n_event": events}
        index = found.index_at(day)
        if time.size == 0:
            fields |= {"state": "nothing_yet", "reason": "no patient with a time"}
        elif day > found.time[-1] and found.event_free[-1] > 0.0:
            fields |= {"state": "nothing_yet", "reason": "beyond the longest follow-up"}
        elif refusal or rules.fixed_time(at_risk):
            fields |= {"state": "too_few", "reason": refusal or rules.fixed_time(at_risk)}
        elif index < 0:
            fields |= {"value": 0.0, "se": 0.0, "reason": "no event up to here"}
        else:
            fields |= _estimate(found, index, each.cause - 1)
        fixed = build.sharing(population=each.population, method=METHOD)
        rows.append(fixed.row(f"{each.prefix}_incidence", unit="fraction", **fields))
    return rows


def _date_sensitivity(build: ResultBuilder, times: pd.DataFrame, each: Incidence) -> list[ResultRow]:
    """Incidence at one year with the earliest and latest times that partial dates allow, from enough events only."""
    parameters = build.context.parameters
    fixed = build.sharing(population=each.population, method=METHOD)
    estimates, refusals = {}, []
    for label, column in {"": "aval_days", **BOUNDS}.items():
        patients = endpoint(times, each.param, parameters.same_day_days, column).patients
        refusals.append(small_number_rules(parameters).incidence(int((patients["event_code"] == each.cause).sum())))
        estimates[label] = (_at_one_year(patients, each.cause, parameters), len(patients))
    main, _ = estimates.pop("")
    rows = []
    for fields in date_sensitivity(main, estimates, parameters):
        if any(refusals) and fields["n"]:
            fields |= {"state": "too_few", "reason": next(filter(None, refusals)), "value": None}
        rows.append(fixed.row(f"{each.prefix}_date_sensitivity", unit="fraction", **fields))
    return rows


def _at_one_year(patients: pd.DataFrame, cause: int, parameters: Parameters) -> float | None:
    """Incidence of a cause at one year; None when nobody is followed so long and not everybody had an event."""
    found, day = aalen_johansen(patients["time"], patients["event_code"]), compared_day(parameters)
    if found.time.size == 0 or (day > found.time[-1] and found.event_free[-1] > 0.0):
        return None
    index = found.index_at(day)
    return 0.0 if index < 0 else float(found.incidence[index, cause - 1])


def _curve(build: ResultBuilder, each: Incidence, found: CumulativeIncidence) -> list[ResultRow]:
    """The step function, one row per distinct time, when the cause has enough events."""
    rules = small_number_rules(build.context.parameters)
    place = each.cause - 1
    refusal = rules.incidence(int(found.events[:, place].sum())) if found.time.size else "no patient with a time"
    statistic = f"{each.prefix}_curve"
    fixed = build.sharing(population=each.population, method=METHOD)
    if refusal:
        state = "too_few" if found.time.size else "nothing_yet"
        return [fixed.row(statistic, unit="fraction", state=state, reason=refusal, time_days=0.0)]
    start = fixed.row(statistic, unit="fraction", time_days=0.0, value=0.0, se=0.0, n=int(found.at_risk[0]), n_event=0)
    return [start] + [
        fixed.sharing(**_estimate(found, index, place)).row(
            statistic,
            unit="fraction",
            time_days=day,
            n=int(found.at_risk[index]),
            n_event=int(found.events[index, place]),
        )
        for index, day in enumerate(found.time)
    ]


def _estimate(found: CumulativeIncidence, index: int, place: int) -> RowFields:
    return {
        "value": found.incidence[index, place],
        "lower": found.lower[index, place],
        "upper": found.upper[index, place],
        "se": found.std_err[index, place],
        "reason": "no interval: the estimate is one or zero" if np.isnan(found.lower[index, place]) else "",
    }

"""All expectations of one registry in one object."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from blin_pipeline.sandbox.synthetic.truth import Truth

from .course import Course, course
from .eligibility import ELIGIBLE, REMOVED, Eligibility, judge
from .exposure import Cycle, cycles
from .proportion import clopper_pearson
from .records import Record
from .response import Response, respond
from .survival import DAYS_PER_MONTH, Survival, delayed_rows, plain_rows, product_limit, survive


class CyclePlace(NamedTuple):
    """Where a cycle stands: record, the number that the centre gave it, and its instance."""

    record_id: str
    cycle_number: int
    instance: int


@dataclass(frozen=True)
class Proportion:
    """A proportion with its Clopper-Pearson interval (None without patients)."""

    numerator: int
    denominator: int
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class OverallSurvival:
    """Survival probabilities by months; ``start`` is the day on which they are conditional (delayed entry)."""

    patients: int
    deaths: int
    start: float
    by_months: dict[int, float | None]


@dataclass(frozen=True)
class Expected:
    """What the pipeline should find.

    Attributes:
        status_counts: Eligibility status -> records (REMOVED apart: those are in no table).
        eligibility: Record id -> status, criteria and reasons.
        courses: Record id -> dates of death, relapse, refractory disease and end of frontline, eligible records only.
        responses: Record id -> response, eligible records only.
        complete_remission: Denominator D1, D2, D3 -> proportion.
        survival: Record id -> days, death and entry, eligible records with a date of diagnosis.
        overall_survival: From diagnosis, all eligible.
        overall_survival_delayed: Delayed entry, consented patients only.
        exposure: Place -> exposure of every cycle of every record that is not removed.
    """

    status_counts: dict[str, int]
    eligibility: dict[str, Eligibility]
    courses: dict[str, Course]
    responses: dict[str, Response]
    complete_remission: dict[str, Proportion]
    survival: dict[str, Survival]
    overall_survival: OverallSurvival
    overall_survival_delayed: OverallSurvival
    exposure: dict[CyclePlace, Cycle]


def expected(truth: Truth, cut: datetime | None = None, months: tuple[int, ...] = (12, 24)) -> Expected:
    """Compute every expectation.

    Args:
        truth: The generator's truth.
        cut: Exclusive end of observation (naive UTC) for infusions that still run; the end of the cut's day at each centre's own
            clock when None.
        months: Times of the survival estimates.
    """
    records = [Record(record, truth.plan.data_cut) for record in truth.records]
    judged = {record.record_id: judge(record) for record in records}
    eligible = [record for record in records if judged[record.record_id].status == ELIGIBLE]
    responses = {record.record_id: respond(record) for record in eligible}
    times = {record.record_id: found for record in eligible if (found := survive(record)) is not None}
    kept = [record for record in records if judged[record.record_id].status != REMOVED]
    return Expected(
        status_counts=dict(sorted(Counter(result.status for result in judged.values()).items())),
        eligibility=judged,
        courses={record.record_id: course(record) for record in eligible},
        responses=responses,
        complete_remission={name: _proportion(responses, name) for name in ("D1", "D2", "D3")},
        survival=times,
        overall_survival=_estimate(0.0, plain_rows(list(times.values())), months),
        overall_survival_delayed=_estimate(*delayed_rows(list(times.values())), months),
        exposure={
            CyclePlace(record.record_id, number, instance): cycle
            for record in kept
            for (number, instance), cycle in cycles(record, cut).items()
        },
    )


def _proportion(responses: dict[str, Response], name: str) -> Proportion:
    inside = [r for r in responses.values() if {"D1": r.in_d1, "D2": r.in_d2, "D3": r.in_d3}[name]]
    numerator = sum(r.responder for r in inside)
    if not inside:
        return Proportion(0, 0, None, None)
    lower, upper = clopper_pearson(numerator, len(inside))
    return Proportion(numerator, len(inside), lower, upper)


def _estimate(start: float, rows: list[tuple[float, float, bool]], months: tuple[int, ...]) -> OverallSurvival:
    return OverallSurvival(
        patients=len(rows),
        deaths=sum(died for _, _, died in rows),
        start=start,
        by_months={month: product_limit(rows, month * DAYS_PER_MONTH) if rows else None for month in months},
    )

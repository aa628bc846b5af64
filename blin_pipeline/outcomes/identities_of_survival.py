"""Identities of overall survival: nobody is lost between the table, the curve and the numbers below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from blin_pipeline.outcomes.identity import SUBJECT, Frames, Identity, Results, eligible_n


def _at_risk(results: Results, _: Frames) -> Iterator[bool]:
    parts = ("os_at_risk_n", "os_deaths_n", "os_censored_n")
    sums: dict[tuple[str, float | None], float] = {}
    totals: dict[tuple[str, float | None], set[int | None]] = {}
    for statistic in parts:
        for row in results.rows("overall_survival", statistic):
            key = (row.method, row.time_days)
            sums[key] = sums.get(key, 0.0) + (row.value or 0.0)
            totals.setdefault(key, set()).add(row.n)
    for row in results.rows("overall_survival", "os_entered_n"):
        totals[row.method, row.time_days].add(None if row.value is None else int(row.value))
    for key, total in totals.items():
        yield total == {sums[key]}


def _survival_patients(results: Results, frames: Frames) -> Iterator[bool]:
    def of(method: str, statistic: str, labels: Sequence[str] = ()) -> float:
        return sum(
            row.value or 0.0
            for row in results.rows("overall_survival", statistic)
            if row.method == method and (not labels or row.group_label in labels)
        )

    yield of("kaplan_meier", "os_patients_n") + of("kaplan_meier", "os_left_out_n") == eligible_n(frames)
    for method in ("kaplan_meier", "kaplan_meier_delayed_entry"):
        deaths = sum(row.n_event or 0 for row in results.rows("overall_survival", "os_curve") if row.method == method)
        yield deaths == of(method, "os_deaths_total_n")
        yield deaths + of(method, "os_censored_at") == of(method, "os_patients_n")


def _survival_falls(results: Results, _: Frames) -> Iterator[bool]:
    for method in ("kaplan_meier", "kaplan_meier_delayed_entry"):
        curve = [row for row in results.rows("overall_survival", "os_curve") if row.method == method]
        curve.sort(key=lambda row: row.time_days or 0.0)
        for before, step in pairwise(curve):
            yield (before.value or 0.0) >= (step.value or 0.0)
            yield before.value != 0.0 or not step.n


def _same_patients(results: Results, _: Frames) -> Iterator[bool]:
    survival = results.rows("overall_survival", "os_patients_n")
    available = results.total("enrolment", "flow_available_n", "available_for", ("OVERALL_SURVIVAL",))
    yield [row.value for row in survival if row.method == "kaplan_meier"] == [available]
    delayed = results.total("enrolment", "flow_available_n", "available_for", ("DELAYED_ENTRY",))
    left_out = sum(
        row.value or 0.0
        for row in results.rows("overall_survival", "os_left_out_n")
        if row.method == "kaplan_meier_delayed_entry"
    )
    used = [row.value or 0.0 for row in survival if row.method == "kaplan_meier_delayed_entry"]
    yield [value + left_out for value in used] == [delayed]


SURVIVAL_IDENTITIES: tuple[Identity, ...] = (
    Identity(
        "at_risk_deaths_censored",
        "At risk, deaths and censored sum to the patients (entered by then) at every tick.",
        ("overall_survival",),
        (),
        _at_risk,
    ),
    Identity(
        "survival_patients_complete",
        "Every eligible patient is on the curve or counted as left out; deaths and censorings sum to its patients.",
        ("overall_survival",),
        SUBJECT,
        _survival_patients,
    ),
    Identity(
        "survival_never_rises",
        "A survival curve never rises, and is not zero while somebody is at risk.",
        ("overall_survival",),
        (),
        _survival_falls,
    ),
    Identity(
        "survival_patients_as_in_flow",
        "Survival uses the patients that the flow says are available for it.",
        ("enrolment", "overall_survival"),
        (),
        _same_patients,
    ),
)

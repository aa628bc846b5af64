"""Overall survival from diagnosis: one time per eligible record, and the product-limit estimate by hand."""

from __future__ import annotations

from dataclasses import dataclass

from .course import course
from .records import Record, day

DAYS_PER_MONTH = 30.4375
SAME_DAY = 0.5
MIN_AT_RISK_AT_START = 10


@dataclass(frozen=True)
class Survival:
    """One record: days from diagnosis to death or last contact, and the day on which the registry met the patient.

    Attributes:
        days: Plain difference in days.
        died: Whether it ends in death.
        entry: Day of registration after diagnosis for patients who signed consent; None for everybody else.
    """

    days: int
    died: bool
    entry: int | None


def survive(record: Record) -> Survival | None:
    """Survival of one record; None without a usable date of diagnosis."""
    dates = course(record)
    if dates.diagnosis is None:
        return None
    end = dates.death or dates.last_alive or dates.diagnosis
    form = record.once("registration")
    registered = day(form, "reg_date")
    signed = form.get("consent_status") in (1, 2, 6)
    entry = None if registered is None or not signed else max(0, (registered - dates.diagnosis).days)
    return Survival((end - dates.diagnosis).days, dates.death is not None, entry)


def product_limit(rows: list[tuple[float, float, bool]], at: float) -> float:
    """Kaplan-Meier estimate at a time; rows are (entry, exit, died), at risk on (entry, exit].

    The estimate at a time beyond the last exit is that at the last exit.
    """
    estimate = 1.0
    for time in sorted({stop for _, stop, died in rows if died and stop <= at}):
        at_risk = sum(entry < time <= stop for entry, stop, _ in rows)
        deaths = sum(died and stop == time for _, stop, died in rows)
        estimate *= 1.0 - deaths / at_risk
    return estimate


def plain_rows(patients: list[Survival]) -> list[tuple[float, float, bool]]:
    """All patients at risk from diagnosis; time 0 counts half a day."""
    return [(0.0, _time(patient), patient.died) for patient in patients]


def delayed_rows(patients: list[Survival]) -> tuple[float, list[tuple[float, float, bool]]]:
    """Patients who signed, at risk from registration; the start is the first time after which ten are at risk.

    Returns:
        The start (0 when ten are at risk from the beginning) and the rows conditional on it.
    """
    rows = [(float(p.entry), _time(p), p.died) for p in patients if p.entry is not None and p.entry < _time(p)]
    for start in sorted({0.0, *(entry for entry, _, _ in rows)}):
        if sum(entry <= start < stop for entry, stop, _ in rows) >= MIN_AT_RISK_AT_START:
            return start, [(max(entry, start), stop, died) for entry, stop, died in rows if stop > start]
    return 0.0, []


def _time(patient: Survival) -> float:
    return SAME_DAY if patient.days == 0 else float(patient.days)

"""Reading one record of the truth: typed access, and the rule that later rows do not exist."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import wraps
from typing import TypeVar, cast

from blin_pipeline.sandbox.synthetic.truth import Recorded, RecordTruth

Row = dict[str, Recorded]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Record:
    """One record with the last day that counts for it (data cut).

    Attributes:
        truth: The generator's record.
        data_cut: Last day of observation.
        known: What was worked out of this record already, by function.
    """

    truth: RecordTruth
    data_cut: date
    known: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def record_id(self) -> str:
        return self.truth.record_id

    @property
    def time_zone(self) -> str | None:
        return self.truth.time_zone

    def rows(self, form: str) -> list[Row]:
        """Rows of a form in order of instance."""
        return [{"instance": row.instance or 0, **row.values} for row in self.truth.recorded.get(form, [])]

    def once(self, form: str) -> Row:
        """The row of a once-only form; empty when it was never opened."""
        rows = self.rows(form)
        return rows[0] if rows else {}

    @property
    def withdrawn(self) -> date | None:
        """Date of a withdrawal that keeps the data held (scope 1); None also where the date is missing or before the consent."""
        form = self.once("registration")
        left, signed = day(form, "withdraw_date"), day(form, "consent_date")
        if form.get("consent_status") != 6 or form.get("withdraw_scope") != 1 or left is None:
            return None
        return left if left.year >= 1900 and (signed is None or signed <= left) else None

    @property
    def last_day(self) -> date:
        """Last day whose rows count: the data cut, or an earlier withdrawal."""
        return min(self.data_cut, self.withdrawn) if self.withdrawn is not None else self.data_cut

    def dated(self, form: str, name: str) -> Iterator[tuple[date, Row]]:
        """Rows of a form with their date, those only that exist for an analysis, in order of date."""
        found = [(at, row) for row in self.rows(form) if (at := day(row, name)) is not None and at <= self.last_day]
        yield from sorted(found, key=lambda pair: pair[0])


def day(row: Row, name: str) -> date | None:
    """Calendar day of a date or clock-time field."""
    text = row.get(name)
    return date.fromisoformat(text[:10]) if isinstance(text, str) else None


def moment(row: Row, name: str) -> datetime | None:
    """Clock time of a field, local and without zone."""
    text = row.get(name)
    return datetime.strptime(text, "%Y-%m-%d %H:%M") if isinstance(text, str) else None


def number(row: Row, name: str) -> float | None:
    """Number of a field."""
    value = row.get(name)
    return float(value) if isinstance(value, (int, float)) else None


def possible_days(typed: date | None, precision: Recorded | None) -> tuple[date, date] | None:
    """First and last day that a typed date can stand for: code 1 that day, 2 its month, anything else its year."""
    if typed is None:
        return None
    if precision == 1:
        return typed, typed
    if precision == 2:
        return typed.replace(day=1), typed.replace(day=calendar.monthrange(typed.year, typed.month)[1])
    return date(typed.year, 1, 1), date(typed.year, 12, 31)


def remembered(function: Callable[[Record], Result]) -> Callable[[Record], Result]:
    """Work a function of a record out once; its result must be left as it is."""
    name = f"{function.__module__}.{function.__qualname__}"

    @wraps(function)
    def once(record: Record) -> Result:
        if name not in record.known:
            record.known[name] = function(record)
        return cast("Result", record.known[name])

    return once

"""Rows of ``report.result``, found by what they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self

from blin_pipeline.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: State given to a row that is not in the table at all: its outcome did not compute.
ABSENT: Final = "absent"
OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class Row:
    """One estimate of ``report.result``.

    Proportions are fractions, ``n`` their denominator and ``n_event`` their numerator. ``value`` is only to be shown when
    ``state`` is ``ok``. ``time_days`` counts from diagnosis.
    """

    outcome: str
    statistic: str
    result_id: str = ""
    population: str = ""
    denominator: str = ""
    group_variable: str = "all"
    group_label: str = "all"
    time_days: float | None = None
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    se: float | None = None
    n: int | None = None
    n_event: int | None = None
    unit: str = ""
    method: str = ""
    state: str = ABSENT
    reason: str = ""
    parameters_hash: str = ""
    cut_id: str = ""

    @property
    def ok(self) -> bool:
        """Whether the row holds a number that may be shown."""
        return self.state == OK and self.value is not None

    @property
    def number(self) -> float:
        """The value of a row that is ``ok``.

        Raises:
            DataError: The row holds no value (``E_REPORT_ROWS``).
        """
        if self.value is None or self.state != OK:
            raise DataError(
                "E_REPORT_ROWS",
                f"the row of {self.outcome}.{self.statistic} was read as a number but its state is {self.state}",
                fix="report this as a fault of the report",
            )
        return self.value

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """A row from one record of the table; text that is null becomes blank, a NaN is a null."""
        known: dict[str, Any] = {field.name: record.get(field.name) for field in fields(cls)}
        known |= {name: None for name, value in known.items() if isinstance(value, float) and math.isnan(value)}
        return cls(**known | {name: "" for name in _TEXT if known[name] is None})


_TEXT: Final = frozenset(field.name for field in fields(Row) if field.type == "str")


class Results:
    """All rows of one release, in the order of their ``result_id``."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._by_statistic: dict[tuple[str, str], list[Row]] = {}
        for row in sorted((Row.of(record) for record in records), key=lambda row: row.result_id):
            self._by_statistic.setdefault((row.outcome, row.statistic), []).append(row)
        self.outcomes = frozenset(outcome for outcome, _ in self._by_statistic)

    def __iter__(self) -> Iterator[Row]:
        """Every row."""
        for rows in self._by_statistic.values():
            yield from rows

    def many(self, outcome: str, statistic: str, **wanted: object) -> list[Row]:
        """Rows of a statistic whose columns equal ``wanted``, sorted by time, then by ``result_id``."""
        found = [
            row
            for row in self._by_statistic.get((outcome, statistic), [])
            if all(getattr(row, column) == value for column, value in wanted.items())
        ]
        return sorted(found, key=lambda row: -1.0 if row.time_days is None else row.time_days)

    def one(self, outcome: str, statistic: str, **wanted: object) -> Row:
        """The only row of a statistic; without ``group_variable`` the row of all patients.

        A statistic that is not in the table gives a row with state ``absent``: the page then says so.

        Raises:
            DataError: Several rows answer (``E_REPORT_ROWS``): showing one of them would be a guess.
        """
        wanted.setdefault("group_variable", "all")
        found = self.many(outcome, statistic, **wanted)
        if len(found) > 1:
            raise DataError(
                "E_REPORT_ROWS",
                f"{len(found)} rows answer to one number of the report ({outcome}.{statistic})",
                fix="make method, population, denominator or group of these rows differ, or name them in the report",
            )
        return found[0] if found else Row(outcome, statistic)

    def by_group(self, outcome: str, statistic: str, group_variable: str) -> dict[str, Row]:
        """Rows of a statistic by group label, in the order of their ``result_id``."""
        return {row.group_label: row for row in self.many(outcome, statistic, group_variable=group_variable)}


def read_results(connection: DuckDBPyConnection) -> list[dict[str, Any]]:
    """Every row of ``report.result`` as a record."""
    return _records(connection, "select * from report.result order by result_id")


def read_meta(connection: DuckDBPyConnection) -> dict[str, str]:
    """``meta.release`` as key to value."""
    pairs = _records(connection, 'select "key", "value" from meta.release order by "key"')
    return {str(pair["key"]): "" if pair["value"] is None else str(pair["value"]) for pair in pairs}


def _records(connection: DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

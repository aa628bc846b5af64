"""The one contract of all outcomes: a long table with one row per estimate (``report.result``).

A number that cannot be given is a row as well: its value is null and its state says why. No NaN ever leaves this room.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from blin_pipeline.errors import DataError

State = Literal["ok", "not_estimable", "not_reached", "too_few", "nothing_yet", "not_collected"]
STATES: tuple[str, ...] = get_args(State)

#: Units a row may carry.
UNITS = frozenset(
    (
        "fraction",
        "patients",
        "days",
        "months",
        "month",
        "cycles",
        "mcg",
        "count",
        "forms",
        "queries",
        "rows",
        "values",
        "ratio",
        "weight",
        "years",
        "chi_square",
        "grade",
    )
)
_ROUNDING = 1e-12


class ResultColumn(NamedTuple):
    """A column of ``report.result``: name, Arrow type by name, what it holds."""

    name: str
    arrow_type: Literal["string", "double", "int64"]
    description: str


RESULT_COLUMNS: tuple[ResultColumn, ...] = (
    ResultColumn("result_id", "string", "Stable readable key of the estimate, unique; the same from cut to cut."),
    ResultColumn("outcome", "string", "Outcome that computed the row, e.g. overall_survival."),
    ResultColumn("statistic", "string", "What is estimated, e.g. os_survival."),
    ResultColumn(
        "population", "string", "Analysis set: RECORDS, ELIGIBLE, TREATED, EXPOSED, DELAYED_ENTRY, CR1, BLIN_FL ..."
    ),
    ResultColumn("denominator", "string", "D1, D2 or D3 of the response definition, else empty."),
    ResultColumn("group_variable", "string", "What the group is a value of: all, site, month, backbone, criterion ..."),
    ResultColumn("group_label", "string", "Value of the group variable; all when there is no grouping."),
    ResultColumn(
        "time_days", "double", "Days since the time zero of the statistic (diagnosis for survival), else null."
    ),
    ResultColumn("value", "double", "The estimate in its unit; null when the state is not ok."),
    ResultColumn(
        "lower", "double", "Lower confidence limit, or first quartile beside a median; null when there is none."
    ),
    ResultColumn(
        "upper", "double", "Upper confidence limit, or third quartile beside a median; null when there is none."
    ),
    ResultColumn("se", "double", "Standard error of the value, of its logarithm for a ratio; null when not given."),
    ResultColumn("n", "int64", "Denominator: patients, cycles or forms behind the value; numbers at risk on a curve."),
    ResultColumn("n_event", "int64", "Numerator: responders, deaths, or patients with the property."),
    ResultColumn("unit", "string", "Unit of value, lower and upper; fractions run from 0 to 1."),
    ResultColumn(
        "method", "string", "Estimator, e.g. clopper_pearson, wilson, kaplan_meier, kaplan_meier_delayed_entry."
    ),
    ResultColumn("state", "string", "ok, not_estimable, not_reached, too_few, nothing_yet or not_collected."),
    ResultColumn("reason", "string", "Why there is no value, or a note that belongs to it; empty otherwise."),
    ResultColumn("parameters_hash", "string", "SHA-256 of the parameter set that the rules used."),
    ResultColumn("cut_id", "string", "Identifier of the data cut."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One estimate. Fields are described in ``RESULT_COLUMNS``.

    Raises:
        DataError: ``E_RESULT_INVALID`` when a number is not finite, limits do not enclose the value, a value
            stands beside a state other than ok, or a word lies outside its vocabulary.
    """

    result_id: str
    outcome: str
    statistic: str
    population: str
    denominator: str
    group_variable: str
    group_label: str
    time_days: float | None
    value: float | None
    lower: float | None
    upper: float | None
    se: float | None
    n: int | None
    n_event: int | None
    unit: str
    method: str
    state: str
    reason: str
    parameters_hash: str
    cut_id: str

    def __post_init__(self) -> None:
        """Refuse a row that breaks the contract."""
        fault = self._fault()
        if fault:
            raise DataError(
                "E_RESULT_INVALID",
                f"The result row {self.result_id!r} {fault}.",
                fix="This is a fault in the outcome's code: report it with the row's id.",
            )

    def _fault(self) -> str:
        """The first broken rule in words, empty when all hold."""
        numbers = (self.time_days, self.value, self.lower, self.upper, self.se)
        if any(number is not None and not math.isfinite(number) for number in numbers):
            return "holds a number that is not finite"
        if self.state not in STATES:
            return "has an unknown state"
        if self.unit not in UNITS:
            return "has an unknown unit"
        if self.state == "ok" and self.value is None:
            return "has no value although its state is ok"
        if self.state != "ok" and (self.value is not None or not self.reason):
            return "has a value, or no reason, although its state is not ok"
        if any(count is not None and count < 0 for count in (self.n, self.n_event)):
            return "has a negative count"
        limits = [number for number in (self.lower, self.value, self.upper) if number is not None]
        if any(left > right + _ROUNDING for left, right in pairwise(limits)):
            return "has limits that do not enclose its value"
        if not (self.result_id and self.outcome and self.statistic and self.population and self.group_variable):
            return "lacks a key column"
        return ""


def result_id(
    outcome: str,
    statistic: str,
    population: str,
    *,
    denominator: str = "",
    method: str = "",
    group_variable: str = "all",
    group_label: str = "all",
    order: int | None = None,
    time_days: float | None = None,
) -> str:
    """Readable key: the parts that are not empty, joined by ``/``.

    Days are written with leading zeros and steps with their two-digit order, so that sorting by key sorts by time and
    step.
    """
    parts = [outcome, statistic, population, denominator, method]
    if group_variable != "all":
        rank = "" if order is None else f"{order:02d}_"
        parts.append(f"{group_variable}={rank}{group_label}")
    if time_days is not None:
        parts.append(f"day={time_days:09.3f}")
    return "/".join(part for part in parts if part)


def require_unique(rows: Iterable[ResultRow]) -> None:
    """Raise ``DataError`` (``E_RESULT_DUPLICATE``) when two rows carry one key."""
    seen: set[str] = set()
    for row in rows:
        if row.result_id in seen:
            raise DataError(
                "E_RESULT_DUPLICATE",
                f"Two result rows carry the key {row.result_id!r}.",
                fix="This is a fault in the outcome's code: report it with the row's id.",
            )
        seen.add(row.result_id)

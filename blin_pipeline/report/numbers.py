"""Numbers in words, one way everywhere: percent, intervals, days, months, and the state of a row without a number.

Percents have one decimal, intervals read "a to b", nothing is ever a dash: a missing number says why it is missing.
"""

from __future__ import annotations

import math
from typing import Final

from blin_pipeline.report import words
from blin_pipeline.report.rows import OK, Row

#: Mean length of a month in days (clinical definition of the registry: 365.25 / 12).
DAYS_PER_MONTH: Final = 30.4375
_MONTH_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def count(value: float) -> str:
    """A whole number with thousands marked: ``1,204``."""
    return f"{value:,.0f}"


def decimal(value: float, digits: int = 1, *, all_digits: bool = False) -> str:
    """A number with at most ``digits`` decimals; trailing zeros are dropped: ``3``, ``2.5``, ``0.04``.

    ``all_digits`` keeps them, where an estimate and its limits are to show the same precision: ``0.10``.
    """
    text = f"{value:,.{digits}f}"
    if not all_digits:
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.removeprefix("-") if not any(digit in text for digit in "123456789") else text


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction as percent: ``0.853`` gives ``85.3%``."""
    return f"{fraction * 100:.{digits}f}%"


def percent_range(lower: float | None, upper: float | None) -> str:
    """``79.3 to 89.6%``; a limit that does not exist says so."""
    if lower is None and upper is None:
        return "no interval"
    if lower is None or upper is None:
        low = "no lower limit" if lower is None else percent(lower)
        high = "no upper limit" if upper is None else percent(upper)
        return f"{low} to {high}"
    return f"{lower * 100:.1f} to {percent(upper)}"


def decimal_range(lower: float | None, upper: float | None, digits: int = 1, *, all_digits: bool = False) -> str:
    """``2 to 4``; an upper limit that a curve never reaches is ``not reached``."""
    if lower is None and upper is None:
        return "no interval"
    low = "not reached" if lower is None else decimal(lower, digits, all_digits=all_digits)
    high = "not reached" if upper is None else decimal(upper, digits, all_digits=all_digits)
    return f"{low} to {high}"


def months_of(days: float) -> float:
    """Days as months of 30.4375 days."""
    return days / DAYS_PER_MONTH


def days_of(months: float) -> float:
    """Months of 30.4375 days as days."""
    return months * DAYS_PER_MONTH


def month_index(month: str) -> int:
    """``YYYY-MM`` as a running number of months."""
    year, number = month.split("-")[:2]
    return int(year) * 12 + int(number) - 1


def month_text(month: str | int) -> str:
    """``2026-06`` or a running month number as ``Jun 2026``; other text is returned as it is."""
    if isinstance(month, str):
        try:
            number = month_index(month)
        except ValueError:
            return month
    else:
        number = month
    return f"{_MONTH_NAMES[number % 12]} {number // 12}"


def month_after(month: str, days: float) -> str:
    """The month that lies ``days`` after the end of ``month``: ``("2026-06", 20)`` gives ``Jul 2026``."""
    return month_text(month_index(month) + max(0, math.ceil(months_of(days))))


def state_text(row: Row) -> str:
    """Why a row shows no number."""
    state = row.state if row.state != OK or row.value is not None else "not_estimable"
    return words.say("state", state)


def count_of(row: Row) -> str:
    """The count of a row, or its state in words."""
    return count(row.number) if row.ok else state_text(row)


def percent_of(row: Row) -> str:
    """The percent of a row, or its state in words."""
    return percent(row.number) if row.ok else state_text(row)


def ratio_of(row: Row) -> str:
    """``139 of 163``; only the denominator when the numerator is withheld."""
    if row.n is None:
        return "no denominator"
    return f"of {count(row.n)}" if row.n_event is None else f"{count(row.n_event)} of {count(row.n)}"


def range_of(row: Row, digits: int = 1) -> str:
    """The interval of a row, ``79.3 to 89.6%`` or ``2 to 4``; blank when the row has no number."""
    if not row.ok:
        return ""
    return (
        percent_range(row.lower, row.upper) if row.unit == "fraction" else decimal_range(row.lower, row.upper, digits)
    )


def value_of(row: Row, digits: int = 1) -> str:
    """The value of a row in its unit, without its interval, or the state in words."""
    if not row.ok:
        return state_text(row)
    return percent(row.number) if row.unit == "fraction" else decimal(row.number, digits)


def percent_with_range(row: Row) -> str:
    """``85.3% (79.3 to 89.6%)``, or the state in words."""
    return f"{percent(row.number)} ({percent_range(row.lower, row.upper)})" if row.ok else state_text(row)


def median_of(row: Row, digits: int = 1, *, all_digits: bool = False) -> str:
    """``3 (2 to 4)``, or the state in words; a fraction is shown as percent."""
    if not row.ok:
        return state_text(row)
    if row.unit == "fraction":
        return percent_with_range(row)
    limits = decimal_range(row.lower, row.upper, digits, all_digits=all_digits)
    return f"{decimal(row.number, digits, all_digits=all_digits)} ({limits})"

"""The functions of REDCap's expressions: arguments and scope in, one value out; a blank where there is no result.

Source: ``docs/redcap.md`` section 10. Blanks and texts that are no number are left out by ``sum``, ``mean``, ``median``,
``min``, ``max`` and ``stdev``; with nothing left these give a blank (assumed for ``sum``).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from blin_pipeline.sandbox.logic.scope import Scope
from blin_pipeline.sandbox.logic.values import Value, moment, number, rounded, text, truth

Arguments = Sequence[Value]
Function = Callable[[Arguments, Scope], Value]

#: Unit of ``datediff`` and ``calcdate`` -> seconds. A year has 365.2425 days, a month 30.44.
_SECONDS: Mapping[str, float] = {
    "y": 86400 * 365.2425,
    "M": 86400 * 30.44,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
}
_DATE_FORMATS = frozenset({"ymd", "mdy", "dmy"})


def _numbers(arguments: Arguments) -> list[float]:
    return [found for found in map(number, arguments) if found is not None]


def _over_numbers(function: Callable[[list[float]], float], least: int = 1) -> Function:
    def call(arguments: Arguments, _: Scope) -> Value:
        numbers = _numbers(arguments)
        return float(function(numbers)) if len(numbers) >= least else ""

    return call


def _of_number(function: Callable[[float], float]) -> Function:
    def call(arguments: Arguments, _: Scope) -> Value:
        found = number(arguments[0])
        return "" if found is None else function(found)

    return call


def _rounding(kind: str) -> Function:
    def call(arguments: Arguments, _: Scope) -> Value:
        found = number(arguments[0])
        places = number(arguments[1]) if len(arguments) > 1 else 0.0
        return "" if found is None or places is None else rounded(kind, found, int(places))

    return call


def _if(arguments: Arguments, _: Scope) -> Value:
    return arguments[1] if truth(arguments[0]) else arguments[2]


def _datediff(arguments: Arguments, scope: Scope) -> Value:
    """Difference of two moments; signed only when asked for by the last argument."""
    first, second, unit = moment(arguments[0], scope.now), moment(arguments[1], scope.now), text(arguments[2])
    if first is None or second is None or unit not in _SECONDS:
        return ""
    difference = (second - first).total_seconds() / _SECONDS[unit]
    options = [text(value).lower() for value in arguments[3:] if text(value).lower() not in _DATE_FORMATS]
    return difference if options and options[-1] in {"true", "1"} else abs(difference)


def _calcdate(arguments: Arguments, scope: Scope) -> Value:
    """``calcdate(moment, amount, unit)`` in full: date, hour, minute, second."""
    start, amount, unit = moment(arguments[0], scope.now), number(arguments[1]), text(arguments[2])
    if start is None or amount is None or unit not in _SECONDS:
        return ""
    if unit == "y" and amount.is_integer():
        return _in_months(start, int(amount) * 12)
    if unit == "M" and amount.is_integer():
        return _in_months(start, int(amount))
    return (start + timedelta(seconds=amount * _SECONDS[unit])).isoformat(sep=" ")


def _in_months(start: datetime, months: int) -> Value:
    """Whole months on; a day that the month lacks runs over into the next month, as in PHP."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return ""
    return (start.replace(year=year, month=month + 1, day=1) + timedelta(days=start.day - 1)).isoformat(sep=" ")


def _logarithm(arguments: Arguments, _: Scope) -> Value:
    numbers = _numbers(arguments)
    if len(numbers) != len(arguments) or min(numbers) <= 0 or (len(numbers) > 1 and numbers[1] == 1):
        return ""
    return math.log(numbers[0]) if len(numbers) == 1 else math.log(numbers[0], numbers[1])


def _modulo(arguments: Arguments, _: Scope) -> Value:
    numbers = _numbers(arguments)
    return math.fmod(numbers[0], numbers[1]) if len(numbers) == 2 and numbers[1] else ""


def _on_texts(function: Callable[..., Value | bool]) -> Function:
    def call(arguments: Arguments, _: Scope) -> Value:
        found = function(*map(text, arguments))
        return float(found) if isinstance(found, bool) else found

    return call


def _part(kind: str) -> Function:
    def call(arguments: Arguments, _: Scope) -> Value:
        shown, sizes = text(arguments[0]), [int(size) for size in _numbers(arguments[1:])]
        if len(sizes) != len(arguments) - 1 or min(sizes) < 0:
            return ""
        if kind == "left":
            return shown[: sizes[0]]
        if kind == "right":
            return shown[-sizes[0] :] if sizes[0] else ""
        return shown[max(sizes[0] - 1, 0) :][: sizes[1]]

    return call


def _date_part(name: str) -> Function:
    def call(arguments: Arguments, scope: Scope) -> Value:
        found = moment(arguments[0], scope.now)
        return "" if found is None else float(getattr(found, name))

    return call


def _is_blank(arguments: Arguments, scope: Scope) -> Value:
    return float(text(arguments[0]) == "" or text(arguments[0]) in scope.missing_data_codes)


def _is_missing_code(arguments: Arguments, scope: Scope) -> Value:
    return float(text(arguments[0]) in scope.missing_data_codes)


def _is_integer(arguments: Arguments, _: Scope) -> Value:
    found = number(arguments[0])
    return float(found is not None and found.is_integer())


#: Name -> least and largest number of arguments (None for any), and the function.
FUNCTIONS: Mapping[str, tuple[int, int | None, Function]] = {
    "if": (3, 3, _if),
    "round": (1, 2, _rounding("round")),
    "roundup": (1, 2, _rounding("roundup")),
    "rounddown": (1, 2, _rounding("rounddown")),
    "abs": (1, 1, _of_number(abs)),
    "sqrt": (1, 1, _of_number(math.sqrt)),
    "exponential": (1, 1, _of_number(math.exp)),
    "log": (1, 2, _logarithm),
    "mod": (2, 2, _modulo),
    "min": (1, None, _over_numbers(min)),
    "max": (1, None, _over_numbers(max)),
    "sum": (1, None, _over_numbers(math.fsum)),
    "mean": (1, None, _over_numbers(statistics.fmean)),
    "median": (1, None, _over_numbers(statistics.median)),
    "stdev": (1, None, _over_numbers(statistics.stdev, least=2)),
    "datediff": (3, 5, _datediff),
    "calcdate": (3, 3, _calcdate),
    "year": (1, 1, _date_part("year")),
    "month": (1, 1, _date_part("month")),
    "day": (1, 1, _date_part("day")),
    "concat": (1, None, _on_texts(lambda *parts: "".join(parts))),
    "concat_ws": (2, None, _on_texts(lambda mark, *parts: mark.join(filter(None, parts)))),
    "contains": (2, 2, _on_texts(lambda shown, part: part.casefold() in shown.casefold())),
    "not_contain": (2, 2, _on_texts(lambda shown, part: part.casefold() not in shown.casefold())),
    "starts_with": (2, 2, _on_texts(lambda shown, part: shown.casefold().startswith(part.casefold()))),
    "ends_with": (2, 2, _on_texts(lambda shown, part: shown.casefold().endswith(part.casefold()))),
    "left": (2, 2, _part("left")),
    "right": (2, 2, _part("right")),
    "mid": (3, 3, _part("mid")),
    "length": (1, 1, _on_texts(lambda shown: float(len(shown)))),
    "find": (2, 2, _on_texts(lambda part, shown: float(shown.casefold().find(part.casefold()) + 1))),
    "replace_text": (3, 3, _on_texts(lambda shown, old, new: shown.replace(old, new) if old else shown)),
    "upper": (1, 1, _on_texts(str.upper)),
    "lower": (1, 1, _on_texts(str.lower)),
    "trim": (1, 1, _on_texts(str.strip)),
    "isnumber": (1, 1, lambda arguments, _: float(number(arguments[0]) is not None)),
    "isinteger": (1, 1, _is_integer),
    "isblankormissingcode": (1, 1, _is_blank),
    "isblanknotmissingcode": (1, 1, lambda arguments, _: float(text(arguments[0]) == "")),
    "ismissingcode": (1, 1, _is_missing_code),
}

"""Values of expressions: text or number, as REDCap compares and prints them."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

Value = str | float

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?")
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_DAY_ZERO = datetime.fromisoformat("1970-01-01 00:00:00")
_ROUNDINGS = {"round": ROUND_HALF_UP, "roundup": ROUND_UP, "rounddown": ROUND_DOWN}


class MissingCode(str):
    """A missing-data code: compared as text, never a number."""

    __slots__ = ()


def number(value: Value) -> float | None:
    """The value as a number; None for text, blanks and missing-data codes."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, MissingCode) or not _NUMBER.fullmatch(value.strip()):
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def truth(value: Value) -> bool:
    """Whether a value counts as true: a number other than 0, or text that is not blank."""
    found = number(value)
    return bool(value) if found is None else bool(found)


def text(value: Value) -> str:
    """A value as it is stored: numbers without trailing zeros, to 14 significant digits."""
    if isinstance(value, str):
        return str(value)
    if not math.isfinite(value):
        return ""
    shown = format(Decimal(f"{value:.14g}"), "f")
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return "0" if shown == "-0" else shown


def rounded(kind: str, value: float, places: int) -> float:
    """``round`` (half away from zero), ``roundup`` (away from zero) or ``rounddown`` (towards zero)."""
    exact = Decimal(f"{value:.14g}")
    return float(exact.quantize(Decimal(1).scaleb(-places), rounding=_ROUNDINGS[kind]))


def moment(value: Value, now: datetime) -> datetime | None:
    """A date, time or both as a moment; ``today`` and ``now`` are the server's."""
    shown = text(value).strip()
    if shown == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    if shown == "now":
        return now
    try:
        if time := _TIME.fullmatch(shown):
            hours, minutes, seconds = (int(part or 0) for part in time.groups())
            return _DAY_ZERO + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return datetime.fromisoformat(shown) if _MOMENT.fullmatch(shown) else None
    except ValueError:
        return None

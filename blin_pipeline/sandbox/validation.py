"""Which texts the server accepts into a field, and the form in which it stores them.

Source: ``docs/redcap.md`` sections 4.5 and 14. Ranges are soft: a value outside them is accepted. A validation type that
a site added itself is unknown here and accepts any text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from blin_pipeline.registry.dictionary import Field

DateFormat = Literal["YMD", "MDY", "DMY"]

BAD_FORMAT = (
    "The value you provided could not be validated because it does not follow the expected format. Please try again."
)
NO_FILE_IMPORT = "Files cannot be imported with this method."

_DATES: Mapping[DateFormat, re.Pattern[str]] = {
    "YMD": re.compile(r"(?P<y>\d{4})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2})"),
    "MDY": re.compile(r"(?P<m>\d{1,2})[-/](?P<d>\d{1,2})[-/](?P<y>\d{4})"),
    "DMY": re.compile(r"(?P<d>\d{1,2})[-/](?P<m>\d{1,2})[-/](?P<y>\d{4})"),
}
_PHONE = r"(?:1[-. ]?)?\(?\d{3}\)?[-. ]*\d{3}[-. ]*\d{4}(?: ?(?:x|ext\.?) ?\d+)?"
#: Validation type -> pattern of the whole value; numbers with decimals have their own below.
_PATTERNS: Mapping[str, str] = {
    "integer": r"[-+]?\d+",
    "number": r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?",
    "number_comma_decimal": r"[-+]?\d*,?\d+(?:[eE][-+]?\d+)?",
    "time": r"(?:\d|[01]\d|2[0-3]):[0-5]\d",
    "time_hh_mm_ss": r"(?:\d|[01]\d|2[0-3]):[0-5]\d:[0-5]\d",
    "time_mm_ss": r"[0-5]\d:[0-5]\d",
    "email": r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}",
    "phone": _PHONE,
    "phone_australia": r"(?:\(0[2-8]\)|0[2-8])\s*\d{4}\s*\d{4}",
    "phone_uk": r"(?:\+44|0)[\d ()]{9,14}",
    "zipcode": r"\d{5}(?:-\d{4})?",
    "postalcode_australia": r"\d{4}",
    "postalcode_canada": r"[ABCEGHJKLMNPRSTVXYabceghjklmnprstvxy]\d[A-Za-z][ ]?\d[A-Za-z]\d",
    "postalcode_french": r"\d{5}",
    "postalcode_germany": r"\d{5}",
    "ssn": r"\d{3}-\d{2}-\d{4}",
    "mrn_10d": r"\d{10}",
    "mrn_generic": r"[A-Za-z0-9_-]+",
    "vmrn": r"\d{4,9}",
    "alpha_only": r"[A-Za-z]+",
}
_DECIMALS = re.compile(r"number_([1-4])dp(_comma_decimal)?")
_CLOCK = {"datetime": "%H:%M", "datetime_seconds": "%H:%M:%S"}


class BadValueError(ValueError):
    """A value that the field does not take; the message is the server's reason."""


def stored_value(definition: Field, value: str, *, date_format: DateFormat, missing_data_codes: Collection[str]) -> str:
    """The text to store for one imported value of a field other than a checkbox.

    Blanks around anything but free text are dropped (recorded for a number).

    Args:
        definition: The field.
        value: What was sent, not blank.
        date_format: Order of the parts of a date.
        missing_data_codes: Codes that every field takes.

    Raises:
        BadValueError: The field does not take the value.
    """
    if value in missing_data_codes:
        return value
    if definition.field_type in {"file", "signature"}:
        raise BadValueError(NO_FILE_IMPORT)
    if definition.validation or definition.choices or definition.field_type == "slider":
        value = value.strip()
    if definition.choices:
        if value not in definition.choices:
            raise BadValueError(f"The value is not a valid category for {definition.field_name}")
        return value
    if definition.field_type == "slider":
        return _matching(_PATTERNS["integer"], value)
    return _validated(definition.validation, value, date_format)


def stored_option(value: str) -> str:
    """The state of a checkbox option: ``1``, or ``""`` for unticked.

    Raises:
        BadValueError: Neither 0 nor 1.
    """
    if value not in {"0", "1", ""}:
        raise BadValueError(BAD_FORMAT)
    return "1" if value == "1" else ""


def stored_status(form: str, value: str) -> str:
    """The state of a form.

    Raises:
        BadValueError: Neither 0, 1 nor 2.
    """
    if value not in {"0", "1", "2"}:
        raise BadValueError(f"The value is not a valid category for {form}_complete")
    return value


def _validated(validation: str, value: str, date_format: DateFormat) -> str:
    if validation.startswith(("date_", "datetime_")):
        return _moment(validation, value, date_format)
    if decimals := _DECIMALS.fullmatch(validation):
        mark = "," if decimals[2] else r"\."
        return _matching(rf"-?\d+{mark}\d{{{decimals[1]}}}", value)
    pattern = _PATTERNS.get(validation)
    return value if pattern is None else _matching(pattern, value)


def _matching(pattern: str, value: str) -> str:
    if re.fullmatch(pattern, value) is None:
        raise BadValueError(BAD_FORMAT)
    return value


def _moment(validation: str, value: str, date_format: DateFormat) -> str:
    """A date, or date and time, as REDCap stores it: year first."""
    day, _, clock = value.replace("T", " ", 1).partition(" ")
    match = _DATES[date_format].fullmatch(day)
    kind = validation.rpartition("_")[0]
    wanted = _CLOCK.get(kind, "")
    if match is None or bool(clock) is not bool(wanted):
        raise BadValueError(BAD_FORMAT)
    try:
        date = datetime(int(match["y"]), int(match["m"]), int(match["d"])).strftime("%Y-%m-%d")  # noqa: DTZ001 - naive server time
        return f"{date} {datetime.strptime(clock, wanted).strftime(wanted)}" if wanted else date  # noqa: DTZ007 - a time of day
    except ValueError:
        raise BadValueError(BAD_FORMAT) from None

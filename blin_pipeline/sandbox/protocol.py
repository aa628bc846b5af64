"""What a request to ``/api/`` says and how the server refuses: parameters as PHP reads them, errors in REDCap's words.

Source: ``docs/redcap.md`` sections 1 and 2. No project state here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

Format = Literal["json", "csv", "xml"]

FORMATS: tuple[Format, ...] = ("json", "csv", "xml")
DELIMITERS: Mapping[str, str] = {"": ",", ",": ",", "tab": "\t", "\t": "\t", ";": ";", "|": "|", "^": "^"}
NO_API_RIGHT = "You do not have permissions to use the API"
NO_EXPORT_RIGHT = "You do not have API Export privileges"
NO_IMPORT_RIGHT = "You do not have API Import/Update privileges"
NO_DELETE_RIGHT = "You do not have Delete Record privileges"
NO_GROUP_RIGHT = (
    "Insufficient user privileges: You must have 'API Export' privileges and 'Data Access Groups' privileges "
    "in the project."
)
NO_LOGGING_RIGHT = (
    "Insufficient user privileges: You must have 'API Export' privileges and 'Logging' privileges in the project."
)
CLASSIC_ARMS = "You cannot export arms for classic projects"
CLASSIC_EVENTS = "You cannot export events for classic projects"
CLASSIC_MAPPINGS = "You cannot export form/event mappings for classic projects"
NO_REPEATING = (
    "You cannot export repeating instruments and events because the project does not contain any repeating instruments "
    "and events"
)
OUT_OF_MEMORY = "ERROR: REDCap ran out of server memory. The request cannot be processed. Please export less."
NOT_IMPLEMENTED = "The requested method is not implemented."
_ARRAY = re.compile(r"^([^\[\]]+)\[([^\[\]]*)\]$")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?")


class ApiError(Exception):
    """A refusal that the server words itself.

    Args:
        status: HTTP status.
        message: Text of the error, without the wrapping of a format.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def bad_parameter(name: str) -> ApiError:
    """The 400 of a parameter whose value is outside its list."""
    return ApiError(400, f'The value of the parameter "{name}" is not valid')


def unknown_values(name: str, values: Iterable[str]) -> ApiError:
    """The 400 of an array parameter that names things the project lacks."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return ApiError(400, f'The following values in the parameter "{name}" are not valid: {quoted}')


def not_an_array(name: str) -> ApiError:
    """The 400 of an array parameter that came as a plain value."""
    return ApiError(
        400,
        f'The "{name}" parameter has been provided with a value, but the value is not an array. '
        f'The "{name}" parameter must be provided as an array of one or more values.',
    )


class Upload(NamedTuple):
    """A file part of a multipart request."""

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True)
class ApiRequest:
    """One request, parameters decoded.

    Attributes:
        scalars: Parameter -> value; of a repeated parameter the last, as PHP keeps it.
        arrays: Parameter -> values in the order sent, from ``name[0]=`` or ``name[]=``.
        uploads: Parameter -> file part.
    """

    scalars: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A plain parameter, ``default`` when it was not sent."""
        return self.scalars.get(name, default)

    def flag(self, name: str) -> bool:
        """A boolean parameter: any case of ``true`` and ``1`` is true, everything else false."""
        return self.text(name).strip().lower() in {"true", "1"}

    def array(self, name: str) -> tuple[str, ...]:
        """An array parameter, empty when it was not sent.

        Raises:
            ApiError: 400, the parameter came as a non-blank plain value.
        """
        if self.text(name):
            raise not_an_array(name)
        return self.arrays.get(name, ())

    def moment(self, name: str) -> datetime | None:
        """A ``YYYY-MM-DD[ HH:MM[:SS]]`` parameter in server time, None when blank.

        Raises:
            ApiError: 400, not such a time.
        """
        value = self.text(name).strip()
        if not value:
            return None
        if not _MOMENT.fullmatch(value):
            raise bad_parameter(name)
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise bad_parameter(name) from None

    @property
    def content(self) -> str:
        """What the request is about."""
        return self.text("content")

    @property
    def verb(self) -> str:
        """What is to be done, lower case: the action, else ``import`` when there are data, else ``export``."""
        return self.text("action").lower() or ("import" if "data" in self.scalars else "export")

    @property
    def form(self) -> str | None:
        """The one instrument a record export asks for; None when it names none or several."""
        forms = self.arrays.get("forms", ())
        return forms[0] if len(forms) == 1 else None

    @property
    def answer_format(self) -> Format:
        """Format of the data: ``format``, xml when none was given.

        Raises:
            ApiError: 400, a format that does not exist.
        """
        wanted = _format(self.text("format") or "xml")
        if wanted is None:
            raise bad_parameter("format")
        return wanted

    @property
    def error_format(self) -> Format:
        """Format of errors: ``returnFormat``, else ``format``, else xml; never raises."""
        return _format(self.text("returnFormat")) or _format(self.text("format")) or "xml"

    @property
    def delimiter(self) -> str:
        """Cell separator of csv answers.

        Raises:
            ApiError: 400, a separator that does not exist.
        """
        wanted = self.text("csvDelimiter")
        if wanted not in DELIMITERS:
            raise bad_parameter("csvDelimiter")
        return DELIMITERS[wanted]


def _format(name: str) -> Format | None:
    return next((known for known in FORMATS if known == name.lower()), None)


def parse_parameters(pairs: Sequence[tuple[str, str]], uploads: Mapping[str, Upload] | None = None) -> ApiRequest:
    """Sort decoded form pairs into plain and array parameters; names are case-sensitive."""
    scalars: dict[str, str] = {}
    arrays: dict[str, list[str]] = {}
    for name, value in pairs:
        match = _ARRAY.match(name)
        if match is None:
            scalars[name] = value
        else:
            arrays.setdefault(match.group(1), []).append(value)
    return ApiRequest(scalars, {name: tuple(values) for name, values in arrays.items()}, uploads or {})

"""What an operation gets and gives: the call, the answer, and the few shapes that answers come in."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from blin_pipeline.sandbox.formats import CONTENT_TYPES, PLAIN_TEXT, Cell, table_bytes
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import OUT_OF_MEMORY, ApiError, ApiRequest, unknown_values
from blin_pipeline.sandbox.records.flat import ServerHabits
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.structure import wrong

DEFAULT_VERSION = "15.5.2"
_NEW_FORM_RIGHTS = (15, 6)
_GROUP_LABELS = (14, 0)
_PI_EMAIL = (15, 8, 2)
_AFTER_9 = (10,)
_VERSION = re.compile(r"\d+\.\d+\.\d+")


class ServerSettings(NamedTuple):
    """What is true of the server, not of a project.

    Attributes:
        version: Version string it reports; from 15.6 on, form rights are written in the codes of that version.
        habits: What differs between servers in record exports.
        base_url: Public address that survey links begin with, without a slash at the end.
        time_zone: IANA name of the zone whose wall-clock time the projects take; None for each project's own clock,
            which moves one second per request.
        requests_per_minute: Requests that one client address may send in any minute before it is banned for good; 0
            for no limit.
        max_rows: Rows above which a record or report export ends in the server's out-of-memory sentence, status 200; 0
            for no limit.
        project_info_keys: 27 (26 before 15.8.2, which added ``project_pi_email``), or the 23 keys of 9.1.3.
    """

    version: str = DEFAULT_VERSION
    habits: ServerHabits = ServerHabits()
    base_url: str = "http://localhost"
    time_zone: str | None = None
    requests_per_minute: int = 0
    max_rows: int = 0
    project_info_keys: Literal[23, 27] = 27

    @classmethod
    def of_version(cls, version: str) -> ServerSettings:
        """A server of a version; below 10 with everything that was recorded on 9.1.3.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_PROJECT``, not a version.
        """
        if not _VERSION.fullmatch(version):
            raise wrong("a REDCap version is three numbers, as 15.5.2")
        settings = cls(version)
        if settings._numbers() >= _AFTER_9:
            return settings
        habits = ServerHabits(file_value="document", old_status_quirk=True)
        return settings._replace(project_info_keys=23, habits=habits)

    @property
    def has_new_form_rights(self) -> bool:
        """Whether form rights are written as 128 and above."""
        return self._numbers() >= _NEW_FORM_RIGHTS

    @property
    def shows_group_labels(self) -> bool:
        """Whether the user export has the group's label: recorded on 14.7 and 15.x, absent on 12.x."""
        return self._numbers() >= _GROUP_LABELS

    @property
    def shows_pi_email(self) -> bool:
        """Whether project information has ``project_pi_email``."""
        return self._numbers() >= _PI_EMAIL

    def _numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split(".") if part.isdigit())


class Call(NamedTuple):
    """Everything one answer depends on."""

    project: ProjectState
    rights: TokenRights
    request: ApiRequest
    settings: ServerSettings

    def log_change(self, details: str) -> None:
        """Write the log line of a change to the set-up."""
        self.project.write("manage", "Manage/Design", details, "", self.rights.username)


class Answer(NamedTuple):
    """A good answer, status 200."""

    body: bytes
    content_type: str


Handler = Callable[[Call], Answer]


def table(call: Call, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, root: str = "items") -> Answer:
    """A table in the format asked for; too many records end as the real server's memory does, with status 200."""
    limit = call.settings.max_rows
    if root == "records" and limit and len(rows) > limit:
        return text(OUT_OF_MEMORY)
    wanted = call.request.answer_format
    body = table_bytes(wanted, columns, rows, delimiter=call.request.delimiter, root=root)
    return Answer(body, CONTENT_TYPES[wanted])


def text(value: str) -> Answer:
    """Plain text, without quotes or line end."""
    return Answer(value.encode(), PLAIN_TEXT)


def count(call: Call, number: int) -> Answer:
    """The bare number that imports and deletions answer in every format."""
    return Answer(str(number).encode(), CONTENT_TYPES[call.request.error_format])


def nothing(call: Call) -> Answer:
    """The empty body of file imports and deletions."""
    return Answer(b"", CONTENT_TYPES[call.request.error_format])


def chosen(call: Call, name: str, known: Sequence[str]) -> list[str]:
    """Values of an array parameter that must name known things, in the order sent.

    Raises:
        ApiError: 400, something unknown, or nothing at all.
    """
    values = list(call.request.array(name))
    unknown = [value for value in values if value not in known]
    if unknown:
        raise unknown_values(name, unknown)
    if not values:
        raise ApiError(400, f'The parameter "{name}" is missing or empty')
    return values

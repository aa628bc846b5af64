"""PyCap, held: it builds the parameters of an export, and every request that it would send goes through our door.

PyCap alone takes HTML for data, never looks at the HTTP status, has no time-out of its own and follows redirects with
the token; so its one door to the network (``_call_api``) is ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr
from redcap.project import Project

from blin_pipeline.errors import ConfigurationError, SourceError

#: Contents that a pull reads; a request for any other is not sent.
EXPORTS = frozenset(
    {
        "version",
        "project",
        "metadata",
        "instrument",
        "formEventMapping",
        "repeatingFormsEvents",
        "dag",
        "exportFieldNames",
        "record",
        "log",
    }
)
_TOKEN = re.compile(r"[0-9A-Fa-f]{32}")


class MaskedToken(str):
    """A token that shows itself only in the body of a request, not in a traceback that prints variables."""

    def __repr__(self) -> str:
        return "'**********'"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)


def checked_token(token: SecretStr) -> SecretStr:
    """The token, if it is one.

    Raises:
        ConfigurationError: ``E_TOKEN``; it is not printed.
    """
    if not _TOKEN.fullmatch(token.get_secret_value()):
        raise ConfigurationError(
            "E_TOKEN",
            "The API token is not 32 hexadecimal characters.",
            fix="Copy the token from REDCap's API page into the token file, without quotes or blanks.",
        )
    return token


class GuardedProject(Project):
    """PyCap's project with our way to the network and a record id field that needs no request.

    Args:
        url: Checked address.
        token: Checked token.
        exchange: Sends a request and reads its answer.
        record_id_field: Name of the record id field, blank where no request needs it.
    """

    def __init__(
        self, url: str, token: str, exchange: Callable[[Mapping[str, Any]], object], record_id_field: str
    ) -> None:
        super().__init__(url, token, allow_redirects=False)
        self._exchange = exchange
        self._record_id_field = record_id_field

    @property
    def def_field(self) -> str:
        """Name of the record id field."""
        return self._record_id_field

    def _call_api(self, payload: dict[str, Any], return_type: str, file: object = None) -> Any:  # noqa: ANN401 (PyCap's signature)
        del return_type
        if payload.get("content") not in EXPORTS or file is not None or payload.keys() & {"action", "data"}:
            raise SourceError(
                "E_NOT_AN_EXPORT", "A request other than an export was refused before it was sent.", fix="Report this."
            )
        return self._exchange(payload)

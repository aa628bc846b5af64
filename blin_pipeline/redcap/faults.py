"""Faults of a REDCap source: one class, stable codes, no text of the server, no token, no value of a record.

The codes and what each requires are the fault table of ``docs/errors.md``.
"""

from __future__ import annotations

from enum import StrEnum

from blin_pipeline.errors import SourceError


class Refusal(StrEnum):
    """Why REDCap refused, where that decides what happens next; read from its own sentence, which is never kept."""

    NO_GROUP_RIGHT = "no_group_right"
    NO_LOG_RIGHT = "no_log_right"
    NOTHING_REPEATS = "nothing_repeats"
    OUT_OF_MEMORY = "out_of_memory"
    UNKNOWN = "unknown"


#: A part of REDCap's sentence (lower case) that identifies it -> reason. Source: real servers' answers, ``docs/redcap.md``.
_SENTENCES: tuple[tuple[str, Refusal], ...] = (
    ("does not contain any repeating", Refusal.NOTHING_REPEATS),
    ("'data access groups' privileges", Refusal.NO_GROUP_RIGHT),
    ("data access groups privileges", Refusal.NO_GROUP_RIGHT),
    ("'logging' privileges", Refusal.NO_LOG_RIGHT),
    ("logging privileges", Refusal.NO_LOG_RIGHT),
    ("memory", Refusal.OUT_OF_MEMORY),
)

_REPORT = "If it persists, ask the REDCap administrator; the raw answer is kept in restricted/quarantine."
_LATER = "Nothing to change here: try again later."
#: code -> (clause after "The request for <endpoint>", fix, whether asking again may help)
_FAULTS: dict[str, tuple[str, str, bool]] = {
    "E_TIMEOUT": ("got no answer in time", "Check that the server is up and not overloaded, then run again.", True),
    "E_DEADLINE": (
        "was still running at its total deadline",
        "The server or the line is too slow for one answer: raise the deadline or run at a quieter hour.",
        False,
    ),
    "E_CONNECTION": ("could not reach the server", "Check the address, the network, the proxy and the firewall.", True),
    "E_TLS": (
        "met a certificate that cannot be trusted",
        "Check the address and the certificate bundle (REQUESTS_CA_BUNDLE); verification is never switched off.",
        False,
    ),
    "E_TRUNCATED": ("broke off before its end", _REPORT, True),
    "E_HTTP_5XX": ("met a failure of the server", _LATER, True),
    "E_HTTP_4XX": ("was refused by the server or a proxy before it", _REPORT, False),
    "E_NOT_FOUND": ("met no REDCap at that address", "Correct the API address; it ends in /api/.", False),
    "E_RATE_LIMIT": (
        "was one too many for the server",
        "Wait some minutes; ask the administrator for the limit.",
        True,
    ),
    "E_AUTH": (
        "was not allowed",
        "Check the token, its user's API export right, and that the administrator has not blocked this address.",
        False,
    ),
    "E_REDCAP": ("was answered by REDCap with an error", "Check the project's set-up and the token's rights.", False),
    "E_MAINTENANCE": ("was answered with a web page, as during maintenance or by a login gate", _LATER, True),
    "E_EMPTY": ("was answered with nothing", _REPORT, True),
    "E_BODY_NOT_JSON": ("was answered with text that is not in the format asked for", _REPORT, False),
    "E_JSON_STRICT": ("was answered with JSON that two readers would read differently", _REPORT, False),
    "E_ENCODING": ("was answered in an encoding other than plain UTF-8", _REPORT, False),
    "E_REDIRECT": (
        "was sent elsewhere by the server",
        "Put the final API address in the configuration; a redirect would carry the token along and is never followed.",
        False,
    ),
    "E_METADATA": ("did not give a usable data dictionary", _REPORT, False),
    "E_SCHEMA": ("gave rows or columns other than the project's set-up", _REPORT, False),
    "E_DUPLICATE_KEY": ("gave the same row twice", _REPORT, False),
    "E_INCOMPLETE": (
        "gave rows other than the census of the project",
        "Try again later. If it stays and the census counts fewer rows, look in REDCap for an instance whose form has a value "
        "but no status (grey), and save it once.",
        False,
    ),
    "E_SOURCE_MOVED": (
        "saw the project change while it was read, twice",
        "Run at a quieter hour, when nobody enters data or edits the dictionary.",
        False,
    ),
    "E_EMPTY_PROJECT": (
        "found no record",
        "If the project is meant to be empty, say so with --allow-empty; else check the token's rights.",
        False,
    ),
    "E_SITE_SET_SHRUNK": (
        "shows fewer data access groups than the project has",
        "The token's user must not be assigned to a data access group. Use the registry's own API user.",
        False,
    ),
    "E_SITE_SET_UNKNOWN": (
        "does not tell whether the token sees every site: it may not list the data access groups, and the records show none",
        "Give the token's user the right 'Data Access Groups'. If the project has no groups, or is read by site with one "
        "token per group, set source.one_group = true.",
        False,
    ),
}


#: What the name of a source begins with when a person downloaded it.
_FILE = "the file"
PROJECT_FILE = "the file of the project"
_EXPORT_AGAIN = (
    "Export again as CSV with raw values and raw headers, comma separated, with the dictionary of the same day."
)
_EXPORT_XML_AGAIN = "Export the project XML again, with all records."


class RedcapReadError(SourceError):
    """A source that cannot be read or trusted.

    Attributes:
        transient: Whether asking again may help.
        retry_after: Seconds the server asked us to wait, if it did.
        refusal: Reason that REDCap gave, where it gave one.
    """

    def __init__(
        self,
        code: str,
        endpoint: str,
        *,
        detail: str = "",
        retry_after: float | None = None,
        refusal: Refusal | None = None,
        transient: bool | None = None,
    ) -> None:
        clause, fix, usually_transient = _FAULTS[code]
        subject = f"The file{endpoint[len(_FILE) :]}" if endpoint.startswith(_FILE) else f"The request for {endpoint}"
        what = f"{subject} {clause}{': ' + detail if detail else ''}."
        if endpoint.startswith(_FILE):
            fix = _EXPORT_XML_AGAIN if endpoint == PROJECT_FILE else _EXPORT_AGAIN
        super().__init__(code, what, fix=fix)
        self.endpoint = endpoint
        self.transient = usually_transient if transient is None else transient
        self.retry_after = retry_after
        self.refusal = refusal

    @property
    def overloaded(self) -> bool:
        """Whether a smaller request may succeed where this one failed: time-outs, failures of the server, no memory."""
        tired = self.code in {"E_TIMEOUT", "E_DEADLINE"} or (self.code == "E_HTTP_5XX" and self.transient)
        return tired or self.refusal is Refusal.OUT_OF_MEMORY


def refusal_of(text: str) -> Refusal:
    """The reason in one of REDCap's error sentences."""
    lowered = text.lower()
    return next((reason for part, reason in _SENTENCES if part in lowered), Refusal.UNKNOWN)

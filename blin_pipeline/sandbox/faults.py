"""Faults that the sandbox commits on request: what, for which request, how often.

The kinds are those of the fault table that the pull must survive (``docs/redcap.md``, faults). Here stands the
plan; what a damaged body looks like is in :mod:`blin_pipeline.sandbox.damage`, how it reaches the wire in
:mod:`blin_pipeline.sandbox.gate`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiRequest

ALWAYS = float("inf")


class FaultKind(StrEnum):
    """Everything that can go wrong on purpose; after the colon what ``argument`` means and its default."""

    # The connection.
    HANG = "hang"  # seconds before the connection ends unanswered: until the client leaves
    DELAY = "delay"  # seconds before the good answer: 1
    DRIP = "drip"  # seconds between two bytes: 0.05
    RESET = "reset"
    # The length of the body.
    SHORT_BODY = "short_body"  # Content-Length says more than is sent; bytes sent: about half
    CUT_MID_ROW = "cut_mid_row"  # no Content-Length; bytes sent: about half, never ending with a row
    CUT_AT_ROW = "cut_at_row"  # rows kept: half; a well-formed answer
    CHUNKED_ENDS_EARLY = "chunked_ends_early"
    GZIP_CUT = "gzip_cut"
    # The status.
    STATUS_HTML = "status_html"  # status: 500
    STATUS_EMPTY = "status_empty"  # status: 500
    STATUS_JSON = "status_json"  # status: 503; body []
    STATUS_HALF_BODY = "status_half_body"  # status: 504
    STATUS_FULL_BODY = "status_full_body"  # status: 500
    RATE_LIMIT_HTML = "rate_limit_html"  # Retry-After in seconds: 1
    RATE_LIMIT_JSON = "rate_limit_json"  # Retry-After in seconds: 1
    BAD_TOKEN = "bad_token"  # noqa: S105 - a fault, not a secret
    BAN_PAGE = "ban_page"
    REDIRECT_302 = "redirect_302"  # target: a log-in page of the same host
    REDIRECT_307 = "redirect_307"  # target: another host
    # Status 200 and something else than data.
    ERROR_JSON = "error_json"
    ERROR_JSON_LIST = "error_json_list"
    ERROR_XML = "error_xml"
    ERROR_CSV = "error_csv"
    MAINTENANCE = "maintenance"
    MEMORY_SENTENCE = "memory_sentence"
    EMPTY_BODY = "empty_body"
    NULL_BODY = "null_body"
    EMPTY_LIST = "empty_list"
    OBJECT_BODY = "object_body"
    PHP_WARNING = "php_warning"
    PHP_FATAL = "php_fatal"
    # Data with a defect.
    EXTRA_COLUMN = "extra_column"
    MISSING_COLUMN = "missing_column"
    OPEN_QUOTE = "open_quote"
    DUPLICATED_ROWS = "duplicated_rows"
    SHUFFLED_COLUMNS = "shuffled_columns"
    LATIN1 = "latin1"
    BOM = "bom"
    INVALID_UTF8 = "invalid_utf8"
    DUPLICATE_KEY = "duplicate_key"
    NAN = "nan"
    # The project moves under the reader.
    MUTATE = "mutate"  # a function of the project, called before the request is answered


Mutation = Callable[[ProjectState], None]


@dataclass(frozen=True)
class Fault:
    """One fault and the requests it strikes.

    Attributes:
        kind: What goes wrong.
        content: Content type it strikes, None for every one.
        form: Instrument it strikes (record exports that ask for this one form), None for every request.
        at: Number of the first struck request among those that match, from 1.
        times: How many matching requests are struck from there on; :data:`ALWAYS` for all.
        argument: See :class:`FaultKind`; the kind's default when None.
    """

    kind: FaultKind
    content: str | None = None
    form: str | None = None
    at: int = 1
    times: float = 1
    argument: float | str | Mutation | None = None

    def matches(self, request: ApiRequest) -> bool:
        """Whether the request is of the kind that this fault counts."""
        return (self.content is None or self.content == request.content) and (
            self.form is None or self.form == request.form
        )

    def number(self, default: float) -> float:
        """The argument as a number."""
        return float(self.argument) if isinstance(self.argument, int | float) else default

    def text(self, default: str) -> str:
        """The argument as text."""
        return self.argument if isinstance(self.argument, str) else default


class FaultPlan:
    """Faults in order, with their counts; of several that strike one request the first listed wins.

    Args:
        faults: The faults.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = list(faults)
        self._seen = [0] * len(self._faults)
        self._lock = threading.Lock()
        self.committed: list[FaultKind] = []

    def add(self, fault: Fault) -> None:
        """Add a fault to a running server; its count starts now."""
        with self._lock:
            self._faults.append(fault)
            self._seen.append(0)

    def clear(self) -> None:
        """Behave from now on; what was committed stays listed."""
        with self._lock:
            self._faults.clear()
            self._seen.clear()

    def strike(self, request: ApiRequest) -> Fault | None:
        """Count the request and return the fault that strikes it, if any."""
        struck = None
        with self._lock:
            for number, fault in enumerate(self._faults):
                if not fault.matches(request):
                    continue
                self._seen[number] += 1
                if struck is None and fault.at <= self._seen[number] < fault.at + fault.times:
                    struck = fault
            if struck is not None:
                self.committed.append(struck.kind)
        return struck

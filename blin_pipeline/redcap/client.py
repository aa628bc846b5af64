"""The guarded client: PyCap builds every request, our transport sends it, nothing but exports can be reached.

PyCap alone takes HTML for data, never looks at the HTTP status, has no time-out of its own and follows redirects with
the token; so its one door to the network (``_call_api``) is ours.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import SecretStr
from redcap.project import Project
from tenacity import RetryCallState, Retrying, retry_if_exception

from blin_pipeline.errors import ConfigurationError, SourceError
from blin_pipeline.redcap.answers import Json, read_json, read_text
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.transport import ClientLimits, Transport

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
_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """A small answer: what it says and the bytes it came as."""

    value: Json
    body: bytes


@dataclass(frozen=True)
class RecordFile:
    """Records as received, on disk.

    Attributes:
        path: Exact bytes of the answer.
        sha256: Hash of them.
        n_bytes: How many.
    """

    path: Path
    sha256: str
    n_bytes: int


class _Token(str):
    """A token that shows itself only in the body of a request, not in a traceback that prints variables."""

    def __repr__(self) -> str:
        return "'**********'"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)


class _Guarded(Project):
    """PyCap's project with our way to the network and a record id field that needs no request."""

    def __init__(
        self, url: str, token: str, exchange: Callable[[Mapping[str, Any]], object], record_id_field: str
    ) -> None:
        super().__init__(url, token, allow_redirects=False)
        self._exchange = exchange
        self._record_id_field = record_id_field

    @property
    def def_field(self) -> str:
        return self._record_id_field

    def _call_api(self, payload: dict[str, Any], return_type: str, file: object = None) -> Any:  # noqa: ANN401 (PyCap's signature)
        del return_type
        if payload.get("content") not in EXPORTS or file is not None or payload.keys() & {"action", "data"}:
            raise SourceError(
                "E_NOT_AN_EXPORT", "A request other than an export was refused before it was sent.", fix="Report this."
            )
        return self._exchange(payload)


class RedcapClient:
    """Exports of one project, guarded.

    Args:
        url: API address: https (http only for this machine itself), ending in ``/api/``.
        token: API token, 32 hexadecimal characters.
        limits: Time-outs, attempts, waits.

    Raises:
        ConfigurationError: ``E_URL`` or ``E_TOKEN``; neither value is printed.

    Every method asks at most ``limits.attempts`` times and raises :class:`RedcapReadError` with the code of the last
    attempt.
    """

    def __init__(self, url: str, token: SecretStr, limits: ClientLimits | None = None) -> None:
        self._url = checked_url(url)
        if not _TOKEN.fullmatch(token.get_secret_value()):
            raise ConfigurationError(
                "E_TOKEN",
                "The API token is not 32 hexadecimal characters.",
                fix="Copy the token from REDCap's API page into the token file, without quotes or blanks.",
            )
        self._token = token
        self.limits = limits or ClientLimits()
        self._transport = Transport(self._url, self.limits)
        #: Told of bytes as they arrive.
        self.on_bytes: Callable[[int], None] | None = None
        #: Folder for bodies of small answers that were refused; none are kept when None.
        self.rejected_into: Path | None = None

    def __repr__(self) -> str:
        """Names the server, never the token."""
        return f"RedcapClient({self._url!r})"

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def version(self) -> str | None:
        """Version of the server, None when its answer is no version."""
        found = self._ask("the server's version", lambda project: project.export_version(), read_text)
        return str(found.value) if re.fullmatch(r"\d+\.\d+\.\d+", str(found.value)) else None

    def project_info(self) -> Answer:
        """``content=project``."""
        return self._json("the project's facts", lambda project: project.export_project_info(format_type="json"))

    def metadata(self) -> Answer:
        """``content=metadata``: the data dictionary."""
        return self._json("the data dictionary", lambda project: project.export_metadata(format_type="json"))

    def instruments(self) -> Answer:
        """``content=instrument``."""
        return self._json("the instruments", lambda project: project.export_instruments(format_type="json"))

    def form_events(self) -> Answer:
        """``content=formEventMapping``; a classic project refuses."""
        return self._json(
            "the instruments of each event",
            lambda project: project.export_instrument_event_mappings(format_type="json"),
        )

    def repeating(self) -> Answer:
        """``content=repeatingFormsEvents``; a project without any refuses."""
        return self._json(
            "the repeating set-up", lambda project: project.export_repeating_instruments_events(format_type="json")
        )

    def data_access_groups(self) -> Answer:
        """``content=dag``; refused without the right."""
        return self._json("the data access groups", lambda project: project.export_dags(format_type="json"))

    def export_names(self) -> Answer:
        """``content=exportFieldNames``."""
        return self._json("the export names", lambda project: project.export_field_names(format_type="json"))

    def log(self, begin: datetime | None) -> Answer:
        """``content=log`` from a naive server-local time on (whole log when None); refused without the right."""
        return self._json("the log", lambda project: project.export_logging(format_type="json", begin_time=begin))

    def records(
        self,
        destination: Path,
        endpoint: str,
        inspect: Callable[[RecordFile], _T],
        *,
        record_id_field: str,
        fields: Sequence[str],
        forms: Sequence[str] = (),
        records: Sequence[str] = (),
        changed_since: datetime | None = None,
        attempts: int | None = None,
        tired_after: int | None = None,
    ) -> _T:
        """Export records as flat CSV into a file and inspect it; an answer that breaks off is asked for again.

        Args:
            destination: File to write; replaced by each attempt.
            endpoint: What is asked, for people.
            inspect: Reads the file; may raise a fault, which decides about another attempt.
            record_id_field: Name of the record id field.
            fields: Fields to ask for; the record id among them.
            forms: Instruments to ask for.
            records: Records to ask for; all when empty.
            changed_since: Ask only for records that the server's log shows a change of since then (server time).
            attempts: Requests made at most; ``limits.attempts`` when None.
            tired_after: Requests made at most while the server shows that this is too much for it.

        Returns:
            What ``inspect`` returned.

        Raises:
            RedcapReadError: See ``faults``.
            StorageError: No space for the answer.
        """

        def exchange(payload: Mapping[str, Any]) -> RecordFile:
            return self._download(payload, destination, endpoint)

        def attempt() -> _T:
            project = _Guarded(self._url, self._masked(), exchange, record_id_field)
            received = project.export_records(
                format_type="csv",
                records=list(records) or None,
                fields=list(fields),
                forms=list(forms) or None,
                raw_or_label="raw",
                raw_or_label_headers="raw",
                event_name="unique",
                record_type="flat",
                export_survey_fields=False,
                export_data_access_groups=True,
                export_blank_for_gray_form_status=True,
                date_begin=changed_since,
            )
            return inspect(cast("RecordFile", received))

        return self._retry(attempt, attempts, tired_after)

    def answers(self) -> bool:
        """Whether the server answers a request of no weight, asked once."""
        try:
            with self._transport.send({"token": self._masked(), "content": "version"}, "a sign of life"):
                return True
        except RedcapReadError:
            return False

    def pause(self) -> None:
        """Leave the server alone for the time that the limits ask for between requests of a series."""
        self.limits.sleep(self.limits.pause_seconds)

    def _json(self, endpoint: str, call: Callable[[Project], object]) -> Answer:
        return self._ask(endpoint, call, read_json)

    def _ask(self, endpoint: str, call: Callable[[Project], object], read: Callable[[bytes, str], Json]) -> Answer:
        found: list[Answer] = []

        def exchange(payload: Mapping[str, Any]) -> Json:
            with self._transport.send(payload, endpoint) as pieces:
                body = b"".join(pieces)
            try:
                found.append(Answer(read(body, endpoint), body))
            except RedcapReadError:
                self._keep_rejected(body)
                raise
            return found[-1].value

        self._retry(lambda: call(_Guarded(self._url, self._masked(), exchange, "")))
        return found[-1]

    def _download(self, payload: Mapping[str, Any], destination: Path, endpoint: str) -> RecordFile:
        digest = hashlib.sha256()
        n_bytes = 0
        with (
            disk_faults("saving the records"),
            destination.open("wb") as out,
            self._transport.send(payload, endpoint) as pieces,
        ):
            for piece in pieces:
                digest.update(piece)
                n_bytes += len(piece)
                out.write(piece)
                if self.on_bytes is not None:
                    self.on_bytes(len(piece))
        return RecordFile(destination, digest.hexdigest(), n_bytes)

    def _keep_rejected(self, body: bytes) -> None:
        if self.rejected_into is not None:
            with disk_faults("saving a refused answer"):
                (self.rejected_into / "rejected.body").write_bytes(body)

    def _masked(self) -> _Token:
        return _Token(self._token.get_secret_value())

    def _retry(self, attempt: Callable[[], _T], attempts: int | None = None, tired_after: int | None = None) -> _T:
        def is_over(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome is not None else None
            is_tired = isinstance(error, RedcapReadError) and error.overloaded
            at_most = tired_after if is_tired and tired_after is not None else attempts or self.limits.attempts
            return state.attempt_number >= at_most

        retrying = Retrying(
            stop=is_over,
            wait=self._wait,
            retry=retry_if_exception(lambda error: isinstance(error, RedcapReadError) and error.transient),
            sleep=self.limits.sleep,
            reraise=True,
        )
        return retrying(attempt)

    def _wait(self, state: RetryCallState) -> float:
        """1, 2, 4, 8 ... seconds and up to one more, or what the server asked for."""
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retry_after if isinstance(error, RedcapReadError) else None
        doubled = self.limits.first_wait_seconds * 2.0 ** (state.attempt_number - 1)
        return min(doubled if asked is None else asked, self.limits.longest_wait_seconds) + self.limits.jitter()


def checked_url(url: str) -> str:
    """The address, if a token may be sent there.

    Raises:
        ConfigurationError: ``E_URL``: not https (http is for loopback only), credentials in it, or not ending in ``/api/``.
    """
    problem = ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        problem = "is not an address"
    else:
        if parts.scheme not in {"https", "http"} or not host:
            problem = "is not an https address"
        elif parts.scheme == "http" and not _is_loopback(host):
            problem = "is not https; the token would travel in the clear"
        elif parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            problem = "holds more than a host and a path"
        elif not parts.path.endswith("/api/"):
            problem = "does not end in /api/"
    if problem:
        raise ConfigurationError(
            "E_URL", f"The REDCap address {problem}.", fix="It looks like https://redcap.example.org/api/."
        )
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

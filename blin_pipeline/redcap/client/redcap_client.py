"""The exports that a pull may ask for, each a method: built by PyCap, sent and judged by us."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import SecretStr
from redcap.project import Project

from blin_pipeline.redcap.answers import Json, read_json, read_text
from blin_pipeline.redcap.client.address import checked_url
from blin_pipeline.redcap.client.guard import GuardedProject, MaskedToken, checked_token
from blin_pipeline.redcap.client.limits import ClientLimits
from blin_pipeline.redcap.client.retries import with_retries
from blin_pipeline.redcap.client.transport import Transport
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.faults import RedcapReadError

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
        self._token = checked_token(token)
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
            project = GuardedProject(self._url, self._masked(), exchange, record_id_field)
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

        return with_retries(attempt, self.limits, attempts, tired_after)

    def answers(self) -> bool:
        """Whether the server answers a request of no weight, asked once."""
        try:
            with self._transport.send({"token": self._masked(), "content": "version"}, "a sign of life"):
                return True
        except RedcapReadError:
            return False

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

        with_retries(lambda: call(GuardedProject(self._url, self._masked(), exchange, "")), self.limits)
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

    def _masked(self) -> MaskedToken:
        return MaskedToken(self._token.get_secret_value())

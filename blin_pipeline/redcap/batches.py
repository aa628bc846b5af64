"""Asking for records: whole, or in batches where a server tires of the whole.

Batches are taken from the start when the settings say so, and from the first answer on that a server cannot give whole
(time-out, failure, no memory) although it answers small requests. A batch that is still too much is halved, down to one
record. Clients of other projects ask for 100 to 200 records at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from blin_pipeline.redcap.census import ENDPOINT, expect_header
from blin_pipeline.redcap.client import RecordFile, RedcapClient
from blin_pipeline.redcap.csvtext import read_raw_rows, read_rows
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.received import Received

#: Records of a batch when nobody said another number.
DEFAULT_BATCH = 200
#: Requests after which an answer that the server cannot give is asked for in smaller ones.
_ATTEMPTS_UNTIL_TIRED = 2
_NOTE = "The server could not give whole instruments; records were read in batches."
_T = TypeVar("_T")


class _TooMuchError(Exception):
    """A request that a smaller one may replace."""

    def __init__(self, error: RedcapReadError) -> None:
        super().__init__(error.code)
        self.error = error


class RecordRequests:
    """Record exports of one reading.

    Args:
        client: Guarded client.
        received: Takes the note when a server tires.
        setup: Set-up of the project.
        batch: Records per request; 0 asks for everything at once as long as the server gives it.
    """

    def __init__(self, client: RedcapClient, received: Received, setup: ProjectSetup, batch: int) -> None:
        self._client = client
        self._received = received
        self._setup = setup
        self._batch = batch

    def fetch(
        self,
        path: Path,
        endpoint: str,
        inspect: Callable[[RecordFile], _T],
        *,
        fields: Sequence[str],
        forms: Sequence[str] = (),
        ids: Sequence[str] = (),
        header: Sequence[str] | None = None,
    ) -> _T:
        """One answer, whole or in batches, inspected.

        Args:
            path: File for its rows.
            endpoint: What is asked, for people.
            inspect: Reads the file; may raise a fault.
            fields: Fields to ask for.
            forms: Instruments to ask for.
            ids: All records of the project, where known; else they are asked for first, should batches be needed.
            header: Columns that every batch must have; those of the first batch when None.

        Returns:
            What ``inspect`` returned.

        Raises:
            RedcapReadError: Any code of the fault table.
        """
        if not self._batch:
            try:
                return self._ask(path, endpoint, inspect, fields=fields, forms=forms)
            except _TooMuchError:
                self._batch = DEFAULT_BATCH
            self._received.note(_NOTE)
        self.in_batches(path, endpoint, ids or self._ask_ids(), header, fields=fields, forms=forms)
        return inspect(RecordFile(path, "", path.stat().st_size))

    def _ask(
        self,
        path: Path,
        endpoint: str,
        inspect: Callable[[RecordFile], _T],
        *,
        fields: Sequence[str],
        forms: Sequence[str],
        records: Sequence[str] = (),
    ) -> _T:
        """One request.

        Raises:
            _TooMuchError: The server tires of this request and yet answers a small one.
            RedcapReadError: Everything else, an outage of the server included.
        """
        id_field = self._setup.record_id_field
        request = partial(
            self._client.records,
            path,
            endpoint,
            inspect,
            record_id_field=id_field,
            fields=fields,
            forms=forms,
            records=records,
        )
        attempts = self._client.limits.attempts
        tired_after = min(attempts, _ATTEMPTS_UNTIL_TIRED)
        try:
            return request(tired_after=tired_after)
        except RedcapReadError as error:
            if not error.overloaded:
                raise
            if self._client.answers():
                failure = error
            elif attempts > tired_after:
                return request(attempts=attempts - tired_after)
            else:
                raise
        raise _TooMuchError(failure)

    def _ask_ids(self) -> tuple[str, ...]:
        """Ids of all records, in the server's order."""
        path = self._received.workspace / "record_ids.csv"
        id_field = self._setup.record_id_field

        def inspect(_: RecordFile) -> tuple[str, ...]:
            return tuple(read_record_ids(path, id_field, ENDPOINT))

        return self._client.records(path, ENDPOINT, inspect, record_id_field=id_field, fields=[id_field])

    def in_batches(
        self,
        path: Path,
        endpoint: str,
        ids: Sequence[str],
        header: Sequence[str] | None,
        *,
        fields: Sequence[str],
        forms: Sequence[str] = (),
    ) -> None:
        """Read records batch by batch into one file: one header, then the exact rows."""
        size = self._batch or DEFAULT_BATCH
        piece = path.with_name(f"{path.stem}.batch")
        begin = 0
        with disk_faults("saving the records"), path.open("w", encoding="utf-8", newline="") as out:
            while begin < len(ids):
                asked = ids[begin : begin + size]
                try:
                    inspect = partial(_check_batch, endpoint=endpoint, asked=asked, known=header)
                    found = self._ask(piece, endpoint, inspect, fields=fields, forms=forms, records=asked)
                except _TooMuchError as tired:
                    if len(asked) == 1:
                        raise tired.error from None
                    size = self._batch = len(asked) // 2
                    continue
                rows = read_raw_rows(piece, endpoint, from_server=True)
                is_first = out.tell() == 0
                out.writelines(text for n, (_, text) in enumerate(rows) if n or is_first)
                header = header or found
                begin += len(asked)
            if out.tell() == 0:
                out.write("\n")
        piece.unlink(missing_ok=True)


def read_record_ids(path: Path, record_id_field: str, endpoint: str) -> Iterator[str]:
    """Every record of an answer once, in its order.

    Raises:
        RedcapReadError: As ``csvtext.read_rows``; ``E_SCHEMA`` when there is no record id column.
    """
    rows = read_rows(path, endpoint, from_server=True)
    header = next(rows, None)
    if header is None:
        return
    if header[0] != record_id_field:
        raise RedcapReadError("E_SCHEMA", endpoint, detail="no record id column")
    yield from dict.fromkeys(row[0] for row in rows)


def _check_batch(
    received: RecordFile, *, endpoint: str, asked: Sequence[str], known: Sequence[str] | None
) -> list[str] | None:
    """The header of a batch; it must be the one known, and the rows of records that were asked for."""
    rows = read_rows(received.path, endpoint, from_server=True)
    header = next(rows, None)
    if header is None:
        return None
    if known is not None:
        expect_header(header, known, endpoint)
    wanted = frozenset(asked)
    if any(row[0] not in wanted for row in rows):
        raise RedcapReadError("E_SCHEMA", endpoint, detail="rows of records that were not asked for")
    return header

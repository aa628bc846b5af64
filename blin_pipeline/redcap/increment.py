"""Reading by change: only records that may have changed are fetched, whole; every other row comes from an earlier pull.

Which records may have changed is asked three ways: the server's own date range, the lines of the log, and the difference
of the census (keys, statuses and groups of every row) from the earlier one. Lines that stood in the log before the earlier
pull read its rows are no change since. The result must stand the same proof as a full
reading; whatever does not fit ends in a full one.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from blin_pipeline.redcap.answers import read_json
from blin_pipeline.redcap.batches import read_record_ids
from blin_pipeline.redcap.census import Census, read_census_rows
from blin_pipeline.redcap.change_log import Log, since
from blin_pipeline.redcap.client import RecordFile, RedcapClient
from blin_pipeline.redcap.csvtext import read_raw_rows
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.doubts import Baseline, window_begin
from blin_pipeline.redcap.fates import FormFile
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.log_lines import may_change_data
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.received import Received
from blin_pipeline.redcap.records_reading import FormsRead, RecordsReader
from blin_pipeline.redcap.setup_rows import LogEntry, parse_rows
from blin_pipeline.redcap.tallies import FormTally

#: Above this part of all records, reading everything costs the server less.
_LARGEST_PART = 0.5
_WORD = 1 << 64


class DoubtError(Exception):
    """A reason, in words and without a value, to read everything."""


class Increment:
    """One reading by change.

    Args:
        client: Guarded client.
        received: Keeps the bytes.
        setup: Set-up of the project, the same as the earlier pull's.
        reader: Reads records.
        baseline: The earlier pull.
    """

    def __init__(
        self, client: RedcapClient, received: Received, setup: ProjectSetup, reader: RecordsReader, baseline: Baseline
    ) -> None:
        self._client = client
        self._received = received
        self._setup = setup
        self._reader = reader
        self._baseline = baseline

    def candidates(self, census: Census, log: Log) -> list[str]:
        """Records that may have changed, in the census's order.

        Args:
            census: Census of now.
            log: Slice of the log read before it.

        Raises:
            DoubtError: The three ways contradict each other, or most records changed.
            RedcapReadError: As for every request.
        """
        begin = window_begin(self._baseline)
        if begin is None:
            raise DoubtError("the pull before does not say where the log stood")
        lines = Counter(entry for entry in since(log, begin) if may_change_data(entry))
        in_log = {entry.record for entry in lines}
        new = {entry.record for entry in lines - Counter(self._earlier_log())}
        in_range = self._in_date_range(begin)
        if any(record in census.groups and record not in in_range for record in in_log):
            raise DoubtError("the server's date range misses records that its log shows as changed")
        changed = new | (in_range - in_log) | self._moved_in_census(census)
        found = [record for record in census.groups if record in changed]
        if len(found) > _LARGEST_PART * len(census.groups):
            raise DoubtError("most records changed")
        return found

    def read(self, census: Census, records: Sequence[str]) -> FormsRead:
        """Every instrument: the rows of these records as the server gives them now, all others as they were.

        Args:
            census: Census of now.
            records: Records to fetch, in the census's order.

        Raises:
            DoubtError: The earlier pull's rows do not fit the set-up of now.
            RedcapReadError: As for every request.
        """
        files: list[FormFile] = []
        tallies: dict[str, FormTally] = {}
        ranks = {record: rank for rank, record in enumerate(census.groups)}
        for form in self._setup.forms:
            file = self._reader.form_file(form)
            before = self._unpacked(f"record_{form}")
            n_bytes = 0
            parts = [(before, frozenset(records))]
            if records:
                changed = self._reader.changed_rows(form, census, records)
                n_bytes = self._received.keep_file(f"changed_{form}", changed).n_bytes
                parts.append((changed, frozenset()))
            try:
                _merge(parts, file, ranks)
                tallies[form] = self._reader.tally(file, census)
            except RedcapReadError:
                raise DoubtError("the rows of the pull before do not fit those of now") from None
            finally:
                before.unlink()
            files.append(file)
            self._received.keep_file(f"record_{form}", file.path)
            self._received.steps.finish(file.endpoint, rows=tallies[form].n_rows, n_bytes=n_bytes)
        return FormsRead(tuple(files), tallies)

    def is_same(self, census: Census) -> bool:
        """Whether the census came in the very bytes of the earlier one."""
        return self._baseline.payload_sha256["census_before"] == census.fingerprint

    def _earlier_log(self) -> Log:
        """The log as the earlier pull read it before its rows; nothing when it kept none."""
        if "log_before" not in self._baseline.payload_sha256:
            return ()
        path = self._unpacked("log_before")
        try:
            with disk_faults("reading the log of the pull before"):
                answer = read_json(path.read_bytes(), "the log")
            return parse_rows(LogEntry, answer, "the log", may_repeat=True)
        except RedcapReadError:
            raise DoubtError("the log of the pull before cannot be read") from None
        finally:
            path.unlink()

    def _in_date_range(self, begin: datetime) -> set[str]:
        path = self._received.workspace / "changed_records.csv"
        id_field = self._setup.record_id_field
        endpoint = "the records changed"

        def inspect(_: RecordFile) -> set[str]:
            return {*read_record_ids(path, id_field, endpoint)}

        found = self._client.records(
            path, endpoint, inspect, record_id_field=id_field, fields=[id_field], changed_since=begin
        )
        payload = self._received.keep_file("changed_records", path)
        self._received.steps.finish(endpoint, n_bytes=payload.n_bytes)
        return found

    def _moved_in_census(self, census: Census) -> set[str]:
        """Records of which any row, status or group is another than in the earlier census."""
        if self.is_same(census):
            return set()
        path = self._unpacked("census_before")
        try:
            before = self._record_digests(path)
        except RedcapReadError:
            raise DoubtError("the census of the pull before does not fit the set-up of now") from None
        finally:
            path.unlink()
        now = self._record_digests(census.path)
        return {record for record, digest in now.items() if before.get(record) != digest}

    def _record_digests(self, path: Path) -> dict[str, int]:
        """Record -> hash over its rows of a census, whatever their order."""
        digests: dict[str, int] = {}
        for row in read_census_rows(path, self._setup, self._setup.forms, from_server=True):
            digest = hashlib.blake2b(
                repr((tuple(row.key), row.group, tuple(row.statuses))).encode(), digest_size=8
            ).digest()
            known = digests.get(row.key.record_id, 0)
            digests[row.key.record_id] = (known + int.from_bytes(digest, "big")) % _WORD
        return digests

    def _unpacked(self, name: str) -> Path:
        path = self._received.workspace / f"earlier_{name}.csv"
        self._baseline.unpack(name, path)
        return path


def _merge(parts: Sequence[tuple[Path, Collection[str]]], file: FormFile, ranks: Mapping[str, int]) -> None:
    """Write the rows of several answers of one instrument into one, in the order of records.

    Args:
        parts: Answers, each with the records whose rows are left out.
        file: Where the rows come to lie.
        ranks: Record -> its place; rows of records that are not here are left out.
    """
    headers: list[str] = []

    def rows(path: Path, left_out: Collection[str]) -> Iterator[tuple[int, str]]:
        found = read_raw_rows(path, file.endpoint, from_server=True)
        header = next(found, None)
        if header is not None:
            headers.append(header[1])
        for cells, text in found:
            if cells[0] in ranks and cells[0] not in left_out:
                yield ranks[cells[0]], text

    with disk_faults("merging the rows of two readings"), file.path.open("w", encoding="utf-8", newline="") as out:
        merged = heapq.merge(*(rows(*part) for part in parts), key=lambda row: row[0])
        first = next(merged, None)
        if len({*headers}) > 1:
            raise RedcapReadError("E_SCHEMA", file.endpoint, detail="the columns differ from the earlier pull's")
        out.writelines(headers[:1] or ["\n"])
        if first is not None:
            out.write(first[1])
            out.writelines(text for _, text in merged)

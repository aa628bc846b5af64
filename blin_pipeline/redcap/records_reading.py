"""Reading censuses and instruments: each answer checked, counted and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blin_pipeline.redcap.batches import RecordRequests
from blin_pipeline.redcap.blocks import Blocks
from blin_pipeline.redcap.census import ENDPOINT, Census, expect_header, take_census
from blin_pipeline.redcap.client import RecordFile, RedcapClient
from blin_pipeline.redcap.disk import sha256_of
from blin_pipeline.redcap.fates import FormFile, Places
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.keys import KeyColumns, KeyReader, first_of_runs
from blin_pipeline.redcap.parts import Parts
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.received import Received
from blin_pipeline.redcap.tallies import FormTally
from blin_pipeline.redcap.text_arrays import joined


@dataclass(frozen=True)
class FormsRead:
    """Every instrument of one pass: its rows on disk, and what they count."""

    files: tuple[FormFile, ...]
    tallies: dict[str, FormTally]


class RecordsReader:
    """Reads censuses and instruments of one project.

    Args:
        client: Guarded client.
        received: Keeps the bytes.
        setup: Set-up of the project.
        batch: Records per request; 0 asks for whole instruments as long as the server gives them.
        parts: Answers of an interrupted reading that are proven good.
    """

    def __init__(
        self,
        client: RedcapClient,
        received: Received,
        setup: ProjectSetup,
        *,
        batch: int = 0,
        parts: Parts | None = None,
    ) -> None:
        self._requests = RecordRequests(client, received, setup, batch)
        self._received = received
        self._setup = setup
        self._parts = parts
        #: The latest census: the same bytes say the same.
        self._latest: Census | None = None

    def census(self, name: str, *, allow_empty: bool) -> Census:
        """Read a census.

        Args:
            name: Name of its bytes in the archive.
            allow_empty: A person says that no record is right.

        Raises:
            RedcapReadError: ``E_EMPTY_PROJECT``; as ``census.take_census``.
        """
        setup = self._setup
        path = self._received.workspace / f"{name}.csv"

        def inspect(_: RecordFile) -> Census:
            if self._latest is None or sha256_of(path) != self._latest.fingerprint:
                self._latest = take_census(path, setup, from_server=True, forms=setup.forms)
            return replace(self._latest, path=path)

        fields = [setup.record_id_field, *(f"{form}_complete" for form in setup.forms)]
        census = self._requests.fetch(path, ENDPOINT, inspect, fields=fields)
        payload = self._received.keep_file(name, path)
        self._received.steps.finish(ENDPOINT, n_bytes=payload.n_bytes)
        if not census.groups and not allow_empty:
            raise RedcapReadError("E_EMPTY_PROJECT", ENDPOINT)
        return census

    def forms(self, census: Census) -> FormsRead:
        """Read every instrument; answers that an interrupted reading left, still proven good, are not asked for again.

        Args:
            census: Census taken before, on the same set-up.
        """
        files: list[FormFile] = []
        tallies: dict[str, FormTally] = {}
        for form in self._setup.forms:
            file = self.form_file(form)
            tallies[form] = self._read_form(file, census)
            files.append(file)
            payload = self._received.keep_file(f"record_{form}", file.path)
            self._received.steps.finish(file.endpoint, rows=tallies[form].n_rows, n_bytes=payload.n_bytes)
        return FormsRead(tuple(files), tallies)

    def form_file(self, form: str) -> FormFile:
        """Where the rows of an instrument come to lie."""
        path = self._received.workspace / f"record_{form}.csv"
        columns = tuple(self._setup.form_columns(form))
        return FormFile(form, path, columns, from_server=True, zero_status_is_opened=True)

    def changed_rows(self, form: str, census: Census, ids: Sequence[str]) -> Path:
        """Read some records of one instrument, in batches.

        Args:
            form: The instrument.
            census: Census taken before.
            ids: Records to read, in the census's order.

        Returns:
            Their rows, headed, in the workspace.
        """
        file = self.form_file(form)
        path = file.path.with_name(f"changed_{form}.csv")
        self._requests.in_batches(
            path, file.endpoint, ids, self._header(file, census), fields=self._id_field, forms=[form]
        )
        return path

    def tally(self, file: FormFile, census: Census) -> FormTally:
        """Check the rows of one instrument and count them."""
        found = Blocks(file.path, file.endpoint, from_server=True).header
        if found:
            expect_header(found, self._header(file, census), file.endpoint)
        return tally_form(file, self._setup, groups=census.groups)

    @property
    def _id_field(self) -> list[str]:
        return [self._setup.record_id_field]

    def _header(self, file: FormFile, census: Census) -> list[str]:
        return [*self._setup.system_columns(with_group=census.has_groups), *file.columns]

    def _read_form(self, file: FormFile, census: Census) -> FormTally:
        name = file.path.name
        if self._parts is not None and self._parts.take(name, file.path):
            try:
                return self.tally(file, census)
            except RedcapReadError:
                self._parts.drop(name)
        tally = self._requests.fetch(
            file.path,
            file.endpoint,
            lambda _: self.tally(file, census),
            fields=self._id_field,
            forms=[file.form],
            ids=tuple(census.groups),
            header=self._header(file, census),
        )
        if self._parts is not None:
            self._parts.put(name, file.path)
        return tally


def tally_form(
    file: FormFile, setup: ProjectSetup, *, groups: Mapping[str, str] | None = None, in_any_order: bool = False
) -> FormTally:
    """Count the rows of one instrument, which end with its status.

    Args:
        file: The server's answer.
        setup: Set-up of the project.
        groups: Record id -> its data access group by the census, to compare with; nothing is compared when None.
        in_any_order: Whether the order of the rows is left out of account.

    Raises:
        RedcapReadError: ``E_SCHEMA``, ``E_DUPLICATE_KEY``; as ``csvtext.read_rows``.
    """
    tally = FormTally(in_any_order=in_any_order)
    rows = Blocks(file.path, file.endpoint, from_server=file.from_server)
    if not rows.header:
        return tally
    status = file.columns[-1]
    places = Places(setup, [file.form])
    reader = KeyReader(rows, setup.record_id_field, file.endpoint, file.path.parent)
    for block in rows.read([*reader.columns(), status]):
        keys = reader.read(block)
        where, _ = places.take(keys)
        tally.add(keys, block.column(status), places.here(file.form, where))
        tally.in_other_groups |= groups is not None and _contradicts(keys, groups)
    reader.check_unique()
    return tally


def _contradicts(keys: KeyColumns, groups: Mapping[str, str]) -> bool:
    """Whether a row names another data access group than its record has; a row need not show it."""
    rows = first_of_runs(joined(keys.record_id, keys.group))
    found = zip(keys.record_id.take(rows).to_pylist(), keys.group.take(rows).to_pylist(), strict=True)
    return any(group and groups.get(record, group) != group for record, group in found)

"""Rows of a flat export: their keys, which instrument they belong to, and whether that instrument was ever opened."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.key_set import KeySet
from blin_pipeline.redcap.project_setup import (
    EVENT,
    GROUP,
    REPEAT_INSTANCE,
    REPEAT_INSTRUMENT,
    SYSTEM_COLUMNS,
    ProjectSetup,
)

_WORD = 1 << 128


class RowKey(NamedTuple):
    """Identity of a row of a flat export; blank where the project has no such column."""

    record_id: str
    event: str
    repeat_instrument: str
    repeat_instance: str


class Fate(StrEnum):
    """What becomes of a row in the landing of one instrument."""

    LANDED = "landed"
    #: The instrument can stand here and was never opened: blank, or only the zeros that REDCap fills in.
    UNOPENED = "unopened"
    #: The row belongs to another instrument or event and carries nothing of this one.
    ELSEWHERE = "elsewhere"
    #: The row belongs elsewhere and yet carries data of this instrument: quarantined.
    MISPLACED = "misplaced"


class JudgedRow(NamedTuple):
    """One row as one instrument sees it; ``n_filled`` counts its non-blank cells."""

    key: RowKey
    group: str
    cells: list[str]
    fate: Fate
    n_filled: int


@dataclass(frozen=True)
class FormFile:
    """Rows of one instrument on disk, system columns first.

    Attributes:
        form: Instrument name.
        path: CSV file.
        columns: The instrument's columns in order, without system columns and record id.
        from_server: Whether the bytes are an answer of the API.
        zero_status_is_opened: Whether a status 0 with nothing else proves that the form was saved. Only answers that
            were asked to leave unopened forms' status blank prove that.
    """

    form: str
    path: Path
    columns: tuple[str, ...]
    from_server: bool
    zero_status_is_opened: bool

    @property
    def endpoint(self) -> str:
        """Name for people."""
        return f"records of {self.form!r}"


@dataclass
class Tally:
    """Count and order-independent hash of a set of (key, status)."""

    count: int = 0
    total: int = 0

    def add(self, digest: bytes) -> None:
        """Take one element in."""
        self.count += 1
        self.total = (self.total + int.from_bytes(digest, "big")) % _WORD


@dataclass
class FormTally:
    """What a census says of one instrument, and what the instrument's own answer says.

    Attributes:
        rows: Every row on which the instrument can stand.
        due: Those that its answer must have, opened or not: all but instances of a repeating event, of which an answer
            need not have one that holds nothing of the instrument.
        opened: Those with a status.
    """

    rows: Tally = field(default_factory=Tally)
    due: Tally = field(default_factory=Tally)
    opened: Tally = field(default_factory=Tally)

    def add(self, key: RowKey, status: str) -> None:
        """Take one row of the instrument in."""
        digest = hashlib.blake2b("\0".join((*key, status)).encode(), digest_size=16).digest()
        self.rows.add(digest)
        if key.repeat_instrument or not key.repeat_instance:
            self.due.add(digest)
        if status:
            self.opened.add(digest)


class KeyReader:
    """Reads keys from rows of one header and refuses what cannot be a key; used as a context, which ends its memory of keys.

    Args:
        header: Columns of the rows.
        record_id_field: Name of the record id column.
        endpoint: For errors.
        folder: Restricted folder, for digests of more keys than memory should hold.
    """

    def __init__(self, header: Sequence[str], record_id_field: str, endpoint: str, folder: Path) -> None:
        def position(name: str) -> int | None:
            return header.index(name) if name in header else None

        found = position(record_id_field)
        if found is None:
            raise RedcapReadError("E_SCHEMA", endpoint, detail="no record id column")
        self._record = found
        self._event = position(EVENT)
        self._instrument = position(REPEAT_INSTRUMENT)
        self._instance = position(REPEAT_INSTANCE)
        self._group = position(GROUP)
        self._endpoint = endpoint
        self._seen = KeySet(folder)
        self.data = [i for i, name in enumerate(header) if name != record_id_field and name not in SYSTEM_COLUMNS]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seen.__exit__(kind, error, trace)

    def read(self, row: Sequence[str]) -> RowKey:
        """The row's key.

        Raises:
            RedcapReadError: ``E_SCHEMA`` for a blank id or a misshapen instance.
        """
        key = RowKey(
            row[self._record],
            row[self._event] if self._event is not None else "",
            row[self._instrument] if self._instrument is not None else "",
            row[self._instance] if self._instance is not None else "",
        )
        if not key.record_id:
            raise RedcapReadError("E_SCHEMA", self._endpoint, detail="a row without record id")
        if key.repeat_instance:
            if not (key.repeat_instance.isascii() and key.repeat_instance.isdigit()):
                raise RedcapReadError("E_SCHEMA", self._endpoint, detail="an instance that is no number")
        elif key.repeat_instrument:
            raise RedcapReadError("E_SCHEMA", self._endpoint, detail="a repeating row without instance")
        # No cell holds a NUL: the reader refuses it.
        self._seen.add(hashlib.blake2b("\0".join(key).encode(), digest_size=16).digest())
        return key

    def check_unique(self) -> None:
        """Say, after the last row, that no key stood twice.

        Raises:
            RedcapReadError: ``E_DUPLICATE_KEY``.
        """
        if self._seen.repeats():
            raise RedcapReadError("E_DUPLICATE_KEY", self._endpoint)

    def group(self, row: Sequence[str]) -> str:
        """The row's data access group, blank where there is none."""
        return row[self._group] if self._group is not None else ""


def read_form(form_file: FormFile, setup: ProjectSetup) -> Iterator[JudgedRow]:
    """Read the rows of one instrument, each with its fate.

    Raises:
        RedcapReadError: As for ``csvtext.read_rows``; ``E_SCHEMA``, ``E_DUPLICATE_KEY``.
    """
    rows = read_rows(form_file.path, form_file.endpoint, from_server=form_file.from_server)
    header = next(rows, None)
    if header is None:
        return
    wanted = [header.index(name) for name in form_file.columns]
    judge = FormJudge(form_file, setup)
    with KeyReader(header, setup.record_id_field, form_file.endpoint, form_file.path.parent) as keys:
        for row in rows:
            key = keys.read(row)
            cells = [row[i] for i in wanted]
            yield judge(key, keys.group(row), cells)
        keys.check_unique()


class FormJudge:
    """Decides the fate of rows for one instrument."""

    def __init__(self, form_file: FormFile, setup: ProjectSetup) -> None:
        status = f"{form_file.form}_complete"
        boxes = checkbox_columns(setup, form_file.form, form_file.columns)
        self._form = form_file.form
        self._setup = setup
        self._boxes = [i for i, name in enumerate(form_file.columns) if name in boxes]
        self._plain = [i for i, name in enumerate(form_file.columns) if name not in boxes and name != status]
        self._status = form_file.columns.index(status) if status in form_file.columns else None
        self._unopened = {"", "0"} if not form_file.zero_status_is_opened else {""}
        self._places: dict[tuple[str, str], bool] = {}

    def __call__(self, key: RowKey, group: str, cells: list[str]) -> JudgedRow:
        """Judge one row."""
        place = (key.event, key.repeat_instrument)
        here = self._places.get(place)
        if here is None:
            here = self._places[place] = self._setup.lives_on(self._form, *place)
        n_filled = len(cells) - cells.count("")
        if not n_filled:
            return JudgedRow(key, group, cells, Fate.UNOPENED if here else Fate.ELSEWHERE, 0)
        has_value = any(cells[i] for i in self._plain) or any(cells[i] not in {"", "0"} for i in self._boxes)
        status = cells[self._status] if self._status is not None else ""
        if here:
            fate = Fate.LANDED if has_value or status not in self._unopened else Fate.UNOPENED
        else:
            fate = Fate.MISPLACED if has_value or status not in {"", "0"} else Fate.ELSEWHERE
        return JudgedRow(key, group, cells, fate, n_filled)


def checkbox_columns(setup: ProjectSetup, form: str, columns: Collection[str]) -> frozenset[str]:
    """Those columns of an instrument that are options of a checkbox."""
    boxes = {entry.field_name for entry in setup.dictionary.form_fields(form) if entry.field_type == "checkbox"}
    options = {name.export_field_name for name in setup.export_names if name.original_field_name in boxes}
    return frozenset(options & set(columns))

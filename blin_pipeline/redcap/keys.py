"""Keys of the rows of a flat export: read, refused where they cannot be keys, and none of them twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from blin_pipeline.redcap.blocks import Blocks
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.key_set import KeySet
from blin_pipeline.redcap.project_setup import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from blin_pipeline.redcap.text_arrays import blanks, is_blank, is_filled, joined

#: Keys of one record, over blocks, that are held in memory.
_MOST_OPEN_KEYS: Final = 50_000


class RowKey(NamedTuple):
    """Identity of a row of a flat export; blank where the project has no such column."""

    record_id: str
    event: str
    repeat_instrument: str
    repeat_instance: str


@dataclass(frozen=True)
class KeyColumns:
    """Keys of some rows, and their data access groups: columns of text, blank where the project has no such column."""

    record_id: pa.StringArray
    event: pa.StringArray
    repeat_instrument: pa.StringArray
    repeat_instance: pa.StringArray
    group: pa.StringArray

    @cached_property
    def identity(self) -> pa.StringArray:
        """The key of each row as one text."""
        return joined(self.record_id, self.event, self.repeat_instrument, self.repeat_instance)

    @cached_property
    def is_event_instance(self) -> pa.BooleanArray:
        """Whether each row is an instance of a repeating event."""
        return pc.and_(is_blank(self.repeat_instrument), is_filled(self.repeat_instance))

    def keys(self) -> Iterator[RowKey]:
        """Row by row."""
        columns = (self.record_id, self.event, self.repeat_instrument, self.repeat_instance)
        return (RowKey(*cells) for cells in zip(*(column.to_pylist() for column in columns), strict=True))


class KeyReader:
    """Reads the keys of an answer, block by block.

    Args:
        rows: The answer.
        record_id_field: Name of its record id column.
        endpoint: For errors.
        folder: Restricted folder, for digests of more keys than memory should hold.
        proven: Whether the keys were read before, by a reader that found none twice.

    Raises:
        RedcapReadError: ``E_SCHEMA`` when there is no record id column.
    """

    def __init__(
        self, rows: Blocks, record_id_field: str, endpoint: str, folder: Path, *, proven: bool = False
    ) -> None:
        if rows.header and record_id_field not in rows.header:
            raise RedcapReadError("E_SCHEMA", endpoint, detail="no record id column")
        self._rows = rows
        self._names = (record_id_field, EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE, GROUP)
        self._endpoint = endpoint
        self._folder = folder
        self._proven = proven
        self._has_repeats = False
        #: Records whose rows are behind us, and those among them that came once more.
        self._ended: set[str] = set()
        self._again: set[str] = set()
        #: The record of the last row, and the keys of it so far.
        self._open = ""
        self._open_keys: set[str] = set()

    def columns(self) -> tuple[str, ...]:
        """Columns of the answer that make its keys."""
        return tuple(name for name in self._names if name in self._rows.header)

    def read(self, block: pa.RecordBatch) -> KeyColumns:
        """Keys of the next rows.

        Raises:
            RedcapReadError: ``E_SCHEMA`` for a blank id or a misshapen instance, whichever of the block is looked for first.
        """
        held = block.schema.names
        keys = KeyColumns(*(block.column(name) if name in held else blanks(len(block)) for name in self._names))
        if len(block):
            self._check_shape(keys)
            if not self._proven:
                self._watch(keys)
        return keys

    def check_unique(self) -> None:
        """Say, after the last row, that no key stood twice.

        Raises:
            RedcapReadError: ``E_DUPLICATE_KEY``.
        """
        if self._has_repeats or (self._again and self._repeats_of_scattered_records()):
            raise RedcapReadError("E_DUPLICATE_KEY", self._endpoint)

    def _check_shape(self, keys: KeyColumns) -> None:
        if _any(is_blank(keys.record_id)):
            raise RedcapReadError("E_SCHEMA", self._endpoint, detail="a row without record id")
        without = is_blank(keys.repeat_instance)
        if not _all(pc.or_(without, pc.ascii_is_decimal(keys.repeat_instance))):
            raise RedcapReadError("E_SCHEMA", self._endpoint, detail="an instance that is no number")
        if _any(pc.and_(without, is_filled(keys.repeat_instrument))):
            raise RedcapReadError("E_SCHEMA", self._endpoint, detail="a repeating row without instance")

    def _watch(self, keys: KeyColumns) -> None:
        """Compare within the block, and within a record that goes on from the block before."""
        identities = keys.identity
        if pc.count_distinct(identities).as_py() < len(identities):
            self._has_repeats = True
        starts = first_of_runs(keys.record_id)
        records = keys.record_id.take(starts).to_pylist()
        if records[0] == self._open:
            n_first = starts[1].as_py() if len(starts) > 1 else len(identities)
            first = {*identities.slice(0, n_first).to_pylist()}
            self._has_repeats |= not first.isdisjoint(self._open_keys)
            self._open_keys |= first
            if len(self._open_keys) > _MOST_OPEN_KEYS:
                # Too many to hold: the second look, which spills to the disk, will tell.
                self._again.add(self._open)
                self._open_keys = set()
            records.pop(0)
        if records:
            fresh = {*records}
            if len(fresh) < len(records):
                self._again |= fresh
            self._ended.add(self._open)
            self._again |= fresh & self._ended
            self._ended |= fresh
            self._open = records[-1]
            self._open_keys = {*identities.slice(starts[-1].as_py()).to_pylist()}
            self._ended.discard(self._open)

    def _repeats_of_scattered_records(self) -> bool:
        """Whether a record whose rows do not stand together has a key twice; reads the answer once more."""
        with KeySet(self._folder) as seen:
            for block in self._rows.read(self.columns()):
                held = [block.column(name) for name in self._names[:4] if name in block.schema.names]
                for record, key in zip(held[0].to_pylist(), joined(*held).to_pylist(), strict=True):
                    if record in self._again:
                        seen.add(hashlib.blake2b(key.encode(), digest_size=16).digest())
            return seen.repeats()


def first_of_runs(column: pa.StringArray) -> pa.UInt64Array:
    """Numbers of the rows whose cell is another than in the row before, the first row among them."""
    if not len(column):
        return pc.indices_nonzero(is_blank(column))
    differs = pc.not_equal(column.slice(1), column.slice(0, len(column) - 1))
    first = is_blank(blanks(1))
    return pc.indices_nonzero(pa.concat_arrays([first, differs]))


def _any(mask: pa.BooleanArray) -> bool:
    return bool(pc.any(mask).as_py())


def _all(mask: pa.BooleanArray) -> bool:
    return bool(pc.all(mask).as_py())

"""An answer as blocks: Arrow batches of text, as strict as the row reader and many times as fast.

Arrow reads an answer whose bytes are *canonical*: quotes only around whole cells and doubled within, neither a blank line nor a
carriage return outside them, no NUL, valid UTF-8, the last row ended. On such bytes both readers give the same cells. It gets
whole rows at a time: where it cuts a text itself it loses line feeds and reads far ahead. Anything that is not canonical, and
every fault, is the row reader's (:mod:`~blin_pipeline.redcap.csvtext`), which names it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
from pyarrow import csv

from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.text_arrays import text_batch

_CHUNK: Final = 1 << 20
#: Bytes that Arrow parses at a time, more where a row is longer.
_BLOCK: Final = 2 << 20
#: A longer block holds a row, or a cell, of a length that the row reader must judge.
_LARGEST_BLOCK: Final = 64 << 20
#: Characters and cells that the row reader gathers before it hands them on.
_GATHERED: Final = 2 << 20
#: Stands for a quoted cell; no canonical text holds it.
_MARK: Final = b"\0"
#: A quoted cell with something else than a separator, or a second half of itself, before or after it.
_BESIDE_A_CELL: Final = re.compile(rb"\0(?:[^,\n\0]|(?<=[^,\n\0]\0))")


class Blocks:
    """The rows of one answer.

    Args:
        path: The answer.
        endpoint: What it answers, for people.
        from_server: Whether the bytes are an answer of the API, as for ``csvtext.read_rows``.

    Attributes:
        header: Names of the columns; empty for an answer without rows.

    Raises:
        RedcapReadError: As ``csvtext.read_rows``.
        StorageError: The file cannot be read.
    """

    def __init__(self, path: Path, endpoint: str, *, from_server: bool) -> None:
        self._path = path
        self._endpoint = endpoint
        self._from_server = from_server
        self.header: tuple[str, ...] = tuple(next(self._rows(), ()))

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Every row in the answer's order, as batches of text columns without nulls.

        Args:
            columns: Those wanted, in this order; all when None. The whole answer is checked in any case.

        Raises:
            RedcapReadError: As ``csvtext.read_rows``.
            StorageError: The file cannot be read.
        """
        wanted = self.header if columns is None else tuple(columns)
        if not self.header:
            return
        n_rows = 0
        cuts = self._cuts()
        if cuts is not None:
            try:
                for batch in self._by_arrow(wanted, cuts):
                    n_rows += batch.num_rows
                    yield batch
            except pa.ArrowInvalid:
                pass
            else:
                return
        yield from self._by_rows(wanted, n_rows)

    def _rows(self) -> Iterator[list[str]]:
        return read_rows(self._path, self._endpoint, from_server=self._from_server)

    def _cuts(self) -> list[int] | None:
        with disk_faults("reading an answer"), self._path.open("rb") as raw:
            header = raw.readline()
            return canonical_cuts(raw, header) if _names(header) == self.header else None

    def _by_arrow(self, wanted: Sequence[str], cuts: Sequence[int]) -> Iterator[pa.RecordBatch]:
        parsing = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
        converting = csv.ConvertOptions(
            include_columns=list(wanted),
            column_types=dict.fromkeys(wanted, pa.string()),
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        )
        with disk_faults("reading an answer"), self._path.open("rb") as raw:
            header = raw.read(cuts[0])
            for begin, end in pairwise(cuts):
                rows = header + raw.read(end - begin)
                # One block, whatever its length.
                reading = csv.ReadOptions(block_size=len(rows) + 1)
                yield from csv.read_csv(pa.BufferReader(rows), reading, parsing, converting).to_batches()

    def _by_rows(self, wanted: Sequence[str], begin: int) -> Iterator[pa.RecordBatch]:
        """Rows from number ``begin`` on."""
        places = [self.header.index(name) for name in wanted]
        gathered: list[list[str]] = []
        size = 0
        for row in islice(self._rows(), begin + 1, None):
            gathered.append([row[i] for i in places])
            size += sum(map(len, row)) + len(row)
            if size >= _GATHERED:
                yield text_batch(wanted, gathered)
                gathered, size = [], 0
        if gathered:
            yield text_batch(wanted, gathered)


def canonical_cuts(raw: BinaryIO, header: bytes) -> list[int] | None:
    """Where a text may be cut between two rows, if it is CSV of the plainest form, on which any two readers agree.

    Args:
        raw: The text behind its first line; read piece by piece.
        header: The first line.

    Returns:
        Places in bytes: the end of the header, then one about every block, then the end. None when the text is not canonical.
    """
    quotes = _Quotes()
    decoder = codecs.getincrementaldecoder("utf-8")()
    cuts = [len(header)]
    place = len(header)
    try:
        # The byte-order mark of a file that a person saved: the header is read without it.
        decoder.decode(header)
        if not quotes.take(header) or quotes.are_open:
            return None
        while piece := raw.read(_CHUNK):
            if not quotes.take(piece):
                return None
            decoder.decode(piece)
            end = _last_row_end(piece, are_open=quotes.are_open)
            if end and place + end - cuts[-1] >= _BLOCK:
                cuts.append(place + end)
            place += len(piece)
            if place - cuts[-1] > _LARGEST_BLOCK:
                return None
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    if quotes.are_open or not quotes.line_ended:
        return None
    return [*cuts, place] if place > cuts[-1] else cuts


def _last_row_end(piece: bytes, *, are_open: bool) -> int:
    """Behind the last line feed of a piece that stands outside quotes; 0 where there is none.

    Args:
        piece: A piece of canonical text.
        are_open: Whether quotes are open behind it.
    """
    end = len(piece)
    while True:
        quote = piece.rfind(b'"', 0, end)
        if not are_open and (found := piece.rfind(b"\n", quote + 1, end)) >= 0:
            return found + 1
        if quote < 0:
            return 0
        are_open, end = not are_open, quote


def _names(header: bytes) -> tuple[str, ...]:
    """Names of columns in the plainest of first lines."""
    text = header.decode("utf-8-sig", errors="replace")
    return tuple(name.removeprefix('"').removesuffix('"') for name in text.removesuffix("\n").split(","))


class _Quotes:
    """Follows the quotes of a text over its pieces.

    What stands outside quotes is looked at in one go, each quoted cell in it replaced by a mark: one mark for a cell, two in a
    row for a doubled quote within one.
    """

    def __init__(self) -> None:
        self.are_open = False
        #: The last byte outside quotes, or the mark; the text begins like a line.
        self._before = b"\n"

    @property
    def line_ended(self) -> bool:
        """Whether the text ends with a line end."""
        return self._before == b"\n"

    def take(self, piece: bytes) -> bool:
        """Go on; False where the text is not canonical."""
        if _MARK in piece:
            return False
        parts = piece.split(b'"')
        outside = self._before + _MARK.join(parts[self.are_open :: 2])
        self.are_open ^= len(parts) % 2 == 0
        if self.are_open:
            outside += _MARK
        self._before = outside[-1:]
        return b"\r" not in outside and b"\n\n" not in outside and _BESIDE_A_CELL.search(outside) is None

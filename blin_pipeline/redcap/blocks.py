"""An answer as blocks: Arrow batches of text, as strict as the row reader and many times as fast.

Arrow reads an answer whose bytes are *canonical*: quotes only around whole cells and doubled within, no blank line outside
them, no carriage return (Arrow loses the line feed after one that ends a block), no NUL, valid UTF-8, the last row ended. On
such bytes both readers give the same cells. Anything else, and every fault, is the row reader's
(:mod:`~blin_pipeline.redcap.csvtext`), which names it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
from pyarrow import csv

from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.text_arrays import text_batch

_CHUNK: Final = 1 << 20
#: Bytes that Arrow parses at a time; a longer row is the row reader's.
_BLOCK: Final = 2 << 20
#: Cells that the row reader gathers before it hands them on.
_CELLS: Final = 200_000
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
        """
        wanted = self.header if columns is None else tuple(columns)
        if not self.header:
            return
        n_rows = 0
        if self._is_canonical():
            try:
                for batch in self._by_arrow(wanted):
                    n_rows += batch.num_rows
                    yield batch
            except pa.ArrowInvalid:
                pass
            else:
                return
        yield from self._by_rows(wanted, n_rows)

    def _rows(self) -> Iterator[list[str]]:
        return read_rows(self._path, self._endpoint, from_server=self._from_server)

    def _is_canonical(self) -> bool:
        with disk_faults("reading an answer"), self._path.open("rb") as raw:
            return is_canonical(raw)

    def _by_arrow(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        reading = csv.ReadOptions(block_size=_BLOCK, use_threads=False)
        parsing = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
        converting = csv.ConvertOptions(
            include_columns=list(wanted),
            column_types=dict.fromkeys(wanted, pa.string()),
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        )
        with disk_faults("reading an answer"), csv.open_csv(str(self._path), reading, parsing, converting) as blocks:
            yield from blocks

    def _by_rows(self, wanted: Sequence[str], begin: int) -> Iterator[pa.RecordBatch]:
        """Rows from number ``begin`` on."""
        places = [self.header.index(name) for name in wanted]
        at_a_time = max(1, _CELLS // len(self.header))
        rows = islice(self._rows(), begin + 1, None)
        while some := list(islice(rows, at_a_time)):
            yield text_batch(wanted, [[row[i] for i in places] for row in some])


def is_canonical(raw: BinaryIO) -> bool:
    """Whether a text is CSV of the plainest form, on which any two readers agree.

    Args:
        raw: The bytes from the beginning; read piece by piece.
    """
    quotes = _Quotes()
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := raw.read(_CHUNK):
            if not quotes.take(piece):
                return False
            # The byte-order mark of a file that a person saved: Arrow skips it, as the row reader does.
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return not quotes.are_open and quotes.line_ended


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
        if _MARK in piece or b"\r" in piece:
            return False
        parts = piece.split(b'"')
        outside = self._before + _MARK.join(parts[self.are_open :: 2])
        self.are_open ^= len(parts) % 2 == 0
        if self.are_open:
            outside += _MARK
        self._before = outside[-1:]
        return b"\n\n" not in outside and _BESIDE_A_CELL.search(outside) is None

"""Tables of text on disk: Parquet, every cell a string, blanks as ``''``, rows in a defined order, with a content hash.

The content hash depends on columns, rows and their order, not on the writer's version, row groups or compression.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blin_pipeline.landing.manifest import TableEntry
from blin_pipeline.landing.sorting import OrderCheck, SortColumns, sorted_blocks, sorted_within_records
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.text_arrays import cell_bytes, text_batch, text_schema

#: Rows held in memory at a time.
BATCH_ROWS = 16_384
_COMPRESSION = "zstd"
_INT32 = 4


class ContentHash:
    """Hash of a table of text, fed batch by batch: per column the lengths and the bytes of its cells."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self._lengths = [hashlib.sha256() for _ in columns]
        self._bytes = [hashlib.sha256() for _ in columns]
        self.n_rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take a batch of string columns without nulls in."""
        self.n_rows += batch.num_rows
        for column, lengths, content in zip(batch.columns, self._lengths, self._bytes, strict=True):
            in_bytes = pc.binary_length(column)
            lengths.update(memoryview(in_bytes.buffers()[1])[: _INT32 * len(column)])
            content.update(cell_bytes(column))

    def hexdigest(self) -> str:
        """The hash so far."""
        whole = hashlib.sha256(str(self.n_rows).encode())
        for name, lengths, content in zip(self.columns, self._lengths, self._bytes, strict=True):
            whole.update(f"\n{len(name.encode())}:{name}".encode() + lengths.digest() + content.digest())
        return whole.hexdigest()


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> TableEntry:
    """Write rows of text in the order in which they come.

    Args:
        path: File to create.
        columns: Column names.
        rows: Rows of as many strings.
    """
    return write_blocks(path, columns, _blocks(columns, rows))


def write_blocks(
    path: Path, columns: Sequence[str], blocks: Iterable[pa.RecordBatch], order: SortColumns | None = None
) -> TableEntry:
    """Write rows of text, sorted, flushed to the disk, readable by its owner only.

    Blocks are streamed; a table that arrives out of order is sorted on the disk.

    Args:
        path: File to create.
        columns: Column names.
        blocks: Rows, in batches of these columns.
        order: Columns to sort rows by, rank of the record first; the order of arrival when None.

    Raises:
        RedcapReadError: ``E_DUPLICATE_KEY``: two rows tie in the order.
    """
    content = ContentHash(columns)
    if order is None:
        _stream(path, content, blocks)
    else:
        check = OrderCheck()
        _stream(path, content, check.watched(sorted_within_records(blocks, order)))
        if not check.holds:
            content = _sort(path, columns, order)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        n_bytes = file.tell()
        os.fsync(file.fileno())
    path.chmod(0o400)
    return TableEntry(
        path=path.name,
        rows=content.n_rows,
        n_bytes=n_bytes,
        sha256=digest,
        content_sha256=content.hexdigest(),
        columns=tuple(columns),
    )


def content_of(path: Path) -> str:
    """Content hash of a landed table, read back from disk."""
    file = pq.ParquetFile(path)
    content = ContentHash(file.schema_arrow.names)
    for batch in file.iter_batches(batch_size=BATCH_ROWS):
        content.update(batch)
    return content.hexdigest()


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[tuple[str, ...]]:
    """Rows of a landed table, or some columns of it."""
    file = pq.ParquetFile(path)
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=None if columns is None else list(columns)):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _blocks(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[pa.RecordBatch]:
    rest = iter(rows)
    while some := list(islice(rest, BATCH_ROWS)):
        yield text_batch(columns, some)


def _sort(path: Path, columns: Sequence[str], order: SortColumns) -> ContentHash:
    """Put a table that was written as it came in order."""
    arrived = path.with_name(f".{path.name}")
    path.rename(arrived)
    content, check = ContentHash(columns), OrderCheck()
    _stream(path, content, check.watched(sorted_blocks(arrived, order, columns)))
    arrived.unlink()
    if not check.holds:
        raise RedcapReadError("E_DUPLICATE_KEY", f"the rows of {path.stem!r}")
    return content


def _stream(path: Path, content: ContentHash, blocks: Iterable[pa.RecordBatch]) -> None:
    """Write blocks in row groups of one size, whatever theirs is."""
    schema = text_schema(content.columns)
    held: list[pa.RecordBatch] = []
    n_held = 0
    # A file object of ours, so that a full disk raises what Python raises and the bytes can be flushed to the disk.
    with path.open("wb") as out, pq.ParquetWriter(out, schema, compression=_COMPRESSION) as writer:
        for block in blocks:
            held.append(pa.RecordBatch.from_arrays(block.columns, schema=schema))
            n_held += len(block)
            if n_held >= BATCH_ROWS:
                whole = pa.Table.from_batches(held).combine_chunks()
                n_held %= BATCH_ROWS
                _write_rows(writer, content, whole.slice(0, len(whole) - n_held))
                held = whole.slice(len(whole) - n_held).to_batches()
        if n_held:
            _write_rows(writer, content, pa.Table.from_batches(held).combine_chunks())


def _write_rows(writer: pq.ParquetWriter, content: ContentHash, rows: pa.Table) -> None:
    for batch in rows.to_batches():
        content.update(batch)
    writer.write_table(rows, row_group_size=BATCH_ROWS)

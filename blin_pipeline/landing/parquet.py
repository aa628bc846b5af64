"""Tables of text on disk: Parquet, every cell a string, blanks as ``''``, rows in a defined order, with a content hash.

The content hash depends on columns, rows and their order, not on the writer's version, row groups or compression.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blin_pipeline.landing.manifest import TableEntry
from blin_pipeline.landing.sorting import sorted_rows

#: Rows held in memory at a time.
BATCH_ROWS = 16_384
_COMPRESSION = "zstd"
_INT32 = 4


class _Comparable(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...  # noqa: ANN401 (whatever the other is)


class ContentHash:
    """Hash of a table of text, fed batch by batch: per column the lengths and the bytes of its cells."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._lengths = [hashlib.sha256() for _ in columns]
        self._bytes = [hashlib.sha256() for _ in columns]
        self.n_rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take a batch of string columns without nulls in."""
        self.n_rows += batch.num_rows
        for column, lengths, content in zip(batch.columns, self._lengths, self._bytes, strict=True):
            in_bytes = pc.binary_length(column)
            lengths.update(memoryview(in_bytes.buffers()[1])[: _INT32 * len(column)])
            begin, end = _bounds(column)
            if end > begin:
                content.update(memoryview(column.buffers()[2])[begin:end])

    def hexdigest(self) -> str:
        """The hash so far."""
        whole = hashlib.sha256(str(self.n_rows).encode())
        for name, lengths, content in zip(self._columns, self._lengths, self._bytes, strict=True):
            whole.update(f"\n{len(name.encode())}:{name}".encode() + lengths.digest() + content.digest())
        return whole.hexdigest()


def write_table(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    order: Callable[[Sequence[str]], _Comparable] | None = None,
) -> TableEntry:
    """Write rows of text, sorted, flushed to the disk, readable by its owner only.

    Rows are streamed; a table that arrives out of order is sorted on the disk.

    Args:
        path: File to create.
        columns: Column names.
        rows: Rows of as many strings.
        order: Sort key of a row; the order of arrival when None.
    """
    in_order, content = _stream(path, columns, rows, order)
    if not in_order and order is not None:
        arrived = path.with_name(f".{path.name}")
        path.rename(arrived)
        with TemporaryDirectory(prefix=".sorting-", dir=path.parent) as runs:
            _, content = _stream(path, columns, sorted_rows(arrived, order, Path(runs)), None)
        arrived.unlink()
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


def _text_array(cells: Sequence[str]) -> pa.StringArray:
    """Cells as Arrow text, built from their bytes (``pyarrow.array`` would import pandas)."""
    joined = "".join(cells)
    if joined.isascii():
        lengths, content = map(len, cells), joined.encode()
    else:
        encoded = [cell.encode() for cell in cells]
        lengths, content = map(len, encoded), b"".join(encoded)
    ends = array("i", accumulate(lengths, initial=0))
    return pa.StringArray.from_buffers(len(cells), pa.py_buffer(ends), pa.py_buffer(content))


def _bounds(column: pa.StringArray) -> tuple[int, int]:
    """Where the bytes of a column's cells begin and end in its data."""
    ends = memoryview(column.buffers()[1]).cast("i")
    return ends[column.offset], ends[column.offset + len(column)]


def _stream(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    order: Callable[[Sequence[str]], _Comparable] | None,
) -> tuple[bool, ContentHash]:
    schema = pa.schema([pa.field(name, pa.string(), nullable=False) for name in columns])
    content = ContentHash(columns)
    in_order = True
    last: Any = None
    batch: list[Sequence[str]] = []
    # A file object of ours, so that a full disk raises what Python raises and the bytes can be flushed to the disk.
    with path.open("wb") as out, pq.ParquetWriter(out, schema, compression=_COMPRESSION) as writer:

        def flush() -> None:
            arrays = [_text_array(cells) for cells in zip(*batch, strict=True)]
            arrow = pa.RecordBatch.from_arrays(arrays, schema=schema)
            content.update(arrow)
            writer.write_batch(arrow, row_group_size=BATCH_ROWS)
            batch.clear()

        for row in rows:
            if order is not None and in_order:
                key = order(row)
                in_order = last is None or not key < last
                last = key
            batch.append(row)
            if len(batch) >= BATCH_ROWS:
                flush()
        if batch:
            flush()
    return in_order, content

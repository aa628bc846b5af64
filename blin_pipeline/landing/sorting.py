"""Sorting a table on disk that need not fit into memory: one share of the records after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.text_arrays import number

#: Columns to sort by, the first of them whole numbers from 0 on; no two rows may tie in all.
SortColumns: TypeAlias = Callable[[pa.RecordBatch], list[pa.Array]]

#: Cells sorted at a time.
_SHARE_CELLS: Final = 2_000_000
_BATCH_ROWS: Final = 16_384


class SortedRows(NamedTuple):
    """Rows in order, and the columns that they were sorted by."""

    rows: pa.RecordBatch
    by: list[pa.Array]


class OrderCheck:
    """Says whether rows that pass by come in order, without a tie.

    Attributes:
        holds: Whether all so far did.
    """

    def __init__(self) -> None:
        self.holds = True
        self._last: list[pa.Array] = []

    def watched(self, blocks: Iterable[SortedRows]) -> Iterator[pa.RecordBatch]:
        """The rows of the blocks, as they pass by."""
        for rows, by in blocks:
            columns = by
            if self._last:
                columns = [pa.concat_arrays([last, column]) for last, column in zip(self._last, by, strict=True)]
            self._last = [column.slice(len(column) - 1) for column in by]
            self.holds = self.holds and _ascend(columns)
            yield rows


def sorted_within_records(blocks: Iterable[pa.RecordBatch], order: SortColumns) -> Iterator[SortedRows]:
    """Rows whose records come in order, each record's rows put in order; other rows in some order.

    Args:
        blocks: Rows as they come, their record in the column ``record_id``.
        order: Sort columns of rows.
    """
    held: list[pa.RecordBatch] = []
    for block in blocks:
        if not len(block):
            continue
        records = block.column("record_id")
        if held and records[0] != held[-1].column("record_id")[-1]:
            yield _in_order(held, order)
            held = []
        # The last record's rows may go on in the next block.
        begins = pc.index(records, records[-1]).as_py()
        if begins:
            yield _in_order([*held, block.slice(0, begins)], order)
            held = []
        held.append(block.slice(begins))
    if held:
        yield _in_order(held, order)


def sorted_blocks(
    path: Path, order: SortColumns, columns: Sequence[str], share_cells: int = _SHARE_CELLS
) -> Iterator[SortedRows]:
    """Rows of a Parquet file of text in order.

    Args:
        path: The file; read once for the shares, and once for each share.
        order: Sort columns of rows.
        columns: Its columns.
        share_cells: Cells held in memory at a time; rows that tie in the first sort column stay together.
    """
    most = max(1, share_cells // max(1, len(columns)))
    for begin, end in _shares(path, order, most):
        yield _in_order([rows for block in _blocks(path) if len(rows := _between(block, order, begin, end))], order)


def _shares(path: Path, order: SortColumns, most: int) -> list[tuple[int, int]]:
    """Ranges of the first sort column that hold about ``most`` rows each."""
    rows_of: dict[int, int] = {}
    for block in _blocks(path):
        for count in pc.value_counts(order(block)[0]).to_pylist():
            rows_of[count["values"]] = rows_of.get(count["values"], 0) + count["counts"]
    shares: list[tuple[int, int]] = []
    n_rows = 0
    for rank in sorted(rows_of):
        if shares and n_rows + rows_of[rank] <= most:
            shares[-1] = (shares[-1][0], rank + 1)
        else:
            shares.append((rank, rank + 1))
            n_rows = 0
        n_rows += rows_of[rank]
    return shares


def _between(block: pa.RecordBatch, order: SortColumns, begin: int, end: int) -> pa.RecordBatch:
    ranks = order(block)[0]
    return block.filter(pc.and_(pc.greater_equal(ranks, number(begin)), pc.less(ranks, number(end))))


def _blocks(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=_BATCH_ROWS)


def _in_order(blocks: Sequence[pa.RecordBatch], order: SortColumns) -> SortedRows:
    """Rows of all blocks as one, in order.

    Raises:
        RedcapReadError: ``E_SCHEMA``: a column of them is longer than Arrow can hold in one piece (2 GiB).
    """
    joined = pa.Table.from_batches(blocks).combine_chunks().to_batches() if len(blocks) > 1 else list(blocks)
    if len(joined) > 1:
        raise RedcapReadError(
            "E_SCHEMA", "the rows of a table", detail="more than 2 GiB of text that must be sorted at once"
        )
    whole = joined[0]
    columns = order(whole)
    if _ascend(columns):
        return SortedRows(whole, columns)
    names = [str(n) for n in range(len(columns))]
    places = pc.sort_indices(pa.Table.from_arrays(columns, names), sort_keys=[(name, "ascending") for name in names])
    return SortedRows(whole.take(places), [column.take(places) for column in columns])


def _ascend(columns: Sequence[pa.Array]) -> bool:
    """Whether each row, given by its sort columns, stands before the next one, without a tie."""
    n_pairs = len(columns[0]) - 1
    before, tied = None, None
    for column in columns:
        first, second = column.slice(0, n_pairs), column.slice(1)
        less = pc.less(first, second)
        before = less if before is None else pc.or_(before, pc.and_(tied, less))
        if before.true_count == n_pairs:
            return True
        equal = pc.equal(first, second)
        tied = equal if tied is None else pc.and_(tied, equal)
    return False

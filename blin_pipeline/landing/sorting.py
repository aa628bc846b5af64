"""Sorting a table on disk that need not fit into memory: sorted runs, then one merge."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

#: Cells held in memory at a time, about 60 bytes each.
_RUN_CELLS = 1_000_000
_MERGE_ROWS = 1_024


def sorted_rows(
    path: Path, order: Callable[[Sequence[str]], Any], folder: Path, run_cells: int = _RUN_CELLS
) -> Iterator[tuple[str, ...]]:
    """Rows of a Parquet file of text in order.

    Args:
        path: The file.
        order: Sort key of a row.
        folder: Empty folder for the runs; they stay there.
        run_cells: Cells held in memory at a time.
    """
    file = pq.ParquetFile(path)
    run_rows = max(1, run_cells // max(1, len(file.schema_arrow)))
    runs: list[Path] = []
    for batch in file.iter_batches(batch_size=run_rows):
        rows = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        places = sorted(range(len(rows)), key=lambda place: order(rows[place]))
        runs.append(folder / f"{len(runs)}.parquet")
        # Built from a buffer: ``pyarrow.array`` would import pandas.
        buffers = [None, pa.py_buffer(array("q", places))]
        table = pa.Table.from_batches([batch]).take(pa.Int64Array.from_buffers(pa.int64(), len(places), buffers))
        pq.write_table(table, runs[-1], compression="none", row_group_size=_MERGE_ROWS)
    yield from heapq.merge(*(_rows(run) for run in runs), key=order)


def _rows(path: Path) -> Iterator[tuple[str, ...]]:
    for batch in pq.ParquetFile(path).iter_batches(batch_size=_MERGE_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

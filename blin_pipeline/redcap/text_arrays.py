"""Columns of text: Arrow arrays without nulls, made from Python's strings and joined to one text per row.

Nothing goes through ``pyarrow.array`` or ``pyarrow.scalar``, which import pandas: a third of a second and 40 MB. That is also
why comparisons are with :data:`BLANK` and :func:`number`, never with a string or number of Python's.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

#: Stands between the parts of a joined text; no cell holds it.
SEPARATOR = "\0"


def give_memory_back() -> None:
    """Let Arrow use the allocator that returns freed memory, where it has it: a third less for a large project."""
    if "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())


def text_array(cells: Sequence[str]) -> pa.StringArray:
    """Cells as an Arrow array, built from their bytes."""
    joined = "".join(cells)
    if joined.isascii():
        lengths, content = map(len, cells), joined.encode()
    else:
        encoded = [cell.encode() for cell in cells]
        lengths, content = map(len, encoded), b"".join(encoded)
    ends = array("i", accumulate(lengths, initial=0))
    return pa.StringArray.from_buffers(len(cells), pa.py_buffer(ends), pa.py_buffer(content))


def int_array(numbers: Iterable[int]) -> pa.Int64Array:
    """Whole numbers as an Arrow array."""
    held = array("q", numbers)
    return pa.Int64Array.from_buffers(pa.int64(), len(held), [None, pa.py_buffer(held)])


def number(value: int) -> pa.Int64Scalar:
    """A whole number to compute with."""
    return int_array([value])[0]


def is_blank(column: pa.StringArray) -> pa.BooleanArray:
    """Whether each cell is blank."""
    return pc.equal(column, BLANK)


def is_filled(column: pa.StringArray) -> pa.BooleanArray:
    """Whether each cell holds something."""
    return pc.not_equal(column, BLANK)


def text_batch(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> pa.RecordBatch:
    """Rows as a batch of text columns."""
    cells: Iterable[Sequence[str]] = zip(*rows, strict=True) if rows else [[] for _ in columns]
    return pa.RecordBatch.from_arrays([text_array(column) for column in cells], schema=text_schema(columns))


def text_schema(columns: Sequence[str]) -> pa.Schema:
    """Schema of text columns without nulls."""
    return pa.schema([pa.field(name, pa.string(), nullable=False) for name in columns])


def blanks(n_rows: int) -> pa.StringArray:
    """A column in which every cell is blank."""
    return pa.StringArray.from_buffers(n_rows, pa.py_buffer(bytes(4 * (n_rows + 1))), pa.py_buffer(b""))


def joined(*columns: pa.StringArray) -> pa.StringArray:
    """One text per row: each cell, then the separator."""
    return pc.binary_join_element_wise(*columns, BLANK, _SEPARATOR_SCALAR)


def cell_bytes(column: pa.StringArray) -> memoryview:
    """The bytes of all cells of a column, one after the other."""
    begin, end = bounds(column)
    return memoryview(column.buffers()[2])[begin:end] if end > begin else memoryview(b"")


def bounds(column: pa.StringArray) -> tuple[int, int]:
    """Where the bytes of a column's cells begin and end in its data."""
    ends = memoryview(column.buffers()[1]).cast("i")
    return ends[column.offset], ends[column.offset + len(column)]


#: The blank cell.
BLANK: pa.StringScalar = text_array([""])[0]
_SEPARATOR_SCALAR: pa.StringScalar = text_array([SEPARATOR])[0]

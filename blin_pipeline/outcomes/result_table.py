"""Result rows as an Arrow table for the database, and read back from a stored one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from blin_pipeline.outcomes.result import RESULT_COLUMNS, ResultRow, require_unique

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def result_schema() -> pa.Schema:
    """Arrow schema of ``report.result``; each field's metadata carries its description."""
    import pyarrow as pa

    types = {"string": pa.string(), "double": pa.float64(), "int64": pa.int64()}
    return pa.schema(
        [
            pa.field(column.name, types[column.arrow_type], metadata={"description": column.description})
            for column in RESULT_COLUMNS
        ]
    )


def to_arrow(rows: Sequence[ResultRow]) -> pa.Table:
    """Rows as an Arrow table in the given order, nulls as nulls. Raises ``DataError`` on a duplicate key."""
    import pyarrow as pa

    require_unique(rows)
    names = [column.name for column in RESULT_COLUMNS]
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in names}
    return pa.table(columns, schema=result_schema())


def from_frame(frame: pd.DataFrame) -> list[ResultRow]:
    """Rows read back from a stored ``report.result`` (any column order, NaN or NA as null)."""
    import pandas as pd

    casts = {"string": str, "double": float, "int64": int}
    rows = []
    for record in frame[[column.name for column in RESULT_COLUMNS]].itertuples(index=False, name=None):
        cells: dict[str, Any] = {
            column.name: (None if pd.isna(cell) else casts[column.arrow_type](cell))
            for column, cell in zip(RESULT_COLUMNS, record, strict=True)
        }
        rows.append(ResultRow(**cells))
    return rows

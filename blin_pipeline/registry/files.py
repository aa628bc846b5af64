"""Reading the study's own files: strict CSV, and a fault that names file, row and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from blin_pipeline.errors import ConfigurationError

STUDY_DIR = Path(__file__).parent / "study"
SEED_DIR = STUDY_DIR / "seeds"


def fault(path: Path, problem: str, *, row: int | None = None, column: str | None = None) -> NoReturn:
    """Raise the one error of this room.

    Args:
        path: File at fault.
        problem: What is wrong, as a clause.
        row: Line of the file as an editor counts it (header is 1), if known.
        column: Column at fault, if known.

    Raises:
        ConfigurationError: Always, code ``E_REGISTRY_FILE``.
    """
    where = path.name
    if row is not None:
        where += f", row {row}"
    if column is not None:
        where += f", column {column!r}"
    raise ConfigurationError("E_REGISTRY_FILE", f"{where}: {problem}.", fix=f"Correct {path.name} and run again.")


def read_csv(path: Path, header: Sequence[str] | None = None) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield ``(row number, row)`` of a UTF-8 CSV file, BOM accepted, every row with exactly the header's columns.

    Args:
        path: File to read.
        header: Required column names in order; any header is accepted when None.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE``: unreadable, wrong header, wrong number of cells, open quote.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        fault(path, "the file does not exist")
    except UnicodeDecodeError:
        fault(path, "the file is not UTF-8")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        found = next(reader, None)
        if found is None:
            fault(path, "the file is empty")
        if header is not None and list(found) != list(header):
            missing = [name for name in header if name not in found]
            fault(
                path,
                f"the header differs{': missing ' + ', '.join(missing) if missing else ' in order or names'}",
                row=1,
            )
        for cells in reader:
            if len(cells) != len(found):
                fault(path, f"{len(cells)} cells where the header has {len(found)}", row=reader.line_num)
            yield reader.line_num, dict(zip(found, cells, strict=True))
    except csv.Error:
        fault(path, "not readable as CSV (open or stray quote)", row=reader.line_num)

"""Small synthetic exports for the raw zone, made from two CSV texts."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from blin_pipeline.landing.parquet import read_rows
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.write import land
from blin_pipeline.redcap.files import export_from_files
from blin_pipeline.registry.dictionary import COLUMNS

PULLED_AT = datetime(2026, 7, 1, 6, 0)
FIELDS = (
    ("record_id", "baseline", "text", ""),
    ("code", "baseline", "text", ""),
    ("remark", "baseline", "notes", ""),
    ("race", "baseline", "checkbox", "1, Asian | 2, Other"),
    ("drug", "course", "text", ""),
    ("dose", "course", "text", ""),
)
HEADER = (
    *("record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group"),
    *("code", "remark", "race___1", "race___2", "baseline_complete", "drug", "dose", "course_complete"),
)
ROWS = (
    ("10", "", "", "site_1", "007", 'two\r\nlines, "quoted", NA', "1", "0", "2", "", "", ""),
    ("10", "course", "2", "site_1", "", "", "", "", "", "vincristine", "1.70", "2"),
    ("10", "course", "10", "site_1", "", "", "", "", "", "NA", "", "1"),
    ("9", "", "", "site_1", " ", "Zoë ≥ 5", "0", "0", "0", "", "", ""),
    ("9", "course", "1", "site_1", "", "", "", "", "", "asparaginase", "2", "2"),
    ("11", "", "", "site_2", "", "", "0", "0", "0", "", "", ""),
)


def csv_text(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


def dictionary_text(fields: Sequence[Sequence[str]] = FIELDS) -> str:
    rows = [
        {
            "field_name": name,
            "form_name": form,
            "field_type": kind,
            "field_label": name,
            "select_choices_or_calculations": choices,
        }
        for name, form, kind, choices in fields
    ]
    return csv_text([list(COLUMNS.values()), *([row.get(name, "") for name in COLUMNS] for row in rows)])


def landed(
    pulls_dir: Path,
    rows: Sequence[Sequence[str]] = ROWS,
    header: Sequence[str] = HEADER,
    *,
    fields: Sequence[Sequence[str]] = FIELDS,
    pulled_at: datetime = PULLED_AT,
    allow_empty: bool = False,
) -> Pull:
    """Land a table of text as a pull."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "work").mkdir()
        (folder / "data.csv").write_bytes(csv_text([header, *rows]).encode())
        (folder / "dictionary.csv").write_bytes(dictionary_text(fields).encode())
        export = export_from_files(
            folder / "data.csv",
            folder / "dictionary.csv",
            folder / "work",
            allow_empty=allow_empty,
            clock=lambda: pulled_at,
        )
        return land(export, pulls_dir)


def landed_cells(pull: Pull) -> Counter[tuple[str, ...]]:
    """(record, event, instrument, instance, column, value) of every non-blank landed cell that is no key."""
    cells: Counter[tuple[str, ...]] = Counter()
    for form in pull.forms:
        columns = pull.manifest.forms[form].table.columns
        for row in read_rows(pull.form_path(form)):
            key = (row[0], row[1], row[3], row[4])
            cells.update((*key, column, cell) for column, cell in zip(columns[5:], row[5:], strict=True) if cell)
    return cells

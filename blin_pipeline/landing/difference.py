"""What changed from one pull to another: counts by instrument and field, and on request every changed cell.

Both pulls are read side by side in the order of their keys; what is held grows with the changes, not with the project.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blin_pipeline.errors import DataError
from blin_pipeline.landing.order import natural, row_order
from blin_pipeline.landing.parquet import read_rows
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.setup_tables import KEY_COLUMNS
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.project_setup import GROUP

Row = tuple[str, ...]
#: Told of each changed cell: instrument, record, event, instance, field, value before, value after.
CellListener = Callable[[Sequence[str]], object]
VALUE_COLUMNS = ("form", "record_id", "redcap_event_name", "redcap_repeat_instance", "field", "before", "after")


@dataclass
class FormDifference:
    """One instrument: rows added, removed, changed, and how often each field is another; blank to value counts."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    cells: Counter[str] = field(default_factory=Counter)


@dataclass
class PullDifference:
    """Counts only.

    Attributes:
        records_added: Records of the second pull that the first lacks.
        records_removed: Records of the first that the second lacks.
        records_moved: Records in another data access group.
        records_changed: Records in both of which any row came, went or is another, or whose group is.
        fields_added: Fields of the dictionary that the first pull lacks.
        fields_removed: Fields that the second lacks.
        fields_changed: Fields whose definition is another.
        forms: Instrument -> its rows; those without any difference are left out.
        changed: Ids of the records that ``records_changed`` counts; restricted, for programs only.
    """

    records_added: int = 0
    records_removed: int = 0
    records_moved: int = 0
    records_changed: int = 0
    fields_added: tuple[str, ...] = ()
    fields_removed: tuple[str, ...] = ()
    fields_changed: tuple[str, ...] = ()
    forms: dict[str, FormDifference] = field(default_factory=dict)
    changed: frozenset[str] = field(default=frozenset(), repr=False, compare=False)


def compare_pulls(first: Pull, second: Pull, on_cell: CellListener | None = None) -> PullDifference:
    """Compare two pulls of one project.

    Args:
        first: The pull before.
        second: The pull after.
        on_cell: Told of each changed cell, values included; restricted.

    Raises:
        DataError: ``E_PROJECT_CHANGED``: they are of two projects.
    """
    if first.manifest.project_id != second.manifest.project_id:
        raise DataError(
            "E_PROJECT_CHANGED", "The two pulls are of two projects.", fix="Compare pulls of one project: `blin pulls`."
        )
    found = PullDifference()
    found.fields_added, found.fields_removed, found.fields_changed = _fields(first, second)
    touched: set[str] = set()
    one_sided: set[str] = set()
    for before, after in _side_by_side(_records(first), _records(second), lambda row: natural(row[0])):
        if before is None or after is None:
            found.records_added += before is None
            found.records_removed += after is None
            one_sided.add((before or after or ("",))[0])
        elif before != after:
            found.records_moved += 1
            touched.add(after[0])
    for form in dict.fromkeys([*first.forms, *second.forms]):
        difference = _form(first, second, form, touched, on_cell)
        if difference.added or difference.removed or difference.changed:
            found.forms[form] = difference
    found.changed = frozenset(touched - one_sided)
    found.records_changed = len(found.changed)
    return found


@contextmanager
def value_file(path: Path) -> Iterator[CellListener]:
    """A CSV file for changed cells, readable by its owner only; for the restricted zone.

    Raises:
        StorageError: It cannot be written.
    """
    with disk_faults("writing the changed values"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow(VALUE_COLUMNS)
            yield writer.writerow


def _form(first: Pull, second: Pull, form: str, touched: set[str], on_cell: CellListener | None) -> FormDifference:
    found = FormDifference()
    columns = list(dict.fromkeys([*_data_columns(first, form), *_data_columns(second, form)]))
    blank = ("",) * len(columns)
    pairs = _side_by_side(
        _rows(first, form, columns), _rows(second, form, columns), lambda row: row_order(row[0], row[1], row[3], row[4])
    )
    for before, after in pairs:
        if before == after:
            continue
        key = before or after or ()
        found.added += before is None
        found.removed += after is None
        old = before[len(KEY_COLUMNS) :] if before is not None else blank
        new = after[len(KEY_COLUMNS) :] if after is not None else blank
        moved = before is not None and after is not None and old == new
        found.changed += before is not None and after is not None and not moved
        if not moved:
            touched.add(key[0])
        for name, was, is_now in zip(columns, old, new, strict=True):
            if was != is_now:
                found.cells[name] += 1
                if on_cell is not None:
                    on_cell((form, key[0], key[1], key[4], name, was, is_now))
    return found


def _side_by_side(
    first: Iterable[Row], second: Iterable[Row], order: Callable[[Row], Any]
) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of two ordered sources with equal places together, None where one has no such row."""
    ones, others = iter(first), iter(second)
    one, other = next(ones, None), next(others, None)
    while one is not None or other is not None:
        if other is None or (one is not None and order(one) < order(other)):
            yield one, None
            one = next(ones, None)
        elif one is None or order(other) < order(one):
            yield None, other
            other = next(others, None)
        else:
            yield one, other
            one, other = next(ones, None), next(others, None)


def _records(pull: Pull) -> Iterator[Row]:
    return read_rows(pull.setup_path("records"), ["record_id", GROUP])


def _data_columns(pull: Pull, form: str) -> Sequence[str]:
    if form not in pull.manifest.forms:
        return ()
    return pull.manifest.forms[form].table.columns[len(KEY_COLUMNS) :]


def _rows(pull: Pull, form: str, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of an instrument with these data columns, blank where the pull has none."""
    if form not in pull.manifest.forms:
        return
    known = pull.manifest.forms[form].table.columns
    places = [known.index(name) if name in known else None for name in columns]
    for row in read_rows(pull.form_path(form)):
        yield (*row[: len(KEY_COLUMNS)], *("" if place is None else row[place] for place in places))


def _fields(first: Pull, second: Pull) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    before, after = _definitions(first), _definitions(second)
    changed = (name for name in before.keys() & after.keys() if before[name] != after[name])
    return tuple(sorted(after.keys() - before)), tuple(sorted(before.keys() - after)), tuple(sorted(changed))


def _definitions(pull: Pull) -> dict[str, Row]:
    """Field -> its row of the dictionary, without its place."""
    columns = [name for name in pull.manifest.setup["dictionary"].columns if name != "position"]
    return {row[0]: row for row in read_rows(pull.setup_path("dictionary"), columns)}

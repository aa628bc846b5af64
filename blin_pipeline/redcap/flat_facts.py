"""What only the rows of a flat file tell about their project: what repeats, which groups there are, how blanks were exported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.flat_columns import DATA_FILE, KEYS
from blin_pipeline.redcap.project_setup import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from blin_pipeline.redcap.setup_rows import DataAccessGroup, RepeatingForm


@dataclass(frozen=True)
class FlatFacts:
    """What the rows of a file tell about their project.

    Attributes:
        repeating: Repeating instruments and events that have an instance.
        groups: Data access groups that have a record.
        leaves_unopened_blank: Whether the status of forms that nobody opened was exported blank (a person can choose so):
            some once-only form of a classic project has a blank status in one record and a status in another. Where the
            file does not show it, a status 0 alone does not prove that a form was saved.
    """

    repeating: tuple[RepeatingForm, ...]
    groups: tuple[DataAccessGroup, ...]
    leaves_unopened_blank: bool


def survey_rows(header: Sequence[str], rows: Iterable[Sequence[str]], forms: Sequence[str]) -> FlatFacts:
    """Go through the rows of a file once; what reads them checks the whole file on the way.

    Args:
        header: Columns of the file.
        rows: Its rows.
        forms: Instruments of the dictionary.

    Raises:
        RedcapReadError: ``E_SCHEMA``, a repeat instrument that the dictionary lacks.
    """
    where = {name: header.index(name) for name in KEYS if name in header}
    statuses = [f"{form}_complete" for form in forms]
    status_positions = [header.index(name) for name in statuses if name in header]

    def cell(row: Sequence[str], name: str) -> str:
        return row[where[name]] if name in where else ""

    repeating: set[tuple[str, str]] = set()
    groups: set[str] = set()
    blank: set[int] = set()
    filled: set[int] = set()
    for row in rows:
        groups.add(cell(row, GROUP))
        if cell(row, REPEAT_INSTRUMENT) or cell(row, REPEAT_INSTANCE):
            repeating.add((cell(row, EVENT), cell(row, REPEAT_INSTRUMENT)))
            continue
        for position in status_positions:
            (filled if row[position] else blank).add(position)
    if {form for _, form in repeating} - {"", *forms}:
        raise RedcapReadError(
            "E_SCHEMA", DATA_FILE, detail="a repeat instrument that the dictionary lacks (an export with labels?)"
        )
    return FlatFacts(
        repeating=tuple(RepeatingForm(event_name=event, form_name=form) for event, form in sorted(repeating)),
        groups=tuple(DataAccessGroup(unique_group_name=group) for group in sorted(groups - {""})),
        leaves_unopened_blank=EVENT not in header and bool(blank & filled),
    )

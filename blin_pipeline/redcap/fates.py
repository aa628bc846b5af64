"""What becomes of the rows of one instrument: decided from its set-up and its cells, column by column."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from blin_pipeline.redcap.keys import KeyColumns
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.text_arrays import SEPARATOR, blanks, is_filled, joined, text_array


class Fate(StrEnum):
    """What becomes of a row in the landing of one instrument."""

    LANDED = "landed"
    #: The instrument can stand here and was never opened: blank, or only the zeros that REDCap fills in.
    UNOPENED = "unopened"
    #: The row belongs to another instrument or event and carries nothing of this one.
    ELSEWHERE = "elsewhere"
    #: The row belongs elsewhere and yet carries data of this instrument: quarantined.
    MISPLACED = "misplaced"


@dataclass(frozen=True)
class FormFile:
    """Rows of one instrument on disk, system columns first.

    Attributes:
        form: Instrument name.
        path: CSV file.
        columns: The instrument's columns in order, without system columns and record id.
        from_server: Whether the bytes are an answer of the API.
        zero_status_is_opened: Whether a status 0 with nothing else proves that the form was saved. Only answers that
            were asked to leave unopened forms' status blank prove that.
    """

    form: str
    path: Path
    columns: tuple[str, ...]
    from_server: bool
    zero_status_is_opened: bool

    @property
    def endpoint(self) -> str:
        """Name for people."""
        return f"records of {self.form!r}"


@dataclass(frozen=True)
class Fates:
    """Fates of some rows, as two columns of truth values.

    Attributes:
        here: Whether the instrument can stand on the row.
        has_data: Whether the row carries something of the instrument that REDCap did not fill in by itself.
    """

    here: pa.BooleanArray
    has_data: pa.BooleanArray

    def of(self, fate: Fate) -> pa.BooleanArray:
        """Which rows have this fate."""
        match fate:
            case Fate.LANDED:
                return pc.and_(self.here, self.has_data)
            case Fate.UNOPENED:
                return pc.and_not(self.here, self.has_data)
            case Fate.MISPLACED:
                return pc.and_not(self.has_data, self.here)
            case Fate.ELSEWHERE:
                return pc.invert(pc.or_(self.here, self.has_data))

    def names(self) -> list[Fate]:
        """Row by row."""
        return [
            (Fate.LANDED if has_data else Fate.UNOPENED) if here else (Fate.MISPLACED if has_data else Fate.ELSEWHERE)
            for here, has_data in zip(self.here.to_pylist(), self.has_data.to_pylist(), strict=True)
        ]


class Places:
    """Where instruments can stand, for rows in columns.

    Args:
        setup: Set-up of the project.
        forms: Instruments that are asked for.
    """

    def __init__(self, setup: ProjectSetup, forms: Sequence[str]) -> None:
        self._setup = setup
        self._forms = tuple(forms)
        self._of_form: dict[str, list[str]] = {form: [] for form in forms}
        self._known: set[str] = set()

    def take(self, keys: KeyColumns) -> tuple[pa.DictionaryArray, list[tuple[str, str]]]:
        """The place of each row, and those (event, repeat instrument) that come for the first time."""
        places = joined(keys.event, keys.repeat_instrument).dictionary_encode()
        fresh = [place for place in places.dictionary.to_pylist() if place not in self._known]
        found: list[tuple[str, str]] = []
        for place in fresh:
            event, instrument, _ = place.split(SEPARATOR)
            found.append((event, instrument))
            self._known.add(place)
            for form in self._forms:
                if self._setup.lives_on(form, event, instrument):
                    self._of_form[form].append(place)
        return places, found

    def here(self, form: str, places: pa.DictionaryArray) -> pa.BooleanArray:
        """Whether the instrument can stand on each row."""
        return pc.is_in(places.dictionary, value_set=text_array(self._of_form[form])).take(places.indices)


class FormJudge:
    """Decides the fate of rows for one instrument.

    Args:
        form_file: The instrument.
        setup: Set-up of the project.
    """

    def __init__(self, form_file: FormFile, setup: ProjectSetup) -> None:
        status = f"{form_file.form}_complete"
        columns = form_file.columns
        self._boxes = checkbox_columns(setup, form_file.form, columns)
        self._values = [name for name in columns if name != status and name not in self._boxes]
        self._status = status if status in columns else ""
        self._form = form_file.form
        self._unopened = {""} if form_file.zero_status_is_opened else {"", "0"}
        self._places = Places(setup, [form_file.form])

    def __call__(self, keys: KeyColumns, cells: pa.RecordBatch) -> Fates:
        """Judge rows.

        Args:
            keys: Their keys.
            cells: Their cells, the instrument's columns among them.
        """
        places, _ = self._places.take(keys)
        here = self._places.here(self._form, places)
        status = cells.column(self._status) if self._status else blanks(len(cells))
        # Elsewhere a status 0 is nothing: real servers put it on rows of other events.
        opened = pc.if_else(here, pc.invert(_is_in(status, self._unopened)), pc.invert(_is_in(status, {"", "0"})))
        # An instance of a repeating instrument is there because somebody saved it.
        own = pc.equal(keys.repeat_instrument, pa.scalar(self._form))
        opened = pc.or_(opened, pc.and_(own, is_filled(status)))
        undecided = pc.invert(opened)
        values = self._has_values(cells.filter(undecided))
        return Fates(here, pc.replace_with_mask(opened, undecided, values))

    def _has_values(self, cells: pa.RecordBatch) -> pa.BooleanArray:
        """Whether any cell but the status holds what REDCap did not fill in."""
        found = [is_filled(cells.column(name)) for name in self._values]
        found += [pc.invert(_is_in(cells.column(name), {"", "0"})) for name in sorted(self._boxes)]
        return reduce(pc.or_, found, is_filled(blanks(len(cells))))


def any_filled(cells: pa.RecordBatch) -> pa.BooleanArray:
    """Whether each row has a cell that is not blank."""
    return reduce(pc.or_, (is_filled(column) for column in cells.columns), is_filled(blanks(len(cells))))


def n_filled(cells: pa.RecordBatch) -> int:
    """How many cells are not blank."""
    return sum(is_filled(column).true_count for column in cells.columns)


def checkbox_columns(setup: ProjectSetup, form: str, columns: Collection[str]) -> frozenset[str]:
    """Those columns of an instrument that are options of a checkbox."""
    boxes = {entry.field_name for entry in setup.dictionary.form_fields(form) if entry.field_type == "checkbox"}
    options = {name.export_field_name for name in setup.export_names if name.original_field_name in boxes}
    return frozenset(options & set(columns))


def _is_in(column: pa.StringArray, values: Collection[str]) -> pa.BooleanArray:
    return pc.is_in(column, value_set=text_array(sorted(values)))

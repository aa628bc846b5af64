"""Rows of an import judged, all of them, before anything is changed: edits, or the server's error lines.

Source: ``docs/redcap.md`` section 14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from blin_pipeline.registry.dictionary import NOT_EXPORTED, Field, checkbox_column
from blin_pipeline.sandbox.calculation import calculations
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.records.placing import BadPlaceError, misplaced, place_of
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.structure import SURVEY_IDENTIFIER, RowKey
from blin_pipeline.sandbox.validation import (
    BadValueError,
    DateFormat,
    stored_option,
    stored_status,
    stored_value,
)

GROUP = "redcap_data_access_group"
_PLACES = frozenset({"redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"})
NO_RECORD_ID = "The record id is missing"
BAD_GROUP = "The value is not the unique name of a Data Access Group of this project."
OTHER_GROUP = "The record exists already, and belongs to another Data Access Group."
ILLEGAL_GROUP = "Illegal use of 'redcap_data_access_group' field!"
_LONGEST_ID = 100


class Edit(NamedTuple):
    """What one row changes.

    Attributes:
        record_id: The record.
        key: Row of the record.
        values: Export name -> text to store, ``""`` to erase.
        group: Unique group name to assign, ``""`` for none, None to leave.
    """

    record_id: str
    key: RowKey
    values: dict[str, str]
    group: str | None


class Judge:
    """Judges the rows of one import.

    Args:
        project: The live project.
        rights: Rights of the token's user.
        overwrites: Whether a blank cell erases what is stored; else it is left out.
        date_format: Order of the parts of dates.
    """

    def __init__(
        self, project: ProjectState, rights: TokenRights, *, overwrites: bool, date_format: DateFormat
    ) -> None:
        self._project = project
        self._rights = rights
        self._overwrites = overwrites
        self._date_format = date_format
        self._fields = {
            item.field_name: item
            for item in project.dictionary.fields
            if item.field_type not in NOT_EXPORTED and item.field_type != "checkbox"
        }
        self._options = {
            checkbox_column(item.field_name, code): item
            for item in project.dictionary.fields
            if item.field_type == "checkbox"
            for code in (*item.choices, *project.missing_data_codes)
        }
        self._statuses = {f"{form}_complete": form for form in project.dictionary.forms}
        self._ignored = {
            SURVEY_IDENTIFIER,
            *(f"{form}_timestamp" for form in project.dictionary.forms),
            *(item.field.field_name for item in calculations(project.dictionary)),
        }
        self._next_instances: dict[str, dict[tuple[str, str], int]] = {}
        self._errors: list[tuple[str, str, str, str]] = []

    def edits(self, rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> list[Edit]:
        """One edit per row.

        Args:
            rows: The rows as sent.
            names: Record id of every row, as it is to be stored.

        Raises:
            ApiError: 400: columns that the project lacks, or one line per bad cell: record, field, value, reason.
        """
        self._check_columns(rows)
        edits = [self._edit(row, name) for row, name in zip(rows, names, strict=True)]
        if self._errors:
            raise ApiError(400, "\n".join(_error_line(line) for line in self._errors))
        return edits

    def _check_columns(self, rows: Sequence[Mapping[str, str]]) -> None:
        sent = list(dict.fromkeys(name for row in rows for name in row))
        known = {*self._fields, *self._options, *self._statuses, *self._ignored, *_PLACES, GROUP}
        unknown = [name for name in sent if name not in known]
        if unknown:
            raise ApiError(
                400, f"The following fields were not found in the project as real data fields: {', '.join(unknown)}"
            )
        if GROUP in sent and self._rights.data_access_group:
            raise ApiError(400, ILLEGAL_GROUP)

    def _edit(self, row: Mapping[str, str], record_id: str) -> Edit:
        record = self._project.records.get(record_id)
        if not record_id or len(record_id) > _LONGEST_ID:
            self._errors.append((record_id, self._project.dictionary.record_id_field, record_id, NO_RECORD_ID))
        elif record is not None and not self._rights.may_see_group(record.group):
            self._errors.append((record_id, self._project.dictionary.record_id_field, record_id, OTHER_GROUP))
        try:
            key = place_of(self._project, row, next_instance=self._next_of(record_id))
        except BadPlaceError as error:
            self._errors.append((record_id, error.column, error.value, error.reason))
            return Edit(record_id, RowKey(), {}, None)
        if key.instance:
            numbers = self._next_of(record_id)
            place = (key.event, key.instrument)
            numbers[place] = max(numbers.get(place, 1), key.instance + 1)
        values: dict[str, str] = {}
        for name, value in row.items():
            if name not in self._ignored and name not in _PLACES and name not in {GROUP, self._id_field}:
                self._take(record_id, key, name, value, values)
        return Edit(record_id, key, values, self._group(record_id, row))

    @property
    def _id_field(self) -> str:
        return self._project.dictionary.record_id_field

    def _next_of(self, record_id: str) -> dict[tuple[str, str], int]:
        """The next free instance numbers of one record, rows of this import counted."""
        if record_id not in self._next_instances:
            numbers: dict[tuple[str, str], int] = {}
            record = self._project.records.get(record_id)
            for key in record.rows if record is not None else ():
                place = (key.event, key.instrument)
                numbers[place] = max(numbers.get(place, 1), key.instance + 1)
            self._next_instances[record_id] = numbers
        return self._next_instances[record_id]

    def _take(self, record_id: str, key: RowKey, name: str, value: str, values: dict[str, str]) -> None:
        """Put one cell into ``values``, or its error into the list."""
        if not value and not self._overwrites:
            return
        form = self._statuses[name] if name in self._statuses else self._definition(name).form_name
        if reason := misplaced(self._project, key, form, name):
            if value:
                self._errors.append((record_id, name, value, reason))
            return
        try:
            values[name] = self._stored(name, value)
        except BadValueError as error:
            self._errors.append((record_id, name, value, str(error)))

    def _definition(self, name: str) -> Field:
        return self._fields[name] if name in self._fields else self._options[name]

    def _stored(self, name: str, value: str) -> str:
        if name in self._options:
            return stored_option(value)
        if name in self._statuses:
            return stored_status(self._statuses[name], value) if value else ""
        if not value:
            return ""
        return stored_value(
            self._fields[name],
            value,
            date_format=self._date_format,
            missing_data_codes=self._project.missing_data_codes,
        )

    def _group(self, record_id: str, row: Mapping[str, str]) -> str | None:
        name = row.get(GROUP, "")
        if not name:
            return "" if GROUP in row and self._overwrites else None
        if name not in {group.unique_name for group in self._project.groups}:
            self._errors.append((record_id, GROUP, name, BAD_GROUP))
            return None
        return name


def _error_line(cells: Sequence[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)

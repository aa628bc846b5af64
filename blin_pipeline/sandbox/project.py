"""A project while the server holds it: records, set-up and log, changed only through methods that write the log.

The store is REDCap's own shape: one mapping of stored values per record and row, a row being the base row of an event
or one instance of a repeating instrument. Blanks are not stored. What an export shows of it is decided in
:mod:`blin_pipeline.sandbox.records`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.log import EventLog, LogEntry, LogKind, SandboxClock, change_details
from blin_pipeline.sandbox.rows import FormRow, SourceProject

SURVEY_IDENTIFIER = "redcap_survey_identifier"
DATA_ENTRY_USER = "sandbox_data_entry"
_SEED_STEP = timedelta(seconds=6)
_REQUEST_STEP = timedelta(seconds=1)
_FIRST_GROUP_ID = 331
_PART = re.compile(r"(\d+)")


class RowKey(NamedTuple):
    """Place of a row inside its record.

    Attributes:
        event: Unique event name, ``""`` in a classic project.
        instrument: Repeating instrument, ``""`` on the base row.
        instance: Instance number, 0 on the base row.
    """

    event: str = ""
    instrument: str = ""
    instance: int = 0


class Group(NamedTuple):
    """A Data Access Group."""

    label: str
    unique_name: str
    group_id: int


@dataclass
class Record:
    """One record.

    Attributes:
        group: Unique name of its Data Access Group, ``""`` when unassigned.
        rows: Place -> export name -> stored text, never blank. A form was saved on a row when its
            ``<form>_complete`` is there.
    """

    group: str = ""
    rows: dict[RowKey, dict[str, str]] = field(default_factory=lambda: {RowKey(): {}})


class ProjectState:
    """A live project.

    Args:
        source: The project as it enters.
        clock: Source of naive server time; a :class:`SandboxClock` that starts after the seeded log when None.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_PROJECT``, the source contradicts its own set-up.
    """

    def __init__(self, source: SourceProject, clock: Callable[[], datetime] | None = None) -> None:
        self.title = source.title
        self.project_id = source.project_id
        self.created = source.created
        self.dictionary = source.dictionary
        self.instrument_labels = dict(source.instrument_labels)
        self.repeating_instruments = tuple(source.repeating_instruments)
        self.surveys = tuple(source.surveys)
        self.missing_data_codes = dict(source.missing_data_codes)
        self.groups = tuple(
            Group(label, unique_name, _FIRST_GROUP_ID + number)
            for number, (label, unique_name) in enumerate(source.data_access_groups)
        )
        self.lock = threading.RLock()
        self.log = EventLog()
        self.records: dict[str, Record] = {}
        self._form_names: dict[str, frozenset[str]] = {}
        self._seed(source)
        self.clock: Callable[[], datetime] = clock or SandboxClock(
            source.created + _SEED_STEP * (len(self.log) + 1) + timedelta(minutes=1)
        )

    # ------------------------------------------------------------------ reading

    def sorted_records(self) -> Iterator[tuple[str, Record]]:
        """Records in REDCap's order: numeric ids by number, others in natural order."""
        return ((record_id, self.records[record_id]) for record_id in sorted(self.records, key=natural_order))

    def rows_of(self, record: Record) -> list[tuple[RowKey, dict[str, str]]]:
        """Rows of one record: base row first, then repeating rows by instrument order and instance."""
        order = {form: number for number, form in enumerate(self.dictionary.forms)}
        return sorted(record.rows.items(), key=lambda item: (order.get(item[0].instrument, -1), item[0].instance))

    def instrument_label(self, form: str) -> str:
        """Label of an instrument; made from its name, as the designer does, where none is known."""
        return self.instrument_labels.get(form) or form.replace("_", " ").title()

    def group_label(self, unique_name: str) -> str:
        """Label of a Data Access Group, ``""`` for none."""
        return next((group.label for group in self.groups if group.unique_name == unique_name), "")

    def export_columns(self, form: str) -> list[str]:
        """Export columns of one instrument, missing-data-code options of checkboxes included."""
        return self.dictionary.export_columns(form, self.missing_data_codes)

    # ------------------------------------------------------------------ changing

    def save(
        self,
        record: str,
        form: str,
        instance: int | None,
        values: Mapping[str, str],
        user: str = DATA_ENTRY_USER,
        when: datetime | None = None,
    ) -> None:
        """Save one form: given values replace the stored ones, a blank erases, everything else stays.

        Creates the record, and the instance, when they do not exist. A form saved without a status gets ``0``.

        Args:
            record: Record id.
            form: Instrument name.
            instance: Instance of a repeating instrument, None for a once-only one.
            values: Export name -> text; checkbox options as ``"name___code": "1"`` or ``"0"``.
            user: Who saved, for the log.
            when: Naive server time of the log line; the clock's when None.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_PROJECT``: unknown form or field, or instance and form do not fit.
        """
        with self.lock:
            is_new = record not in self.records
            self._store(FormRow(record, form, instance, dict(values)))
            details = change_details(values, instance)
            if is_new:
                self._write("record_add", f"Create record {record}", details, record, user, when)
            else:
                self._write("record_edit", f"Update record {record}", details, record, user, when)

    def clear_form(self, record: str, form: str, instance: int | None = None, user: str = DATA_ENTRY_USER) -> None:
        """Erase one form or instance; REDCap logs it as an update with blanks."""
        with self.lock:
            rows = self._record(record).rows
            key = self._key(form, instance)
            stored = rows.get(key, {})
            gone = {name: "" for name in stored if name in self._names(form)}
            if key.instrument:
                rows.pop(key, None)
            else:
                rows[key] = {name: value for name, value in stored.items() if name not in gone}
            self._write("record_edit", f"Update record {record}", change_details(gone, instance), record, user, None)

    def delete_record(self, record: str, user: str = DATA_ENTRY_USER, when: datetime | None = None) -> None:
        """Delete a whole record."""
        with self.lock:
            self._record(record)
            del self.records[record]
            details = f"{self.dictionary.record_id_field} = '{record}'"
            self._write("record_delete", f"Delete record {record}", details, record, user, when)

    def rename_record(
        self, record: str, new_name: str, user: str = DATA_ENTRY_USER, when: datetime | None = None
    ) -> None:
        """Give a record another id; the log knows the new one only."""
        with self.lock:
            self._record(record)
            if new_name in self.records:
                raise _wrong("the new record name is taken")
            self.records[new_name] = self.records.pop(record)
            details = f"{self.dictionary.record_id_field} = '{new_name}'"
            self._write("record_edit", f"Update record {new_name}", details, new_name, user, when)

    def assign_group(
        self, record: str, unique_name: str, user: str = DATA_ENTRY_USER, when: datetime | None = None
    ) -> None:
        """Put a record into a Data Access Group, or out of all with ``""``."""
        with self.lock:
            if unique_name and unique_name not in {group.unique_name for group in self.groups}:
                raise _wrong("the project has no such Data Access Group")
            self._record(record).group = unique_name
            what = "Assign record to" if unique_name else "Remove record from"
            details = f"{what} Data Access Group (redcap_data_access_group = '{unique_name}')"
            self._write("record_edit", f"Update record {record}", details, record, user, when)

    def replace_dictionary(self, dictionary: Dictionary, user: str = DATA_ENTRY_USER) -> None:
        """Put another data dictionary in place; stored values of fields it lacks stay stored, unseen."""
        with self.lock:
            self.dictionary = dictionary
            self._form_names.clear()
            self._write("manage", "Manage/Design", "Upload data dictionary", "", user, None)

    def note(self, kind: LogKind, action: str, details: str, user: str) -> None:
        """Write a line that changes no data (exports, design)."""
        with self.lock:
            self._write(kind, action, details, "", user, None)

    def tick(self) -> None:
        """Let a second pass, if the clock is the sandbox's own."""
        if isinstance(self.clock, SandboxClock):
            self.clock.advance(_REQUEST_STEP)

    # ------------------------------------------------------------------ inside

    def _record(self, record: str) -> Record:
        try:
            return self.records[record]
        except KeyError:
            raise _wrong("the project has no such record") from None

    def _names(self, form: str) -> frozenset[str]:
        if form not in self._form_names:
            if form not in self.dictionary.forms:
                raise _wrong(f"the project has no instrument {form!r}")
            extra = [f"{form}_timestamp", SURVEY_IDENTIFIER] if form in self.surveys else []
            self._form_names[form] = frozenset([*self.export_columns(form), *extra])
        return self._form_names[form]

    def _key(self, form: str, instance: int | None) -> RowKey:
        repeats = form in self.repeating_instruments
        if repeats is not (instance is not None) or (instance is not None and instance < 1):
            raise _wrong(f"instrument {form!r} {'needs an instance from 1' if repeats else 'has no instances'}")
        return RowKey("", form, instance) if instance is not None else RowKey()

    def _store(self, row: FormRow) -> None:
        names = self._names(row.form)
        unknown = [name for name in row.values if name not in names]
        if unknown:
            raise _wrong(f"instrument {row.form!r} has no column {', '.join(unknown)}")
        key = self._key(row.form, row.instance)
        stored = self.records.setdefault(row.record_id, Record()).rows.setdefault(key, {})
        for name, value in row.values.items():
            if value:
                stored[name] = value
            else:
                stored.pop(name, None)
        stored.pop(self.dictionary.record_id_field, None)
        stored.setdefault(f"{row.form}_complete", "0")

    def _seed(self, source: SourceProject) -> None:
        unknown = set(source.record_groups.values()) - {"", *(group.unique_name for group in self.groups)}
        if unknown:
            raise _wrong("a record is assigned to a Data Access Group that the project lacks")
        for record_id, group in source.record_groups.items():
            self.records[record_id] = Record(group)
        for row in source.rows:
            self._store(row)
        opening = LogEntry(source.created, "manage", DATA_ENTRY_USER, "Manage/Design", f"Create project {source.title}")
        self.log.add(opening)
        for number, (record_id, _) in enumerate(self.sorted_records(), start=1):
            details = f"{self.dictionary.record_id_field} = '{record_id}'"
            moment, action = source.created + _SEED_STEP * number, f"Create record {record_id}"
            self.log.add(LogEntry(moment, "record_add", DATA_ENTRY_USER, action, details, record_id))

    def _write(self, kind: LogKind, action: str, details: str, record: str, user: str, when: datetime | None) -> None:
        self.log.add(LogEntry(when or self.clock(), kind, user, action, details, record))


def _wrong(problem: str) -> ConfigurationError:
    return ConfigurationError(
        "E_SANDBOX_PROJECT",
        f"The sandbox project cannot take this: {problem}.",
        fix="Correct the call or the project's source.",
    )


def natural_order(record_id: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key of record ids: digits by number, text case-blind, a purely numeric id before a text id."""
    parts = (part for part in _PART.split(record_id) if part)
    return (*((0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in parts), (0, -1, record_id))

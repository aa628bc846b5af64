"""The records of a project: what is stored where, in REDCap's order, without rights and without a log.

One mapping of stored values per record and row, a row being the base row of an event or one instance of what repeats.
Blanks are not stored, an uploaded file is stored as its document number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.setup import StoredFile
from blin_pipeline.sandbox.structure import RowKey, Structure, wrong

FIRST_GROUP_ID = 331
_PART = re.compile(r"(\d+)")


@dataclass
class Record:
    """One record.

    Attributes:
        group: Unique name of its Data Access Group, ``""`` when unassigned.
        rows: Place -> export name -> stored text, never blank. A form was saved on a row when its
            ``<form>_complete`` is there. A classic record always has its base row.
    """

    group: str = ""
    rows: dict[RowKey, dict[str, str]] = field(default_factory=dict)


class RecordStore(Structure):
    """A project's structure and records.

    Args:
        source: The project as it enters; its rows are not stored here.
        longitudinal: See :class:`~blin_pipeline.sandbox.structure.Structure`.

    Attributes:
        records: Record id -> record.
        files: Document number -> uploaded file, of records and of the repository.
        next_ids: Kind -> the next number of that kind.
    """

    def __init__(self, source: SourceProject, *, longitudinal: bool) -> None:
        super().__init__(source, longitudinal=longitudinal)
        self.records: dict[str, Record] = {}
        self.files: dict[int, StoredFile] = {}
        self.next_ids = {
            "group": FIRST_GROUP_ID + len(source.data_access_groups),
            "event": max((event.event_id for event in self.events), default=source.project_id * 100) + 1,
            "role": max((role.role_id for role in source.roles), default=0) + 1,
            "document": 1,
            "folder": 1,
        }

    def sorted_records(self) -> Iterator[tuple[str, Record]]:
        """Records in REDCap's order: numeric ids by number, others in natural order."""
        return ((record_id, self.records[record_id]) for record_id in sorted(self.records, key=natural_order))

    def rows_of(self, record: Record) -> list[tuple[RowKey, dict[str, str]]]:
        """Rows of one record that the set-up shows, in export order: base rows, then what repeats."""
        order = self.row_order
        shown = [(key, stored) for key, stored in record.rows.items() if order.shows(key)]
        return sorted(shown, key=lambda row: order.rank(row[0]))

    def record(self, record: str) -> Record:
        """The record of that id.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_PROJECT``, there is none.
        """
        try:
            return self.records[record]
        except KeyError:
            raise wrong("the project has no such record") from None

    def file_name(self, document: str) -> str:
        """Name of an uploaded file; the stored text itself where no file of that number exists."""
        stored = self.files.get(int(document)) if document.isdigit() else None
        return stored.name if stored is not None else document

    def keep_file(self, file: StoredFile) -> int:
        """Keep an uploaded file and give its document number, which is what a record stores."""
        number = self.new_id("document")
        self.files[number] = file
        return number

    def new_id(self, kind: str) -> int:
        """The next number of a kind (``group``, ``event``, ``role``, ``document``, ``folder``); numbers are never used twice."""
        number = self.next_ids[kind]
        self.next_ids[kind] = number + 1
        return number

    def store(self, row: FormRow) -> None:
        """Put a form's values where they belong, without a log line; without a status among them it counts as never saved.

        An unticked option is stored as nothing, like a blank.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_PROJECT``.
        """
        names = self.stored_names(row.form)
        unknown = [name for name in row.values if name not in names]
        if unknown:
            raise wrong(f"instrument {row.form!r} has no column {', '.join(unknown)}")
        key = self.row_key(row.form, row.instance, row.event)
        if row.record_id not in self.records:
            self.add_record(row.record_id)
        stored = self.records[row.record_id].rows.setdefault(key, {})
        for name, value in row.values.items():
            if value and (value != "0" or name not in self.option_names()):
                stored[name] = value
            else:
                stored.pop(name, None)
        stored.pop(self.dictionary.record_id_field, None)

    def add_record(self, record_id: str, group: str = "") -> None:
        """Make an empty record, without a log line; a classic one gets its base row."""
        self.records[record_id] = Record(group, {} if self.is_longitudinal else {RowKey(): {}})


def natural_order(record_id: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key of record ids: digits by number, text case-blind, a purely numeric id before a text id."""
    parts = (part for part in _PART.split(record_id) if part)
    return (*((0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in parts), (0, -1, record_id))

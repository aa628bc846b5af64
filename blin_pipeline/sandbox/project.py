"""A project while the server holds it: records, set-up and log, changed only through methods that write the log.

The store is REDCap's own shape: one mapping of stored values per record and row, a row being the base row of an event
or one instance of what repeats. Blanks are not stored, an uploaded file is stored as its document number. What an
export shows of it is decided in :mod:`blin_pipeline.sandbox.records`; the set-up behind it is
:mod:`blin_pipeline.sandbox.structure`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.calculation import recalculate
from blin_pipeline.sandbox.log import EventLog, LogEntry, LogKind, SandboxClock, change_details
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.rights import Role, TokenRights, User
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.seeding import DATA_ENTRY_USER, seed
from blin_pipeline.sandbox.setup import PROJECT_INFO, Folder, Group, Participant, StoredFile
from blin_pipeline.sandbox.structure import RowKey, Structure, wrong

_PART = re.compile(r"(\d+)")
_REQUEST_STEP = timedelta(seconds=1)
_FIRST_GROUP_ID = 331


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


class ProjectState(Structure):
    """A live project: its structure, and what people entered.

    Args:
        source: The project as it enters.
        clock: Source of naive server time; a :class:`SandboxClock` that starts after the seeded log when None.

    Attributes:
        project_id: REDCap's number.
        created: Naive server time of the project's creation.
        settings: Project information as set: keys of :data:`~blin_pipeline.sandbox.setup.PROJECT_INFO`.
        groups: Data Access Groups in order of creation.
        users: User name -> user.
        roles: Unique role name -> role.
        records: Record id -> record.
        files: Document number -> uploaded file, of records and of the repository.
        folders: Folder number -> folder of the repository.
        repository: Document number -> folder number (0 at the top) of the repository's files.
        participants: Participant lists of the surveys.
        reports: Reports by number.
        log: Every line.
        revision: Counts the changes, so that a keeper sees that there is something to write.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_PROJECT``, the source contradicts its own set-up.
    """

    def __init__(self, source: SourceProject, clock: Callable[[], datetime] | None = None) -> None:
        self.project_id = source.project_id
        self.created = source.created
        self.settings = {
            **PROJECT_INFO,
            "surveys_enabled": int(bool(source.surveys)),
            **source.settings,
            "project_title": source.title,
        }
        super().__init__(source, longitudinal=bool(self.settings["is_longitudinal"]))
        self.groups: tuple[Group, ...] = tuple(
            Group(label, unique_name, _FIRST_GROUP_ID + number)
            for number, (label, unique_name) in enumerate(source.data_access_groups)
        )
        self.next_ids = {
            "group": _FIRST_GROUP_ID + len(self.groups),
            "event": max((event.event_id for event in self.events), default=source.project_id * 100) + 1,
            "role": max((role.role_id for role in source.roles), default=0) + 1,
            "document": 1,
            "folder": 1,
        }
        self.users: dict[str, User] = {user.username: user for user in source.users}
        self.roles: dict[str, Role] = {role.unique_name: role for role in source.roles}
        self.participants: list[Participant] = list(source.participants)
        self.reports: dict[int, Report] = {report.report_id: report for report in source.reports}
        self.files: dict[int, StoredFile] = {}
        self.folders: dict[int, Folder] = {}
        self.repository: dict[int, int] = {}
        self.lock = threading.RLock()
        self.log = EventLog()
        self.revision = 0
        self.records: dict[str, Record] = {}
        history_end = seed(self, source)
        self.clock: Callable[[], datetime] = clock or SandboxClock(history_end)

    # ------------------------------------------------------------------ reading

    @property
    def title(self) -> str:
        """Project title."""
        return str(self.settings["project_title"])

    @property
    def surveys(self) -> tuple[str, ...]:
        """Instruments served as surveys; none while surveys are disabled."""
        enabled = self.survey_forms if self.settings["surveys_enabled"] else ()
        return tuple(form for form in enabled if form in self.dictionary.forms)

    def sorted_records(self) -> Iterator[tuple[str, Record]]:
        """Records in REDCap's order: numeric ids by number, others in natural order."""
        return ((record_id, self.records[record_id]) for record_id in sorted(self.records, key=natural_order))

    def rows_of(self, record: Record) -> list[tuple[RowKey, dict[str, str]]]:
        """Rows of one record that the set-up shows, in export order: base rows, then what repeats."""
        order = self.row_order
        shown = [(key, stored) for key, stored in record.rows.items() if order.shows(key)]
        return sorted(shown, key=lambda row: order.rank(row[0]))

    def group_label(self, unique_name: str) -> str:
        """Label of a Data Access Group, ``""`` for none."""
        return next((group.label for group in self.groups if group.unique_name == unique_name), "")

    def file_name(self, document: str) -> str:
        """Name of an uploaded file; the stored text itself where no file of that number exists."""
        stored = self.files.get(int(document)) if document.isdigit() else None
        return stored.name if stored is not None else document

    def rights_of(self, username: str) -> TokenRights | None:
        """What a user may do: the role's privileges, else the user's own; None for a stranger."""
        user = self.users.get(username)
        if user is None:
            return None
        role = self.roles.get(user.role)
        privileges = role.privileges if role is not None else user.privileges
        return TokenRights.of(privileges, username, user.data_access_group)

    # ------------------------------------------------------------------ changing

    def save(
        self,
        record: str,
        form: str,
        instance: int | None,
        values: Mapping[str, str],
        user: str = DATA_ENTRY_USER,
        when: datetime | None = None,
        event: str = "",
    ) -> None:
        """Save one form: given values replace the stored ones, a blank erases, everything else stays.

        Creates the record, and the instance, when they do not exist. A form saved without a status gets ``0``.

        Args:
            record: Record id.
            form: Instrument name.
            instance: Instance of a repeating instrument or event, None where nothing repeats.
            values: Export name -> text; checkbox options as ``"name___code": "1"`` or ``"0"``.
            user: Who saved, for the log.
            when: Naive server time of the log line; the clock's when None.
            event: Unique event name, ``""`` in a classic project.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_PROJECT``: unknown form, field or event, or instance and form do not fit.
        """
        with self.lock:
            is_new = record not in self.records
            self.store(FormRow(record, form, instance, dict(values), event))
            key = self.row_key(form, instance, event)
            self.records[record].rows[key].setdefault(f"{form}_complete", "0")
            details = self.details(values, instance)
            if is_new:
                self.write("record_add", f"Create record {record}", details, record, user, when)
            else:
                self.write("record_edit", self._update_text(record, event), details, record, user, when)
            self.calculate(record, {key: values}, user, when)

    def calculate(
        self,
        record: str,
        saved: Mapping[RowKey, Collection[str]],
        user: str,
        when: datetime | None = None,
    ) -> None:
        """Bring the calculated fields up to date after a save, with a log line per row that changes.

        Args:
            record: Record id.
            saved: Row -> export names of the values that were saved there.
            user: Who saved.
            when: Naive server time of the log lines; the clock's when None.
        """
        for key, results in recalculate(self, record, saved).items():
            event = f" ({self.event_label(key.event)})" if key.event else ""
            details = self.details(results, key.instance)
            action = f"Update record (Auto calculation) {record}{event}"
            self.write("record_edit", action, details, record, user, when)

    def clear_form(
        self, record: str, form: str, instance: int | None = None, user: str = DATA_ENTRY_USER, event: str = ""
    ) -> None:
        """Erase one form or instance; REDCap logs it as an update with blanks."""
        with self.lock:
            rows = self._record(record).rows
            key = self.row_key(form, instance, event)
            stored = rows.get(key, {})
            gone = {name: "" for name in stored if name in self.stored_names(form)}
            rows[key] = {name: value for name, value in stored.items() if name not in gone}
            if key.instance and not rows[key]:
                del rows[key]
            details = self.details(gone, instance)
            self.write("record_edit", self._update_text(record, event), details, record, user)
            self.calculate(record, {key: gone}, user)

    def delete_record(self, record: str, user: str = DATA_ENTRY_USER, when: datetime | None = None) -> None:
        """Delete a whole record."""
        with self.lock:
            self._record(record)
            del self.records[record]
            details = f"{self.dictionary.record_id_field} = '{record}'"
            self.write("record_delete", f"Delete record {record}", details, record, user, when)

    def rename_record(
        self, record: str, new_name: str, user: str = DATA_ENTRY_USER, when: datetime | None = None
    ) -> None:
        """Give a record another id; the log knows the new one only."""
        with self.lock:
            self._record(record)
            if new_name in self.records:
                raise wrong("the new record name is taken")
            self.records[new_name] = self.records.pop(record)
            details = f"{self.dictionary.record_id_field} = '{new_name}'"
            self.write("record_edit", f"Update record {new_name}", details, new_name, user, when)

    def assign_group(
        self, record: str, unique_name: str, user: str = DATA_ENTRY_USER, when: datetime | None = None
    ) -> None:
        """Put a record into a Data Access Group, or out of all with ``""``."""
        with self.lock:
            if unique_name and unique_name not in {group.unique_name for group in self.groups}:
                raise wrong("the project has no such Data Access Group")
            self._record(record).group = unique_name
            what = "Assign record to" if unique_name else "Remove record from"
            details = f"{what} Data Access Group (redcap_data_access_group = '{unique_name}')"
            self.write("record_edit", f"Update record {record}", details, record, user, when)

    def replace_dictionary(self, dictionary: Dictionary, user: str = DATA_ENTRY_USER) -> None:
        """Put another data dictionary in place; stored values of fields it lacks stay stored, unseen."""
        with self.lock:
            self.set_dictionary(dictionary)
            self.write("manage", "Manage/Design", "Upload data dictionary", "", user)

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

    def details(self, values: Mapping[str, str], instance: int | None) -> str:
        """Details text of a data change, as the log writes it."""
        return change_details(values, instance, self.option_names())

    def write(
        self, kind: LogKind, action: str, details: str, record: str, user: str, when: datetime | None = None
    ) -> None:
        """Write the log line of a change; whoever changes this project calls it once per change."""
        self.revision += 1
        self.log.add(LogEntry(when or self.clock(), kind, user, action, details, record))

    def note(self, kind: LogKind, action: str, details: str, user: str) -> None:
        """Write a line about a reading, which changes nothing."""
        with self.lock:
            self.log.add(LogEntry(self.clock(), kind, user, action, details))

    def tick(self) -> None:
        """Let a second pass, if the clock is the sandbox's own."""
        if isinstance(self.clock, SandboxClock):
            self.clock.advance(_REQUEST_STEP)

    # ------------------------------------------------------------------ inside

    def _record(self, record: str) -> Record:
        try:
            return self.records[record]
        except KeyError:
            raise wrong("the project has no such record") from None

    def _update_text(self, record: str, event: str) -> str:
        return f"Update record {record}" + (f" ({self.event_label(event)})" if event else "")

    def store(self, row: FormRow) -> None:
        """Put a form's values where they belong, without a log line; without a status among them it counts as never saved.

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
            if value:
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

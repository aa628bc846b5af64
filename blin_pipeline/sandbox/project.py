"""A project while the server holds it: records, set-up and log, changed only through methods that write the log.

What is stored where is :mod:`blin_pipeline.sandbox.record_store`, the set-up behind it
:mod:`blin_pipeline.sandbox.structure`; what an export shows is decided in :mod:`blin_pipeline.sandbox.records`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.calculation import recalculate
from blin_pipeline.sandbox.log import EventLog, LogEntry, LogKind, SandboxClock, change_details
from blin_pipeline.sandbox.record_store import FIRST_GROUP_ID, RecordStore
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.rights import Role, TokenRights, User
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.seeding import DATA_ENTRY_USER, seed
from blin_pipeline.sandbox.setup import PROJECT_INFO, Folder, Group, Participant
from blin_pipeline.sandbox.structure import RowKey, wrong
from blin_pipeline.sandbox.touched import Touched

_REQUEST_STEP = timedelta(seconds=1)


class ProjectState(RecordStore):
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
        folders: Folder number -> folder of the repository.
        repository: Document number -> folder number (0 at the top) of the repository's files.
        participants: Participant lists of the surveys.
        reports: Reports by number.
        log: Every line.
        touched: What changed since a keeper looked, so that it writes no more than that.

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
            Group(label, unique_name, FIRST_GROUP_ID + number)
            for number, (label, unique_name) in enumerate(source.data_access_groups)
        )
        self.users: dict[str, User] = {user.username: user for user in source.users}
        self.roles: dict[str, Role] = {role.unique_name: role for role in source.roles}
        self.participants: list[Participant] = list(source.participants)
        self.reports: dict[int, Report] = {report.report_id: report for report in source.reports}
        self.folders: dict[int, Folder] = {}
        self.repository: dict[int, int] = {}
        self.lock = threading.RLock()
        self.log = EventLog()
        self.touched = Touched()
        history_end = seed(self, source)
        self.clock: Callable[[], datetime] = clock or SandboxClock(history_end)

    @property
    def title(self) -> str:
        """Project title."""
        return str(self.settings["project_title"])

    @property
    def surveys(self) -> tuple[str, ...]:
        """Instruments served as surveys; none while surveys are disabled."""
        enabled = self.survey_forms if self.settings["surveys_enabled"] else ()
        return tuple(form for form in enabled if form in self.dictionary.forms)

    def group_label(self, unique_name: str) -> str:
        """Label of a Data Access Group, ``""`` for none."""
        return next((group.label for group in self.groups if group.unique_name == unique_name), "")

    def rights_of(self, username: str) -> TokenRights | None:
        """What a user may do: the role's privileges, else the user's own; None for a stranger."""
        user = self.users.get(username)
        if user is None:
            return None
        role = self.roles.get(user.role)
        privileges = role.privileges if role is not None else user.privileges
        return TokenRights.of(privileges, username, user.data_access_group)

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
            rows = self.record(record).rows
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
            self.record(record)
            del self.records[record]
            details = f"{self.dictionary.record_id_field} = '{record}'"
            self.write("record_delete", f"Delete record {record}", details, record, user, when)

    def rename_record(
        self, record: str, new_name: str, user: str = DATA_ENTRY_USER, when: datetime | None = None
    ) -> None:
        """Give a record another id; the log knows the new one only."""
        with self.lock:
            self.record(record)
            if new_name in self.records:
                raise wrong("the new record name is taken")
            self.records[new_name] = self.records.pop(record)
            self.touched.record(record)
            self.touched.set_up = True
            self.participants = [
                item._replace(record=new_name) if item.record == record else item for item in self.participants
            ]
            details = f"{self.dictionary.record_id_field} = '{new_name}'"
            self.write("record_edit", f"Update record {new_name}", details, new_name, user, when)

    def assign_group(
        self, record: str, unique_name: str, user: str = DATA_ENTRY_USER, when: datetime | None = None
    ) -> None:
        """Put a record into a Data Access Group, or out of all with ``""``."""
        with self.lock:
            if unique_name and unique_name not in {group.unique_name for group in self.groups}:
                raise wrong("the project has no such Data Access Group")
            self.record(record).group = unique_name
            what = "Assign record to" if unique_name else "Remove record from"
            details = f"{what} Data Access Group (redcap_data_access_group = '{unique_name}')"
            self.write("record_edit", f"Update record {record}", details, record, user, when)

    def replace_dictionary(self, dictionary: Dictionary, user: str = DATA_ENTRY_USER) -> None:
        """Put another data dictionary in place; stored values of fields it lacks stay stored, unseen."""
        with self.lock:
            self.set_dictionary(dictionary)
            self.write("manage", "Manage/Design", "Upload data dictionary", "", user)

    def details(self, values: Mapping[str, str], instance: int | None) -> str:
        """Details text of a data change, as the log writes it."""
        return change_details(values, instance, self.option_names())

    def write(
        self, kind: LogKind, action: str, details: str, record: str, user: str, when: datetime | None = None
    ) -> None:
        """Write the log line of a change; whoever changes this project calls it once per change.

        A line without a record says that the set-up changed, and with it perhaps the place of any value.
        """
        if record:
            self.touched.record(record)
        else:
            self.touched.everything()
        self.log.add(LogEntry(when or self.clock(), kind, user, action, details, record))

    def note(self, kind: LogKind, action: str, details: str, user: str) -> None:
        """Write a line about a reading, which changes nothing."""
        with self.lock:
            self.log.add(LogEntry(self.clock(), kind, user, action, details))

    def tick(self) -> None:
        """Let a second pass, if the clock is the sandbox's own."""
        if isinstance(self.clock, SandboxClock):
            self.clock.advance(_REQUEST_STEP)

    def _update_text(self, record: str, event: str) -> str:
        return f"Update record {record}" + (f" ({self.event_label(event)})" if event else "")

"""A project as the text that a state file holds: its set-up as one JSON document, each record as another."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import TypeAdapter

from blin_pipeline.sandbox.log import LogEntry
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.record_store import Record
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.setup import Folder, Group
from blin_pipeline.sandbox.structure import RowKey


@dataclass(frozen=True)
class KeptSetup:
    """Everything of a project but its records, documents and log.

    Attributes:
        source: The set-up, without rows.
        groups: Data Access Groups.
        next_ids: Kind -> the next number of that kind.
        folders: Folders of the repository.
        repository: Document number -> folder number.
    """

    source: SourceProject
    groups: tuple[Group, ...]
    next_ids: dict[str, int]
    folders: dict[int, Folder]
    repository: dict[int, int]


_SETUP = TypeAdapter(KeptSetup)
_LOG_ENTRY = TypeAdapter(LogEntry)


def setup_text(project: ProjectState) -> str:
    """The set-up of a live project."""
    source = SourceProject(
        title=project.title,
        project_id=project.project_id,
        dictionary=project.dictionary,
        instrument_labels=project.instrument_labels,
        repeating_instruments=(),
        surveys=project.survey_forms,
        data_access_groups=(),
        record_groups={},
        missing_data_codes=project.missing_data_codes,
        rows=(),
        created=project.created,
        settings=project.settings,
        arms=tuple(project.arms.values()),
        events=project.events,
        event_forms=tuple(sorted(project.event_forms)),
        repeats=project.repeats,
        users=tuple(project.users.values()),
        roles=tuple(project.roles.values()),
        participants=tuple(project.participants),
        reports=tuple(project.reports.values()),
    )
    kept = KeptSetup(source, project.groups, project.next_ids, project.folders, project.repository)
    return _SETUP.dump_json(kept).decode()


def setup_of(text: str) -> KeptSetup:
    """The set-up that a text holds.

    Raises:
        ValueError: It holds none.
    """
    return _SETUP.validate_json(text)


def record_text(record: Record) -> str:
    """One record."""
    return json.dumps([record.group, [[*key, values] for key, values in record.rows.items()]], ensure_ascii=False)


def record_of(text: str) -> Record:
    """The record that a text holds."""
    group, rows = json.loads(text)
    return Record(group, {RowKey(event, form, number): values for event, form, number, values in rows})


def line_text(entry: LogEntry) -> str:
    """One line of the log."""
    return _LOG_ENTRY.dump_json(entry).decode()


def line_of(text: str) -> LogEntry:
    """The line that a text holds.

    Raises:
        ValueError: It holds none.
    """
    return _LOG_ENTRY.validate_json(text)

"""A source's records and history put into a new project: stored rows, documents, and the log lines of their creation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from blin_pipeline.sandbox.log import LogEntry
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.setup import StoredFile
from blin_pipeline.sandbox.structure import wrong

if TYPE_CHECKING:
    from blin_pipeline.sandbox.project import ProjectState

DATA_ENTRY_USER = "sandbox_data_entry"
_STEP = timedelta(seconds=6)


def seed(project: ProjectState, source: SourceProject) -> datetime:
    """Fill a new project.

    Returns:
        Naive server time after the history.

    Raises:
        ConfigurationError: Code ``E_SANDBOX_PROJECT``, the source contradicts its own set-up.
    """
    unknown = set(source.record_groups.values()) - {"", *(group.unique_name for group in project.groups)}
    if unknown:
        raise wrong("a record is assigned to a Data Access Group that it lacks")
    for record_id, group in source.record_groups.items():
        project.add_record(record_id, group)
    uploads = project.upload_fields
    for row in source.rows:
        project.store(row._replace(values=_with_documents(project, row, uploads)) if uploads else row)
    log, user, moment = project.log, DATA_ENTRY_USER, source.created
    log.add(LogEntry(moment, "manage", user, "Manage/Design ", f"Create project {source.title}"))
    for record_id, _ in project.sorted_records():
        moment += _STEP
        details = f"{project.dictionary.record_id_field} = '{record_id}'"
        log.add(LogEntry(moment, "record_add", user, f"Create record {record_id}", details, record_id))
    return moment + _STEP + timedelta(minutes=1)


def _with_documents(project: ProjectState, row: FormRow, uploads: frozenset[str]) -> dict[str, str]:
    """A row's values, with the document number in place of each file's name."""
    values = dict(row.values)
    for name in sorted(uploads & {*values, *row.files}):
        file = row.files.get(name)
        if file is not None or (values[name] and values[name] not in project.missing_data_codes):
            values[name] = str(project.keep_file(file or StoredFile(values[name])))
    return values

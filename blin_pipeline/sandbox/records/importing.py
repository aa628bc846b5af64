"""Record import: rows judged, then stored, with one log line per row that changes something.

Source: ``docs/redcap.md`` sections 9 and 14. All or nothing: any bad cell leaves the project as it was. A row that
changes nothing leaves no line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast, get_args

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError, ApiRequest, bad_parameter
from blin_pipeline.sandbox.records.judging import Edit, Judge
from blin_pipeline.sandbox.records.naming import next_record_name
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.structure import RowKey
from blin_pipeline.sandbox.validation import DateFormat

ReturnContent = Literal["count", "ids", "auto_ids", "nothing"]
Row = Mapping[str, str]

NO_ID_COLUMN = "The record ID field is missing from the data"


@dataclass(frozen=True)
class ImportOptions:
    """How an import treats what it is given.

    Attributes:
        overwrites: Blank cells erase.
        date_format: Order of the parts of dates.
        auto_numbers: Records get new names, whatever they are called in the data.
        return_content: What the answer tells.
        is_eav: One row per value.
    """

    overwrites: bool = False
    date_format: DateFormat = "YMD"
    auto_numbers: bool = False
    return_content: ReturnContent = "count"
    is_eav: bool = False


class Imported(NamedTuple):
    """A record that an import touched.

    Attributes:
        record_id: Its id.
        provided: The id in the data.
    """

    record_id: str
    provided: str


def import_options(request: ApiRequest) -> ImportOptions:
    """Read the parameters of a record import.

    Raises:
        ApiError: 400, a value outside its list.
    """
    behavior = request.text("overwriteBehavior") or "normal"
    date_format = (request.text("dateFormat") or "YMD").upper()
    content = request.text("returnContent") or "count"
    kind = request.text("type") or "flat"
    checks = {
        "overwriteBehavior": behavior in {"normal", "overwrite"},
        "dateFormat": date_format in get_args(DateFormat),
        "returnContent": content in get_args(ReturnContent),
        "type": kind in {"flat", "eav"},
    }
    for name, is_known in checks.items():
        if not is_known:
            raise bad_parameter(name)
    return ImportOptions(
        overwrites=behavior == "overwrite",
        date_format=cast("DateFormat", date_format),
        auto_numbers=request.flag("forceAutoNumber"),
        return_content=cast("ReturnContent", content),
        is_eav=kind == "eav",
    )


def import_records(
    project: ProjectState, rights: TokenRights, rows: Sequence[Row], options: ImportOptions
) -> list[Imported]:
    """Store rows.

    Args:
        project: The live project.
        rights: Rights of the token's user.
        rows: Flat rows, as sent.
        options: How.

    Returns:
        The records touched, in the order of their first row.

    Raises:
        ApiError: 400, the data cannot be stored; nothing was.
    """
    id_field = project.dictionary.record_id_field
    if any(id_field not in row for row in rows):
        raise ApiError(400, NO_ID_COLUMN)
    provided = [row[id_field].strip() for row in rows]
    names = _new_names(project, rights, provided) if options.auto_numbers else {name: name for name in provided}
    judge = Judge(project, rights, overwrites=options.overwrites, date_format=options.date_format)
    edits = judge.edits(rows, [names[name] for name in provided])
    forms = project.column_forms()
    for edit in edits:
        _apply(project, rights, edit, forms)
    return [Imported(names[name], name) for name in dict.fromkeys(provided)]


def _new_names(project: ProjectState, rights: TokenRights, provided: Sequence[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in provided:
        if name not in names:
            names[name] = next_record_name(project, rights, names.values())
    return names


def _apply(project: ProjectState, rights: TokenRights, edit: Edit, forms: Mapping[str, str]) -> None:
    """Store one row. One of nothing but keys makes its record and event; an instance of an instrument needs a value."""
    is_new = edit.record_id not in project.records
    if is_new:
        project.add_record(edit.record_id, rights.data_access_group)
    rows = project.records[edit.record_id].rows
    if edit.key.instrument and edit.key not in rows and not any(edit.values.values()):
        edit = edit._replace(key=RowKey(edit.key.event), values={})
        is_new_row = is_new
    else:
        is_new_row = edit.key not in rows
    changed = _put(rows.setdefault(edit.key, {}) if is_new_row else rows.get(edit.key, {}), edit, forms)
    if is_new or is_new_row or changed:
        _log(project, rights, edit, changed, is_new=is_new)
    if edit.group is not None and edit.group != project.records[edit.record_id].group:
        project.assign_group(edit.record_id, edit.group, rights.username)
    if changed:
        project.calculate(edit.record_id, {edit.key: changed}, rights.username)


def _put(stored: dict[str, str], edit: Edit, forms: Mapping[str, str]) -> dict[str, str]:
    """Store the values of a row; gives those that were not stored already, ``""`` for erased ones."""
    changed = {name: value for name, value in edit.values.items() if stored.get(name, "") != value}
    changed |= _statuses_of_touched_forms(edit, stored, forms)
    for name, value in changed.items():
        if value:
            stored[name] = value
        else:
            stored.pop(name, None)
    return changed


def _statuses_of_touched_forms(edit: Edit, stored: Mapping[str, str], forms: Mapping[str, str]) -> dict[str, str]:
    """Status 0 of the forms that get their first value by this edit."""
    touched = dict.fromkeys(forms[name] for name, value in edit.values.items() if value)
    statuses = (f"{form}_complete" for form in touched)
    return {name: "0" for name in statuses if name not in stored and not edit.values.get(name)}


def _log(project: ProjectState, rights: TokenRights, edit: Edit, changed: Mapping[str, str], *, is_new: bool) -> None:
    shown = {project.dictionary.record_id_field: edit.record_id, **changed} if is_new else changed
    details = project.details(shown, edit.key.instance)
    verb = "Create" if is_new else "Update"
    event = "" if is_new and not project.is_longitudinal else _event_text(project, edit.key.event)
    project.write(
        "record_add" if is_new else "record_edit",
        f"{verb} record (API) {edit.record_id}{event}",
        details,
        edit.record_id,
        rights.username,
    )


def _event_text(project: ProjectState, event: str) -> str:
    return f" ({project.event_label(event)})" if event else ""

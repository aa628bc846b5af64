"""The small content types: version, project, dictionary, instruments, groups, field names, user, log.

Source: ``docs/redcap.md`` sections 3, 9 and 10. Each function answers one content type of an export request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from blin_pipeline.registry.dictionary import COLUMNS, NOT_EXPORTED, checkbox_column
from blin_pipeline.sandbox.formats import CONTENT_TYPES, PLAIN_TEXT, Cell, object_bytes, php_json, table_bytes
from blin_pipeline.sandbox.log import LOG_COLUMNS, LOG_KINDS, LogFilter
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import (
    CLASSIC_ARMS,
    CLASSIC_EVENTS,
    CLASSIC_MAPPINGS,
    NO_GROUP_RIGHT,
    NO_LOGGING_RIGHT,
    NO_REPEATING,
    ApiError,
    ApiRequest,
    bad_parameter,
)
from blin_pipeline.sandbox.records import export_records
from blin_pipeline.sandbox.records.flat import ServerHabits
from blin_pipeline.sandbox.records.report import export_report
from blin_pipeline.sandbox.rights import TokenRights

DEFAULT_VERSION = "15.5.2"
_STAMP = "%Y-%m-%d %H:%M:%S"
_USER_FLAGS = (
    "design",
    "alerts",
    "user_rights",
    "data_access_groups",
    "reports",
    "stats_and_charts",
    "manage_survey_participants",
    "calendar",
    "data_import_tool",
    "data_comparison_tool",
    "logging",
    "email_logging",
    "file_repository",
    "data_quality_create",
    "data_quality_execute",
    "api_export",
    "api_import",
    "api_modules",
    "mobile_app",
    "mobile_app_download_data",
    "record_create",
    "record_rename",
    "record_delete",
    "lock_records_all_forms",
    "lock_records",
    "lock_records_customization",
)


class ServerSettings(NamedTuple):
    """What is true of the server, not of a project.

    Attributes:
        version: Version string it reports.
        habits: What differs between servers in record exports.
    """

    version: str = DEFAULT_VERSION
    habits: ServerHabits = ServerHabits()


class Call(NamedTuple):
    """Everything one answer depends on."""

    project: ProjectState
    rights: TokenRights
    request: ApiRequest
    settings: ServerSettings


class Answer(NamedTuple):
    """A good answer, status 200."""

    body: bytes
    content_type: str


def _table(call: Call, columns: list[str], rows: list[list[Cell]], *, root: str = "items") -> Answer:
    wanted = call.request.answer_format
    body = table_bytes(wanted, columns, rows, delimiter=call.request.delimiter, root=root)
    return Answer(body, CONTENT_TYPES[wanted])


def _version(call: Call) -> Answer:
    return Answer(call.settings.version.encode(), PLAIN_TEXT)


def _project(call: Call) -> Answer:
    project = call.project
    codes = " | ".join(f"{code}, {label}" for code, label in project.missing_data_codes.items())
    values: dict[str, Cell] = {
        "project_id": project.project_id,
        "project_title": project.title,
        "creation_time": project.created.strftime(_STAMP),
        "production_time": "",
        "in_production": 0,
        "project_language": "English",
        "purpose": 2,
        "purpose_other": "",
        "project_notes": "Synthetic or rehearsal data served by a sandbox",
        "custom_record_label": "",
        "secondary_unique_field": "",
        "is_longitudinal": 0,
        "has_repeating_instruments_or_events": int(bool(project.repeating_instruments)),
        "surveys_enabled": int(bool(project.surveys)),
        "scheduling_enabled": 0,
        "record_autonumbering_enabled": 0,
        "randomization_enabled": 0,
        "ddp_enabled": 0,
        "project_irb_number": "",
        "project_grant_number": "",
        "project_pi_firstname": "",
        "project_pi_lastname": "",
        "project_pi_email": "",
        "display_today_now_button": 1,
        "missing_data_codes": codes,
        "external_modules": "",
        "bypass_branching_erase_field_prompt": 0,
    }
    wanted = call.request.answer_format
    return Answer(object_bytes(wanted, values, delimiter=call.request.delimiter), CONTENT_TYPES[wanted])


def _metadata(call: Call) -> Answer:
    fields, forms = set(call.request.array("fields")), set(call.request.array("forms"))
    rows: list[list[Cell]] = [
        [str(getattr(definition, name)) for name in COLUMNS]
        for definition in call.project.dictionary.fields
        if not (fields or forms) or definition.field_name in fields or definition.form_name in forms
    ]
    return _table(call, list(COLUMNS), rows)


def _instrument(call: Call) -> Answer:
    project = call.project
    rows: list[list[Cell]] = [[form, project.instrument_label(form)] for form in project.dictionary.forms]
    return _table(call, ["instrument_name", "instrument_label"], rows)


def _refusal(message: str) -> Callable[[Call], Answer]:
    def answer(_: Call) -> Answer:
        raise ApiError(400, message)

    return answer


def _repeating(call: Call) -> Answer:
    project = call.project
    if not project.repeating_instruments:
        raise ApiError(400, NO_REPEATING)
    rows: list[list[Cell]] = [[form, ""] for form in project.dictionary.forms if form in project.repeating_instruments]
    return _table(call, ["form_name", "custom_form_label"], rows)


def _groups(call: Call) -> Answer:
    if not call.rights.data_access_groups:
        raise ApiError(400, NO_GROUP_RIGHT)
    rows: list[list[Cell]] = [[group.label, group.unique_name, group.group_id] for group in call.project.groups]
    return _table(call, ["data_access_group_name", "unique_group_name", "data_access_group_id"], rows)


def _user_groups(call: Call) -> Answer:
    if not call.rights.data_access_groups:
        raise ApiError(400, NO_GROUP_RIGHT)
    rows: list[list[Cell]] = [[call.rights.username, call.rights.data_access_group]]
    return _table(call, ["username", "redcap_data_access_group"], rows)


def _field_names(call: Call) -> Answer:
    project, only = call.project, call.request.text("field")
    rows: list[list[Cell]] = []
    for form in project.dictionary.forms:
        for definition in project.dictionary.form_fields(form):
            name = definition.field_name
            if definition.field_type in NOT_EXPORTED or definition.field_type in {"file", "signature"}:
                continue
            if definition.field_type == "checkbox":
                codes = (*definition.choices, *project.missing_data_codes)
                rows.extend([name, code, checkbox_column(name, code)] for code in codes)
            else:
                rows.append([name, "", name])
        rows.append([f"{form}_complete", "", f"{form}_complete"])
    if only:
        rows = [row for row in rows if row[0] == only]
        if not rows:
            raise bad_parameter("field")
    return _table(call, ["original_field_name", "choice_value", "export_field_name"], rows)


def _user(call: Call) -> Answer:
    rights, forms = call.rights, call.project.dictionary.forms
    granted = {
        "data_access_groups": rights.data_access_groups,
        "logging": rights.logging,
        "api_export": rights.api_export,
        "api_import": rights.api_import,
        "record_delete": rights.record_delete,
    }
    group = next((item for item in call.project.groups if item.unique_name == rights.data_access_group), None)
    values: dict[str, Cell] = {
        "username": rights.username,
        "email": "",
        "firstname": "",
        "lastname": "",
        "expiration": "",
        "data_access_group": group.unique_name if group else "",
        "data_access_group_id": group.group_id if group else "",
        "data_access_group_label": group.label if group else "",
        **{flag: int(granted.get(flag, False)) for flag in _USER_FLAGS},
    }
    entry_rights = dict.fromkeys(forms, 2)
    export_rights = {form: int(rights.on_form(form)) for form in forms}
    wanted = call.request.answer_format
    if wanted == "json":
        user = {**values, "forms": entry_rights, "forms_export": export_rights}
        return Answer(php_json([user]), CONTENT_TYPES[wanted])
    values["forms"] = ",".join(f"{form}:{code}" for form, code in entry_rights.items())
    values["forms_export"] = ",".join(f"{form}:{code}" for form, code in export_rights.items())
    return _table(call, list(values), [list(values.values())])


def _log(call: Call) -> Answer:
    project, rights, request = call.project, call.rights, call.request
    if not rights.logging:
        raise ApiError(403, NO_LOGGING_RIGHT)
    kind = request.text("logtype")
    if kind and kind != "record" and kind not in LOG_KINDS:
        raise bad_parameter("logtype")
    wanted = LogFilter(
        kind, request.text("user"), request.text("record"), request.moment("beginTime"), request.moment("endTime")
    )
    group = rights.data_access_group
    asked = request.text("dag")
    if asked and not group:
        group = next((item.unique_name for item in project.groups if str(item.group_id) == asked), "")
        if not group:
            raise bad_parameter("dag")
    rows: list[list[Cell]] = [
        list(entry.cells)
        for entry in project.log.newest_first(wanted)
        if not group or (entry.record in project.records and project.records[entry.record].group == group)
    ]
    return _table(call, list(LOG_COLUMNS), rows)


def _records(call: Call) -> Answer:
    table = export_records(call.project, call.rights, call.request, call.settings.habits)
    return _table(call, table.columns, table.rows, root="records")


def _report(call: Call) -> Answer:
    table = export_report(call.project, call.rights, call.request, call.settings.habits)
    return _table(call, table.columns, table.rows, root="records")


#: Content type -> its answer to an export request.
EXPORTS: Mapping[str, Callable[[Call], Answer]] = {
    "version": _version,
    "project": _project,
    "metadata": _metadata,
    "instrument": _instrument,
    "event": _refusal(CLASSIC_EVENTS),
    "arm": _refusal(CLASSIC_ARMS),
    "formEventMapping": _refusal(CLASSIC_MAPPINGS),
    "repeatingFormsEvents": _repeating,
    "dag": _groups,
    "userDagMapping": _user_groups,
    "exportFieldNames": _field_names,
    "user": _user,
    "log": _log,
    "record": _records,
    "report": _report,
}
#: Content type -> how its export is logged; types that are missing leave no line.
LOGGED_AS: Mapping[str, str] = {
    "project": "Export project information (API)",
    "metadata": "Download data dictionary (API)",
    "instrument": "Export instruments (API)",
    "repeatingFormsEvents": "Export repeating instruments and events (API)",
    "dag": "Export DAGs (API)",
    "userDagMapping": "Export User-DAG assignments (API)",
    "exportFieldNames": "Export field names (API)",
    "user": "Export users (API)",
    "log": "Export Logging (API)",
    "record": "Export data (API)",
    "report": "Export report (API)",
}

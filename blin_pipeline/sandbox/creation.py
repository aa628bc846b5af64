"""Project creation with a super token: form data, and optionally a whole project as ODM.

Source: ``docs/redcap.md`` section 3 (``content=project``, create).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from blin_pipeline.errors import ConfigurationError, SourceError
from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.sandbox.contents.call import Answer
from blin_pipeline.sandbox.contents.payload import Row, one_object
from blin_pipeline.sandbox.formats import PLAIN_TEXT, Cell
from blin_pipeline.sandbox.host import Host
from blin_pipeline.sandbox.odm.reading import read_project_xml
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError, ApiRequest
from blin_pipeline.sandbox.relocation import switch_longitudinal
from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, TokenRights
from blin_pipeline.sandbox.rows import SourceProject

CREATOR = "sandbox_super"
_CREATED = datetime.fromisoformat("2026-01-01 08:00:00")
_FLAGS = ("is_longitudinal", "surveys_enabled", "record_autonumbering_enabled")
_NOT_AT_FIRST = ("record_delete", "record_rename", "lock_records_all_forms", "lock_records")
_CREATOR_PRIVILEGES = replace(EVERY_PRIVILEGE, **dict.fromkeys(_NOT_AT_FIRST, 0))  # type: ignore[arg-type]  # flags only
_FIRST_FORM = "form_1"
_PURPOSES = ("0", "1", "2", "3", "4")


def create_project(host: Host, request: ApiRequest) -> Answer:
    """Create a project; the answer is the token of its only user, who may do everything but delete, rename and lock records.

    The title and settings that the form data name win over those of the project XML.

    Raises:
        ApiError: 400 or 406, form data or project XML that make no project.
    """
    given = one_object(request)
    settings = _settings(given)
    created = host.clock().replace(microsecond=0) if host.clock is not None else _CREATED
    number, odm = host.next_project_id(), request.text("odm")
    longitudinal = bool(settings.pop("is_longitudinal", 0))
    if odm:
        read = _from_odm(odm, number, created)
        source = replace(read, title=given["project_title"], settings={**read.settings, **settings})
    else:
        source = _empty(given["project_title"], number, settings, created)
    token = host.add(source, TokenRights.of(_CREATOR_PRIVILEGES, CREATOR))
    project = host.accounts[token].project
    if odm:
        _creation_last(project)
    if longitudinal:
        project.settings["is_longitudinal"] = 1
        switch_longitudinal(project, switch=True)
        project.touched.everything()
        host.keep(project)
    return Answer(token.encode(), PLAIN_TEXT)


def _from_odm(odm: str, number: int, created: datetime) -> SourceProject:
    """A project from project XML; as on the real server, calculated values and survey times are not restored."""
    try:
        source = read_project_xml(odm.encode(), project_id=number)
    except (ConfigurationError, SourceError) as error:
        raise ApiError(400, error.what) from None
    lost = {item.field_name for item in source.dictionary.fields if item.field_type == "calc"}
    lost |= {f"{form}_timestamp" for form in source.surveys}
    rows = tuple(
        row._replace(values={name: value for name, value in row.values.items() if name not in lost})
        for row in source.rows
    )
    return replace(source, rows=rows, created=created)


def _creation_last(project: ProjectState) -> None:
    """Put the line of the creation behind those of the records, where the real server writes it after an import."""
    opening, *others = project.log.entries()
    if others:
        project.log.replace([*others, replace(opening, moment=others[-1].moment)])


def _settings(given: Row) -> dict[str, Cell]:
    if not given.get("project_title", "").strip():
        raise ApiError(400, "The project_title is missing")
    purpose = given.get("purpose", "")
    if purpose not in _PURPOSES:
        raise ApiError(400, "The purpose must be a number from 0 to 4")
    settings: dict[str, Cell] = {"purpose": int(purpose)}
    settings |= {name: given[name] for name in ("purpose_other", "project_notes") if name in given}
    for name in _FLAGS:
        if name in given:
            if given[name] not in {"0", "1"}:
                raise ApiError(400, f'The value of "{name}" is not valid')
            settings[name] = int(given[name])
    return settings


def _empty(title: str, number: int, settings: dict[str, Cell], created: datetime) -> SourceProject:
    """A project as the real server begins one: one instrument with the record id."""
    record_id = Field(field_name="record_id", form_name=_FIRST_FORM, field_type="text", field_label="Record ID")
    return SourceProject(
        title=title,
        project_id=number,
        dictionary=Dictionary(fields=(record_id,)),
        instrument_labels={_FIRST_FORM: "My First Instrument"},
        repeating_instruments=(),
        surveys=(),
        data_access_groups=(),
        record_groups={},
        missing_data_codes={},
        rows=(),
        created=created,
        settings={"record_autonumbering_enabled": 1, "project_notes": "", **settings},
    )

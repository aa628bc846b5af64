"""Project XML in: the whole file becomes a project that the server can make live."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

from blin_pipeline.redcap.odm.dictionary import read_dictionary
from blin_pipeline.redcap.odm.document import open_document, survey_forms
from blin_pipeline.redcap.odm.records import OdmRow, read_records
from blin_pipeline.redcap.odm.refusal import wrong
from blin_pipeline.redcap.odm.vocabulary import NAMES
from blin_pipeline.sandbox.odm.reading_people import read_reports, read_roles
from blin_pipeline.sandbox.odm.vocabulary import SETTINGS
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.setup import PROJECT_INFO, Arm, Event, Repeat, StoredFile, unique_group_name

FIRST_EVENT_ID = 40


def project_from_xml(path: Path, *, project_id: int = 1) -> SourceProject:
    """Read a project XML file; errors as :func:`read_project_xml`, and ``E_PROJECT_XML`` for a file that is not there."""
    try:
        content = path.read_bytes()
    except OSError:
        raise wrong(path.name, "the file cannot be read") from None
    return read_project_xml(content, source=path.name, project_id=project_id)


def read_project_xml(content: bytes, *, source: str = "The project XML", project_id: int = 1) -> SourceProject:
    """Read a project XML.

    Args:
        content: The file.
        source: What to call it in an error.
        project_id: REDCap's number of the project; the file does not hold one.

    Raises:
        SourceError: Code ``E_PROJECT_XML``: no UTF-8, no well-formed XML, a document type, not a REDCap project,
            or data for items that the file does not define.
        ConfigurationError: Code ``E_REGISTRY_FILE``: a field no dictionary may hold.
    """
    document = open_document(content, source)
    variables, codes = document.variables, dict(document.missing_data_codes)
    events = tuple(_event(FIRST_EVENT_ID + n, item) for n, item in enumerate(document.event_definitions))
    dictionary, labels = read_dictionary(document.metadata, source, codes)
    records = tuple(read_records(document, dictionary))
    return SourceProject(
        title=variables.findtext("StudyName", ""),
        project_id=project_id,
        dictionary=dictionary,
        instrument_labels=labels,
        repeating_instruments=(),
        surveys=survey_forms(document, dictionary),
        data_access_groups=_groups(variables),
        record_groups={record.record_id: record.group for record in records},
        missing_data_codes=codes,
        rows=tuple(_form_row(row) for record in records for row in record.rows),
        created=_created(document.root, source),
        settings={**_settings(variables), "is_longitudinal": int(bool(events))},
        arms=_arms(document.metadata),
        events=events,
        event_forms=document.event_forms,
        repeats=tuple(Repeat(*repeat) for repeat in document.repeats),
        roles=read_roles(variables),
        reports=read_reports(variables),
    )


def _form_row(row: OdmRow) -> FormRow:
    files = {name: StoredFile(*file) for name, file in row.files.items()}
    return FormRow(row.record_id, row.form, row.instance, dict(row.values), row.event, files)


def _created(root: Element, source: str) -> datetime:
    try:
        return datetime.fromisoformat(root.get("CreationDateTime", "")).replace(tzinfo=None)
    except ValueError:
        raise wrong(source, "its creation time is missing or no time") from None


def _settings(variables: Element) -> dict[str, str | int]:
    """Project information that the file carries, whole numbers where the server has them."""
    found: dict[str, str | int] = {}
    for tag, key in SETTINGS.items():
        text = variables.findtext(f"redcap:{tag}", None, NAMES)
        if text is not None:
            found[key] = int(text) if isinstance(PROJECT_INFO[key], int) and text.isdecimal() else text
    return found


def _event(number: int, item: Element) -> Event:
    return Event(
        event_id=number,
        name=item.get("redcap:EventName", ""),
        arm=int(item.get("redcap:ArmNum", "1")),
        unique_name=item.get("redcap:UniqueEventName", ""),
        custom_label=item.get("redcap:CustomEventLabel", ""),
        day_offset=int(float(item.get("redcap:DayOffset", "0"))),
        offset_min=int(float(item.get("redcap:OffsetMin", "0"))),
        offset_max=int(float(item.get("redcap:OffsetMax", "0"))),
    )


def _arms(metadata: Element) -> tuple[Arm, ...]:
    arms = {
        int(item.get("redcap:ArmNum", "1")): item.get("redcap:ArmName", "")
        for item in metadata.iterfind("StudyEventDef")
    }
    return tuple(Arm(number, name) for number, name in sorted(arms.items()))


def _groups(variables: Element) -> tuple[tuple[str, str], ...]:
    groups: dict[str, str] = {}
    for item in variables.iterfind("redcap:DataAccessGroupsGroup/*", NAMES):
        label = item.get("group_name", "")
        groups[unique_group_name(label, groups)] = label
    return tuple((label, name) for name, label in groups.items())

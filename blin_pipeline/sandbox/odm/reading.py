"""Project XML in: the whole file becomes a project that the server can make live."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

from blin_pipeline.sandbox.odm.reading_data import read_data
from blin_pipeline.sandbox.odm.reading_dictionary import read_dictionary
from blin_pipeline.sandbox.odm.reading_people import read_reports, read_roles
from blin_pipeline.sandbox.odm.refusal import wrong
from blin_pipeline.sandbox.odm.vocabulary import NAMES, SETTINGS
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.safe_xml import XmlRefusedError, parse_xml
from blin_pipeline.sandbox.setup import PROJECT_INFO, Arm, Event, Repeat, unique_group_name

FIRST_EVENT_ID = 40
_CODE_BREAK = re.compile(r"[\r\n|]+")
_REPEATING = "redcap:RepeatingInstrumentsAndEvents"


def project_from_xml(path: Path, *, project_id: int = 1) -> SourceProject:
    """Read a project XML file; errors as :func:`read_project_xml`, and ``E_SANDBOX_ODM`` for a file that is not there."""
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
        ConfigurationError: Code ``E_SANDBOX_ODM``: no UTF-8, no well-formed XML, a document type, not a REDCap project,
            or data for items that the file does not define. Code ``E_REGISTRY_FILE``: a field no dictionary may hold.
    """
    root = _root(content, source)
    study, metadata = root.find("Study"), root.find("Study/MetaDataVersion")
    variables = study.find("GlobalVariables") if study is not None else None
    if root.tag != "ODM" or metadata is None or variables is None:
        raise wrong(source, "it is no ODM file with a study and its metadata")
    events, event_forms = _events(metadata)
    repeats = _repeats(variables, is_longitudinal=bool(events))
    missing_data_codes = _missing_codes(variables.findtext("redcap:MissingDataCodes", "", NAMES))
    dictionary, labels = read_dictionary(metadata, source, missing_data_codes)
    items = {item.get("OID", "") for item in metadata.iterfind("ItemDef")}
    named = {item.get("form_name", "") for item in variables.iterfind("redcap:SurveysGroup/*", NAMES)}
    groups, rows = read_data(root.find("ClinicalData"), dictionary, missing_data_codes, repeats, source)
    return SourceProject(
        title=variables.findtext("StudyName", ""),
        project_id=project_id,
        dictionary=dictionary,
        instrument_labels=labels,
        repeating_instruments=(),
        surveys=tuple(form for form in dictionary.forms if form in named or f"{form}_timestamp" in items),
        data_access_groups=_groups(variables),
        record_groups=groups,
        missing_data_codes=missing_data_codes,
        rows=rows,
        created=_created(root, source),
        settings={**_settings(variables), "is_longitudinal": int(bool(events))},
        arms=_arms(metadata),
        events=events,
        event_forms=event_forms,
        repeats=repeats,
        roles=read_roles(variables),
        reports=read_reports(variables),
    )


def _root(content: bytes, source: str) -> Element:
    try:
        return parse_xml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise wrong(source, f"byte {error.start} is not UTF-8") from None
    except XmlRefusedError as error:
        raise wrong(source, str(error)) from None


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


def _events(metadata: Element) -> tuple[tuple[Event, ...], tuple[tuple[str, str], ...]]:
    """Events in the order of the protocol, and their designated instruments."""
    by_oid = {item.get("OID", ""): item for item in metadata.iterfind("StudyEventDef")}
    ordered = [item.get("StudyEventOID", "") for item in metadata.iterfind("Protocol/StudyEventRef")]
    oids = list(dict.fromkeys([*(oid for oid in ordered if oid in by_oid), *by_oid]))
    events = tuple(_event(FIRST_EVENT_ID + number, by_oid[oid]) for number, oid in enumerate(oids))
    forms = {form.get("OID", ""): form.get("redcap:FormName", "") for form in metadata.iterfind("FormDef")}
    pairs = tuple(
        (event.unique_name, forms[reference.get("FormOID", "")])
        for event, oid in zip(events, oids, strict=True)
        for reference in by_oid[oid].iterfind("FormRef")
        if reference.get("FormOID", "") in forms
    )
    return events, pairs


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


def _repeats(variables: Element, *, is_longitudinal: bool) -> tuple[Repeat, ...]:
    """What repeats; the set-up block alone is trusted, the ``Repeating`` marks of older files say No throughout."""
    instruments = (
        Repeat(
            item.get("redcap:RepeatInstrument", ""),
            item.get("redcap:UniqueEventName", "") if is_longitudinal else "",
            item.get("redcap:CustomLabel", ""),
        )
        for item in variables.iterfind(f"{_REPEATING}//redcap:RepeatingInstrument", NAMES)
    )
    events = (
        Repeat("", item.get("redcap:UniqueEventName", ""))
        for item in variables.iterfind(f"{_REPEATING}//redcap:RepeatingEvent", NAMES)
    )
    return (*instruments, *events)


def _groups(variables: Element) -> tuple[tuple[str, str], ...]:
    groups: dict[str, str] = {}
    for item in variables.iterfind("redcap:DataAccessGroupsGroup/*", NAMES):
        label = item.get("group_name", "")
        groups[unique_group_name(label, groups)] = label
    return tuple((label, name) for name, label in groups.items())


def _missing_codes(text: str) -> dict[str, str]:
    pairs = (part.partition(",") for part in _CODE_BREAK.split(text) if part.strip())
    return {code.strip(): label.strip() for code, _, label in pairs}

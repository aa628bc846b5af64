"""Project XML out: a live project, or its metadata alone, as one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blin_pipeline.sandbox.odm.items import Group, Item, groups_of
from blin_pipeline.sandbox.odm.markup import opening
from blin_pipeline.sandbox.odm.writing_data import DataScope, data_lines
from blin_pipeline.sandbox.odm.writing_metadata import (
    code_list_lines,
    event_lines,
    form_lines,
    group_lines,
    item_lines,
)
from blin_pipeline.sandbox.odm.writing_setup import variable_lines
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.records.choosing import Chosen, choose_records
from blin_pipeline.sandbox.records.columns import select_columns
from blin_pipeline.sandbox.records.export import EVERYTHING
from blin_pipeline.sandbox.records.flat import shown_record_id
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.rights import TokenRights

_LONGEST_OID = 30
_NAME_SPACES = {
    "xmlns": "http://www.cdisc.org/ns/odm/v1.3",
    "xmlns:ds": "http://www.w3.org/2000/09/xmldsig#",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmlns:redcap": "https://projectredcap.org",
    "xsi:schemaLocation": "http://www.cdisc.org/ns/odm/v1.3 schema/odm/ODM1-3-1.xsd",
}


@dataclass(frozen=True)
class OdmContents:
    """What a document holds besides the metadata.

    Attributes:
        query: Which records, fields and events; survey fields and Data Access Groups.
        with_data: Whether records are in it at all.
        with_files: Whether uploaded files are in it.
    """

    query: RecordQuery = EVERYTHING
    with_data: bool = True
    with_files: bool = False


def project_xml(project: ProjectState, rights: TokenRights, contents: OdmContents, *, version: str) -> bytes:
    """Write a project.

    Args:
        project: The live project.
        rights: Rights of the user; what they hide of the records is left out.
        contents: What to write.
        version: Version of the server.

    Raises:
        ApiError: 400, a bad filter; 403, no form may be exported.
    """
    return ("\n".join(_lines(project, rights, contents, version)) + "\n").encode()


def _lines(project: ProjectState, rights: TokenRights, contents: OdmContents, version: str) -> Iterator[str]:
    query = contents.query
    study = "".join(letter for letter in _capitalised(project.title) if letter.isalnum() and letter.isascii())
    study = study[:_LONGEST_OID]
    now = project.clock()
    groups = {
        form: groups_of(
            project,
            form,
            with_groups=query.groups and not rights.data_access_group,
            with_survey_fields=query.survey_fields,
        )
        for form in project.dictionary.forms
    }
    metadata = f"Metadata.{study}_{now:%Y-%m-%d_%H%M}"
    head = {
        **_NAME_SPACES,
        "ODMVersion": "1.3.1",
        "FileOID": "000-00-0000",
        "FileType": "Snapshot",
        "Description": project.title,
        "AsOfDateTime": f"{now:%Y-%m-%dT%H:%M:%S}",
        "CreationDateTime": f"{now:%Y-%m-%dT%H:%M:%S}",
        "SourceSystem": "REDCap",
        "SourceSystemVersion": version,
    }
    yield '<?xml version="1.0" encoding="UTF-8" ?>'
    yield opening("ODM", head)
    yield opening("Study", {"OID": f"Project.{study}"})
    yield "<GlobalVariables>"
    yield from variable_lines(project)
    yield "</GlobalVariables>"
    attributes = {"OID": metadata, "Name": project.title, "redcap:RecordIdField": project.dictionary.record_id_field}
    yield opening("MetaDataVersion", attributes)
    yield from event_lines(project)
    for form, members in groups.items():
        yield from form_lines(project, form, members)
    yield from (line for members in groups.values() for group in members for line in group_lines(group))
    items = [item for members in groups.values() for group in members for item in group.items]
    yield from (line for item in items for line in item_lines(item))
    yield from (line for item in items for line in code_list_lines(item))
    yield "</MetaDataVersion>"
    yield "</Study>"
    if contents.with_data:
        yield opening("ClinicalData", {"StudyOID": f"Project.{study}", "MetaDataVersionOID": metadata})
        yield from _data_lines(project, rights, contents, groups, items)
        yield "</ClinicalData>"
    yield "</ODM>"


def _data_lines(
    project: ProjectState,
    rights: TokenRights,
    contents: OdmContents,
    groups: dict[str, list[Group]],
    items: Iterable[Item],
) -> Iterator[str]:
    selection = select_columns(project, rights, contents.query)
    chosen: list[Chosen] = list(choose_records(project, rights, contents.query))
    scope = DataScope(
        names=frozenset(column.name for column in selection.columns) & {item.oid for item in items},
        groups=groups,
        with_files=contents.with_files,
        shown_ids={item.record_id: shown_record_id(project, selection, item.record_id) for item in chosen},
    )
    yield from data_lines(project, chosen, scope)


def _capitalised(title: str) -> str:
    """Every word with a capital, as PHP's ``ucwords`` does it."""
    return " ".join(word[:1].upper() + word[1:] for word in title.split(" "))

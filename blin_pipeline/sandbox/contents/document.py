"""The project as one XML document, and records in the same form. Source: ``docs/redcap.md`` section 15."""

from __future__ import annotations

from dataclasses import replace

from blin_pipeline.sandbox.contents.call import Answer, Call
from blin_pipeline.sandbox.formats import CONTENT_TYPES
from blin_pipeline.sandbox.odm.writing import OdmContents, project_xml
from blin_pipeline.sandbox.protocol import ApiRequest
from blin_pipeline.sandbox.records.query import RecordQuery, query_of

ODM_FORMAT = "odm"


def export_project(call: Call) -> Answer:
    """``content=project_xml``: set-up and metadata, and the records unless the metadata alone are asked for."""
    request = call.request
    query = replace(_query(call), kind="flat")
    contents = OdmContents(
        query, with_data=not request.flag("returnMetadataOnly"), with_files=request.flag("exportFiles")
    )
    return _answer(call, contents)


def export_records(call: Call) -> Answer:
    """Records in the format ``odm``: the same document, without uploaded files."""
    return _answer(call, OdmContents(_query(call)))


def wants_odm(request: ApiRequest) -> bool:
    """Whether a record export asks for XML of this kind."""
    return request.text("format").lower() == ODM_FORMAT


def _query(call: Call) -> RecordQuery:
    """The request's wishes; named fields come with the record id, which every record has in the document."""
    query = query_of(call.request, call.project)
    id_field = call.project.dictionary.record_id_field
    return replace(query, fields=(id_field, *query.fields)) if query.fields or query.forms else query


def _answer(call: Call, contents: OdmContents) -> Answer:
    body = project_xml(call.project, call.rights, contents, version=call.settings.version)
    return Answer(body, CONTENT_TYPES["xml"])

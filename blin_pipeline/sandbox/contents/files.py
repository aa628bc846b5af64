"""Files uploaded to records. Source: ``docs/redcap.md`` section 3 (``content=file``)."""

from __future__ import annotations

from typing import NamedTuple

from blin_pipeline.sandbox.contents.call import Answer, Call, nothing
from blin_pipeline.sandbox.contents.places import named_event, named_instance, named_record
from blin_pipeline.sandbox.protocol import NO_EXPORT_RIGHT, ApiError
from blin_pipeline.sandbox.rights import is_hidden
from blin_pipeline.sandbox.setup import StoredFile

_NO_FILE = "There is no file to download for this record"
_NO_PART = "No valid file was uploaded"


class _Spot(NamedTuple):
    """Where an upload stands."""

    record: str
    field: str
    form: str
    event: str
    instance: int | None


def export_file(call: Call) -> Answer:
    """A file's bytes; its name is in the content type only."""
    spot = _spot(call)
    definition = call.project.dictionary.field(spot.field)
    if definition is None or is_hidden(definition, call.rights.on_form(spot.form)):
        raise ApiError(403, NO_EXPORT_RIGHT)
    key = call.project.row_key(spot.form, spot.instance, spot.event)
    document = call.project.records[spot.record].rows.get(key, {}).get(spot.field, "")
    file = call.project.files.get(int(document)) if document.isdigit() else None
    if file is None:
        raise ApiError(400, _NO_FILE)
    call.project.note("export", "Download uploaded document", f"{spot.field} = '{document}'", call.rights.username)
    return file_answer(file)


def import_file(call: Call) -> Answer:
    """Keep the uploaded part ``file`` under a record's field, in place of the one before."""
    spot, file = _spot(call), uploaded(call)
    number = call.project.keep_file(file)
    _save(call, spot, str(number))
    return nothing(call)


def delete_file(call: Call) -> Answer:
    """Take a file off a record's field."""
    spot = _spot(call)
    key = call.project.row_key(spot.form, spot.instance, spot.event)
    document = call.project.records[spot.record].rows.get(key, {}).get(spot.field, "")
    if not document:
        raise ApiError(400, _NO_FILE)
    _save(call, spot, "")
    return nothing(call)


def uploaded(call: Call) -> StoredFile:
    """The part ``file`` of the request.

    Raises:
        ApiError: 400, there is none.
    """
    part = call.request.uploads.get("file")
    if part is None:
        raise ApiError(400, _NO_PART)
    return StoredFile(part.name, part.content, part.media_type)


def file_answer(file: StoredFile) -> Answer:
    """A file as an answer: ``text/plain; name="test.txt";charset=UTF-8``."""
    name = "".join(letter for letter in file.name if letter not in '"\\' and letter.isprintable())
    return Answer(file.content, f'{file.media_type}; name="{name}";charset=UTF-8')


def _spot(call: Call) -> _Spot:
    field = call.request.text("field")
    if field not in call.project.upload_fields:
        raise ApiError(400, f"The field '{field}' does not exist or is not a 'file' field")
    form = next(item.form_name for item in call.project.dictionary.fields if item.field_name == field)
    record = named_record(call)
    event = named_event(call, form)
    return _Spot(record, field, form, event, named_instance(call, event, form))


def _save(call: Call, spot: _Spot, document: str) -> None:
    user = call.rights.username
    call.project.save(spot.record, spot.form, spot.instance, {spot.field: document}, user, event=spot.event)

"""Records. Source: ``docs/redcap.md`` sections 4, 5 and 14."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blin_pipeline.sandbox.contents import document
from blin_pipeline.sandbox.contents.call import Answer, Call, count, table, text
from blin_pipeline.sandbox.contents.document import wants_odm
from blin_pipeline.sandbox.contents.payload import rows_of
from blin_pipeline.sandbox.formats import CONTENT_TYPES, php_json
from blin_pipeline.sandbox.incoming import from_eav
from blin_pipeline.sandbox.records import export_records, removing
from blin_pipeline.sandbox.records.answering import import_answer
from blin_pipeline.sandbox.records.importing import import_options
from blin_pipeline.sandbox.records.importing import import_records as store_records
from blin_pipeline.sandbox.records.naming import next_record_name
from blin_pipeline.sandbox.records.report import export_report


def export(call: Call) -> Answer:
    """Record export, flat or eav, or as ODM."""
    if wants_odm(call.request):
        answer = document.export_records(call)
        call.project.note("export", "Data export (API)", "Export data (API)", call.rights.username)
        return answer
    found = export_records(call.project, call.rights, call.request, call.settings.habits)
    answer = table(call, found.columns, found.rows, root="records")
    call.project.note("export", "Data export (API)", "Export data (API)", call.rights.username)
    return answer


def report(call: Call) -> Answer:
    """Records as a report shows them."""
    found = export_report(call.project, call.rights, call.request, call.settings.habits)
    return table(call, found.columns, found.rows, root="records")


def import_records(call: Call) -> Answer:
    """Records stored as sent; the answer tells what the request asks for."""
    options = import_options(call.request)
    rows: Sequence[Mapping[str, str]] = rows_of(call.request)
    if options.is_eav:
        rows = from_eav(rows, call.project.dictionary.record_id_field)
    imported = store_records(call.project, call.rights, rows, options)
    if call.request.flag("backgroundProcess"):
        return _background(call)
    wanted = call.request.error_format
    return Answer(import_answer(wanted, imported, options), CONTENT_TYPES[wanted])


def _background(call: Call) -> Answer:
    """What a request for a background import gets at once; here the import is done by then."""
    wanted = call.request.error_format
    return Answer(php_json({"success": True}) if wanted == "json" else b"true", CONTENT_TYPES[wanted])


def delete_records(call: Call) -> Answer:
    """Records, or parts of them, taken away."""
    return count(call, removing.delete_records(call.project, call.rights, call.request))


def rename_record(call: Call) -> Answer:
    """One record under another name."""
    return count(call, removing.rename_record(call.project, call.rights, call.request))


def next_name(call: Call) -> Answer:
    """Name of the next record."""
    return text(next_record_name(call.project, call.rights))

"""Instruments as PDF: a valid document that names what was asked for, without any layout of the real one.

Source: ``docs/redcap.md`` section 3. The document begins as recorded, ``%PDF-1.3`` and object 3.
"""

from __future__ import annotations

from blin_pipeline.sandbox.contents.call import Answer, Call
from blin_pipeline.sandbox.contents.files import file_answer
from blin_pipeline.sandbox.contents.places import named_record
from blin_pipeline.sandbox.protocol import bad_parameter
from blin_pipeline.sandbox.rights import is_hidden
from blin_pipeline.sandbox.setup import StoredFile

_LINES_PER_PAGE = 60


def export_pdf(call: Call) -> Answer:
    """Blank or filled instruments: one line per field, and its stored value where records are asked for."""
    project, request = call.project, call.request
    form = request.text("instrument")
    if form and form not in project.dictionary.forms:
        raise bad_parameter("instrument")
    event = request.text("event")
    if event and event not in project.event_names:
        raise bad_parameter("event")
    forms = [form] if form else project.dictionary.forms
    if request.flag("allRecords"):
        records = [name for name, record in project.sorted_records() if call.rights.may_see_group(record.group)]
    else:
        records = [named_record(call)] if request.text("record") else [""]
    lines = [f"{project.title} (sandbox)"]
    for record in records:
        lines += [line for name in forms for line in _form_lines(call, name, record, event)]
    project.note("manage", "Manage/Design", "Download data entry form as PDF (API)", call.rights.username)
    return file_answer(StoredFile("instruments.pdf", pdf_bytes(lines), "application/pdf"))


def _form_lines(call: Call, form: str, record: str, event: str) -> list[str]:
    project, instance = call.project, call.request.text("repeat_instance")
    lines = ["", project.instrument_label(form) + (f" - record {record}" if record else "")]
    found = [
        stored
        for key, stored in (project.rows_of(project.records[record]) if record else ())
        if f"{form}_complete" in stored
        and key.instrument in {"", form}
        and (not event or key.event == event)
        and (not instance or str(key.instance) == instance)
    ]
    right = call.rights.on_form(form)
    for definition in project.dictionary.form_fields(form):
        name = definition.field_name
        shown = () if is_hidden(definition, right) else found
        answers = " / ".join(stored[name] for stored in shown if name in stored)
        lines.append(f"{definition.field_label or definition.field_name}: {answers}")
    return lines


def pdf_bytes(lines: list[str]) -> bytes:
    """Lines of text as a PDF of pages; letters outside Latin-1 become ``?``."""
    pages = [lines[start : start + _LINES_PER_PAGE] for start in range(0, max(len(lines), 1), _LINES_PER_PAGE)]
    objects: dict[int, bytes] = {}
    kids = []
    for number, page in enumerate(pages):
        page_id, content_id = 3 + 2 * number, 4 + 2 * number
        kids.append(f"{page_id} 0 R")
        shown = b"\n".join(b"(" + _escaped(line) + b") Tj T*" for line in page)
        stream = b"BT /F1 9 Tf 40 800 Td 12 TL\n" + shown + b"\nET"
        objects[page_id] = b"<</Type /Page /Parent 1 0 R /Resources 2 0 R /Contents %d 0 R>>" % content_id
        objects[content_id] = b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream)
    catalog = 3 + 2 * len(pages)
    objects[1] = f"<</Type /Pages /Kids [{' '.join(kids)}] /Count {len(pages)} /MediaBox [0 0 595 842]>>".encode()
    objects[2] = b"<</Font <</F1 <</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>>>>>"
    objects[catalog] = b"<</Type /Catalog /Pages 1 0 R>>"
    body, offsets = b"%PDF-1.3\n", {}
    for number in [*range(3, catalog), 1, 2, catalog]:
        offsets[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    table = b"".join(b"%010d 00000 n \n" % offsets[number] for number in range(1, catalog + 1))
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (catalog + 1)
    tail = b"trailer\n<</Size %d /Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (catalog + 1, catalog, len(body))
    return body + head + table + tail


def _escaped(line: str) -> bytes:
    text = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return "".join(letter if letter.isprintable() else " " for letter in text).encode("latin-1", errors="replace")

"""What an import answers. Source: ``docs/redcap.md`` section 14."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from blin_pipeline.sandbox.formats import XML_HEAD, csv_bytes, php_json
from blin_pipeline.sandbox.protocol import Format
from blin_pipeline.sandbox.records.importing import Imported, ImportOptions


def import_answer(wanted: Format, imported: Sequence[Imported], options: ImportOptions) -> bytes:
    """The body that ``returnContent`` asks for, in the format of answers.

    ``auto_ids`` gives pairs of the new and the provided id; where nothing was numbered it is the same as ``ids``.
    """
    if options.return_content == "nothing":
        return b""
    if options.return_content == "count":
        return _count(wanted, len(imported))
    pairs = options.return_content == "auto_ids" and options.auto_numbers
    ids = [f"{item.record_id},{item.provided}" if pairs else item.record_id for item in imported]
    if wanted == "json":
        return php_json(ids)
    if wanted == "xml":
        return f"{XML_HEAD}<ids>{''.join(f'<id>{escape(name)}</id>' for name in ids)}</ids>".encode()
    if pairs:
        return "".join(f"{name}\n" for name in ids).encode()
    return csv_bytes(["id"], [[name] for name in ids])


def _count(wanted: Format, number: int) -> bytes:
    if wanted == "json":
        return php_json({"count": number})
    return f"{XML_HEAD}<count>{number}</count>".encode() if wanted == "xml" else str(number).encode()

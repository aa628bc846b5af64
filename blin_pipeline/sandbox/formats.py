"""Tables and errors as bytes: CSV as PHP's ``fputcsv`` writes it, JSON as ``json_encode``, XML as REDCap.

Source: ``docs/redcap.md`` sections 1.1 and 2. Bytes only; what a cell holds is decided elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from blin_pipeline.sandbox.protocol import Format

Cell = str | int
CONTENT_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
}
PLAIN_TEXT = "text/html; charset=UTF-8"
XML_HEAD = '<?xml version="1.0" encoding="UTF-8" ?>'


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, delimiter: str = ",") -> bytes:
    r"""A CSV table: LF row ends also after the last row, blanks bare; one ``\n`` and no header when there is no row.

    A cell is quoted when it holds the delimiter, a double quote (doubled), a backslash, CR, LF, tab or a space.
    """
    line = _line_writer(delimiter)
    body = [line(row) for row in rows]
    if not body:
        return b"\n"
    return "".join([line(columns), *body]).encode()


def csv_cell(value: Cell, *, delimiter: str = ",") -> str:
    """One cell as ``fputcsv`` writes it."""
    return _line_writer(delimiter)([value])[:-1]


def _line_writer(delimiter: str) -> Callable[[Sequence[Cell]], str]:
    quoted = re.compile(f'[{re.escape(delimiter)}"\\\\\\r\\n\\t ]').search

    def line(cells: Sequence[Cell]) -> str:
        texts = [cell if isinstance(cell, str) else str(cell) for cell in cells]
        joined = delimiter.join(texts)
        if quoted(joined.replace(delimiter, "")) or joined.count(delimiter) != len(texts) - 1:
            doubled = (text.replace('"', '""') if '"' in text else text for text in texts)
            joined = delimiter.join(f'"{text}"' if quoted(text) else text for text in doubled)
        return joined + "\n"

    return line


def php_json(value: object) -> bytes:
    r"""JSON as PHP's ``json_encode`` writes it: no blanks between tokens, non-ASCII as ``\u``, ``/`` as ``\/``."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def json_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A JSON array of objects; ``[]`` when there is no row."""
    return php_json([dict(zip(columns, row, strict=True)) for row in rows])


def xml_bytes(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, root: str = "items") -> bytes:
    """An XML table: ``<root>`` of ``<item>``, text that needs it in CDATA."""
    parts = [XML_HEAD, f"<{root}>"]
    for row in rows:
        cells = "".join(f"<{name}>{_xml_text(value)}</{name}>" for name, value in zip(columns, row, strict=True))
        parts.append(f"<item>{cells}</item>")
    parts.append(f"</{root}>")
    return "\n".join(parts).encode() + b"\n"


def _xml_text(value: Cell) -> str:
    text = str(value)
    if escape(text) == text:
        return text
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def table_bytes(
    answer_format: Format,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    delimiter: str = ",",
    root: str = "items",
) -> bytes:
    """A table in the format asked for.

    Args:
        answer_format: json, csv or xml.
        columns: Column names in order.
        rows: Cells in the order of the columns; text, or an integer where the real server sends one.
        delimiter: Cell separator of csv.
        root: Root element of xml.
    """
    if answer_format == "csv":
        return csv_bytes(columns, rows, delimiter=delimiter)
    if answer_format == "json":
        return json_bytes(columns, rows)
    return xml_bytes(columns, rows, root=root)


def object_bytes(answer_format: Format, values: Mapping[str, Cell], *, delimiter: str = ",") -> bytes:
    """One object: json object, one csv row, or xml items."""
    if answer_format == "json":
        return php_json(dict(values))
    return table_bytes(answer_format, list(values), [list(values.values())], delimiter=delimiter)


def error_bytes(error_format: Format, message: str) -> bytes:
    """The body of a refusal."""
    if error_format == "json":
        return php_json({"error": message})
    if error_format == "csv":
        return f"ERROR: {message}".encode()
    return f"{XML_HEAD}<hash><error>{escape(message)}</error></hash>".encode()

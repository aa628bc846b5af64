"""Good answers made bad: functions from body to body, and the pages that stand where data should.

Bytes in, bytes out, nothing else; an answer that a damage cannot apply to (no rows, another format) stays as it is.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping

from blin_pipeline.sandbox.faults import FaultKind
from blin_pipeline.sandbox.formats import CONTENT_TYPES, csv_bytes, csv_cell, error_bytes
from blin_pipeline.sandbox.protocol import OUT_OF_MEMORY

_REFUSAL = "The request could not be processed"
MAINTENANCE_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>REDCap</title></head><body>\n"
    b"<h3>REDCap is currently offline for maintenance.</h3><p>Please come back later.</p>\n</body></html>\n"
)
BAN_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>REDCap</title></head><body>\n"
    b"<h3>Your IP address has been banned due to suspected abuse.</h3>\n</body></html>\n"
)
PHP_WARNING = (
    b"<br />\n<b>Warning</b>:  Undefined array key 0 in <b>/var/www/redcap/API/index.php</b> on line <b>12</b><br />\n"
)
PHP_FATAL = (
    b"<br />\n<b>Fatal error</b>:  Allowed memory size of 134217728 bytes exhausted in "
    b"<b>/var/www/redcap/Classes/Records.php</b> on line <b>1</b><br />\n"
)
_BOM = b"\xef\xbb\xbf"
_FIRST_PAIR = re.compile(rb'\{("(?:[^"\\]|\\.)*":(?:"(?:[^"\\]|\\.)*"|-?\d+))')
_LAST_LETTER = re.compile(rb"[A-Za-z](?=[^A-Za-z]*$)")


def status_page(status: int) -> bytes:
    """An HTML error page of a web server or proxy."""
    page = b"<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<h1>%d</h1>\r\n</body>\r\n</html>\r\n"
    return page % (status, status)


def split_rows(body: bytes) -> list[bytes]:
    """CSV rows with their line ends; a line break inside quotes ends no row."""
    rows: list[bytes] = []
    begin, is_open = 0, False
    for match in re.finditer(rb'["\n]', body):
        if match.group() == b'"':
            is_open = not is_open
        elif not is_open:
            rows.append(body[begin : match.end()])
            begin = match.end()
    if begin < len(body):
        rows.append(body[begin:])
    return rows


def cut_mid_row(body: bytes) -> bytes:
    """About half of the body, never ending with a row."""
    cut = max(len(body) // 2, 1)
    while cut < len(body) and body[cut - 1 : cut] in {b"\n", b"}", b","}:
        cut += 1
    return body[: min(cut, len(body) - 1)]


def cut_at_row(body: bytes, rows_kept: int | None = None) -> bytes:
    """A well-formed answer with fewer rows.

    Args:
        body: A csv or json answer.
        rows_kept: Data rows that stay; half of them when None.
    """
    if _is_json(body):
        rows = json.loads(body)
        if not isinstance(rows, list):
            return body
        kept = len(rows) // 2 if rows_kept is None else rows_kept
        return json.dumps(rows[:kept], separators=(",", ":")).encode()
    header, *lines = split_rows(body)
    kept = len(lines) // 2 if rows_kept is None else rows_kept
    return b"".join([header, *lines[:kept]])


def _is_json(body: bytes) -> bool:
    return body[:1] in {b"[", b"{"}


def _middle_row(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    rows = split_rows(body)
    if _is_json(body) or len(rows) < 2:
        return body
    middle = 1 + (len(rows) - 1) // 2
    middle = min(middle, len(rows) - 1)
    rows[middle] = change(rows[middle].removesuffix(b"\n")) + b"\n"
    return b"".join(rows)


def _without_last_cell(row: bytes) -> bytes:
    cells = next(csv.reader(io.StringIO(row.decode(), newline="")))
    return ",".join(csv_cell(cell) for cell in cells[:-1]).encode()


def _with_duplicates(body: bytes) -> bytes:
    if _is_json(body):
        rows = json.loads(body)
        return json.dumps([*rows, *rows[-1:]], separators=(",", ":")).encode() if isinstance(rows, list) else body
    rows_csv = split_rows(body)
    return b"".join([*rows_csv, *rows_csv[1:][-1:]])


def _with_shuffled_columns(body: bytes) -> bytes:
    if _is_json(body):
        rows = json.loads(body)
        if not isinstance(rows, list):
            return body
        return json.dumps([dict(reversed(row.items())) for row in rows], separators=(",", ":")).encode()
    header, *rows_csv = [list(reversed(row)) for row in csv.reader(io.StringIO(body.decode(), newline=""))]
    return csv_bytes(header, rows_csv)


def _as_latin1(body: bytes) -> bytes:
    text = json.dumps(json.loads(body), ensure_ascii=False) if _is_json(body) else body.decode()
    encoded = text.encode("latin-1", errors="replace")
    return encoded if not encoded.isascii() else _LAST_LETTER.sub(b"\xe9", encoded, count=1)


def _twice_the_first_key(body: bytes) -> bytes:
    return _FIRST_PAIR.sub(lambda match: b"{" + match.group(1) + b"," + match.group(1), body, count=1)


def _with_nan(body: bytes) -> bytes:
    return _FIRST_PAIR.sub(lambda match: b"{" + match.group(1).partition(b'":')[0] + b'":NaN', body, count=1)


#: Kinds that damage a good body and leave status and headers alone.
DAMAGES: Mapping[FaultKind, Callable[[bytes], bytes]] = {
    FaultKind.PHP_WARNING: lambda body: PHP_WARNING + body,
    FaultKind.PHP_FATAL: lambda body: cut_at_row(body).removesuffix(b"]") + PHP_FATAL,
    FaultKind.EXTRA_COLUMN: lambda body: _middle_row(body, lambda row: row + b",surplus"),
    FaultKind.MISSING_COLUMN: lambda body: _middle_row(body, _without_last_cell),
    FaultKind.OPEN_QUOTE: lambda body: _middle_row(body, lambda row: b'"' + row),
    FaultKind.DUPLICATED_ROWS: _with_duplicates,
    FaultKind.SHUFFLED_COLUMNS: _with_shuffled_columns,
    FaultKind.LATIN1: _as_latin1,
    FaultKind.BOM: lambda body: _BOM + body,
    FaultKind.INVALID_UTF8: lambda body: _LAST_LETTER.sub(b"\xff", body, count=1),
    FaultKind.DUPLICATE_KEY: _twice_the_first_key,
    FaultKind.NAN: _with_nan,
}
#: Kinds that answer 200 with this body instead of data, and the content type they claim.
INSTEAD: Mapping[FaultKind, tuple[bytes, bytes | None]] = {
    FaultKind.ERROR_JSON: (error_bytes("json", _REFUSAL), CONTENT_TYPES["json"].encode()),
    FaultKind.ERROR_JSON_LIST: (b"[" + error_bytes("json", _REFUSAL) + b"]", CONTENT_TYPES["json"].encode()),
    FaultKind.ERROR_XML: (error_bytes("xml", _REFUSAL), CONTENT_TYPES["xml"].encode()),
    FaultKind.ERROR_CSV: (error_bytes("csv", _REFUSAL), None),
    FaultKind.MAINTENANCE: (MAINTENANCE_PAGE, b"text/html; charset=UTF-8"),
    FaultKind.MEMORY_SENTENCE: (OUT_OF_MEMORY.encode(), None),
    FaultKind.EMPTY_BODY: (b"", None),
    FaultKind.NULL_BODY: (b"null", None),
    FaultKind.EMPTY_LIST: (b"[]", None),
    FaultKind.OBJECT_BODY: (b'{"status":"ok"}', None),
}

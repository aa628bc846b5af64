"""Strict CSV: every row with the header's cells, plain UTF-8, no open quote; rows come one at a time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from blin_pipeline.redcap.answers import is_php_message, not_data
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.faults import RedcapReadError

_HEAD_BYTES: Final = 4096
_CHUNK: Final = 1 << 20
_LONGEST_HEADER: Final = 1 << 20
#: All that is left of an answer whose header broke off.
_CUT_HEADER: Final = re.compile(rb"[a-z][a-z0-9_]*(,[a-z0-9_]*)*")
#: A cell may hold a long note; a runaway quote must still end somewhere.
csv.field_size_limit(64 << 20)


def read_rows(path: Path, endpoint: str, *, from_server: bool) -> Iterator[list[str]]:
    """Yield the header, then every row; nothing at all for an answer without rows.

    Args:
        path: File to read.
        endpoint: What it answers, for people.
        from_server: True for an answer of the API: no byte-order mark, last row ended by a line end.
            False for a file that a person downloaded: a mark is skipped.

    Yields:
        Lists of as many cells as the header has.

    Raises:
        RedcapReadError: ``E_EMPTY`` (no byte, or a JSON nothing), ``E_ENCODING``, ``E_MAINTENANCE``, ``E_REDCAP``,
            ``E_BODY_NOT_JSON``, ``E_TRUNCATED``, ``E_SCHEMA``.
        StorageError: The file cannot be read.
    """
    with _opened(path, endpoint, from_server=from_server) as answer:
        if answer is not None and answer.is_plain:
            yield from _checked(answer, None, endpoint, from_server=from_server)
        elif answer is not None:
            lines = _Lines(answer.text)
            for row in _checked(answer, lines, endpoint, from_server=from_server):
                lines.take_row()
                yield row


def read_raw_rows(path: Path, endpoint: str, *, from_server: bool) -> Iterator[tuple[list[str], str]]:
    """As :func:`read_rows`, each row with the exact text that it was read from, line end included."""
    with _opened(path, endpoint, from_server=from_server) as answer:
        if answer is not None:
            lines = _Lines(answer.text)
            for row in _checked(answer, lines, endpoint, from_server=from_server):
                yield row, lines.take_row()


class _Answer(NamedTuple):
    """An answer that has rows: its text, its last bytes, whether it has neither a carriage return nor a NUL."""

    text: io.TextIOWrapper
    tail: str
    is_plain: bool


@contextmanager
def _opened(path: Path, endpoint: str, *, from_server: bool) -> Iterator[_Answer | None]:
    """Open an answer and judge its first bytes; None when it has no row."""
    with disk_faults("reading an answer"), path.open("rb") as raw:
        head = raw.read(_HEAD_BYTES)
        raw.seek(0, io.SEEK_END)
        size = raw.tell()
        raw.seek(max(0, size - _HEAD_BYTES))
        tail = raw.read()
        raw.seek(0)
        if size == 0 or head.strip() in {b"null", b"[]", b"{}", b"[{}]"}:
            raise RedcapReadError("E_EMPTY", endpoint)
        if size <= _HEAD_BYTES and not head.strip():
            yield None
            return
        if from_server:
            not_data(head, endpoint)
            if size <= _LONGEST_HEADER and b"\n" not in head and _CUT_HEADER.fullmatch(raw.read()):
                raise RedcapReadError("E_TRUNCATED", endpoint)
            raw.seek(0)
        is_plain = _is_plain(raw)
        text = io.TextIOWrapper(raw, encoding="utf-8" if from_server else "utf-8-sig", errors="strict", newline="\n")
        yield _Answer(text, tail.decode("utf-8", errors="replace"), is_plain)


def _is_plain(raw: io.BufferedReader) -> bool:
    """Whether a file has neither a carriage return nor a NUL, so that no row needs to be looked at for them."""
    plain = True
    while plain and (piece := raw.read(_CHUNK)):
        plain = b"\r" not in piece and b"\0" not in piece
    raw.seek(0)
    return plain


class _Lines:
    """Lines of a text, remembering those of the current row and how the last one ended."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._row: list[str] = []
        self.end = ""

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.end = "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""
            self._row.append(line)
            yield line

    def take_row(self) -> str:
        """Text since the last call."""
        text = self._row[0] if len(self._row) == 1 else "".join(self._row)
        self._row.clear()
        return text


def _checked(answer: _Answer, lines: _Lines | None, endpoint: str, *, from_server: bool) -> Iterator[list[str]]:
    """Rows of a text; ``lines`` are its lines where carriage returns or NUL must be looked for, None where there are none."""
    tail = answer.tail
    broken_off = from_server and not tail.endswith("\n")
    reader = csv.reader(answer.text if lines is None else lines, strict=True)
    width = 0
    row_end = ""
    fault: RedcapReadError | None = None
    try:
        for row in reader:
            if not width:
                width = len(row)
                row_end = lines.end if lines is not None else ""
                _check_header(row, endpoint)
            elif len(row) != width:
                problem = f"line {reader.line_num}: {len(row)} cells where the header has {width}"
                fault = _bad_row(row, problem, tail, endpoint, broken_off=broken_off)
                break
            if lines is not None and lines.end not in {row_end, ""}:
                # A bare carriage return before the line end would be lost as part of it.
                fault = RedcapReadError("E_SCHEMA", endpoint, detail=f"line {reader.line_num}: another line end")
                break
            if lines is not None and "\0" in "".join(row):
                fault = RedcapReadError("E_ENCODING", endpoint)
                break
            yield row
    except UnicodeDecodeError as error:
        at_end = from_server and "unexpected end" in error.reason
        fault = RedcapReadError("E_TRUNCATED" if at_end else "E_ENCODING", endpoint)
    except csv.Error:
        fault = _bad_row([], f"line {reader.line_num}: an open or stray quote", tail, endpoint, broken_off=broken_off)
    if fault is not None:
        raise fault
    if broken_off:
        raise RedcapReadError("E_BODY_NOT_JSON" if is_php_message(tail) else "E_TRUNCATED", endpoint)


def _bad_row(row: Sequence[str], problem: str, tail: str, endpoint: str, *, broken_off: bool) -> RedcapReadError:
    if is_php_message("\n".join(row)) or is_php_message(tail[-1024:]):
        return RedcapReadError("E_BODY_NOT_JSON", endpoint)
    if broken_off:
        return RedcapReadError("E_TRUNCATED", endpoint)
    return RedcapReadError("E_SCHEMA", endpoint, detail=problem)


def _check_header(header: Sequence[str], endpoint: str) -> None:
    if not header:
        raise RedcapReadError("E_SCHEMA", endpoint, detail="a blank line stands where the header should")
    if len({*header}) < len(header):
        raise RedcapReadError("E_SCHEMA", endpoint, detail="a column stands twice in the header")

"""What a body is: strict JSON, REDCap's own error, a web page, a broken end; decided from the bytes alone."""

from __future__ import annotations

import json
import re
from typing import NoReturn, TypeAlias

from blin_pipeline.redcap.faults import RedcapReadError, Refusal, refusal_of

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

_BOM = b"\xef\xbb\xbf"
_PAGE = re.compile(rb"\s*(<!doctype\s+html|<html|<head|<body|<title|<meta)", re.IGNORECASE)
_XML_ERROR = re.compile(rb"\s*<\?xml[^>]*>.{0,200}<error>", re.IGNORECASE | re.DOTALL)
#: A message of PHP where data should begin; further on, the same words may stand in somebody's note.
_PHP_FIRST = re.compile(rb"\s*(php )?(fatal error|parse error|warning|notice|deprecated): ", re.IGNORECASE)
#: What a message looks like in the end of an answer that is broken anyway.
_PHP = re.compile(
    r"<b>(fatal error|parse error|warning|notice|deprecated)</b>:"
    r"|(^|\n|>)(php )?(fatal|parse) error: |(^|\n)php (warning|notice|deprecated): ",
    re.IGNORECASE,
)
_JSON_ERROR_KEYS = frozenset({"error"})
_UNFINISHED_WORD = re.compile(r"(t(ru?)?|tru|f(a(ls?)?)?|n(ul?)?|-?[0-9.eE+-]*)\Z")


class _AmbiguousError(ValueError):
    """JSON that the standard lets two readers read differently."""


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _AmbiguousError
    return found


def _no_constant(_: str) -> NoReturn:
    raise _AmbiguousError


def read_json(body: bytes, endpoint: str) -> Json:
    """Parse a JSON answer: strict UTF-8 without a mark, no repeated key, no NaN, nothing before or after it.

    Raises:
        RedcapReadError: ``E_EMPTY``, ``E_ENCODING``, ``E_JSON_STRICT``, ``E_TRUNCATED``, ``E_MAINTENANCE``, ``E_REDCAP``,
            ``E_BODY_NOT_JSON``.
    """
    if not body.strip():
        raise RedcapReadError("E_EMPTY", endpoint)
    not_data(body[:4096], endpoint)
    text = _text(body, endpoint)
    fault = ""
    try:
        value: Json = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (_AmbiguousError, UnicodeEncodeError):
        fault = "E_JSON_STRICT"
    except json.JSONDecodeError as error:
        fault = "E_TRUNCATED" if _is_beginning(text, error) else "E_BODY_NOT_JSON"
    except (ValueError, RecursionError):
        fault = "E_BODY_NOT_JSON"
    if fault:
        raise RedcapReadError(fault, endpoint)
    if _is_error(value):
        raise RedcapReadError("E_REDCAP", endpoint, refusal=refusal_of(str(value)))
    return value


def read_text(body: bytes, endpoint: str) -> str:
    """A plain-text answer, such as the version.

    Raises:
        RedcapReadError: As for :func:`read_json`, without the JSON codes.
    """
    if not body.strip():
        raise RedcapReadError("E_EMPTY", endpoint)
    not_data(body[:4096], endpoint)
    return _text(body, endpoint)


def not_data(head: bytes, endpoint: str) -> None:
    """Refuse a body whose beginning shows that it is no data at all.

    Raises:
        RedcapReadError: ``E_ENCODING`` (a byte-order mark), ``E_MAINTENANCE`` (a web page), ``E_REDCAP`` (REDCap's error
            in any format), ``E_BODY_NOT_JSON`` (a PHP message or other markup).
    """
    if head.startswith(_BOM):
        raise RedcapReadError("E_ENCODING", endpoint)
    if _PAGE.match(head):
        raise RedcapReadError("E_MAINTENANCE", endpoint)
    refusal = refusal_in_body(head)
    if refusal is not None:
        raise RedcapReadError("E_REDCAP", endpoint, refusal=refusal)
    if head.lstrip().startswith(b"<") or _PHP_FIRST.match(head):
        raise RedcapReadError("E_BODY_NOT_JSON", endpoint)


def refusal_in_body(body: bytes) -> Refusal | None:
    """The reason in an error body of REDCap in any of its formats; None when the body is no such error."""
    text = body.decode("utf-8", errors="replace").strip()
    if text.lower().startswith("error:") or _XML_ERROR.match(body):
        return refusal_of(text)
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return refusal_of(text) if _is_error(value) else None


def is_php_message(text: str) -> bool:
    """Whether the end of a broken answer holds a message of the server's PHP rather than data."""
    return _PHP.search(text) is not None


def _is_error(value: Json) -> bool:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return isinstance(value, dict) and value.keys() == _JSON_ERROR_KEYS


def _text(body: bytes, endpoint: str) -> str:
    fault = ""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        fault = "E_TRUNCATED" if error.end == len(body) and "unexpected end" in error.reason else "E_ENCODING"
    raise RedcapReadError(fault, endpoint)


def _is_beginning(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the text is the beginning of some valid JSON: the fault lies where the text stops."""
    if not text.lstrip().startswith(("[", "{")) or is_php_message(text[-4096:]):
        return False
    if error.msg.startswith(("Unterminated string", "Invalid \\escape", "Invalid \\uXXXX")):
        return error.msg.startswith("Unterminated") or len(text) - error.pos <= 6
    return not text[error.pos :].strip() or _UNFINISHED_WORD.fullmatch(text[error.pos :].strip()) is not None

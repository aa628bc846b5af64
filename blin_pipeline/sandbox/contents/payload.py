"""The ``data`` of an import as rows of text: JSON, CSV or XML in, mappings out.

Source: ``docs/redcap.md`` sections 1.1 and 14. A nested object (rights per form) becomes the one-cell text of the CSV
form, ``form_1:1,form_2:0``, so that every format gives the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from blin_pipeline.redcap.odm.safe_xml import XmlRefusedError, parse_xml
from blin_pipeline.sandbox.incoming import BAD_DATA, read_csv
from blin_pipeline.sandbox.protocol import ApiError, ApiRequest

Row = dict[str, str]


def rows_of(request: ApiRequest) -> list[Row]:
    """Rows of an import; a bare JSON object is no row, as the real server has it.

    Raises:
        ApiError: 406, the data are not in the format that the request names; 400, a separator or format that does not
            exist.
    """
    wanted = request.answer_format
    data = request.text("data").removeprefix("\ufeff")
    if wanted == "json":
        found = _json(data) if data.strip() else []
        return [_flat(item) for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    if wanted == "csv":
        return read_csv(data, request.delimiter)
    return [_flat_element(item) for item in _items(data)] if data.strip() else []


def one_object(request: ApiRequest) -> Row:
    """The single object of a project's creation or settings: an object, or a list of one.

    Raises:
        ApiError: 406, the data are not in the format that the request names, or hold another number of objects.
    """
    if request.answer_format == "json":
        found = _json(request.text("data"))
        if isinstance(found, dict):
            return _flat(found)
    rows = rows_of(request)
    if len(rows) != 1:
        raise ApiError(406, BAD_DATA)
    return rows[0]


def cell(value: object) -> str:
    """One JSON value as text, the way PHP prints it."""
    if value is None or value is False:
        return "0" if value is False else ""
    if value is True:
        return "1"
    if isinstance(value, Mapping):
        return ",".join(f"{name}:{cell(inner)}" for name, inner in value.items())
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _json(data: str) -> object:
    try:
        return json.loads(data)
    except ValueError:
        raise ApiError(406, BAD_DATA) from None


def _flat(item: Mapping[str, object]) -> Row:
    return {str(name): cell(value) for name, value in item.items()}


def _items(data: str) -> list[Element]:
    try:
        root = parse_xml(data.strip())
    except XmlRefusedError:
        raise ApiError(406, BAD_DATA) from None
    return [root] if root.tag == "item" else root.findall("item")


def _flat_element(item: Element) -> Row:
    return {
        part.tag: ",".join(f"{inner.tag}:{inner.text or ''}" for inner in part) if len(part) else part.text or ""
        for part in item
    }

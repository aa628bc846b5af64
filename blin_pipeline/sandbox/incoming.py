"""The ``data`` parameter of an import as plain rows: csv, json or xml, flat or eav, nothing judged yet.

Source: ``docs/redcap.md`` section 14.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from blin_pipeline.redcap.odm.safe_xml import XmlRefusedError, parse_xml
from blin_pipeline.sandbox.protocol import ApiError, Format

BAD_DATA = "The data being imported was formatted incorrectly"
Item = Mapping[str, str]


def read_items(data: str, data_format: Format, delimiter: str = ",") -> list[dict[str, str]]:
    """Rows of name -> text, in the order sent.

    A json value that is no list gives no row, as the real server does it.

    Args:
        data: The parameter as sent.
        data_format: What ``format`` says.
        delimiter: Cell separator of csv.

    Raises:
        ApiError: 406, not in that format.
    """
    if data_format == "json":
        return _from_json(data)
    if data_format == "csv":
        return _from_csv(data, delimiter)
    return _from_xml(data)


def _from_json(data: str) -> list[dict[str, str]]:
    try:
        found = json.loads(data)
    except json.JSONDecodeError:
        raise ApiError(406, BAD_DATA) from None
    if not isinstance(found, list):
        return []
    if not all(isinstance(item, dict) for item in found):
        raise ApiError(406, BAD_DATA)
    return [{str(name): _json_text(value) for name, value in item.items()} for item in found]


def _json_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, str | int | float):
        return str(value)
    raise ApiError(406, BAD_DATA)


def _from_csv(data: str, delimiter: str) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(data.removeprefix("\ufeff"), newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error:
        raise ApiError(406, BAD_DATA) from None
    if not rows:
        return []
    header = [name.strip() for name in rows[0]]
    if len(set(header)) != len(header) or any(len(row) != len(header) for row in rows):
        raise ApiError(406, BAD_DATA)
    return [dict(zip(header, row, strict=True)) for row in rows[1:]]


def _from_xml(data: str) -> list[dict[str, str]]:
    try:
        root = parse_xml(data)
    except XmlRefusedError:
        raise ApiError(406, BAD_DATA) from None
    return [{cell.tag: cell.text or "" for cell in item} for item in root.iterfind("item")]


def from_eav(items: Sequence[Item], record_id_field: str) -> list[dict[str, str]]:
    """Rows of an eav import put together: one row per record, event and instance, fields in the order sent.

    A checkbox is named by its option (``field___code``) with 0 or 1.

    Raises:
        ApiError: 406, a row without record or field name.
    """
    places = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for item in items:
        if not item.get("record") or not item.get("field_name"):
            raise ApiError(406, BAD_DATA)
        key = (item["record"], *(item.get(place, "") for place in places))
        if key not in rows:
            sent = {place: item[place] for place in places if place in item}
            rows[key] = {record_id_field: item["record"], **sent}
        if item["field_name"] != record_id_field:
            rows[key][item["field_name"]] = item.get("value", "")
    return list(rows.values())

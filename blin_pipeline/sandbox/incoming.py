"""The ``data`` parameter of an import as plain rows: a csv table, and eav rows put together, nothing judged yet.

Source: ``docs/redcap.md`` section 14.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from blin_pipeline.sandbox.protocol import ApiError

BAD_DATA = "The data being imported was formatted incorrectly"
Item = Mapping[str, str]


def read_csv(data: str, delimiter: str = ",") -> list[dict[str, str]]:
    """Rows of name -> text, in the order sent.

    Args:
        data: The parameter as sent.
        delimiter: Cell separator.

    Raises:
        ApiError: 406, no such table.
    """
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

"""One assessment of marrow and blood as clinical specification, section 4, reads it.

Reading where the text leaves room: blood is "within 7 d of marrow" on whatever form it stands; of several such forms one that found
lymphoblasts decides.
"""

from __future__ import annotations

from .records import Record, Row, day

BLOOD_WITHIN_DAYS = 7


def is_remission(record: Record, row: Row) -> bool:
    """Registry remission: no lymphoblasts in marrow and none in blood."""
    return verdict(record, row) is True


def verdict(record: Record, row: Row) -> bool | None:
    """True: remission; False: lymphoblasts somewhere; None: it cannot be said."""
    marrow, blood = _marrow(row), _blood(row)
    if blood is None and marrow is not None:
        at = day(row, "ra_date")
        near = [
            _blood(other)
            for on, other in record.dated("response", "ra_date")
            if at is not None and abs((on - at).days) <= BLOOD_WITHIN_DAYS
        ]
        blood = False if False in near else True if True in near else None
    if marrow is False or blood is False:
        return False
    return True if marrow and blood else None


def has_evaluable_marrow(row: Row) -> bool:
    """A marrow that was judged, or whose blasts were counted when it was not."""
    return _marrow(row) is not None


def _marrow(row: Row) -> bool | None:
    """Whether it is free of lymphoblasts; by percentage when the item is empty. A marrow that was not examined says nothing."""
    if row.get("ra_marrow") == 0:
        return None
    item, percent = row.get("ra_bm_lymphoblast"), row.get("ra_bm_blast")
    if item is None:
        return percent < 5 if isinstance(percent, (int, float)) else None
    return {0: True, 1: False}.get(item if isinstance(item, int) else -1)


def _blood(row: Row) -> bool | None:
    item = row.get("ra_pb_lymphoblast")
    return {0: True, 1: False}.get(item if isinstance(item, int) else -1)

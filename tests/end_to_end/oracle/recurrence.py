"""When MRD came back (clinical specification 1 and 4: negative, then positive; persistent MRD is none; marrow beats blood).

Readings where the text leaves room: negative means negative in first remission, or in the week before its assessment; a positive
marrow after a negative blood was there all along, a positive blood after a negative marrow is new; a sample of an unknown kind is
compared with its like only.
"""

from __future__ import annotations

from datetime import date, timedelta

from .course import course
from .dating import MRD_ALONE, relapse_dates
from .readings import mrd
from .records import Record, remembered
from .response import frontline_assessments

WEEK = timedelta(days=7)


@remembered
def recurrence(record: Record) -> date | None:
    """First day on which MRD came back, by tests of one method or by a relapse form that says so."""
    dated = relapse_dates(record)
    alone = [int(str(row["instance"])) for row in record.rows("relapse") if row.get("rl_kind") == MRD_ALONE]
    days = [dated[instance].on for instance in alone if instance in dated and dated[instance].on.year >= 1900]
    remission = min((at for at, _, remitted in frontline_assessments(record, course(record)) if remitted), default=None)
    readings = mrd(record)
    tests = [
        (at, row.get("mr_method"), row.get("mr_source"), readings[int(str(row["instance"]))].reading)
        for at, row in record.dated("mrd", "mr_date")
    ]
    for at, method, source, reading in tests:
        if not reading.startswith("POS") or remission is None:
            continue
        for before, other, kind, told in tests:
            in_remission = told.startswith("NEG") and remission - WEEK <= before < at
            if in_remission and other == method and (kind == source or (kind, source) == (1, 2)):
                days.append(at)
    return min(days, default=None)

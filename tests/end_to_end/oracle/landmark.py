"""The landmark analysis (clinical specification 6, data model 2.14): who is at risk, exposed by when, followed for how long.

Readings where the text leaves room: who is alive and relapse-free beyond the landmark is known by the times to event, and one that
ends on the landmark itself ends too early. Relapse-free is what RFS says, for both endpoints; a patient whose RFS is censored is
censored for that endpoint, and alive in a remission that nobody knows of for the other.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from .endpoints import Time, endpoints
from .happenings import happenings
from .records import Record, day

LANDMARKS = (90, 120, 150)
ENDPOINTS = ("OSCR", "RFS")
_ENDED, _LOST, _NOT_EVALUATED = "RELAPSE_OR_DEATH_BEFORE", "CENSORED_BEFORE", "REMISSION_NOT_KNOWN"


class Landmark(NamedTuple):
    """One eligible patient in first remission, one endpoint, one landmark; days from the landmark, None when not at risk."""

    at_risk: bool
    reason: str | None
    exposed: bool
    cycles: int
    days: int | None
    cnsr: int | None
    event_code: int | None
    entry: int | None


def landmarks(record: Record) -> dict[tuple[str, int], Landmark]:
    """(endpoint, landmark) -> what holds; empty without a first remission. For eligible patients only."""
    what = happenings(record)
    if what.remission is None:
        return {}
    times, seen = endpoints(what), entry_day(record)
    found = {}
    for length in LANDMARKS:
        last = what.remission + timedelta(days=length)
        cycles = sum(one.start <= last for one in what.given)
        for param in ENDPOINTS:
            time = times[param]
            reason = _why_not(time, times["RFS"], length)
            is_in = reason is None
            found[param, length] = Landmark(
                at_risk=is_in,
                reason=reason,
                exposed=cycles > 0,
                cycles=cycles,
                days=time.days - length if is_in else None,
                cnsr=time.cnsr if is_in else None,
                event_code={0: 1, 2: 2}.get(time.cnsr, 0) if is_in else None,
                entry=max(0, (seen - last).days) if is_in and seen is not None else None,
            )
    return found


def entry_day(record: Record) -> date | None:
    """Day on which the patient comes under observation: registration, where consent was signed."""
    form = record.once("registration")
    return day(form, "reg_date") if form.get("consent_status") in (1, 2, 6) else None


def _why_not(own: Time, free: Time, length: int) -> str | None:
    """Why a patient is not at risk after a landmark, from the endpoint's own time and the time free of relapse."""
    if free.days <= length and free.cnsr == 0:
        return _ENDED
    if own.days <= length:
        return _LOST
    return _NOT_EVALUATED if free.days <= length else None

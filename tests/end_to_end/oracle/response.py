"""Complete remission by the registry's definition in the frontline phase, and its three denominators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .course import Course, course
from .marrow import has_evaluable_marrow, verdict
from .records import Record

RESPONSE_DUE_DAYS = 70
RESPONDER, NO_CR, NOT_ASSESSED, NOT_YET_DUE, NOT_TREATED = (
    "RESPONDER",
    "NO_CR",
    "NOT_ASSESSED",
    "NOT_YET_DUE",
    "NOT_TREATED",
)


@dataclass(frozen=True)
class Response:
    """One eligible record: state, denominators it belongs to, date of the first frontline remission."""

    state: str
    in_d1: bool
    in_d2: bool
    in_d3: bool
    responder: bool
    first_remission: date | None


def frontline_assessments(record: Record, dates: Course) -> list[tuple[date, bool, bool | None]]:
    """(date, evaluable, remission or disease or neither) of assessments after the start of therapy, inside the frontline phase.

    An assessment on the day of relapse or of refractory disease is no longer frontline; on the day of death it is.
    """
    if dates.plan is None:
        return []
    found = []
    for at, row in record.dated("response", "ra_date"):
        ended = (
            at >= dates.frontline_end
            if dates.frontline_end_reason in ("RELAPSE", "REFRACTORY")
            else at > dates.frontline_end
        )
        if at > dates.plan and not ended:
            found.append((at, has_evaluable_marrow(row), verdict(record, row)))
    return found


def respond(record: Record) -> Response:
    """Response of one eligible record."""
    dates = course(record)
    rows = frontline_assessments(record, dates)
    remissions = [at for at, _, remission in rows if remission]
    assessed = any(evaluable for _, evaluable, _ in rows)
    if dates.plan is None:
        return Response(NOT_TREATED, in_d1=False, in_d2=False, in_d3=False, responder=False, first_remission=None)
    progressed = dates.death is not None or dates.relapse is not None or dates.refractory is not None
    early = (record.data_cut - dates.plan).days < RESPONSE_DUE_DAYS and not rows and dates.death is None
    state = RESPONDER if remissions else NO_CR if assessed else NOT_YET_DUE if early else NOT_ASSESSED
    return Response(
        state=state,
        in_d1=not early,
        in_d2=assessed,
        in_d3=assessed or progressed,
        responder=bool(remissions),
        first_remission=min(remissions, default=None),
    )

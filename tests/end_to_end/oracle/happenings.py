"""What happened to one patient, as an analysis may use it: dated events with the days they can mean, and last knowledge.

Written from the clinical specification (sections 4 and 5) and the data model (2.14, 3.1). Calendar days only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from .contact import Contact, entered, proven
from .course import after_relapses, course, relapse_intervals
from .dating import Dated, death_interval, diagnosis_date, relapse_dates
from .given import Given, flow_results, given_cycles
from .order import is_contradictory
from .records import Record, Row, day, remembered
from .response import frontline_assessments

END_OF_INDUCTION_DAYS = 70
#: A relapse form without a kind is taken for a relapse until the site says what it was: a blank must not hide an event.
MORPHOLOGIC_OR_EXTRAMEDULLARY, MRD_RECURRENCE = (1, 2, 3, 4, None), (5,)


class Happening(NamedTuple):
    """Something on a day: point, first and last day it can mean, and where it is written."""

    on: date
    first: date
    last: date
    form: str
    field: str
    instance: int


@dataclass(frozen=True)
class Happenings:
    """Everything of one patient that endpoints and intervals need."""

    diagnosis: tuple[date, date, date] | None
    plan: date | None
    remission: date | None
    death: Happening | None
    relapses: list[Happening]
    recurrences: list[Happening]
    progression: date | None
    frontline_end: date
    transplants: list[Happening]
    trial_starts: list[Happening]
    cancers: list[Happening]
    failure: date | None
    given: list[Given]
    flow: list[tuple[date, str, int, int]]
    unverified: list[tuple[date, str, int, int]]
    contact: Happening | None
    evaluation: Happening | None
    test: Happening | None
    is_contradictory: bool


def happenings(record: Record) -> Happenings:
    """Collect them."""
    dates = course(record)
    death = death_of(record)
    assessments = frontline_assessments(record, dates)
    remission = min((at for at, _, remitted in assessments if remitted), default=None)
    contact = _latest(_contacts(proven(record)), death)
    flow = flow_results(record)
    tests = [Happening(at, at, at, "mrd", "mr_date", number) for at, _, _, number in flow]
    given = given_cycles(record)
    return Happenings(
        diagnosis=diagnosis_of(record),
        plan=dates.plan,
        remission=remission,
        death=death,
        relapses=relapses_of(record, death),
        recurrences=relapses_of(record, death, MRD_RECURRENCE),
        progression=min((at for at in (dates.relapse, dates.refractory) if at is not None), default=None),
        frontline_end=dates.frontline_end,
        transplants=[_exact(at, "hct", "hc_date", row) for at, row in record.dated("hct", "hc_date")],
        trial_starts=_trial_starts(record),
        cancers=_cancers(record),
        failure=_failure(record, remission, any(found is False for _, _, found in assessments), contact, death),
        given=given,
        flow=[sample for sample in flow if sample[1] in ("NEG", "POS")],
        unverified=[sample for sample in flow if sample[1] == "UNVERIFIED"],
        contact=contact,
        evaluation=_latest(_evaluations(record), death),
        test=_latest(tests, death),
        is_contradictory=is_contradictory(record),
    )


def _exact(at: date, form: str, field: str, row: Row) -> Happening:
    instance = row["instance"]
    return Happening(at, at, at, form, field, instance if isinstance(instance, int) and instance else 1)


def _latest(found: list[Happening], death: Happening | None) -> Happening | None:
    """The latest, not after the last day that the death can mean; of one day the first by form, field and instance."""
    known = [one for one in found if death is None or one.on <= death.last]
    if not known:
        return None
    newest = max(one.on for one in known)
    return min((one for one in known if one.on == newest), key=lambda one: (one.form, one.field, one.instance))


def diagnosis_of(record: Record) -> Dated | None:
    """Point, first and last day; None when it lies wholly after the last day that counts: it does not exist then."""
    return diagnosis_date(record)


def _contacts(found: list[Contact]) -> list[Happening]:
    return [_exact(at, form, name, row) for at, form, name, row in found]


@remembered
def death_of(record: Record) -> Happening | None:
    form = record.once("death")
    typed, bounds = day(form, "dth_date"), death_interval(record)
    if typed is None or bounds is None:
        return None
    unlimited = Happening(typed, *bounds, "death", "dth_date", 1)
    seen = _latest(_contacts(entered(record)), unlimited)
    first = seen.on if seen is not None and bounds[0] < seen.on <= bounds[1] else bounds[0]
    last = min(bounds[1], record.last_day)
    on = after_relapses(record, min(max(typed, first), last), last)
    first = max([first, *(earliest for _, earliest in relapse_intervals(record) if earliest <= last)])
    return Happening(on, first, last, "death", "dth_date", 1)


def relapses_of(
    record: Record, death: Happening | None, kinds: tuple[int | None, ...] = MORPHOLOGIC_OR_EXTRAMEDULLARY
) -> list[Happening]:
    """Relapses of some kinds; one dated by month or year is not after the death."""
    dated, found = relapse_dates(record), []
    for row in record.rows("relapse"):
        if row.get("rl_kind") not in kinds or int(str(row["instance"])) not in dated:
            continue
        on, first, last = dated[int(str(row["instance"]))]
        if death is not None and first <= death.on < on:
            on = death.on
        if death is not None and first <= death.last < last:
            last = death.last
        found.append(_exact(on, "relapse", "rl_date", row)._replace(first=first, last=last))
    return sorted(found)


def _trial_starts(record: Record) -> list[Happening]:
    registration = record.once("registration")
    started = day(registration, "blin_trial_start")
    if registration.get("blin_in_trial") != 1 or started is None or started > record.last_day:
        return []
    return [Happening(started, started, started, "registration", "blin_trial_start", 1)]


def _cancers(record: Record) -> list[Happening]:
    found = []
    for at, row in record.dated("followup", "fu_date"):
        if row.get("fu_second_ca") == 1:
            own = day(row, "fu_second_ca_date")
            when, name = (at, "fu_date") if own is None else (own, "fu_second_ca_date")
            if when <= record.last_day:
                found.append(_exact(when, "followup", name, row))
    return found


def _evaluations(record: Record) -> list[Happening]:
    found = [_exact(at, "response", "ra_date", row) for at, row in record.dated("response", "ra_date")]
    found += [_exact(at, "mrd", "mr_date", row) for at, row in record.dated("mrd", "mr_date")]
    found += [
        _exact(at, "followup", "fu_date", row)
        for at, row in record.dated("followup", "fu_date")
        if row.get("fu_remission") in (1, 2, 3, 4)
    ]
    return found


def _failure(
    record: Record, remission: date | None, was_disease_seen: bool, contact: Happening | None, death: Happening | None
) -> date | None:
    """Day on which the failure to reach remission counts: the end of the induction window."""
    dates = course(record)
    if dates.plan is None or remission is not None or not (was_disease_seen or dates.refractory is not None):
        return None
    end = dates.plan + timedelta(days=END_OF_INDUCTION_DAYS)
    known = death.on if death is not None else contact.on if contact is not None else None
    reached = dates.refractory is not None or (known is not None and end <= known)
    return end if end <= record.last_day and reached else None

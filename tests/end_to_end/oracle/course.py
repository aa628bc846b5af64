"""The clinical course of one record: death, last contact, relapse, refractory disease, end of the frontline phase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from .contact import entered, proven
from .dating import death_interval, diagnosis_date, relapse_dates
from .marrow import verdict
from .records import Record, day, remembered

INDUCTION_COURSES_BEFORE_REFRACTORY = 2
SALVAGE, TOXICITY, AS_INDUCTION, FOR_REFRACTORY = 10, 1, 1, 8
#: Blank or coded unknown: differs from nothing, so that it changes nothing.
UNKNOWN_REGIMEN = (None, 99)


@dataclass(frozen=True)
class Course:
    """Dates of one record, as an analysis may use them; None where it is not known or did not happen by the last day."""

    diagnosis: date | None
    plan: date | None
    death: date | None
    last_alive: date | None
    relapse: date | None
    refractory: date | None
    frontline_end: date
    frontline_end_reason: str


@remembered
def last_alive(record: Record) -> date | None:
    """Latest dated contact with the living patient, up to the last day."""
    return max((one[0] for one in proven(record)), default=None)


@remembered
def death_day(record: Record) -> date | None:
    """Day of a death up to the last day; a partial date is not put before the last contact that its range allows."""
    form = record.once("death")
    typed, bounds = day(form, "dth_date"), death_interval(record)
    if typed is None or bounds is None:
        return None
    seen = max((one[0] for one in entered(record) if one[0] <= bounds[1]), default=None)
    if bounds[0] != bounds[1]:
        if seen is not None and bounds[0] <= seen:
            typed = max(typed, seen)
        typed = after_relapses(record, min(typed, record.data_cut), min(bounds[1], record.last_day))
    return typed if typed <= record.last_day else None


def relapse_intervals(record: Record) -> list[tuple[date, date]]:
    """(point, first possible day) of every relapse form, whatever its kind: a patient who relapses is alive."""
    return [(one.on, one.first) for one in relapse_dates(record).values()]


def after_relapses(record: Record, death: date, last: date) -> date:
    """Day of a death that can be up to ``last``, moved to the relapses that cannot have been before it."""
    return max([death, *(min(point, last) for point, first in relapse_intervals(record) if death < first <= last)])


@remembered
def relapse_day(record: Record) -> date | None:
    """First relapse that ends the frontline phase (MRD recurrence alone, kind 5, does not).

    A relapse dated by month or year is not put after the death, where its range allows; one before the therapy ends nothing.
    """
    death, plan = death_day(record), day(record.once("treatment_plan"), "plan_date")
    plan = plan if plan is not None and plan <= record.last_day else None
    dated, days = relapse_dates(record), []
    for row in record.rows("relapse"):
        one = dated.get(int(str(row["instance"])))
        if row.get("rl_kind") != 5 and one is not None:
            days.append(death if death is not None and one.first <= death < one.on else one.on)
    return min((on for on in days if plan is None or on >= plan), default=None)


@remembered
def refractory_day(record: Record) -> date | None:
    """Start of the therapy that changes the regimen after two inductions that showed disease and no remission.

    An induction is a course, or a cycle of blinatumomab for that purpose.
    """
    courses = list(record.dated("treatment_course", "tc_start"))
    cycles = [(at, row.get("bc_purpose")) for at, _, name, row in entered(record) if name == "bc_start"]
    inductions = sorted(
        [at for at, row in courses if row.get("tc_phase") in (2, 3)] + [at for at, why in cycles if why == AS_INDUCTION]
    )
    first = next((row.get("tc_regimen") for _, row in courses if row.get("tc_phase") in (2, 3)), None)
    changes = [at for at, row in courses if row.get("tc_phase") == SALVAGE]
    for (_, before), (at, row) in pairwise(courses):
        is_other = first not in UNKNOWN_REGIMEN and row.get("tc_regimen") not in (*UNKNOWN_REGIMEN, first)
        # A switch for toxicity is frontline; the site's own line decides nothing.
        if is_other and before.get("tc_stop_reason") != TOXICITY:
            changes.append(at)
    changes += [at for at, why in cycles if why == FOR_REFRACTORY]
    plan = day(record.once("treatment_plan"), "plan_date")
    judged = [
        (at, verdict(record, row)) for at, row in record.dated("response", "ra_date") if plan is None or at > plan
    ]
    for change in sorted(changes):
        if sum(at < change for at in inductions) < INDUCTION_COURSES_BEFORE_REFRACTORY:
            continue
        shown = [found for at, found in judged if at <= change and (found is True or at > inductions[0])]
        if False in shown and True not in shown:
            return change
    return None


@remembered
def course(record: Record) -> Course:
    """The course of one record."""
    death, relapse, refractory = death_day(record), relapse_day(record), refractory_day(record)
    plan = day(record.once("treatment_plan"), "plan_date")
    ends = [
        (relapse, "RELAPSE"),
        (refractory, "REFRACTORY"),
        (death, "DEATH"),
        (record.withdrawn, "WITHDRAWAL"),
        (record.data_cut, "CUT"),
    ]
    end, reason = min(((at, why) for at, why in ends if at is not None), key=lambda pair: pair[0])
    diagnosed = diagnosis_date(record)
    return Course(
        diagnosis=diagnosed.on if diagnosed is not None else None,
        plan=plan if plan is not None and plan <= record.last_day else None,
        death=death,
        last_alive=last_alive(record),
        relapse=relapse,
        refractory=refractory,
        frontline_end=end,
        frontline_end_reason=reason,
    )

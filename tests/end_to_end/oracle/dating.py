"""Days that partial dates stand for (data model 3.1): point, first and last day, as what else is known of the patient allows.

A date known to the day is that day, whatever contradicts it. Else the point is the day that the site entered by convention (15th,
1 July), moved no further than the interval: a diagnosis not after the first treatment or the death, a relapse after the remission
that it ended and not before the start of therapy, a relapse not after the death.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from .marrow import is_remission
from .records import Record, day, possible_days, remembered

ONE_DAY = timedelta(days=1)
MRD_ALONE = 5
_OTHER_RELAPSE_ENDS, _SALVAGE, _REMISSION = 0, 1, 2


class Dated(NamedTuple):
    """Point, first and last possible day."""

    on: date
    first: date
    last: date


@remembered
def death_interval(record: Record) -> tuple[date, date] | None:
    """Days that the date of death can mean by itself; None when nobody died by the last day that counts.

    Who withdraws is alive on that day: a death that can lie on either side of it is after what may be used.
    """
    form = record.once("death")
    bounds = possible_days(day(form, "dth_date"), form.get("dth_date_prec"))
    if form.get("dth_dead") != 1 or bounds is None or bounds[0] > record.last_day:
        return None
    left = record.withdrawn
    return None if left is not None and left <= record.data_cut and left < bounds[1] else bounds


@remembered
def diagnosis_date(record: Record) -> Dated | None:
    """None when it lies wholly after the last day that counts: it does not exist then."""
    form = record.once("registration")
    typed = day(form, "dx_date")
    bounds = possible_days(typed, form.get("dx_date_prec"))
    if typed is None or bounds is None or bounds[0] > record.last_day:
        return None
    first, last = bounds[0], min(bounds[1], record.last_day)
    if bounds[0] != bounds[1]:
        after = [day(record.once("treatment_plan"), "plan_date")]
        after += [at for at, _ in record.dated("treatment_course", "tc_start")]
        after += [at for at, row in record.dated("blin_cycle", "bc_start") if row.get("bc_status") != 4]
        after += [day(record.once("death"), "dth_date")] if death_interval(record) else []
        last = min([last, *(at for at in after if at is not None and first <= at <= last)])
    return Dated(min(typed, last), first, last)


@remembered
def relapse_dates(record: Record) -> dict[int, Dated]:
    """Instance of each relapse form that counts -> its days, before they are compared with the point of the death."""
    found = {}
    for row in record.rows("relapse"):
        typed = day(row, "rl_date")
        bounds = possible_days(typed, row.get("rl_date_prec"))
        if typed is None or bounds is None or bounds[0] > record.last_day:
            continue
        first, last = bounds[0], min(bounds[1], record.last_day)
        if bounds[0] != bounds[1]:
            first = max(first, min(last, _not_before(record, int(str(row["instance"])), bounds)))
        found[int(str(row["instance"]))] = Dated(min(max(typed, first), last), first, last)
    return found


def _not_before(record: Record, instance: int, bounds: tuple[date, date]) -> date:
    """First day on which this relapse can have been; its history is gone through day by day."""
    death, plan = death_interval(record), day(record.once("treatment_plan"), "plan_date")
    first, last = bounds[0], min(bounds[1], record.last_day)
    if death is not None and death[1] >= first:
        last = min(last, death[1])
    floor = plan if plan is not None and first <= plan <= last else first
    kinds = {int(str(row["instance"])): row.get("rl_kind") for row in record.rows("relapse")}
    remissions = _remissions(record)
    if kinds[instance] == MRD_ALONE:
        reached = min(remissions, default=date.max)
        return max(floor, min(reached + ONE_DAY, last)) if first <= reached <= last else floor
    others = [
        bounds[1]
        for row in record.rows("relapse")
        if int(str(row["instance"])) != instance
        and row.get("rl_kind") != MRD_ALONE
        and (bounds := possible_days(day(row, "rl_date"), row.get("rl_date_prec"))) is not None
        and bounds[0] <= record.last_day
    ]
    history = [(at, _OTHER_RELAPSE_ENDS) for at in others] + [(at, _SALVAGE) for at in _salvage(record)]
    history += [(at, _REMISSION) for at in remissions]
    remitted = relapsed = date.min
    for at, what in sorted(history):
        if what == _OTHER_RELAPSE_ENDS:
            relapsed = at
        elif what == _REMISSION:
            remitted = at
            if first <= at <= last:
                floor = max(floor, min(at + ONE_DAY, last))
        elif first <= at <= last and remitted > date.min and relapsed < remitted:
            break  # treated for a relapse after a remission, and no other relapse explains it: it was this one
    return floor


@remembered
def _remissions(record: Record) -> list[date]:
    """Days on which the patient is recorded to be in remission."""
    found = [at for at, row in record.dated("response", "ra_date") if is_remission(record, row)]
    found += [at for at, row in record.dated("hct", "hc_date") if row.get("hc_status") in (1, 2, 3)]
    found += [at for at, row in record.dated("followup", "fu_date") if row.get("fu_remission") in (1, 2, 3)]
    return found


@remembered
def _salvage(record: Record) -> list[date]:
    """Days on which therapy began that the site gave for a relapse."""
    found = [
        at
        for at, row in record.dated("treatment_course", "tc_start")
        if row.get("tc_phase") == 10 or row.get("tc_line") in (2, 3)
    ]
    found += [
        at
        for at, row in record.dated("blin_cycle", "bc_start")
        if row.get("bc_line") == 3 and row.get("bc_status") != 4
    ]
    return found + [at for at, _ in record.dated("relapse", "rl_cart_date")]

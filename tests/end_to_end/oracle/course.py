"""The clinical course of one record: death, last contact, relapse, refractory disease, end of the frontline phase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .records import Record, Row, day, possible_days, remembered

#: Form -> date fields that prove the patient alive (clinical specification 5, data model 2.1).
_CONTACTS = {
    "response": ("ra_date",),
    "mrd": ("mr_date",),
    "treatment_course": ("tc_start", "tc_end"),
    "blin_cycle": ("bc_start", "bc_end"),
    "blin_segment": ("sg_start", "sg_end"),
    "hct": ("hc_date",),
    "adverse_event": ("ae_start", "ae_end"),
    "patient_survey": ("sv_date",),
    "treatment_plan": ("plan_date",),
}
INDUCTION_COURSES_BEFORE_REFRACTORY = 2
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


def is_remission(row: Row) -> bool:
    """Registry remission: no lymphoblasts in marrow and none in blood; by percentage when the marrow item is empty."""
    if row.get("ra_pb_lymphoblast") != 0 or row.get("ra_marrow") == 0:
        return False
    marrow, percent = row.get("ra_bm_lymphoblast"), row.get("ra_bm_blast")
    if marrow is None:
        return isinstance(percent, (int, float)) and percent < 5
    return marrow == 0


def has_evaluable_marrow(row: Row) -> bool:
    """A marrow that was judged, or whose blasts were counted when it was not."""
    marrow = row.get("ra_bm_lymphoblast")
    if row.get("ra_marrow") == 0:
        return False
    return marrow in (0, 1) or (marrow is None and row.get("ra_bm_blast") is not None)


@remembered
def last_alive(record: Record) -> date | None:
    """Latest dated contact with the living patient, up to the last day."""
    form = record.once("registration")
    days = [day(form, "dx_date")]
    if form.get("vital_entry") == 1:
        days += [day(form, "reg_date"), day(form, "consent_date")]
    for name, fields in _CONTACTS.items():
        days += [day(row, field) for row in record.rows(name) for field in fields]
    days += [day(row, "fu_date") for row in record.rows("followup") if row.get("fu_vital") == 1]
    days += [day(row, "rl_date") for row in record.rows("relapse") if row.get("rl_date_prec") == 1]
    return max((at for at in days if at is not None and at <= record.last_day), default=None)


@remembered
def death_day(record: Record) -> date | None:
    """Day of a death up to the last day; a partial date is not put before the last contact that its range allows."""
    form = record.once("death")
    typed = day(form, "dth_date")
    if form.get("dth_dead") != 1 or typed is None:
        return None
    bounds = possible_days(typed, form.get("dth_date_prec"))
    seen = last_alive(record)
    if bounds is not None and bounds[0] != bounds[1]:
        if seen is not None and bounds[0] <= seen <= bounds[1]:
            typed = max(typed, seen)
        if bounds[0] <= record.data_cut:
            typed = min(typed, record.data_cut)
        typed = after_relapses(record, typed, min(bounds[1], record.last_day))
    return typed if typed <= record.last_day else None


def relapse_intervals(record: Record) -> list[tuple[date, date]]:
    """(point, first possible day) of every relapse form, whatever its kind: a patient who relapses is alive."""
    found = []
    for row in record.rows("relapse"):
        typed = day(row, "rl_date")
        bounds = possible_days(typed, row.get("rl_date_prec"))
        if typed is not None and bounds is not None and bounds[0] <= record.last_day:
            found.append((min(typed, bounds[1], record.last_day), bounds[0]))
    return found


def after_relapses(record: Record, death: date, last: date) -> date:
    """Day of a death that can be up to ``last``, moved to the relapses that cannot have been before it."""
    return max([death, *(min(point, last) for point, first in relapse_intervals(record) if death < first <= last)])


@remembered
def relapse_day(record: Record) -> date | None:
    """First relapse that ends the frontline phase (MRD recurrence alone, kind 5, does not).

    A relapse dated by month or year is not put after the death, where its range allows; one before the therapy ends nothing.
    """
    death, plan = death_day(record), day(record.once("treatment_plan"), "plan_date")
    days = []
    for row in record.rows("relapse"):
        typed = day(row, "rl_date")
        bounds = possible_days(typed, row.get("rl_date_prec"))
        if row.get("rl_kind") != 5 and typed is not None and bounds is not None and bounds[0] <= record.last_day:
            on = min(typed, bounds[1], record.last_day)
            days.append(death if death is not None and bounds[0] <= death < on else on)
    return min((on for on in days if plan is None or on >= plan), default=None)


@remembered
def refractory_day(record: Record) -> date | None:
    """Start of the therapy that changes the regimen after two induction courses without remission."""
    courses = list(record.dated("treatment_course", "tc_start"))
    inductions = [(at, row) for at, row in courses if row.get("tc_phase") in (2, 3)]
    first = next((row for _, row in inductions if row.get("tc_phase") == 2), {})
    changes = [
        at
        for at, row in courses
        if row.get("tc_phase") == 10
        or row.get("tc_line") in (2, 3)
        or (
            first.get("tc_regimen") not in UNKNOWN_REGIMEN
            and row.get("tc_regimen") not in (*UNKNOWN_REGIMEN, first.get("tc_regimen"))
        )
    ]
    changes += [at for at, row in record.dated("blin_cycle", "bc_start") if row.get("bc_line") == 3]
    plan = day(record.once("treatment_plan"), "plan_date")
    remissions = [
        at for at, row in record.dated("response", "ra_date") if is_remission(row) and (plan is None or at > plan)
    ]
    for change in sorted(changes):
        enough = sum(at < change for at, _ in inductions) >= INDUCTION_COURSES_BEFORE_REFRACTORY
        if enough and not any(at <= change for at in remissions):
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
    return Course(
        diagnosis=day(record.once("registration"), "dx_date"),
        plan=plan if plan is not None and plan <= record.last_day else None,
        death=death,
        last_alive=last_alive(record),
        relapse=relapse,
        refractory=refractory,
        frontline_end=end,
        frontline_end_reason=reason,
    )

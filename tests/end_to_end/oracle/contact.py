"""Days on which a patient was alive, by what the site entered (data model 2.1 and 3.3): dated contacts, and those that prove it.

A row that the tables keep out proves nothing: one without its own date, an infusion whose stop is not after its start, or one that
lacks its cycle or its rate. Administrative dates never count.
"""

from __future__ import annotations

from datetime import date

from .records import Record, Row, day, remembered

#: Form -> fields whose date shows the patient alive; the first is the date of the row.
_FIELDS = {
    "treatment_plan": ("plan_date",),
    "treatment_course": ("tc_start", "tc_end"),
    "blin_cycle": ("bc_start", "bc_end"),
    "blin_segment": ("sg_start", "sg_end"),
    "response": ("ra_date",),
    "mrd": ("mr_date",),
    "hct": ("hc_date", "hc_agvhd_date"),
    "adverse_event": ("ae_start", "ae_end"),
    "patient_survey": ("sv_date",),
}
Contact = tuple[date, str, str, Row]


@remembered
def entered(record: Record) -> list[Contact]:
    """Contacts up to the last day that counts, of rows that do not contradict themselves."""
    registration = record.once("registration")
    found = []
    if registration.get("dx_date_prec") == 1:
        found.append((day(registration, "dx_date"), "registration", "dx_date", registration))
    if registration.get("vital_entry") == 1:
        found += [
            (day(registration, name), "registration", name, registration) for name in ("reg_date", "consent_date")
        ]
    if registration.get("blin_in_trial") == 1:
        found.append((day(registration, "blin_trial_start"), "registration", "blin_trial_start", registration))
    # Who withdraws is alive on that day.
    found.append((record.withdrawn, "registration", "withdraw_date", registration))
    for form, fields in _FIELDS.items():
        for row in record.rows(form):
            if not (form == "blin_cycle" and row.get("bc_status") == 4) and not _is_reversed(form, row):
                found += [(day(row, name), form, name, row) for name in fields]
    for row in record.rows("followup"):
        if row.get("fu_vital") == 1:
            found.append((day(row, "fu_date"), "followup", "fu_date", row))
    for row in record.rows("relapse"):
        if row.get("rl_date_prec") == 1:
            found.append((day(row, "rl_date"), "relapse", "rl_date", row))
        found.append((day(row, "rl_cart_date"), "relapse", "rl_cart_date", row))
    return [(at, form, name, row) for at, form, name, row in found if at is not None and at <= record.last_day]


@remembered
def proven(record: Record) -> list[Contact]:
    """The contacts of rows that the tables keep."""
    return [one for one in entered(record) if _is_kept(record, one[1], one[3])]


def status_at_the_end(record: Record, *, is_dead: bool) -> str:
    """DIED, WITHDRAWN, LOST or ONGOING (data model 2.1): lost by the latest day of follow-up, unless something shows otherwise.

    Another contact of that day that knows the patient, or any proof of life after it, shows that the patient was not lost.
    """
    if is_dead:
        return "DIED"
    if record.once("registration").get("consent_status") == 6:
        return "WITHDRAWN"
    visits = [pair for pair in record.dated("followup", "fu_date") if pair[0].year >= 1900]
    latest = [row for at, row in visits if at == visits[-1][0]]
    is_known = any(row.get("fu_ltfu") != 1 and row.get("fu_vital") in (1, 2) for row in latest)
    if is_known or not any(row.get("fu_ltfu") == 1 for row in latest):
        return "ONGOING"
    return "ONGOING" if any(at > visits[-1][0] for at, *_ in proven(record)) else "LOST"


def _is_reversed(form: str, row: Row) -> bool:
    prefix = {"blin_cycle": "bc", "blin_segment": "sg"}.get(form)
    if prefix is None:
        return False
    start, stop = row.get(f"{prefix}_start"), row.get(f"{prefix}_end")
    return start is not None and stop is not None and str(stop) <= str(start)


def _is_kept(record: Record, form: str, row: Row) -> bool:
    if form == "blin_segment":
        return _is_sound_segment(record, row)
    if form == "blin_cycle":
        own = [one for one in record.rows("blin_segment") if one.get("sg_cycle") == row.get("bc_number")]
        return row.get("bc_start") is not None or any(_is_sound_segment(record, one) for one in own)
    if form == "relapse":
        return row.get("rl_date") is not None
    name = _FIELDS.get(form, ("",))[0]
    at = day(row, name)
    return name == "" or (at is not None and at <= record.last_day)


def _is_sound_segment(record: Record, row: Row) -> bool:
    start = row.get("sg_start")
    if start is None or _is_reversed("blin_segment", row):
        return False
    cycles = [one for one in record.rows("blin_cycle") if one.get("bc_number") == row.get("sg_cycle")]
    begun = [one for one in cycles if one.get("bc_start") is not None and str(one["bc_start"]) <= str(start)]
    if not cycles or row.get("sg_rate") is None or row.get("sg_rate_unit") is None:
        return False
    cycle = max(begun, key=lambda one: str(one["bc_start"])) if begun else cycles[0]
    by_surface = row.get("sg_rate_unit") == 2
    return cycle.get("bc_status") != 4 and not (by_surface and cycle.get("bc_bsa") is None)

"""Violations of checks D01 to D05 and D07: dates and vital status."""

from __future__ import annotations

from datetime import date, timedelta

from blin_pipeline.sandbox.synthetic.entries import Draft, Entry, Value
from blin_pipeline.sandbox.synthetic.planting import (
    ELIGIBLE,
    FAULT,
    PENDING_STATUS,
    Case,
    World,
    all_of,
    day_of,
    died_after_entry,
    edit,
    living_treated,
    note,
    registration,
)


def _no_relapse(draft: Draft, world: World) -> bool:
    del world
    return not draft.entries("relapse") and draft.journey.reached_remission


def _future_follow_up(draft: Draft, world: World) -> None:
    row = draft.add(
        "followup",
        {
            "fu_date": world.data_cut + timedelta(days=40),
            "fu_source": 1,
            "fu_vital": 1,
            "fu_remission": 1,
            "fu_ltfu": 0,
        },
    )
    statement = "A contact dated after the data cut: it does not exist for any analysis."
    note(
        draft,
        FAULT,
        "future_contact",
        statement,
        status=ELIGIBLE,
        check="D01",
        form="followup",
        entry=row,
        field="fu_date",
    )


def _date_zero(draft: Draft, world: World) -> None:
    del world
    values: dict[str, Value | None] = {
        "ae_term": 3,
        "ae_start": date(1899, 12, 30),
        "ae_context": 2,
        "ae_ctcae": 3,
        "ae_blin_action": 4,
        "ae_inf_type": 1,
        "ae_inf_site": 1,
    }
    row = draft.add("adverse_event", {**values, "ae_treat": (5,), "ae_care": 2, "ae_outcome": 1})
    statement = "An onset before 1900 (a spreadsheet's day zero)."
    note(
        draft,
        FAULT,
        "date_before_1900",
        statement,
        status=ELIGIBLE,
        check="D01",
        form="adverse_event",
        entry=row,
        field="ae_start",
    )


def _future_diagnosis(draft: Draft, world: World) -> None:
    form = registration(draft)
    edit(form, dx_date=world.data_cut + timedelta(days=20))
    statement = "Diagnosis dated after the data cut: E3 cannot be judged."
    note(
        draft,
        FAULT,
        "future_diagnosis",
        statement,
        status=PENDING_STATUS,
        reasons=("E3",),
        check="D01",
        form="registration",
        entry=form,
        field="dx_date",
    )
    plan = draft.one("treatment_plan")
    after = "Therapy before the diagnosis entered."
    note(draft, FAULT, "future_diagnosis", after, check="D02", form="treatment_plan", entry=plan, field="plan_date")
    demographics = draft.one("demographics")
    born, age = demographics.day("birth_date"), form.values["age_dx"]
    if born is not None and isinstance(age, float) and (day_of(form, "dx_date") - born).days / 365.25 - age > 1:
        older = "Age at the diagnosis entered differs from the age entered."
        note(draft, FAULT, "future_diagnosis", older, check="D18", form="demographics", entry=demographics)


def _future_consent(draft: Draft, world: World) -> None:
    form = registration(draft)
    edit(form, consent_date=world.data_cut + timedelta(days=9))
    statement = "Consent dated after the data cut: E5 cannot be judged."
    note(
        draft,
        FAULT,
        "future_consent",
        statement,
        status=PENDING_STATUS,
        reasons=("E5",),
        check="D01",
        form="registration",
        entry=form,
        field="consent_date",
    )


def _plan_before_diagnosis(draft: Draft, world: World) -> None:
    del world
    form = draft.one("treatment_plan")
    edit(form, plan_date=day_of(registration(draft), "dx_date") - timedelta(days=3))
    statement = "Therapy begins before diagnosis: one of the two dates is wrong, E3 cannot be judged."
    note(
        draft,
        FAULT,
        "plan_before_diagnosis",
        statement,
        status=PENDING_STATUS,
        reasons=("E3",),
        check="D02",
        form="treatment_plan",
        entry=form,
        field="plan_date",
    )


def _plan_after_first_course(draft: Draft, world: World) -> None:
    del world
    form = draft.one("treatment_plan")
    edit(form, plan_date=day_of(form, "plan_date") + timedelta(days=4))
    statement = "Plan date after the first course: flagged, the diagnosis date is not in doubt."
    note(
        draft,
        FAULT,
        "plan_after_course",
        statement,
        status=ELIGIBLE,
        check="D02",
        form="treatment_plan",
        entry=form,
        field="plan_date",
    )


def _has_course(draft: Draft, world: World) -> bool:
    del world
    plan = day_of(draft.one("treatment_plan"), "plan_date")
    return any(entry.day("tc_start") == plan for entry in draft.entries("treatment_course"))


def _late_plan(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    plan = day_of(draft.one("treatment_plan"), "plan_date")
    edit(form, dx_date=plan - timedelta(days=75))
    statement = "Therapy 75 days after diagnosis: a warning only."
    note(
        draft,
        FAULT,
        "late_plan",
        statement,
        status=ELIGIBLE,
        check="D02",
        form="treatment_plan",
        entry=draft.one("treatment_plan"),
        field="plan_date",
    )


def _late_enough(draft: Draft, world: World) -> bool:
    return living_treated(draft, world) and day_of(draft.one("treatment_plan"), "plan_date") > date(2024, 3, 1)


def _contact_after_death(draft: Draft, world: World) -> None:
    death = day_of(draft.one("death"), "dth_date")
    at = min(death + timedelta(days=15), world.data_cut)
    row = draft.add("followup", {"fu_date": at, "fu_source": 2, "fu_vital": 1, "fu_remission": 9, "fu_ltfu": 0})
    statement = "Seen alive after the date of death: flagged, the death counts."
    note(
        draft,
        FAULT,
        "alive_after_death",
        statement,
        status=ELIGIBLE,
        check="D03",
        form="followup",
        entry=row,
        field="fu_date",
    )


def _died_before_last_week(draft: Draft, world: World) -> bool:
    return died_after_entry(draft, world) and day_of(draft.one("death"), "dth_date") < world.data_cut - timedelta(
        days=7
    )


def _death_undated(draft: Draft, world: World) -> None:
    del world
    form = draft.one("death")
    edit(form, dth_date=None, dth_date_prec=None)
    statement = "Died, date missing: E5 reads the date of death and cannot be judged."
    note(
        draft,
        FAULT,
        "death_undated",
        statement,
        status=PENDING_STATUS,
        reasons=("E5",),
        check="D04",
        form="death",
        entry=form,
        field="dth_date",
    )


def _dead_without_form(draft: Draft, world: World) -> None:
    del world
    draft.forms.pop("death", None)
    row = draft.entries("followup")[-1]
    edit(row, fu_vital=2, fu_remission=None, fu_therapy=None)
    statement = "A contact says dead, the death form does not: vital status is in doubt, E5 cannot be judged."
    note(
        draft,
        FAULT,
        "dead_without_form",
        statement,
        status=PENDING_STATUS,
        reasons=("E5",),
        check="D04",
        form="followup",
        entry=row,
        field="fu_vital",
    )


def _relapse_row(draft: Draft, day: date) -> Entry:
    values: dict[str, Value | None] = {
        "rl_date": day,
        "rl_date_prec": 1,
        "rl_kind": 1,
        "rl_site": (1,),
        "rl_bm_blast": 34,
        "rl_cd19": 1,
        "rl_lineage": 0,
        "rl_next": (4,),
    }
    return draft.add("relapse", values)


def _relapse_before_remission(draft: Draft, world: World) -> None:
    del world
    day = day_of(draft.one("treatment_plan"), "plan_date") + timedelta(days=9)
    row = _relapse_row(draft, day)
    statement = "Relapse dated before any remission: flagged; frontline ends there, so later remissions do not count."
    note(
        draft,
        FAULT,
        "relapse_before_remission",
        statement,
        status=ELIGIBLE,
        check="D07",
        form="relapse",
        entry=row,
        field="rl_date",
    )
    starts = [day_of(entry, "tc_start") for entry in draft.entries("treatment_course")]
    starts += [day_of(entry, "bc_start") for entry in draft.entries("blin_cycle") if "bc_start" in entry.values]
    after = "Remission after that relapse without new therapy between."
    for entry in draft.entries("response"):
        clear = entry.values.get("ra_bm_lymphoblast") == 0 and entry.values["ra_pb_lymphoblast"] == 0
        if clear and not any(day <= start <= day_of(entry, "ra_date") for start in starts):
            note(
                draft,
                FAULT,
                "relapse_before_remission",
                after,
                check="D07",
                form="response",
                entry=entry,
                field="ra_date",
            )


def _first_marrow_after_day_20(draft: Draft, world: World) -> bool:
    if not (living_treated(draft, world) and _no_relapse(draft, world)):
        return False
    plan = day_of(draft.one("treatment_plan"), "plan_date")
    days = [day_of(entry, "ra_date") for entry in draft.entries("response")]
    return bool(days) and min(days) > plan + timedelta(days=20)


def _remission_after_relapse(draft: Draft, world: World) -> None:
    del world
    last = max(draft.entries("response"), key=lambda entry: day_of(entry, "ra_date"))
    edit(last, ra_marrow=1, ra_bm_lymphoblast=0, ra_pb_lymphoblast=0, ra_bm_blast=1, ra_bm_cell=1, ra_site_call=1)
    row = _relapse_row(draft, day_of(last, "ra_date") - timedelta(days=25))
    edit(row, rl_next=(0,))
    statement = "Remission 25 days after a relapse without new therapy: flagged; frontline ends at the relapse."
    note(
        draft,
        FAULT,
        "remission_after_relapse",
        statement,
        status=ELIGIBLE,
        check="D07",
        form="response",
        entry=last,
        field="ra_date",
    )


def _quiet_before_last_marrow(draft: Draft, world: World) -> bool:
    """No therapy begins in the month before the last assessment, and another remission was seen well before."""
    if not (living_treated(draft, world) and _no_relapse(draft, world) and without_hct(draft)):
        return False
    days = sorted(day_of(entry, "ra_date") for entry in draft.entries("response"))
    if len(days) < 3 or days[-1] - days[-2] < timedelta(days=40):
        return False
    window = (days[-1] - timedelta(days=40), days[-1])
    starts = [entry.day("tc_start") for entry in draft.entries("treatment_course")] + [
        entry.day("bc_start") for entry in draft.entries("blin_cycle")
    ]
    return not any(start is not None and window[0] <= start <= window[1] for start in starts)


def without_hct(draft: Draft) -> bool:
    """No transplant is recorded."""
    return not draft.entries("hct")


CASES = (
    Case("future_contact", living_treated, _future_follow_up),
    Case("plan_before_diagnosis", living_treated, _plan_before_diagnosis),
    Case("alive_after_death", _died_before_last_week, _contact_after_death),
    Case("death_undated", died_after_entry, _death_undated),
    Case("relapse_before_remission", _first_marrow_after_day_20, _relapse_before_remission),
    Case("dead_without_form", living_treated, _dead_without_form),
    Case("late_plan", _late_enough, _late_plan),
    Case("plan_after_course", all_of(living_treated, _has_course), _plan_after_first_course),
    Case("remission_after_relapse", _quiet_before_last_marrow, _remission_after_relapse),
    Case("date_before_1900", living_treated, _date_zero),
    Case("future_diagnosis", living_treated, _future_diagnosis),
    Case("future_consent", living_treated, _future_consent),
)

"""Violations of checks D06 and D16 to D19: enrolment path, centre, staleness, identity."""

from __future__ import annotations

from datetime import date, timedelta

from blin_pipeline.sandbox.synthetic.entries import Draft, Entry
from blin_pipeline.sandbox.synthetic.planting import (
    ELIGIBLE,
    FAULT,
    Case,
    World,
    all_of,
    day_of,
    edit,
    has_birth_date,
    living_treated,
    note,
    registration,
    without_cycles,
)


def _wrong_path(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    edit(form, enroll_type=3)
    statement = "Enrolment path 'deceased' with vital status alive: flagged, consent decides eligibility."
    note(
        draft,
        FAULT,
        "wrong_path",
        statement,
        status=ELIGIBLE,
        check="D06",
        form="registration",
        entry=form,
        field="enroll_type",
    )


def _other_group(draft: Draft, world: World) -> None:
    groups = sorted({other.group for other in world.drafts} - {draft.group})
    draft.group = groups[0]
    statement = "The record id belongs to one centre, the access group to another: the group decides the centre."
    note(
        draft,
        FAULT,
        "foreign_group",
        statement,
        status=ELIGIBLE,
        check="D16",
        form="registration",
        entry=registration(draft),
        field="record_id",
    )


def _several_groups(draft: Draft, world: World) -> bool:
    return world.plan.sites > 1 and any(other.group != draft.group for other in world.drafts)


def _stale(draft: Draft, world: World) -> None:
    """Everything after a day half a year before the cut was not entered yet."""
    limit = world.data_cut - timedelta(days=215)
    for form in list(draft.forms):
        if form not in ("registration", "demographics", "diagnosis", "treatment_plan"):
            draft.forms[form] = [entry for entry in draft.entries(form) if _latest(entry) <= limit]
    form_entry = registration(draft)
    statement = "No news for more than 200 days, alive: stale."
    note(draft, FAULT, "stale", statement, status=ELIGIBLE, check="D17", form="registration", entry=form_entry)


def _latest(entry: Entry) -> date:
    days = [day for name in entry.values for day in [entry.day(name)] if day is not None]
    return max(days, default=date.min)


def _long_registered(draft: Draft, world: World) -> bool:
    if not (living_treated(draft, world) and without_cycles(draft, world)):
        return False
    return day_of(registration(draft), "reg_date") <= world.data_cut - timedelta(days=260)


def _birth_date_wrong(draft: Draft, world: World) -> None:
    del world
    form = draft.one("demographics")
    edit(form, birth_date=day_of(form, "birth_date") - timedelta(days=1096))
    statement = "Birth date three years off the age entered: flagged, the age entered decides."
    note(
        draft,
        FAULT,
        "birth_date_wrong",
        statement,
        status=ELIGIBLE,
        check="D18",
        form="demographics",
        entry=form,
        field="birth_date",
    )


def _double_instance(draft: Draft, world: World) -> None:
    del world
    source = draft.entries("response")[0]
    row = draft.add("response", {**source.values})
    row.stored, row.reasons = dict(source.stored), dict(source.reasons)
    statement = "The same assessment typed twice: flagged, it changes no number."
    note(draft, FAULT, "double_instance", statement, status=ELIGIBLE, check="D19", form="response", entry=row)


def _has_response(draft: Draft, world: World) -> bool:
    return living_treated(draft, world) and bool(draft.entries("response"))


CASES = (
    Case("wrong_path", living_treated, _wrong_path),
    Case("foreign_group", all_of(living_treated, without_cycles, _several_groups), _other_group),
    Case("stale", _long_registered, _stale),
    Case("birth_date_wrong", all_of(living_treated, has_birth_date), _birth_date_wrong),
    Case("double_instance", _has_response, _double_instance),
)

"""Legal data at a boundary outside infusion: partial death, response bases, unknown registration, no contact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from blin_pipeline.sandbox.synthetic.entries import MONTH, Draft, Entry
from blin_pipeline.sandbox.synthetic.planting import (
    EDGE,
    ELIGIBLE,
    Case,
    World,
    day_of,
    died_after_entry,
    edit,
    keep_only,
    living,
    living_treated,
    note,
    registration,
)


def _response_edge(name: str, statement: str, change: Callable[[Entry], None]) -> Callable[[Draft, World], None]:
    """Apply a change to every response row with a marrow."""

    def put(draft: Draft, world: World) -> None:
        del world
        rows = [entry for entry in draft.entries("response") if "ra_bm_lymphoblast" in entry.values]
        for row in rows:
            change(row)
        note(draft, EDGE, name, statement, status=ELIGIBLE, form="response", entry=rows[0], field="ra_bm_lymphoblast")

    return put


def _only_percent(row: Entry) -> None:
    blasts = row.values.get("ra_bm_blast", 2)
    edit(row, ra_bm_blast=blasts)
    row.store("ra_bm_lymphoblast", "NAVU", "missing-data code")


def _not_evaluable(row: Entry) -> None:
    edit(row, ra_bm_lymphoblast=9, ra_bm_blast=None, ra_bm_cell=3, ra_site_call=9)


def _remission_without_relapse(draft: Draft, world: World) -> bool:
    rows = draft.entries("response")
    marrow = [entry for entry in rows if "ra_bm_lymphoblast" in entry.values]
    return (
        living_treated(draft, world)
        and draft.journey.reached_remission
        and not draft.entries("relapse")
        and bool(marrow)
    )


def _partial_death(draft: Draft, world: World) -> None:
    """Death known to the month, last contact after the 15th: the death is put at the last contact."""
    del world
    form = draft.one("death")
    true = day_of(form, "dth_date")
    edit(form, dth_date=true.replace(day=15), dth_date_prec=MONTH)
    for entry in draft.entries("followup"):
        if entry.values["fu_vital"] == 2:
            edit(entry, fu_date=true.replace(day=15))
    draft.add(
        "followup",
        {"fu_date": true - timedelta(days=1), "fu_source": 1, "fu_vital": 1, "fu_remission": 9, "fu_ltfu": 0},
    )
    statement = (
        "Death known to the month (typed day 15), seen alive after the 15th: death counts from the last contact."
    )
    note(draft, EDGE, "month_of_death", statement, status=ELIGIBLE, form="death", entry=form, field="dth_date")


def _died_late_in_month(draft: Draft, world: World) -> bool:
    if not died_after_entry(draft, world):
        return False
    death = day_of(draft.one("death"), "dth_date")
    diagnosed = day_of(registration(draft), "dx_date")
    return death.day >= 18 and death.replace(day=15) > diagnosed and (death + timedelta(days=20)) < world.data_cut


def _registration_unknown(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    form.store("reg_date", "NAVU", "missing-data code")
    statement = "Date of registration not available: eligible, but in no delayed-entry risk set."
    note(
        draft,
        EDGE,
        "registration_unknown",
        statement,
        status=ELIGIBLE,
        form="registration",
        entry=form,
        field="reg_date",
    )


def _just_diagnosed(draft: Draft, world: World) -> bool:
    return living(draft, world) and draft.journey.person.dx_date >= world.data_cut - timedelta(days=100)


def _no_contact_after_diagnosis(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    day = day_of(form, "dx_date")
    edit(form, reg_date=day, consent_date=day, dx_date_prec=1)
    keep_only(draft, "registration", "demographics", "diagnosis")
    statement = "Registered on the day of diagnosis, nothing after it: survival time 0, counted as half a day."
    note(draft, EDGE, "no_contact", statement, status=ELIGIBLE, form="registration", entry=form, field="reg_date")


CASES = (
    Case("month_of_death", _died_late_in_month, _partial_death),
    Case(
        "response_by_percent",
        _remission_without_relapse,
        _response_edge(
            "response_by_percent",
            "Marrow items not available, blasts under 5 % and none in blood: remission by the fallback.",
            _only_percent,
        ),
    ),
    Case(
        "response_not_evaluable",
        _remission_without_relapse,
        _response_edge(
            "response_not_evaluable",
            "No marrow that could be read: not assessed, no remission on the primary denominator.",
            _not_evaluable,
        ),
    ),
    Case("registration_unknown", living_treated, _registration_unknown),
    Case("no_contact", _just_diagnosed, _no_contact_after_diagnosis),
)

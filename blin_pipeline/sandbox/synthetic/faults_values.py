"""Violations of checks D12 to D15 and D20, values of the wrong kind, missing-data codes."""

from __future__ import annotations

from datetime import date, timedelta

from blin_pipeline.sandbox.synthetic.entries import Draft, Value
from blin_pipeline.sandbox.synthetic.planting import (
    EDGE,
    ELIGIBLE,
    FAULT,
    Case,
    World,
    day_of,
    edit,
    living_treated,
    note,
)
from blin_pipeline.sandbox.synthetic.regimens import TKI_LOW

_TKI = {24, 25, 26, 27}


def _single_slips(draft: Draft, world: World) -> None:
    """One slip in each of four forms: D12, D13, D15, D20."""
    del world
    response = next(entry for entry in draft.entries("response") if entry.values.get("ra_bm_lymphoblast") == 0)
    edit(response, ra_bm_blast=12, ra_site_call=1)
    text = "The centre calls it remission with 12 % blasts entered: flagged, the yes/no items decide."
    note(
        draft,
        FAULT,
        "call_against_blasts",
        text,
        status=ELIGIBLE,
        check="D12",
        form="response",
        entry=response,
        field="ra_site_call",
    )
    mrd = next(
        entry for entry in draft.entries("mrd") if entry.values["mr_method"] == 1 and entry.values["mr_result"] == 0
    )
    edit(mrd, mr_sens=9)
    text = "Negative by flow, sensitivity not stated: negative, but unverified."
    note(draft, FAULT, "negative_unverified", text, check="D13", form="mrd", entry=mrd, field="mr_sens")
    race = draft.one("demographics")
    edit(race, race=(5, 99))
    text = "'Unknown' ticked together with another answer."
    note(draft, FAULT, "unknown_and_other", text, check="D20", form="demographics", entry=race, field="race")
    values: dict[str, Value | None] = {
        "ae_term": 2,
        "ae_start": day_of(response, "ra_date"),
        "ae_context": 2,
        "ae_ctcae": 2,
        "ae_blin_action": 4,
    }
    event = draft.add(
        "adverse_event", {**values, "ae_ice": 6, "ae_seizure": 0, "ae_treat": (1,), "ae_care": 2, "ae_outcome": 1}
    )
    text = "Neurotoxicity without an ASTCT grade: counted as grade unknown, never as grade 0."
    note(draft, FAULT, "ungraded", text, check="D15", form="adverse_event", entry=event, field="ae_icans")


def _has_slip_places(draft: Draft, world: World) -> bool:
    if not living_treated(draft, world) or draft.entries("relapse"):
        return False
    response = any(entry.values.get("ra_bm_lymphoblast") == 0 for entry in draft.entries("response"))
    return response and any(
        entry.values["mr_method"] == 1 and entry.values["mr_result"] == 0 for entry in draft.entries("mrd")
    )


def _mrd_units(draft: Draft, world: World) -> None:
    """MRD above 100 % and MRD without a unit; a fatal grade in a living patient."""
    del world
    first, second = (
        entry for entry in draft.entries("mrd") if "mr_value" in entry.values and entry.values["mr_method"] == 1
    )
    edit(first, mr_value=140)
    note(
        draft,
        FAULT,
        "mrd_over_100",
        "MRD above 100 %.",
        status=ELIGIBLE,
        check="D13",
        form="mrd",
        entry=first,
        field="mr_value",
    )
    edit(second, mr_unit=None)
    note(
        draft,
        FAULT,
        "mrd_without_unit",
        "MRD level without a unit.",
        check="D13",
        form="mrd",
        entry=second,
        field="mr_unit",
    )
    values: dict[str, Value | None] = {
        "ae_term": 5,
        "ae_start": day_of(first, "mr_date"),
        "ae_context": 2,
        "ae_ctcae": 5,
        "ae_blin_action": 4,
    }
    event = draft.add("adverse_event", {**values, "ae_treat": (5,), "ae_care": 3, "ae_outcome": 4})
    text = "Fatal grade, but the patient is alive."
    note(draft, FAULT, "fatal_but_alive", text, check="D15", form="adverse_event", entry=event, field="ae_ctcae")


def _two_positive_flows(draft: Draft, world: World) -> bool:
    rows = [entry for entry in draft.entries("mrd") if "mr_value" in entry.values and entry.values["mr_method"] == 1]
    return living_treated(draft, world) and len(rows) == 2


def _tki_forgotten(draft: Draft, world: World) -> None:
    del world
    for entry in draft.entries("treatment_course"):
        drugs = entry.values["tc_drugs"]
        if isinstance(drugs, tuple):
            edit(entry, tc_drugs=tuple(drug for drug in drugs if drug not in _TKI) or (2,))
    for entry in draft.entries("blin_cycle"):
        edit(entry, bc_tki=0)
    form = draft.one("diagnosis")
    statement = "BCR::ABL1 positive, no TKI entered anywhere."
    note(
        draft,
        FAULT,
        "tki_forgotten",
        statement,
        status=ELIGIBLE,
        check="D14",
        form="diagnosis",
        entry=form,
        field="ph_status",
    )


def _positive(draft: Draft, world: World) -> bool:
    person = draft.journey.person
    long_ago = person.dx_date < world.data_cut - timedelta(days=120)
    return living_treated(draft, world) and person.bcr_abl1_positive and person.backbone != TKI_LOW and long_ago


def _tki_without_target(draft: Draft, world: World) -> None:
    del world
    entry = draft.entries("treatment_course")[0]
    drugs = entry.values["tc_drugs"]
    edit(entry, tc_drugs=tuple(sorted((*drugs, 25))) if isinstance(drugs, tuple) else (25,))
    statement = "A TKI without BCR::ABL1 or an ABL-class finding."
    note(
        draft,
        FAULT,
        "tki_without_target",
        statement,
        status=ELIGIBLE,
        check="D14",
        form="treatment_course",
        entry=entry,
        field="tc_drugs",
    )


def _negative(draft: Draft, world: World) -> bool:
    person = draft.journey.person
    return (
        living_treated(draft, world)
        and not person.bcr_abl1_positive
        and not person.abl_class
        and bool(draft.entries("treatment_course"))
    )


def _wrong_kinds(draft: Draft, world: World) -> None:
    """Text in a number, an impossible date, a code outside the list, numbers out of range, an undeclared missing code."""
    del world
    wrong = (
        ("diagnosis", "dx_wbc", "thirty", "text in a number field"),
        ("diagnosis", "dx_hgb", "97", "above the dictionary's maximum (g/L typed for g/dL)"),
        ("diagnosis", "dx_plt", "-9", "below the dictionary's minimum"),
        ("diagnosis", "dx_cns", "7", "code outside the choice list"),
        ("demographics", "travel_miles", "12,5", "comma as decimal sign"),
        ("demographics", "insurance", "Medicare", "label typed for a code"),
        ("demographics", "hcti", "2.5", "fraction in an integer field"),
    )
    for form, name, text, reason in wrong:
        entry = draft.one(form)
        entry.store(name, text, reason)
        note(
            draft,
            FAULT,
            "wrong_kind",
            f"{reason}: not usable, listed, nothing else changes.",
            form=form,
            entry=entry,
            field=name,
        )
    draft.planted[0].expected_status = ELIGIBLE
    row = draft.add("followup", {"fu_source": 3, "fu_vital": 1, "fu_remission": 9, "fu_ltfu": 0})
    row.store("fu_date", "2025-02-30", "impossible date")
    note(
        draft,
        FAULT,
        "wrong_kind",
        "30 February: not usable, the contact has no date.",
        form="followup",
        entry=row,
        field="fu_date",
    )
    event = draft.add(
        "adverse_event",
        {"ae_term": 5, "ae_context": 2, "ae_ctcae": 3, "ae_blin_action": 4, "ae_treat": (5,), "ae_care": 2},
    )
    event.store("ae_start", "05/13/2025", "date in another order")
    note(
        draft,
        FAULT,
        "wrong_kind",
        "A date in another order: not usable.",
        form="adverse_event",
        entry=event,
        field="ae_start",
    )


def _missing_codes(draft: Draft, world: World) -> None:
    """Missing-data codes in date, number, coded and checkbox fields, and the coded fields' own 9 and 99."""
    del world
    coded = (
        ("demographics", "sex", "NASK"),
        ("demographics", "weight_kg", "UNK"),
        ("diagnosis", "dx_wbc", "UNK"),
        ("diagnosis", "dx_cd20", "NASK"),
        ("diagnosis", "dx_ldh_xuln", "NA"),
    )
    for form, name, code in coded:
        entry = draft.one(form)
        entry.store(name, code, "missing-data code")
    event = draft.add(
        "adverse_event",
        {"ae_term": 9, "ae_context": 2, "ae_ctcae": 9, "ae_blin_action": 4, "ae_treat": (0,), "ae_outcome": 9},
    )
    event.store("ae_start", "UNK", "missing-data code")
    event.store("ae_end", "NA", "missing-data code")
    edit(draft.one("diagnosis"), genetics=(99,), dx_cns=9, cyto_risk_site=9)
    edit(draft.one("demographics"), race=(99,), insurance=99, ethnicity=9)
    statement = (
        "Missing-data codes in date, number and coded fields, and the codes 9 and 99: null with a reason, no error."
    )
    note(draft, EDGE, "missing_codes", statement, status=ELIGIBLE, form="diagnosis", entry=draft.one("diagnosis"))


def _relapse_undated(draft: Draft, world: World) -> None:
    del world
    row = draft.add(
        "relapse", {"rl_date_prec": 9, "rl_kind": 1, "rl_site": (1,), "rl_cd19": 3, "rl_lineage": 9, "rl_next": (99,)}
    )
    row.store("rl_date", "UNK", "missing-data code")
    statement = "A relapse without a date: it cannot end the frontline phase, since its day is unknown."
    note(draft, EDGE, "relapse_undated", statement, status=ELIGIBLE, form="relapse", entry=row, field="rl_date")


def _no_relapse(draft: Draft, world: World) -> bool:
    return living_treated(draft, world) and not draft.entries("relapse") and draft.journey.reached_remission


def _seen_in_2025(draft: Draft, world: World) -> bool:
    return living_treated(draft, world) and draft.journey.date(draft.journey.seen_until) > date(2025, 6, 1)


CASES = (
    Case("single_slips", _has_slip_places, _single_slips),
    Case("tki_forgotten", _positive, _tki_forgotten),
    Case("wrong_kinds", _seen_in_2025, _wrong_kinds),
    Case("missing_codes", living_treated, _missing_codes),
    Case("mrd_units", _two_positive_flows, _mrd_units),
    Case("tki_without_target", _negative, _tki_without_target),
    Case("relapse_undated", _no_relapse, _relapse_undated),
)

"""Once-only forms at entry: registration, demographics, diagnosis, plan."""

from __future__ import annotations

import math
from datetime import date, timedelta

from blin_pipeline.sandbox.synthetic import regimens
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.entries import EXACT, MONTH, YEAR, Draft, Value
from blin_pipeline.sandbox.synthetic.journey import RETROSPECTIVE_DECEASED, Journey
from blin_pipeline.sandbox.synthetic.plan import FIRST_DIAGNOSIS

SIGNED, BY_REPRESENTATIVE, NOT_REQUIRED, PENDING, DECLINED, WITHDRAWN = 1, 2, 3, 4, 5, 6


def typed_date(day: date, precision: int) -> date:
    """The date that is typed for a day known to this precision: day 15, or 1 July."""
    return day if precision == EXACT else day.replace(day=15) if precision == MONTH else date(day.year, 7, 1)


def add_baseline(draft: Draft, draws: Draws) -> None:
    """Registration, demographics, diagnosis and plan of one entered patient."""
    _registration(draft, draws)
    _demographics(draft, draws)
    _diagnosis(draft, draws)
    _plan(draft, draws)


def _registration(draft: Draft, draws: Draws) -> None:
    journey = draft.journey
    person = journey.person
    registered = journey.date(journey.entry_day)
    deceased = journey.enrolment == RETROSPECTIVE_DECEASED
    precision = _diagnosis_precision(journey, draws)
    consent = NOT_REQUIRED if deceased else draws.weighted({SIGNED: 0.95, BY_REPRESENTATIVE: 0.05})
    signed = None if deceased else max(person.dx_date, registered - timedelta(days=draws.integer(0, 4)))
    draft.add(
        "registration",
        {
            "enroll_type": journey.enrolment,
            "reg_date": registered,
            "elig_ball": 1,
            "dx_date": typed_date(person.dx_date, precision),
            "dx_date_prec": precision,
            "age_dx": math.floor(person.age_years * 10) / 10,
            "blin_in_trial": 0,
            "vital_entry": 2 if deceased else 1,
            "consent_status": consent,
            "consent_date": signed,
            "consent_version": None if deceased else "SYNTHETIC v1",
            "screen_note_code": 0 if draws.chance(0.7) else None,
        },
    )


def _diagnosis_precision(journey: Journey, draws: Draws) -> int:
    """Month or year only for a few, and only where the typed date cannot fall after the first therapy or long before it."""
    person, wish = journey.person, draws.weighted({EXACT: 0.94, MONTH: 0.05, YEAR: 0.01})
    typed = typed_date(person.dx_date, wish)
    plan_date = journey.date(journey.schedule.plan_day)
    fits = typed <= plan_date <= typed + timedelta(days=50) and journey.frontline_limit >= journey.schedule.plan_day
    certain = wish == MONTH or (wish == YEAR and person.dx_date.year > FIRST_DIAGNOSIS.year)
    return wish if wish == EXACT or (fits and certain) else EXACT


def _demographics(draft: Draft, draws: Draws) -> None:
    journey = draft.journey
    person = journey.person
    race: tuple[int, ...] = (
        draws.weighted({5: 0.62, 3: 0.09, 2: 0.07, 1: 0.02, 4: 0.01, 6: 0.03, 90: 0.08, 99: 0.08}),
    )
    if race == (5,) and draws.chance(0.04):
        race = (draws.choice((1, 2, 3)), 5)
    comorbid = (0,) if draws.chance(0.5) else tuple(sorted({draws.integer(1, 11), draws.integer(1, 11)}))
    draft.add(
        "demographics",
        {
            "birth_date": None if journey.site.forbids_birth_date else person.birth_date,
            "sex": person.sex,
            "race": race,
            "ethnicity": draws.weighted({0: 0.64, 1: 0.30, 9: 0.06}),
            "zip3": draws.choice(journey.site.zip3),
            "insurance": draws.weighted({1: 0.45, 2: 0.22, 3: 0.22, 4: 0.03, 5: 0.04, 90: 0.02, 99: 0.02}),
            "travel_miles": round(draws.clipped(draws.lognormal(28, 1.1), 0, 2500)),
            "height_cm": person.height_cm,
            "weight_kg": person.weight_kg,
            "ecog": person.ecog,
            "comorbid": comorbid,
            "hcti": None if comorbid == (0,) or draws.chance(0.5) else draws.integer(0, 6),
        },
    )


def _diagnosis(draft: Draft, draws: Draws) -> None:
    person = draft.journey.person
    extramedullary = draws.chance(0.13)
    values: dict[str, Value | None] = {
        "dx_wbc": person.wbc,
        "dx_hgb": round(draws.clipped(draws.normal(9.4, 2.1), 3.5, 17), 1),
        "dx_plt": round(draws.clipped(draws.lognormal(55, 0.9), 3, 420)),
        "dx_pb_blast": round(draws.clipped(draws.normal(38, 30), 0, 98)),
        "dx_bm_blast": round(draws.clipped(draws.normal(82, 14), 20, 99)),
        "dx_ldh_xuln": round(draws.clipped(draws.lognormal(1.9, 0.7), 0.4, 30), 1),
        "dx_cd19": person.cd19,
        "dx_cd20": 1 if person.cd20 else 0,
        "dx_cd22": draws.weighted({1: 0.86, 2: 0.06, 0: 0.05, 9: 0.03}),
        "dx_cns": person.cns,
        "dx_emd": 1 if extramedullary else 0,
        "dx_emd_site": (draws.weighted({1: 0.7, 2: 0.05, 3: 0.1, 4: 0.1, 90: 0.05}),) if extramedullary else None,
        "ph_status": 1 if person.bcr_abl1_positive else 0,
        "bcr_type": draws.weighted({1: 0.7, 2: 0.24, 3: 0.04, 9: 0.02}) if person.bcr_abl1_positive else None,
        "ph_like": None if person.bcr_abl1_positive else draws.weighted({0: 0.55, 1: 0.14, 2: 0.25, 9: 0.06}),
        "genetics": person.genetics,
        "cyto_risk_site": 9 if person.genetics == (99,) else 2 if person.poor_genetics else 1,
        "dx_prior": (0,) if draws.chance(0.92) else (1,),
        "ngs_clone": draws.weighted({1: 0.5, 0: 0.08, 2: 0.36, 9: 0.06}),
    }
    draft.add("diagnosis", values)


def _plan(draft: Draft, draws: Draws) -> None:
    """Not opened for a patient who died (or was last seen) before therapy could begin."""
    journey = draft.journey
    person, schedule = journey.person, journey.schedule
    if schedule.plan_day > min(journey.frontline_limit, journey.death_day - 1):
        return
    intended = person.planned_cycles > 0
    reason: tuple[int, ...] | None = None
    if not intended:
        reason = (3,) if person.cd19 == 0 else (draws.weighted({5: 0.2, 6: 0.14, 7: 0.22, 8: 0.1, 9: 0.24, 10: 0.1}),)
    draft.add(
        "treatment_plan",
        {
            "plan_date": journey.date(schedule.plan_day),
            "plan_backbone": person.backbone,
            "plan_backbone_oth": "SYNTHETIC other regimen" if person.backbone == regimens.OTHER else None,
            "plan_blin": (2 if person.approved_later else 1) if intended else 0,
            "plan_blin_cycles": person.planned_cycles if intended else None,
            "no_blin_reason": reason,
            "plan_hct": 1 if schedule.hct_day is not None else draws.weighted({0: 0.62, 2: 0.33, 9: 0.05}),
        },
    )

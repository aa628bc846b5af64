"""Adverse events, follow-up contacts, death, surveys and the data review."""

from __future__ import annotations

from datetime import date, timedelta

from blin_pipeline.sandbox.synthetic import infusion as infusions_
from blin_pipeline.sandbox.synthetic.baseline import typed_date
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.entries import EXACT, MONTH, YEAR, Draft, Value
from blin_pipeline.sandbox.synthetic.infusion import Infusion
from blin_pipeline.sandbox.synthetic.journey import RETROSPECTIVE_DECEASED
from blin_pipeline.sandbox.synthetic.therapy import last_course_end

CRS, ICANS, INFECTION, HYPOGAMMAGLOBULINAEMIA, FEBRILE_NEUTROPENIA, PANCREATITIS, THROMBOSIS, NEUROPATHY = (
    1,
    2,
    3,
    4,
    5,
    8,
    9,
    11,
)
ON_BLINATUMOMAB, ON_CHEMOTHERAPY = 1, 2


def add_adverse_events(draft: Draft, draws: Draws, infusions: list[Infusion]) -> None:
    """Rows of ``adverse_event``: those behind pauses and early stops, and others at plain rates."""
    journey = draft.journey
    for infusion in infusions:
        for stretch in infusion.stretches[:-1]:
            term = {infusions_.CRS: CRS, infusions_.NEUROTOXICITY: ICANS, infusions_.INFECTION: INFECTION}.get(
                stretch.reason
            )
            if term is not None and stretch.stop is not None:
                _blinatumomab_event(draft, draws, infusion, term, stretch.stop.date(), action=1, grade=3)
        stop = infusion.stretches[-1].stop
        term = {1: CRS, 2: ICANS, 3: INFECTION}.get(infusion.stop_reason or 0)
        if term is not None and stop is not None:
            _blinatumomab_event(draft, draws, infusion, term, stop.date(), action=3, grade=draws.integer(3, 4))
        start = infusion.stretches[0].start.date()
        for term, share, latest in ((CRS, 0.09, 4), (ICANS, 0.08, 9), (INFECTION, 0.08, 24)):
            day = start + timedelta(days=draws.integer(1, latest))
            if draws.chance(share if infusion.plan.number == 1 else share / 2) and (stop is None or day <= stop.date()):
                _blinatumomab_event(draft, draws, infusion, term, day, action=0, grade=draws.integer(1, 2))
        if infusion.plan.number == 2 and draws.chance(0.18):
            day = start + timedelta(days=draws.integer(5, 20))
            _blinatumomab_event(draft, draws, infusion, HYPOGAMMAGLOBULINAEMIA, day, action=0, grade=2)
    for entry in list(draft.entries("treatment_course")):
        start_day = entry.day("tc_start")
        term = draws.weighted(
            {
                0: 0.72,
                FEBRILE_NEUTROPENIA: 0.14,
                INFECTION: 0.07,
                THROMBOSIS: 0.02,
                PANCREATITIS: 0.02,
                NEUROPATHY: 0.03,
            }
        )
        offset = draws.integer(6, 18)
        if term and start_day is not None and entry.values["tc_phase"] != 8:
            onset = start_day + timedelta(days=offset)
            if onset < journey.date(min(journey.seen_until, journey.death_day)):
                _event(draft, draws, term, onset, {"ae_context": ON_CHEMOTHERAPY, "ae_ctcae": 3, "ae_blin_action": 4})


def _blinatumomab_event(
    draft: Draft, draws: Draws, infusion: Infusion, term: int, onset: date, *, action: int, grade: int
) -> None:
    context: dict[str, Value | None] = {
        "ae_context": ON_BLINATUMOMAB,
        "ae_cycle": infusion.plan.number,
        "ae_ctcae": grade,
        "ae_crs_astct": grade if term == CRS else None,
        "ae_icans": grade if term == ICANS else None,
        "ae_ice": {1: 8, 2: 5, 3: 2, 4: 0}[grade] if term == ICANS else None,
        "ae_seizure": (1 if grade >= 3 and draws.chance(0.3) else 0) if term == ICANS else None,
        "ae_igg": draws.integer(120, 390) if term == HYPOGAMMAGLOBULINAEMIA else None,
        "ae_blin_action": action,
    }
    _event(draft, draws, term, onset, context)


def _event(draft: Draft, draws: Draws, term: int, onset: date, context: dict[str, Value | None]) -> None:
    journey = draft.journey
    limit = journey.date(min(journey.seen_until, journey.death_day))
    if onset > limit or any(
        entry.values["ae_term"] == term and entry.day("ae_start") == onset for entry in draft.entries("adverse_event")
    ):
        return
    treatment = {
        CRS: (1, 2) if context["ae_ctcae"] == 3 else (1,),
        ICANS: (1, 4),
        INFECTION: (5,),
        HYPOGAMMAGLOBULINAEMIA: (6,),
    }
    end = onset + timedelta(days=draws.integer(2, 14))
    draft.add(
        "adverse_event",
        {
            "ae_term": term,
            "ae_start": onset,
            "ae_end": end if end <= limit else None,
            **context,
            "ae_treat": treatment.get(term, (0,)),
            "ae_care": draws.weighted({1: 0.2, 2: 0.7, 3: 0.1}),
            "ae_inf_type": draws.weighted({1: 0.6, 2: 0.2, 3: 0.08, 5: 0.12}) if term == INFECTION else None,
            "ae_inf_site": draws.weighted({1: 0.4, 2: 0.25, 4: 0.1, 5: 0.15, 6: 0.05, 90: 0.05})
            if term == INFECTION
            else None,
            "ae_outcome": (1 if draws.chance(0.93) else 2) if end <= limit else 3,
        },
    )


def add_followup(draft: Draft, draws: Draws) -> None:
    """Rows of ``followup`` up to the last day on which the centre looked, and the contact that reports a death."""
    journey = draft.journey
    last = min(journey.seen_until, journey.death_day - 1)
    day = journey.schedule.plan_day + draws.integer(45, 80)
    days = []
    while day < last - 20:
        days.append(day)
        day += draws.integer(70, 110)
    if not journey.died:
        days.append(last)
    for position, at in enumerate(days):
        _add_contact(draft, draws, at, is_last=position == len(days) - 1)


def _add_contact(draft: Draft, draws: Draws, day: int, *, is_last: bool) -> None:
    journey = draft.journey
    at = journey.date(day)
    before_entry = day < journey.entry_day
    relapsed = journey.relapse_seen is not None and day >= journey.relapse_seen
    maintenance = [entry for entry in draft.entries("treatment_course") if entry.values["tc_phase"] == 8]
    started = maintenance[0].day("tc_start") if maintenance else None
    transplanted = [entry.day("hc_date") for entry in draft.entries("hct")]
    therapy = 1 if day < last_course_end(draft) or started is None else 0
    if started is not None and at >= started:
        therapy = 2
    if any(hct is not None and at >= hct for hct in transplanted):
        therapy = 3
    remission = draws.weighted({1: 0.8, 2: 0.06, 3: 0.14}) if journey.reached_remission else 9
    if journey.schedule.remission_day is None or day < journey.schedule.remission_day:
        remission = 9
    second_cancer = day > 400 and draws.chance(0.004)
    draft.add(
        "followup",
        {
            "fu_date": at,
            "fu_source": 2 if before_entry else draws.weighted({1: 0.6, 2: 0.25, 3: 0.1, 4: 0.05}),
            "fu_vital": 1,
            "fu_remission": 4 if relapsed else remission,
            "fu_therapy": 4 if relapsed else therapy,
            "fu_second_ca": 1 if second_cancer else 0,
            "fu_second_ca_date": at - timedelta(days=draws.integer(3, 40)) if second_cancer else None,
            "fu_ltfu": 1 if is_last and journey.lost else 0,
        },
    )


def add_death(draft: Draft, draws: Draws, data_cut: date) -> None:
    """The death form: filled for the dead, now and then opened for the living; and the contact that told of it."""
    journey = draft.journey
    if not journey.died:
        if draws.chance(0.25):
            draft.add("death", {"dth_dead": 0})
        return
    relapsed = journey.relapse_day is not None
    transplanted = bool(draft.entries("hct"))
    causes = (
        {2: 0.4, 4: 0.16, 8: 0.1, 5: 0.02, 90: 0.12, 99: 0.2} if not relapsed else {1: 0.8, 2: 0.12, 4: 0.05, 99: 0.03}
    )
    if transplanted and not relapsed:
        causes = {5: 0.3, 6: 0.3, 2: 0.3, 99: 0.1}
    if journey.schedule.remission_day is None:
        causes = {1: 0.6, 2: 0.3, 99: 0.1}
    precision = _death_precision(draft, draws, data_cut)
    typed = typed_date(journey.date(journey.death_day), precision)
    draft.add(
        "death",
        {
            "dth_dead": 1,
            "dth_date": typed,
            "dth_date_prec": precision,
            "dth_cause": draws.weighted(causes),
            "dth_remission": 0 if relapsed or not journey.reached_remission else draws.weighted({1: 0.9, 9: 0.1}),
        },
    )
    source = 2 if journey.enrolment == RETROSPECTIVE_DECEASED else draws.weighted({2: 0.5, 4: 0.3, 5: 0.2})
    draft.add("followup", {"fu_date": typed, "fu_source": source, "fu_vital": 2, "fu_ltfu": 0})


def _death_precision(draft: Draft, draws: Draws, data_cut: date) -> int:
    """Month or year for a few; never so that the typed date falls before diagnosis, or its range after registration or the cut."""
    journey = draft.journey
    wish = draws.weighted({EXACT: 0.88, MONTH: 0.10, YEAR: 0.02})
    if wish == EXACT:
        return EXACT
    death = journey.date(journey.death_day)
    typed = typed_date(death, wish)
    last_possible = date(death.year, 12, 31) if wish == YEAR else death.replace(day=28) + timedelta(days=3)
    registration = draft.one("registration")
    diagnosis, registered = registration.day("dx_date"), registration.day("reg_date")
    if diagnosis is None or registered is None or typed <= diagnosis or last_possible > data_cut:
        return EXACT
    deceased_path = journey.enrolment == RETROSPECTIVE_DECEASED
    if (deceased_path and last_possible > registered) or (not deceased_path and typed <= registered):
        return EXACT
    return wish


def add_surveys(draft: Draft, draws: Draws, infusions: list[Infusion]) -> None:
    """Rows of ``patient_survey`` after consent, for the share of patients who answer."""
    journey = draft.journey
    if journey.enrolment == RETROSPECTIVE_DECEASED or not draws.chance(0.35):
        return
    day = journey.entry_day + draws.integer(1, 30)
    for _ in range(draws.integer(1, 4)):
        if day > min(journey.seen_until, journey.death_day - 1):
            return
        on_pump = any(infusion.plan.start <= day <= infusion.plan.start + 27 for infusion in infusions)
        before = not any(infusion.plan.start <= day for infusion in infusions)
        draft.add(
            "patient_survey",
            {
                "sv_date": journey.date(day),
                "sv_when": 2 if on_pump else 1 if before else draws.choice((3, 4, 5)),
                "sv_health": draws.integer(20, 98),
                "sv_fatigue": draws.weighted({0: 0.1, 1: 0.3, 2: 0.35, 3: 0.2, 4: 0.05}),
                "sv_think": draws.weighted({0: 0.4, 1: 0.35, 2: 0.18, 3: 0.06, 4: 0.01}),
                "sv_daily": draws.weighted({0: 0.3, 1: 0.45, 2: 0.2, 3: 0.05}),
                "sv_pump": draws.weighted({0: 0.3, 1: 0.5, 2: 0.2}) if on_pump else 3,
                "sv_alarm": draws.integer(0, 9) if on_pump else None,
                "sv_travel": draws.integer(10, 180) if on_pump else None,
                "sv_caregiver": draws.integer(0, 2),
                "sv_work": draws.weighted({1: 0.2, 2: 0.2, 3: 0.4, 4: 0.2}),
                "sv_money": draws.integer(0, 3),
                "sv_again": draws.weighted({1: 0.85, 0: 0.05, 9: 0.10}),
            },
        )
        day += draws.integer(40, 150)


def add_review(draft: Draft, draws: Draws, data_cut: date) -> None:
    """The ``data_review`` form of about two records in three."""
    if not draws.chance(0.65):
        return
    verified = draws.chance(0.8)
    journey = draft.journey
    earliest = journey.date(journey.entry_day)
    day = earliest + timedelta(days=draws.integer(0, max(0, (data_cut - earliest).days)))
    draft.add(
        "data_review",
        {
            "dr_verified": 1 if verified else 0,
            "dr_verified_date": day if verified else None,
            "dr_open_queries": draws.weighted({0: 0.6, 1: 0.2, 2: 0.1, 5: 0.1}),
            "dr_lock": 1 if verified and draws.chance(0.2) else 0,
        },
    )

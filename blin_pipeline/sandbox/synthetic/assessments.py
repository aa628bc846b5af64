"""Response assessments, MRD results and relapse rows, consistent with what really happened."""

from __future__ import annotations

from datetime import timedelta

from blin_pipeline.sandbox.synthetic import person as persons
from blin_pipeline.sandbox.synthetic.baseline import typed_date
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.entries import EXACT, MONTH, Draft, Value
from blin_pipeline.sandbox.synthetic.infusion import Infusion
from blin_pipeline.sandbox.synthetic.journey import Journey
from blin_pipeline.sandbox.synthetic.therapy import SecondLine

END_INDUCTION, SECOND_INDUCTION, BEFORE_BLIN, AFTER_CYCLE_1, BEFORE_HCT, END_CONSOLIDATION, SURVEILLANCE, SUSPECTED = (
    1,
    2,
    3,
    4,
    8,
    9,
    10,
    11,
)
CR, CRH, CRI, MLFS, PR, NO_RESPONSE, RELAPSE, NOT_EVALUABLE = 1, 2, 3, 4, 5, 6, 7, 9
FLOW, NGS, BCR_ABL_PCR = 1, 2, 3


def add_assessments(draft: Draft, draws: Draws, infusions: list[Infusion], second: SecondLine) -> None:
    """Rows of ``response`` and ``mrd``."""
    journey = draft.journey
    limit = min(journey.seen_until, journey.death_day - 1)
    visits = _frontline_visits(journey, draws, infusions)
    before_relapse = limit if journey.relapse_seen is None else journey.relapse_seen - 1
    last = journey.schedule.plan_day
    for day, timepoint in visits:
        if last + 6 <= day <= before_relapse:
            _add_visit(draft, draws, day, timepoint)
            last = day
    if journey.relapse_seen is not None:
        if not journey.person.unassessed:
            _add_response(draft, draws, journey.relapse_seen, SUSPECTED, in_remission=False, relapse=True)
            _add_mrd(draft, draws, journey.relapse_seen, SUSPECTED, negative=False)
        _after_second_line(draft, draws, second, limit)


def _frontline_visits(journey: Journey, draws: Draws, infusions: list[Infusion]) -> list[tuple[int, int]]:
    schedule = journey.schedule
    visits = [(schedule.first_marrow, END_INDUCTION)]
    if schedule.second_marrow is not None:
        visits.append((schedule.second_marrow, SECOND_INDUCTION))
    for infusion in infusions:
        plan = infusion.plan
        if plan.purpose != 1:
            if plan.number == 1 and draws.chance(0.7):
                visits.append((plan.start - draws.integer(2, 7), BEFORE_BLIN))
            if draws.chance(0.75 if plan.number < 3 else 0.4):
                visits.append((plan.start + draws.integer(29, 37), min(AFTER_CYCLE_1 + plan.number - 1, 7)))
    if schedule.hct_day is not None:
        visits.append((schedule.hct_day - draws.integer(8, 16), BEFORE_HCT))
    start = schedule.remission_day if schedule.remission_day is not None else schedule.first_marrow
    visits += [(start + 180 * number + draws.integer(0, 60), SURVEILLANCE) for number in range(1, 5)]
    if journey.person.responds == persons.NEVER:
        visits = [
            visit for visit in visits if visit[1] in (END_INDUCTION, SECOND_INDUCTION, AFTER_CYCLE_1, AFTER_CYCLE_1 + 1)
        ]
    return sorted(visits)


def _in_remission(journey: Journey, day: int) -> bool:
    if journey.person.responds == persons.NEVER:
        return (
            journey.schedule.second_marrow is not None
            and day > journey.schedule.second_marrow + 40
            and journey.person.number % 2 == 0
        )
    return journey.schedule.remission_day is not None and day >= journey.schedule.remission_day


def _add_visit(draft: Draft, draws: Draws, day: int, timepoint: int) -> None:
    journey = draft.journey
    remission = _in_remission(journey, day)
    without_marrow = journey.person.unassessed or (timepoint == SURVEILLANCE and draws.chance(0.35))
    if without_marrow and journey.person.unassessed and draws.chance(0.5):
        return
    _add_response(draft, draws, day, timepoint, in_remission=remission, without_marrow=without_marrow)
    if remission and not without_marrow:
        recurrence = journey.schedule.mrd_recurrence
        positive = timepoint in (END_INDUCTION, SECOND_INDUCTION) and not journey.person.mrd_negative_at_remission
        positive = positive or (recurrence is not None and recurrence - 3 <= day <= recurrence + 12)
        if timepoint in (BEFORE_BLIN, AFTER_CYCLE_1) and not journey.person.mrd_negative_at_remission:
            positive = positive or draws.chance(0.75 if timepoint == BEFORE_BLIN else 0.2)
        _add_mrd(draft, draws, day, timepoint, negative=not positive)


def _after_second_line(draft: Draft, draws: Draws, second: SecondLine, limit: int) -> None:
    starts = [start for start in (second.salvage_day, second.retreatment_day) if start is not None]
    if not starts:
        return
    day = starts[0] + draws.integer(32, 45)
    success = second.transplant_day is not None or draws.chance(0.4)
    if second.transplant_day is not None:
        day = min(day, second.transplant_day - 7)
    if day <= limit:
        _add_response(draft, draws, day, 90, in_remission=success)


def _add_response(
    draft: Draft,
    draws: Draws,
    day: int,
    timepoint: int,
    *,
    in_remission: bool,
    relapse: bool = False,
    without_marrow: bool = False,
) -> None:
    blasts = round(draws.uniform(0, 4)) if in_remission else round(draws.clipped(draws.lognormal(28, 0.8), 6, 96))
    neutrophils = round(draws.lognormal(2.6 if in_remission else 0.6, 0.55), 2)
    platelets = round(draws.lognormal(165 if in_remission else 48, 0.5))
    untransfused = 1 if platelets > 60 else 0
    if in_remission:
        call = CR if neutrophils >= 1 and platelets >= 100 else CRH if neutrophils > 0.5 and platelets > 50 else CRI
        blood = 0
    else:
        call = RELAPSE if relapse else PR if blasts < 25 and draws.chance(0.3) else NO_RESPONSE
        blood = 1 if draws.chance(0.55) else 0
    values: dict[str, Value | None] = {
        "ra_date": draft.journey.date(day),
        "ra_timepoint": timepoint,
        "ra_marrow": 0 if without_marrow else draws.weighted({1: 0.72, 2: 0.24, 3: 0.04}),
        "ra_pb_lymphoblast": blood,
        "ra_anc": neutrophils,
        "ra_plt": platelets,
        "ra_plt_free7": untransfused,
        "ra_emd": draws.weighted({0: 0.7, 2: 0.25, 9: 0.05})
        if in_remission
        else draws.weighted({0: 0.6, 1: 0.1, 2: 0.3}),
        "ra_site_call": NOT_EVALUABLE if without_marrow else call,
    }
    if not without_marrow:
        values |= {
            "ra_bm_lymphoblast": 0 if in_remission else 1,
            "ra_bm_blast": blasts,
            "ra_bm_cell": 1 if draws.chance(0.88) else 2,
        }
    draft.add("response", values)


def _add_mrd(draft: Draft, draws: Draws, day: int, timepoint: int, *, negative: bool) -> None:
    person = draft.journey.person
    lag = 0 if draws.chance(0.93) else 1
    methods = [FLOW] if draws.chance(0.92) else []
    if draws.chance(0.34):
        methods.append(NGS)
    if person.bcr_abl1_positive and draws.chance(0.85):
        methods.append(BCR_ABL_PCR)
    level = 0.0 if negative else 10 ** draws.uniform(-3.8, -1.3)
    trace = negative and draws.chance(0.15)
    for method in methods:
        draft.add("mrd", _mrd_values(draft, draws, max(day - lag, 1), timepoint, method, level, trace))


def _mrd_values(
    draft: Draft, draws: Draws, day: int, timepoint: int, method: int, level: float, trace: bool
) -> dict[str, Value | None]:
    """One result; ``level`` is the fraction of leukaemic cells, ``trace`` what only a deep method sees."""
    unit = {FLOW: 1, NGS: 2, BCR_ABL_PCR: 3}[method]
    scale = {FLOW: 100.0, NGS: 1e6, BCR_ABL_PCR: 100.0}[method]
    result, value = (1, level * scale) if level > 0 else (0, None)
    if level == 0 and trace and method == NGS:
        result, value = 2, draws.uniform(0.3, 0.9)
    sensitivity = {FLOW: 1, NGS: 3, BCR_ABL_PCR: 2}[method]
    return {
        "mr_date": draft.journey.date(day),
        "mr_timepoint": timepoint,
        "mr_source": 1 if method != NGS or draws.chance(0.8) else 2,
        "mr_method": method,
        "mr_lab": 2 if method == NGS else draws.weighted({1: 0.55, 2: 0.4, 9: 0.05}),
        "mr_result": result,
        "mr_value": None if value is None else round(value, 4 if method != NGS else 1),
        "mr_unit": None if value is None else unit,
        "mr_sens": sensitivity,
    }


def add_relapse(draft: Draft, draws: Draws, second: SecondLine) -> None:
    """The row of ``relapse``, if the registry knows of one; also an MRD recurrence, which is no relapse."""
    journey = draft.journey
    recurrence = journey.schedule.mrd_recurrence
    if recurrence is not None and recurrence <= journey.frontline_limit and recurrence < journey.death_day:
        _add_relapse_row(draft, draws, journey, recurrence, kind=5, treatment=(2,), precision=EXACT)
    if journey.relapse_seen is None:
        return
    treatment: set[int] = set()
    if second.salvage_day is not None:
        treatment.add(draws.choice((1, 4)))
    if second.retreatment_day is not None or journey.schedule.relapse_before is not None:
        treatment.add(2)
    if second.transplant_day is not None:
        treatment.add(6)
    kind = draws.weighted({1: 0.78, 2: 0.06, 3: 0.06, 4: 0.10})
    precision = _relapse_precision(draft, draws)
    _add_relapse_row(
        draft,
        draws,
        journey,
        journey.relapse_seen,
        kind=kind,
        treatment=tuple(sorted(treatment)) or (0,),
        precision=precision,
    )


def _relapse_precision(draft: Draft, draws: Draws) -> int:
    """Month only where no assessment, course or death lies between the true and the typed day."""
    journey = draft.journey
    if journey.relapse_seen is None or not draws.chance(0.07):
        return EXACT
    true = journey.date(journey.relapse_seen)
    typed = typed_date(true, MONTH)
    low, high = min(true, typed), max(true, typed)
    for _, entry in draft.all_entries():
        for name in ("ra_date", "mr_date", "tc_start", "tc_end", "bc_start", "bc_end", "hc_date"):
            day = entry.day(name)
            if day is not None and day != true and low - timedelta(days=2) <= day <= high + timedelta(days=2):
                return EXACT
    last = journey.date(min(journey.seen_until, journey.death_day))
    return MONTH if typed <= last and typed > journey.date(journey.schedule.remission_day or 0) else EXACT


def _add_relapse_row(
    draft: Draft, draws: Draws, journey: Journey, day: int, *, kind: int, treatment: tuple[int, ...], precision: int
) -> None:
    sites = {1: (1,), 2: (3,), 3: (draws.choice((4, 5, 6)),), 4: (1, 3), 5: (1,)}[kind]
    limit = min(journey.seen_until, journey.death_day - 1)
    cart = day + draws.integer(45, 90)
    if kind != 5 and cart <= limit and draws.chance(0.18):
        treatment = tuple(sorted({*treatment, 3} - {0}))
    draft.add(
        "relapse",
        {
            "rl_date": typed_date(journey.date(day), precision),
            "rl_date_prec": precision,
            "rl_kind": kind,
            "rl_site": sites,
            "rl_bm_blast": round(draws.uniform(8, 95)) if kind in (1, 4) else None,
            "rl_cd19": draws.weighted({1: 0.78, 2: 0.08, 0: 0.05, 3: 0.09}),
            "rl_lineage": draws.weighted({0: 0.96, 1: 0.01, 9: 0.03}),
            "rl_next": treatment,
            "rl_cart_date": journey.date(cart) if 3 in treatment else None,
        },
    )

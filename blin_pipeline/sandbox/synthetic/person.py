"""A patient at diagnosis: what is true of them before any therapy, and what their disease will answer to induction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from blin_pipeline.sandbox.synthetic import regimens
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.plan import FIRST_DIAGNOSIS, SyntheticPlan
from blin_pipeline.sandbox.synthetic.sites import Site

FIRST_INDUCTION, SECOND_INDUCTION, NEVER = "after first induction", "after second induction", "refractory"
_NEGATIVE, _POSITIVE, _DIM = 0, 1, 2


@dataclass(frozen=True)
class Person:
    """What holds at diagnosis (codes as in the registry dictionary; sizes in cm, kg, m2; counts in 10^9/L).

    Attributes:
        number: Candidate number, the label of all draws about this patient.
        site: Index of the centre.
        responds: When remission comes.
        unassessed: No marrow that can be read was ever taken.
        planned_cycles: Frontline blinatumomab cycles that the plan holds, 0 for none.
        approved_later: Blinatumomab was decided after response, not from the start.
    """

    number: int
    site: int
    dx_date: date
    birth_date: date
    sex: int
    height_cm: float
    weight_kg: float
    bsa_m2: float
    ecog: int
    wbc: float
    bcr_abl1_positive: bool
    abl_class: bool
    cd19: int
    cd20: bool
    cns: int
    genetics: tuple[int, ...]
    poor_genetics: bool
    backbone: int
    responds: str
    unassessed: bool
    mrd_negative_at_remission: bool
    planned_cycles: int
    approved_later: bool

    @property
    def age_years(self) -> float:
        """Exact age at diagnosis, years."""
        return (self.dx_date - self.birth_date).days / 365.25


def draw_person(plan: SyntheticPlan, sites: tuple[Site, ...], number: int) -> Person:
    """The candidate of that number."""
    draws = Draws(plan.seed, f"person/{number}")
    site = draws.weighted({index: site.share for index, site in enumerate(sites)})
    dx_date = FIRST_DIAGNOSIS + timedelta(days=draws.integer(0, (plan.data_cut - FIRST_DIAGNOSIS).days - 14))
    age = _age(draws)
    birth_date = dx_date - timedelta(days=int(age * 365.25) + 1)
    positive = draws.chance(0.17 if age < 40 else 0.30 if age < 60 else 0.36)
    sex = draws.weighted({1: 0.56, 2: 0.435, 3: 0.005})
    height = round(draws.clipped(draws.normal(175 if sex == 1 else 162, 7.5), 142, 205))
    weight = round(draws.clipped(draws.lognormal(82 if sex == 1 else 68, 0.24), 38, 190), 1)
    abl_class = not positive and draws.chance(0.02)
    genetics, poor = _genetics(draws, abl_class)
    backbone = regimens.choose_backbone(draws, age, positive)
    cd19 = draws.weighted({_POSITIVE: 0.95, _DIM: 0.035, _NEGATIVE: 0.01, 9: 0.005})
    cycles, later = _blinatumomab_plan(draws, dx_date, backbone, cd19)
    responds = _response(draws, age, positive, backbone)
    return Person(
        number=number,
        site=site,
        dx_date=dx_date,
        birth_date=birth_date,
        sex=sex,
        height_cm=float(height),
        weight_kg=weight,
        bsa_m2=round((height * weight / 3600) ** 0.5, 2),
        ecog=draws.weighted({0: 0.34, 1: 0.44, 2: 0.16, 3: 0.05, 4: 0.01}),
        wbc=round(draws.clipped(draws.lognormal(11, 1.5), 0.3, 480), 1),
        bcr_abl1_positive=positive,
        abl_class=abl_class,
        cd19=cd19,
        cd20=draws.chance(0.36),
        cns=draws.weighted({1: 0.84, 2: 0.09, 3: 0.05, 9: 0.02}),
        genetics=genetics,
        poor_genetics=poor,
        backbone=backbone,
        responds=responds,
        unassessed=draws.chance(0.025) and responds != NEVER,
        mrd_negative_at_remission=draws.chance(0.62),
        planned_cycles=cycles,
        approved_later=later,
    )


def _age(draws: Draws) -> float:
    """Adults only: a broad peak in young adults, a second one about 60."""
    age = draws.normal(33, 10) if draws.chance(0.45) else draws.normal(60, 12)
    return draws.clipped(age if 18.2 <= age <= 88 else draws.uniform(18.2, 78), 18.2, 88.0)


def _genetics(draws: Draws, abl_class: bool) -> tuple[tuple[int, ...], bool]:
    if draws.chance(0.06):
        return (99,), False
    finding = draws.weighted(
        {0: 0.34, 1: 0.07, 2: 0.07, 3: 0.06, 4: 0.05, 7: 0.16, 8: 0.09, 12: 0.03, 15: 0.04, 17: 0.06, 90: 0.03}
    )
    codes = (
        {finding}
        | ({6} if finding == 2 and draws.chance(0.7) else set())
        | ({9} if finding == 8 and draws.chance(0.4) else set())
    )
    if abl_class:
        codes = (codes - {0}) | {10}
    return tuple(sorted(codes)), bool(codes & {1, 2, 4, 6, 8, 10})


def _blinatumomab_plan(draws: Draws, dx_date: date, backbone: int, cd19: int) -> tuple[int, bool]:
    if backbone == regimens.IMMUNO:
        return draws.choice((4, 5)), False
    approval = date(2024, 6, 14)
    share = 0.42 if dx_date < approval else 0.68
    if backbone == regimens.TKI_LOW:
        share = 0.85
    if not draws.chance(share if cd19 in (_POSITIVE, _DIM) else 0.0):
        return 0, False
    return draws.weighted({4: 0.62, 3: 0.12, 2: 0.20, 1: 0.06}), draws.chance(0.45)


def _response(draws: Draws, age: float, positive: bool, backbone: int) -> str:
    never = 0.0 if backbone in (regimens.IMMUNO, regimens.UNKNOWN) else 0.03 if positive else 0.06 if age < 60 else 0.11
    return draws.weighted({FIRST_INDUCTION: 0.86 - never, SECOND_INDUCTION: 0.14, NEVER: never})

"""Backbones as data: shares by age and BCR::ABL1, and the blocks of each with phase, drugs and length.

Codes are those of ``plan_backbone``, ``tc_regimen``, ``tc_phase`` and ``tc_drugs`` in the registry dictionary; drug sets and
phases follow clinical specification section 2. ``BLIN`` marks where a blinatumomab cycle goes if one is planned.
"""

from __future__ import annotations

from typing import NamedTuple

from blin_pipeline.sandbox.synthetic.draws import Draws

HCVAD, MHCVD, C10403, E1910, BFM, GRAALL, DFCI, LINK, TKI_LOW, TKI_INT, LOW, IMMUNO, OTHER, UNKNOWN = (
    *range(1, 13),
    90,
    99,
)
INDUCTION, SECOND_INDUCTION, INTENSIFICATION, CONSOLIDATION, INTERIM, DELAYED, MAINTENANCE, SALVAGE = (
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    10,
)
COURSE_A, COURSE_B, NO_LABEL = 1, 2, 0


class Block(NamedTuple):
    """One course of a regimen.

    Attributes:
        phase: Code of ``tc_phase``.
        drugs: Codes of ``tc_drugs``.
        days: From its first day to the first day of the next course.
        drug_days: From its first to its last day of drug.
        label: Code of ``tc_label``.
        intrathecal: Intrathecal doses.
    """

    phase: int
    drugs: tuple[int, ...]
    days: int
    drug_days: int
    label: int = NO_LABEL
    intrathecal: int = 2


#: A blinatumomab cycle, if one is planned.
BLIN = None


class Regimen(NamedTuple):
    """The blocks of a backbone in order.

    Attributes:
        code: Code of ``plan_backbone``.
        induction: Induction courses; empty for blinatumomab without chemotherapy.
        rescue: Second induction of those not in remission after the first part.
        post: Courses after remission, with ``BLIN`` where cycles go.
        maintenance: The maintenance course, or None.
    """

    code: int
    induction: tuple[Block, ...]
    rescue: Block
    post: tuple[Block | None, ...]
    maintenance: Block | None


_SHARES_YOUNG = {
    C10403: 0.40,
    HCVAD: 0.24,
    BFM: 0.09,
    E1910: 0.10,
    GRAALL: 0.04,
    DFCI: 0.05,
    LINK: 0.04,
    OTHER: 0.03,
    UNKNOWN: 0.01,
}
_SHARES_MIDDLE = {
    HCVAD: 0.44,
    E1910: 0.25,
    LINK: 0.08,
    C10403: 0.04,
    BFM: 0.04,
    MHCVD: 0.06,
    GRAALL: 0.03,
    OTHER: 0.04,
    UNKNOWN: 0.02,
}
_SHARES_OLD = {MHCVD: 0.48, LOW: 0.16, E1910: 0.12, HCVAD: 0.07, IMMUNO: 0.11, OTHER: 0.05, UNKNOWN: 0.01}


def choose_backbone(draws: Draws, age_years: float, bcr_abl1_positive: bool) -> int:
    """A backbone that fits age and BCR::ABL1 status (our guess of US practice, not a finding)."""
    if bcr_abl1_positive:
        return draws.weighted({TKI_LOW: 0.45 if age_years < 60 else 0.8, TKI_INT: 0.55 if age_years < 60 else 0.2})
    shares = _SHARES_YOUNG if age_years < 40 else _SHARES_MIDDLE if age_years < 60 else _SHARES_OLD
    return draws.weighted(shares)


def regimen(draws: Draws, code: int, age_years: float, cd20: bool) -> Regimen:
    """The blocks of one patient's backbone.

    Args:
        draws: Stream for the choices inside a backbone (TKI, inotuzumab, order of cycles).
        code: Code of ``plan_backbone``.
        age_years: Decides asparaginase and cytarabine doses.
        cd20: Whether rituximab is added.
    """
    rituximab = (21,) if cd20 else ()
    if code in (HCVAD, TKI_INT):
        return _hyper_cvad(draws, code, rituximab if code == HCVAD else (draws.choice((25, 26)),))
    if code == MHCVD:
        return _mini_hyper_cvd(draws, rituximab)
    if code in (C10403, BFM):
        return _bfm_like(code)
    if code == E1910:
        return _e1910((18,) if age_years < 55 else (), rituximab)
    if code == TKI_LOW:
        return _tki_low(draws)
    return {GRAALL: _graall, DFCI: _dfci, LINK: _linker, LOW: _low, IMMUNO: _immuno}.get(code, _other)(code)


def salvage_drugs(draws: Draws, tki: bool) -> tuple[int, ...]:
    """Drugs of a salvage course."""
    drugs = draws.choice(((23,), (12, 30), (2, 4, 8, 11)))
    return tuple(sorted((*drugs, *((26,) if tki else ()))))


_POMP = (1, 4, 15, 16)
_RESCUE = Block(SECOND_INDUCTION, (3, 12, 13), 30, 5)


def _blin_order(draws: Draws, chemotherapy: tuple[Block, ...]) -> tuple[Block | None, ...]:
    """Four cycles after the chemotherapy, or between its courses, as centres do both."""
    if draws.chance(0.5):
        return (*chemotherapy, BLIN, BLIN, BLIN, BLIN)
    first, *rest = chemotherapy
    order: list[Block | None] = [first]
    for block in rest:
        order += [BLIN, block]
    return (*order, *[BLIN] * (4 - len(rest)))


def _hyper_cvad(draws: Draws, code: int, added: tuple[int, ...]) -> Regimen:
    a = tuple(sorted((2, 4, 7, 9, *added)))
    b = tuple(sorted((3, 12, 13, *added)))
    course_a = Block(CONSOLIDATION, a, 23, 14, COURSE_A)
    course_b = Block(CONSOLIDATION, b, 24, 4, COURSE_B)
    tki = tuple(drug for drug in added if drug >= 24)
    return Regimen(
        code,
        (Block(INDUCTION, a, 28, 14, COURSE_A),),
        Block(SECOND_INDUCTION, b, 28, 4, COURSE_B),
        _blin_order(draws, (course_b, course_a, course_b)),
        Block(MAINTENANCE, tuple(sorted((1, 4, *tki))) if tki else _POMP, 700, 700, intrathecal=0),
    )


def _mini_hyper_cvd(draws: Draws, added: tuple[int, ...]) -> Regimen:
    ino = (23,) if draws.chance(0.55) else ()
    a = tuple(sorted((2, 4, 9, *ino, *added)))
    b = tuple(sorted((3, 11, 90, *ino, *added)))
    course_a = Block(CONSOLIDATION, a, 28, 14, COURSE_A)
    course_b = Block(CONSOLIDATION, b, 28, 4, COURSE_B)
    return Regimen(
        MHCVD,
        (Block(INDUCTION, a, 30, 14, COURSE_A),),
        Block(SECOND_INDUCTION, b, 28, 4, COURSE_B),
        _blin_order(draws, (course_b, course_a, course_b)),
        Block(MAINTENANCE, _POMP, 500, 500, intrathecal=0),
    )


def _bfm_like(code: int) -> Regimen:
    interim = (4, 14, 18) if code == C10403 else (13, 16)
    return Regimen(
        code,
        (Block(INDUCTION, (1, 4, 6, 18), 35, 29, intrathecal=3),),
        Block(SECOND_INDUCTION, (4, 6, 9, 11, 18), 30, 14),
        (
            Block(CONSOLIDATION, (4, 9, 11, 16, 18), 56, 50, intrathecal=4),
            BLIN,
            Block(INTERIM, interim, 60, 43),
            BLIN,
            Block(DELAYED, (2, 4, 7, 9, 11, 17, 18), 60, 50),
            BLIN,
            BLIN,
        ),
        Block(MAINTENANCE, (1, 4, 15, 16), 700, 700, intrathecal=4),
    )


def _e1910(asparaginase: tuple[int, ...], rituximab: tuple[int, ...]) -> Regimen:
    consolidation = Block(CONSOLIDATION, tuple(sorted((2, 4, 11, 20, *asparaginase, *rituximab))), 28, 8)
    delayed = Block(CONSOLIDATION, tuple(sorted((2, 4, 6, 9, 11, 17, *rituximab))), 42, 32)
    return Regimen(
        E1910,
        (
            Block(INDUCTION, tuple(sorted((2, 4, 6, *asparaginase, *rituximab))), 33, 28),
            Block(SECOND_INDUCTION, tuple(sorted((9, 11, 16, *rituximab))), 32, 28, intrathecal=4),
        ),
        Block(SECOND_INDUCTION, (9, 11, 16), 32, 28, intrathecal=4),
        (
            Block(INTENSIFICATION, tuple(sorted((13, *asparaginase))), 30, 22, intrathecal=0),
            BLIN,
            BLIN,
            consolidation,
            consolidation,
            delayed,
            BLIN,
            consolidation,
            BLIN,
        ),
        Block(MAINTENANCE, _POMP, 700, 700, intrathecal=4),
    )


def _graall(code: int) -> Regimen:
    return Regimen(
        code,
        (Block(INDUCTION, (1, 4, 6, 9, 18), 36, 28, intrathecal=3),),
        Block(SECOND_INDUCTION, (8, 12), 32, 5),
        (
            Block(CONSOLIDATION, (2, 12, 18), 18, 8),
            Block(CONSOLIDATION, (4, 13, 16, 18), 18, 8),
            BLIN,
            Block(CONSOLIDATION, (9, 13, 20), 21, 5),
            BLIN,
            Block(DELAYED, (1, 4, 6, 9, 18), 42, 28),
            BLIN,
            BLIN,
        ),
        Block(MAINTENANCE, _POMP, 700, 700, intrathecal=0),
    )


def _dfci(code: int) -> Regimen:
    block = Block(CONSOLIDATION, (2, 4, 7, 16, 18), 30, 21)
    return Regimen(
        code,
        (Block(INDUCTION, (1, 4, 7, 13, 18), 34, 28, intrathecal=3),),
        _RESCUE,
        (block, BLIN, block, BLIN, block, BLIN, BLIN),
        Block(MAINTENANCE, _POMP, 600, 600, intrathecal=0),
    )


def _linker(code: int) -> Regimen:
    return Regimen(
        code,
        (Block(INDUCTION, (1, 4, 6, 18), 34, 28, intrathecal=3),),
        _RESCUE,
        (
            Block(CONSOLIDATION, (12, 20), 30, 4),
            BLIN,
            Block(CONSOLIDATION, (13, 16), 30, 15),
            BLIN,
            Block(DELAYED, (1, 4, 6, 18), 35, 28),
            BLIN,
            BLIN,
        ),
        Block(MAINTENANCE, _POMP, 700, 700, intrathecal=0),
    )


def _tki_low(draws: Draws) -> Regimen:
    tki = draws.choice((25, 25, 26))
    return Regimen(
        TKI_LOW,
        (Block(INDUCTION, (2, tki) if draws.chance(0.6) else (2, 4, tki), 60, 56, intrathecal=3),),
        Block(SECOND_INDUCTION, (2, 4, 26), 35, 30),
        (BLIN, BLIN, BLIN, BLIN),
        Block(MAINTENANCE, (tki,), 700, 700, intrathecal=0),
    )


def _low(code: int) -> Regimen:
    block = Block(CONSOLIDATION, (2, 13, 18), 28, 14)
    return Regimen(
        code,
        (Block(INDUCTION, (2, 4), 30, 24),),
        Block(SECOND_INDUCTION, (2, 4, 11), 30, 5),
        (block, Block(CONSOLIDATION, (11,), 28, 5), BLIN, BLIN),
        Block(MAINTENANCE, _POMP, 500, 500, intrathecal=0),
    )


def _immuno(code: int) -> Regimen:
    return Regimen(code, (), _RESCUE, (BLIN, BLIN, BLIN), Block(MAINTENANCE, _POMP, 500, 500, intrathecal=0))


def _other(code: int) -> Regimen:
    block = Block(CONSOLIDATION, (8, 11), 30, 5)
    return Regimen(
        code,
        (Block(INDUCTION, (2, 4, 8), 32, 24),),
        _RESCUE,
        (block, BLIN, block, BLIN),
        Block(MAINTENANCE, _POMP, 500, 500, intrathecal=0),
    )

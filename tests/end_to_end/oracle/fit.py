"""Whether what was given in and after induction is what the table of clinical specification 2 says of a regimen.

For the rules that name no condition of their own for confidence ``high``. Codes are those of ``tc_drugs`` and ``tc_phase``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

PREDNISONE, DEXAMETHASONE, VINCRISTINE, DAUNORUBICIN, DOXORUBICIN, CYCLOPHOSPHAMIDE = 1, 2, 4, 6, 7, 9
CYTARABINE, HIGH_CYTARABINE, HIGH_METHOTREXATE, ETOPOSIDE, INOTUZUMAB = 11, 12, 13, 20, 23
STEROID, ANTHRACYCLINE, ASPARAGINASE, TKI = {1, 2, 3}, {6, 7, 8}, {18, 19}, {24, 25, 26, 27}
METHOTREXATE = {13, 14, 15}
NOT_CYTOTOXIC = STEROID | TKI | {21, 22, 23}
LOW_INTENSITY_FROM_YEARS = 55


class AfterInduction(NamedTuple):
    """What a patient had: drugs of induction, later courses (phase, drugs), later frontline cycles of blinatumomab."""

    induction: frozenset[int]
    courses: list[tuple[int | None, frozenset[int]]]
    anthracycline: bool
    cycles: int
    cycles_with_tki: int
    years: float | None

    def gave(self, test: Callable[[frozenset[int]], object]) -> bool:
        """Whether one later course holds what is asked for."""
        return any(test(drugs) for _, drugs in self.courses)

    def induced(self, *drugs: int) -> bool:
        """Whether induction held all of these."""
        return set(drugs) <= self.induction


def fits(rule: int, given: AfterInduction) -> bool:
    """Whether induction and later therapy are those of the regimen that a rule names (rules 1, 2, 3, 5, 6, 9, 10, 11)."""
    return {
        1: _tki_low,
        2: _immunotherapy,
        3: _mini_hyper_cvd,
        5: _graall,
        6: _dfci,
        9: _linker,
        10: _bfm,
        11: _low_intensity,
    }[rule](given)


def _tki_low(given: AfterInduction) -> bool:
    """TKI and steroid, then blinatumomab with TKI, or a TKI going on."""
    begun = given.induction & TKI and given.induction & STEROID
    return bool(begun) and (given.cycles_with_tki > 0 or given.gave(lambda drugs: drugs & TKI))


def _immunotherapy(given: AfterInduction) -> bool:
    """Blinatumomab (or inotuzumab) again, and nothing cytotoxic before maintenance."""
    again = given.cycles > 0 or given.gave(lambda drugs: INOTUZUMAB in drugs)
    return again and not given.gave(lambda drugs: drugs - NOT_CYTOTOXIC)


def _mini_hyper_cvd(given: AfterInduction) -> bool:
    """Another course A, or a course B: cytarabine 0.5 g/m2, without asparaginase."""
    course_a = {CYCLOPHOSPHAMIDE, VINCRISTINE, DEXAMETHASONE}
    return given.gave(lambda drugs: course_a <= drugs or (CYTARABINE in drugs and not drugs & ASPARAGINASE))


def _graall(given: AfterInduction) -> bool:
    """A block: high-dose cytarabine or methotrexate with asparaginase, or cyclophosphamide, etoposide and methotrexate."""

    def block(drugs: frozenset[int]) -> bool:
        if drugs & ASPARAGINASE and drugs & {HIGH_CYTARABINE, HIGH_METHOTREXATE}:
            return True
        return {CYCLOPHOSPHAMIDE, ETOPOSIDE} <= drugs and bool(drugs & METHOTREXATE)

    return given.induced(VINCRISTINE) and given.gave(block)


def _dfci(given: AfterInduction) -> bool:
    """Asparaginase with doxorubicin."""
    later = given.gave(lambda drugs: drugs & ASPARAGINASE and DOXORUBICIN in drugs)
    return later and given.induced(VINCRISTINE, PREDNISONE)


def _linker(given: AfterInduction) -> bool:
    """The later course is the rule's own; induction holds all four drugs."""
    return given.induced(DAUNORUBICIN, VINCRISTINE, PREDNISONE) and bool(given.induction & ASPARAGINASE)


def _bfm(given: AfterInduction) -> bool:
    """A reinduction: anthracycline, vincristine and steroid in one course of phase 7."""
    return any(
        phase == 7 and VINCRISTINE in drugs and drugs & ANTHRACYCLINE and drugs & STEROID
        for phase, drugs in given.courses
    )


def _low_intensity(given: AfterInduction) -> bool:
    """From 55 years, no anthracycline; methotrexate with asparaginase, or cytarabine 1 g/m2."""
    old = given.years is not None and given.years >= LOW_INTENSITY_FROM_YEARS
    later = given.gave(lambda drugs: HIGH_CYTARABINE in drugs or (HIGH_METHOTREXATE in drugs and drugs & ASPARAGINASE))
    return old and later and not given.anthracycline

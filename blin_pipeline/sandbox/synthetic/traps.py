"""Eligibility traps of criteria E1 to E4: age, disease, date of diagnosis, blinatumomab in a trial."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from blin_pipeline.sandbox.synthetic.entries import EXACT, MONTH, UNKNOWN_PRECISION, YEAR, Draft
from blin_pipeline.sandbox.synthetic.planting import (
    ELIGIBLE,
    INELIGIBLE,
    PENDING_STATUS,
    TRAP,
    Case,
    World,
    all_of,
    day_of,
    edit,
    has_birth_date,
    living,
    living_treated,
    note,
    registration,
    shift,
)

#: No trial of that number exists.
_NO_TRIAL = "NCT00000000"


def _registered_late(draft: Draft, world: World) -> bool:
    del world
    return draft.journey.entry_day > 240


def _age(
    name: str, age: float, status: str, reasons: tuple[str, ...], statement: str
) -> Callable[[Draft, World], None]:
    def put(draft: Draft, world: World) -> None:
        del world
        form = registration(draft)
        edit(form, age_dx=age)
        edit(draft.one("demographics"), birth_date=day_of(form, "dx_date") - timedelta(days=int(age * 365.25) + 20))
        note(
            draft,
            TRAP,
            name,
            statement,
            status=status,
            reasons=reasons,
            form="registration",
            entry=form,
            field="age_dx",
        )

    return put


def _age_missing(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    form.store("age_dx", "UNK", "missing-data code")
    draft.one("demographics").blank("birth_date")
    statement = "Age and birth date are both unknown: E1 cannot be judged."
    note(
        draft,
        TRAP,
        "age_unknown",
        statement,
        status=PENDING_STATUS,
        reasons=("E1",),
        form="registration",
        entry=form,
        field="age_dx",
    )


def _age_from_birth_date(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    form.store("age_dx", "NAVU", "missing-data code")
    statement = "Age is not available but the birth date is: E1 passes on the age computed from it."
    note(
        draft, TRAP, "age_from_birth_date", statement, status=ELIGIBLE, form="registration", entry=form, field="age_dx"
    )


def _disease(name: str, code: int, status: str, statement: str) -> Callable[[Draft, World], None]:
    def put(draft: Draft, world: World) -> None:
        del world
        form = registration(draft)
        edit(form, elig_ball=code)
        note(
            draft,
            TRAP,
            name,
            statement,
            status=status,
            reasons=("E2",),
            form="registration",
            entry=form,
            field="elig_ball",
        )

    return put


def _diagnosed(first: date, last: date) -> Callable[[Draft, World], bool]:
    def fits(draft: Draft, world: World) -> bool:
        return living_treated(draft, world) and first <= draft.journey.person.dx_date <= last

    return fits


def _early(target: date) -> Callable[[Draft, World], bool]:
    """Diagnosed so soon after the target day that the whole record can be moved back to it."""
    return _diagnosed(target, date(2024, 4, 10))


def _dated(
    name: str, target: date | None, typed: date | None, precision: int | None, status: str, statement: str
) -> Callable[[Draft, World], None]:
    """Move the record so that the true diagnosis is ``target``, and type ``typed`` with a precision code."""

    def put(draft: Draft, world: World) -> None:
        form = registration(draft)
        if target is not None:
            last = max(day_of(entry, "fu_date") for entry in draft.entries("followup"))
            shift(draft, (target - day_of(form, "dx_date")).days)
            edit(draft.entries("followup")[-1], fu_date=max(last, world.data_cut - timedelta(days=60)))
        edit(form, dx_date=typed or day_of(form, "dx_date"), dx_date_prec=precision)
        reasons = () if status == ELIGIBLE else ("E3",)
        note(
            draft,
            TRAP,
            name,
            statement,
            status=status,
            reasons=reasons,
            form="registration",
            entry=form,
            field="dx_date",
        )

    return put


def _date_unknown(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    form.store("dx_date", "UNK", "missing-data code")
    edit(form, dx_date_prec=UNKNOWN_PRECISION)
    statement = "The date of diagnosis is unknown: E3 cannot be judged."
    note(
        draft,
        TRAP,
        "dx_date_unknown",
        statement,
        status=PENDING_STATUS,
        reasons=("E3",),
        form="registration",
        entry=form,
        field="dx_date",
    )


def _mid_2024(draft: Draft, world: World) -> bool:
    """First therapy falls soon after 1 July 2024, the day that stands for the whole year."""
    if not living_treated(draft, world):
        return False
    plan_date = day_of(draft.one("treatment_plan"), "plan_date")
    return date(2024, 7, 1) <= plan_date <= date(2024, 8, 28)


def _trial(
    name: str, code: int, offset: int | None, status: str, statement: str, *, unknown_start: bool = False
) -> Callable[[Draft, World], None]:
    """``offset``: days from registration to the first trial dose; None leaves it blank."""

    def put(draft: Draft, world: World) -> None:
        form = registration(draft)
        registered, diagnosed = day_of(form, "reg_date"), day_of(form, "dx_date")
        start = None if offset is None else max(diagnosed, min(registered + timedelta(days=offset), world.data_cut))
        edit(form, blin_in_trial=code, blin_trial_id=_NO_TRIAL if code == 1 else None, blin_trial_start=start)
        if unknown_start:
            form.store("blin_trial_start", "UNK", "missing-data code")
        reasons = () if status == ELIGIBLE else ("E4",)
        note(
            draft,
            TRAP,
            name,
            statement,
            status=status,
            reasons=reasons,
            form="registration",
            entry=form,
            field="blin_in_trial",
        )

    return put


def _seen_long_after_entry(draft: Draft, world: World) -> bool:
    return living_treated(draft, world) and draft.journey.seen_until > draft.journey.entry_day + 60


def _two_failures(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    edit(form, elig_ball=0, blin_in_trial=1, blin_trial_id=_NO_TRIAL)
    statement = "T-ALL and blinatumomab in a trial with no start: both reasons are listed, not the first only."
    note(
        draft, TRAP, "two_failures", statement, status=INELIGIBLE, reasons=("E2", "E4"), form="registration", entry=form
    )


def _fail_and_unknown(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    edit(
        form,
        elig_ball=9,
        blin_in_trial=1,
        blin_trial_id=_NO_TRIAL,
        blin_trial_start=day_of(form, "dx_date") + timedelta(days=2),
    )
    statement = (
        "Disease unknown (E2) and blinatumomab in a trial before registration (E4): one fail decides, ineligible."
    )
    note(
        draft,
        TRAP,
        "fail_beats_unknown",
        statement,
        status=INELIGIBLE,
        reasons=("E4",),
        form="registration",
        entry=form,
    )


CASES = (
    Case(
        "age_17_at_diagnosis",
        all_of(living_treated, has_birth_date, _registered_late),
        _age(
            "age_17_at_diagnosis",
            17.6,
            INELIGIBLE,
            ("E1", "E1_ADULT_AT_REGISTRATION_ONLY"),
            "17 at diagnosis, 18 at registration: fails while age counts at diagnosis.",
        ),
    ),
    Case(
        "month_december_2023",
        _early(date(2023, 12, 14)),
        _dated(
            "month_december_2023",
            date(2023, 12, 14),
            date(2023, 12, 15),
            MONTH,
            ELIGIBLE,
            "December 2023, day unknown: every possible day is on or after the cutoff, E3 passes.",
        ),
    ),
    Case(
        "year_2023",
        _early(date(2023, 12, 5)),
        _dated(
            "year_2023",
            date(2023, 12, 5),
            date(2023, 7, 1),
            YEAR,
            PENDING_STATUS,
            "2023, month unknown: the year straddles the cutoff, E3 cannot be judged.",
        ),
    ),
    Case(
        "year_2024",
        _mid_2024,
        _dated(
            "year_2024",
            None,
            date(2024, 7, 1),
            YEAR,
            ELIGIBLE,
            "2024, month unknown: the whole year is after the cutoff, E3 passes.",
        ),
    ),
    Case(
        "precision_unknown_2023",
        _early(date(2023, 12, 20)),
        _dated(
            "precision_unknown_2023",
            date(2023, 12, 20),
            date(2023, 12, 20),
            UNKNOWN_PRECISION,
            PENDING_STATUS,
            "A date with precision code 9 stands for its whole year: 2023 straddles the cutoff.",
        ),
    ),
    Case(
        "before_cutoff",
        _early(date(2023, 11, 20)),
        _dated(
            "before_cutoff",
            date(2023, 11, 20),
            date(2023, 11, 20),
            EXACT,
            INELIGIBLE,
            "Diagnosed eleven days before the cutoff: E3 fails.",
        ),
    ),
    Case(
        "month_november_2023",
        _early(date(2023, 11, 14)),
        _dated(
            "month_november_2023",
            date(2023, 11, 14),
            date(2023, 11, 15),
            MONTH,
            INELIGIBLE,
            "November 2023, day unknown: every possible day is before the cutoff, E3 fails.",
        ),
    ),
    Case("t_all", living, _disease("t_all", 0, INELIGIBLE, "Not B-cell precursor ALL (T-ALL): E2 fails.")),
    Case(
        "trial_before",
        living_treated,
        _trial("trial_before", 1, -5, INELIGIBLE, "First trial dose before registration: E4 fails."),
    ),
    Case(
        "trial_after",
        _seen_long_after_entry,
        _trial("trial_after", 1, 40, ELIGIBLE, "First trial dose after registration: E4 passes, the patient stays in."),
    ),
    Case(
        "trial_start_missing",
        living,
        _trial("trial_start_missing", 1, None, INELIGIBLE, "In a trial, start left blank: E4 fails."),
    ),
    Case(
        "trial_start_unknown",
        living,
        _trial(
            "trial_start_unknown",
            1,
            None,
            INELIGIBLE,
            "In a trial, start coded unknown: counts as missing, E4 fails.",
            unknown_start=True,
        ),
    ),
    Case(
        "trial_unknown",
        living,
        _trial("trial_unknown", 9, None, PENDING_STATUS, "Unknown whether in a trial: E4 cannot be judged."),
    ),
    Case("age_unknown", living_treated, _age_missing),
    Case(
        "disease_unknown",
        living,
        _disease("disease_unknown", 9, PENDING_STATUS, "Disease not confirmed yet: E2 cannot be judged."),
    ),
    Case("dx_date_unknown", living_treated, _date_unknown),
    Case("age_from_birth_date", all_of(living_treated, has_birth_date), _age_from_birth_date),
    Case(
        "trial_on_registration_day",
        living_treated,
        _trial(
            "trial_on_registration_day",
            1,
            0,
            INELIGIBLE,
            "First trial dose on the day of registration: not after it, E4 fails.",
        ),
    ),
    Case("two_failures", living, _two_failures),
    Case("fail_beats_unknown", living_treated, _fail_and_unknown),
)

"""Eligibility traps of criteria E0, E5 and E6: duplicates, consent, the deceased path, withdrawal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from blin_pipeline.sandbox.synthetic.baseline import DECLINED, NOT_REQUIRED, PENDING, WITHDRAWN
from blin_pipeline.sandbox.synthetic.entries import Draft
from blin_pipeline.sandbox.synthetic.journey import RETROSPECTIVE_DECEASED
from blin_pipeline.sandbox.synthetic.planting import (
    ELIGIBLE,
    FAULT,
    HELD,
    INELIGIBLE,
    PENDING_STATUS,
    REMOVED,
    TRAP,
    Case,
    World,
    all_of,
    day_of,
    died_after_entry,
    edit,
    keep_only,
    living,
    living_treated,
    note,
    registration,
    signed_alive_at_entry,
    without_cycles,
)


def _recent(draft: Draft, world: World) -> bool:
    """Registered in the last four months, so that an empty record is no stale one."""
    return living(draft, world) and day_of(registration(draft), "reg_date") >= world.data_cut - timedelta(days=115)


def _no_consent(name: str, code: int | None, status: str, statement: str) -> Callable[[Draft, World], None]:
    def put(draft: Draft, world: World) -> None:
        del world
        form = registration(draft)
        edit(form, consent_status=code, consent_date=None, consent_version=None)
        keep_only(draft, "registration")
        note(
            draft,
            TRAP,
            name,
            statement,
            status=status,
            reasons=("E5",),
            form="registration",
            entry=form,
            field="consent_status",
        )

    return put


def _consent_date_missing(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    form.blank("consent_date")
    statement = "Signed, but without a date: E5 cannot be judged."
    note(
        draft,
        TRAP,
        "consent_date_missing",
        statement,
        status=PENDING_STATUS,
        reasons=("E5",),
        form="registration",
        entry=form,
        field="consent_date",
    )


def _withdrawable(draft: Draft, world: World) -> bool:
    """Followed for half a year after entry, and no cycle runs over the day that lies 90 days after entry."""
    if not signed_alive_at_entry(draft, world) or draft.journey.seen_until < draft.journey.entry_day + 180:
        return False
    day = draft.journey.date(draft.journey.entry_day + 90)
    return not any(
        start is not None and start - timedelta(days=3) <= day <= (entry.day("bc_end") or day) + timedelta(days=3)
        for entry in draft.entries("blin_cycle")
        for start in [entry.day("bc_start")]
    )


def _withdraw(
    name: str, scope: int | None, status: str, reasons: tuple[str, ...], statement: str
) -> Callable[[Draft, World], None]:
    def put(draft: Draft, world: World) -> None:
        del world
        form = registration(draft)
        edit(
            form,
            consent_status=WITHDRAWN,
            consent_version=None,
            withdraw_date=draft.journey.date(draft.journey.entry_day + 90),
            withdraw_scope=scope,
        )
        note(
            draft,
            TRAP,
            name,
            statement,
            status=status,
            reasons=reasons,
            form="registration",
            entry=form,
            field="withdraw_scope",
        )

    return put


def _withdrawn_then_died(draft: Draft, world: World) -> bool:
    return _withdrawable(draft, world) and died_after_entry(draft, world)


def _conflict(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    edit(form, consent_status=NOT_REQUIRED, consent_date=None, consent_version=None)
    statement = "Consent 'not required: deceased' while alive at entry: E5 cannot be judged (check D05)."
    reasons = ("E5", "E5_CONFLICT")
    note(
        draft,
        TRAP,
        "consent_conflict",
        statement,
        status=PENDING_STATUS,
        reasons=reasons,
        form="registration",
        entry=form,
    )
    note(
        draft,
        FAULT,
        "consent_conflict",
        statement,
        check="D05",
        form="registration",
        entry=form,
        field="consent_status",
    )


def _died_before_signing(draft: Draft, world: World) -> None:
    form = registration(draft)
    death = day_of(draft.one("death"), "dth_date")
    edit(form, consent_date=min(death + timedelta(days=12), world.data_cut))
    statement = "Died between entry and signing: the centre decides whether the deceased path applies."
    reasons = ("E5", "E5_DIED_BEFORE_CONSENT")
    note(
        draft,
        TRAP,
        "died_before_consent",
        statement,
        status=PENDING_STATUS,
        reasons=reasons,
        form="registration",
        entry=form,
        field="consent_date",
    )


def _died_well_before_cut(draft: Draft, world: World) -> bool:
    if not died_after_entry(draft, world):
        return False
    death = day_of(draft.one("death"), "dth_date")
    return death > day_of(registration(draft), "reg_date") and death < world.data_cut - timedelta(days=20)


def _deceased_path(draft: Draft, world: World) -> bool:
    del world
    return draft.journey.enrolment == RETROSPECTIVE_DECEASED and draft.one("death").values["dth_date_prec"] == 1


def _deceased_path_valid(draft: Draft, world: World) -> None:
    del world
    statement = "Deceased before entry, no consent required: E5 passes; in no delayed-entry risk set."
    note(draft, TRAP, "deceased_path", statement, status=ELIGIBLE, form="registration", entry=registration(draft))


def _deceased_path_late_death(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    edit(
        form,
        enroll_type=RETROSPECTIVE_DECEASED,
        vital_entry=2,
        consent_status=NOT_REQUIRED,
        consent_date=None,
        consent_version=None,
    )
    statement = "Entered as deceased, but the death is dated after registration: E5 cannot be judged (check D05)."
    note(
        draft,
        TRAP,
        "deceased_path_late_death",
        statement,
        status=PENDING_STATUS,
        reasons=("E5",),
        form="registration",
        entry=form,
    )
    note(
        draft,
        FAULT,
        "deceased_path_late_death",
        statement,
        check="D05",
        form="registration",
        entry=form,
        field="vital_entry",
    )


def _deceased_path_no_date(draft: Draft, world: World) -> None:
    del world
    form, death = registration(draft), draft.one("death")
    edit(death, dth_date=None, dth_date_prec=None)
    statement = "Entered as deceased, date of death missing: E5 cannot be judged (checks D04 and D05)."
    note(
        draft,
        TRAP,
        "deceased_path_no_date",
        statement,
        status=PENDING_STATUS,
        reasons=("E5",),
        form="death",
        entry=death,
    )
    note(
        draft,
        FAULT,
        "deceased_path_no_date",
        statement,
        check="D05",
        form="registration",
        entry=form,
        field="vital_entry",
    )
    note(draft, FAULT, "deceased_path_no_date", statement, check="D04", form="death", entry=death, field="dth_date")


def _twin(draft: Draft, world: World) -> Draft | None:
    """A patient of another centre who can be entered a second time."""
    for other in world.drafts:
        if (
            not other.planted
            and other.group != draft.group
            and _has_twin_fields(other)
            and living_treated(other, world)
        ):
            return other
    return None


def _has_twin(draft: Draft, world: World) -> bool:
    return _twin(draft, world) is not None


def _duplicate(draft: Draft, world: World) -> None:
    """The same patient, entered a second time by another centre: the twin keeps its record."""
    twin = _twin(draft, world)
    if twin is None:
        raise ValueError("no twin")
    form, demographics = registration(draft), draft.one("demographics")
    source, person = registration(twin), twin.one("demographics")
    edit(form, dx_date=source.values["dx_date"], dx_date_prec=1, age_dx=source.values["age_dx"], screen_note_code=2)
    edit(demographics, sex=person.values["sex"], zip3=person.values["zip3"], birth_date=None)
    keep_only(draft, "registration", "demographics")
    statement = "The same patient as a record of another centre, marked as duplicate: criterion E0 fails."
    note(
        draft,
        TRAP,
        "duplicate",
        statement,
        status=INELIGIBLE,
        reasons=("E0",),
        form="registration",
        entry=form,
        field="screen_note_code",
    )
    same = "Same diagnosis date, age, sex and ZIP3 at two centres."
    note(draft, FAULT, "duplicate", same, check="D19", form="registration", entry=form, field="dx_date")
    note(
        twin,
        FAULT,
        "duplicate_twin",
        same,
        status=ELIGIBLE,
        check="D19",
        form="registration",
        entry=source,
        field="dx_date",
    )


def _has_twin_fields(draft: Draft) -> bool:
    values = draft.one("demographics").values
    return "zip3" in values and "sex" in values and "age_dx" in registration(draft).values


def _entered_in_error(draft: Draft, world: World) -> None:
    del world
    form = registration(draft)
    edit(form, screen_note_code=3)
    statement = "Marked as entered in error: criterion E0 fails, whatever the other forms hold."
    note(
        draft,
        TRAP,
        "entered_in_error",
        statement,
        status=INELIGIBLE,
        reasons=("E0",),
        form="registration",
        entry=form,
        field="screen_note_code",
    )


def _held_and_failing(draft: Draft, world: World) -> None:
    _withdraw("held_and_failing", None, HELD, ("E6",), "Withdrawn, scope missing, and T-ALL: the hold comes first.")(
        draft, world
    )
    edit(registration(draft), elig_ball=0)


CASES = (
    Case(
        "consent_pending",
        _recent,
        _no_consent("consent_pending", PENDING, PENDING_STATUS, "Consent pending: E5 cannot be judged."),
    ),
    Case(
        "consent_declined",
        _recent,
        _no_consent("consent_declined", DECLINED, INELIGIBLE, "Consent declined: E5 fails."),
    ),
    Case(
        "withdrawn_keep",
        all_of(_withdrawable, living_treated),
        _withdraw(
            "withdrawn_keep",
            1,
            ELIGIBLE,
            (),
            "Withdrawn, data kept: rows after the withdrawal do not count, survival is censored by then.",
        ),
    ),
    Case(
        "withdrawn_remove",
        all_of(_withdrawable, living_treated),
        _withdraw("withdrawn_remove", 2, REMOVED, (), "Withdrawn, all data to be removed: counted only, in no table."),
    ),
    Case(
        "withdrawn_scope_missing",
        all_of(_withdrawable, living_treated),
        _withdraw(
            "withdrawn_scope_missing",
            None,
            HELD,
            ("E6",),
            "Withdrawn, scope missing: held, in no analysis, nothing erased.",
        ),
    ),
    Case("consent_conflict", living_treated, _conflict),
    Case("died_before_consent", _died_well_before_cut, _died_before_signing),
    Case("deceased_path", _deceased_path, _deceased_path_valid),
    Case("deceased_path_late_death", _died_well_before_cut, _deceased_path_late_death),
    Case("duplicate", all_of(_recent, without_cycles, _has_twin), _duplicate),
    Case("entered_in_error", living_treated, _entered_in_error),
    Case("deceased_path_no_date", _deceased_path, _deceased_path_no_date),
    Case("consent_date_missing", living_treated, _consent_date_missing),
    Case(
        "consent_blank",
        _recent,
        _no_consent("consent_blank", None, PENDING_STATUS, "Consent left blank: E5 cannot be judged."),
    ),
    Case(
        "withdrawn_keep_died_later",
        _withdrawn_then_died,
        _withdraw(
            "withdrawn_keep_died_later",
            1,
            ELIGIBLE,
            (),
            "Withdrawn, data kept, death after the withdrawal: the death does not count, survival is censored at the withdrawal.",
        ),
    ),
    Case("held_and_failing", all_of(_withdrawable, living_treated), _held_and_failing),
)

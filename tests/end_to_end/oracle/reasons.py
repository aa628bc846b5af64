"""Why a criterion of eligibility is not met or not decided, and what it stands on (clinical specification 1).

Readings where the text leaves room: of several reasons of one criterion the most particular one is named (a missing date of death,
not a fault of the vital status); a day of registration that checks find impossible is a missing one, any other impossible date is
a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from .eligibility import (
    ADULT,
    CONFLICT,
    DIED_BEFORE_CONSENT,
    PASS,
    age_reason,
    ages,
    consent_in_doubt,
    death_bounds,
    diagnosis_bounds,
    diagnosis_in_doubt,
    is_wrong,
    judge,
    registered_on,
    trial_start_in_doubt,
    vital_status_in_doubt,
)
from .records import Record, day

CUTOFF = date(2023, 12, 1)
_SIGNED, _NOT_REQUIRED, _PENDING, _DECLINED = (1, 2, 6), 3, 4, 5


def reasons(record: Record) -> dict[str, str | None]:
    """Criterion -> the reason for anything but a yes; None where it is met."""
    questions = {
        "E0": _own_patient,
        "E1": _age,
        "E2": _disease,
        "E3": _diagnosis,
        "E4": _trial,
        "E5": _consent,
        "E6": _withdrawal,
    }
    criteria = judge(record).criteria
    return {name: None if criteria[name] == PASS else f"{name}_{next(ask(record))}" for name, ask in questions.items()}


def _own_patient(record: Record) -> Iterator[str]:
    yield "DUPLICATE" if _code(record, "screen_note_code") == 2 else "ENTERED_IN_ERROR"


def _age(record: Record) -> Iterator[str]:
    known = ages(record)
    if known is None:
        born = day(record.once("demographics"), "birth_date")
        sound = born is not None and not is_wrong(record, (born, born))
        yield "DATE_FAULT" if sound and diagnosis_in_doubt(record) else "AGE_MISSING"
    elif known[0] < ADULT <= known[1]:
        yield "DATE_STRADDLES"
    yield age_reason(record).removeprefix("E1_")


def _disease(record: Record) -> Iterator[str]:
    yield "NOT_B_ALL" if _code(record, "elig_ball") == 0 else "NOT_CONFIRMED"


def _diagnosis(record: Record) -> Iterator[str]:
    bounds = diagnosis_bounds(record)
    if bounds is None:
        yield "DATE_MISSING"
    elif diagnosis_in_doubt(record):
        yield "DATE_FAULT"
    elif bounds[1] < CUTOFF:
        yield "BEFORE_CUTOFF"
    yield "DATE_STRADDLES"


def _trial(record: Record) -> Iterator[str]:
    started, registered = _date(record, "blin_trial_start"), registered_on(record)
    if _code(record, "blin_in_trial") != 1:
        yield "NOT_KNOWN"
    if started is None:
        yield "TRIAL_DATE_MISSING"
    if trial_start_in_doubt(record):
        yield "DATE_FAULT"
    if registered is None:
        yield "REGISTRATION_DATE_MISSING"
    yield "TRIAL_BLINATUMOMAB"


def _consent(record: Record) -> Iterator[str]:
    status, at_entry = _code(record, "consent_status"), _code(record, "vital_entry")
    signed, registered, died = _date(record, "consent_date"), registered_on(record), death_bounds(record)
    if status == _PENDING:
        yield "CONSENT_PENDING"
    if status == _DECLINED:
        yield "DECLINED"
    if status == _NOT_REQUIRED:
        if at_entry == 1:
            yield CONFLICT.removeprefix("E5_")
        if at_entry != 2:
            yield "VITAL_STATUS_UNKNOWN"
        if died is None:
            yield "DEATH_DATE_MISSING"
        if registered is None:
            yield "REGISTRATION_DATE_MISSING"
        if died is not None and registered is not None and died[0] > registered:
            yield "DEATH_AFTER_REGISTRATION"
        yield "DATE_FAULT"
    if status in _SIGNED:
        if signed is None:
            yield "DATE_MISSING"
        if consent_in_doubt(record):
            yield "DATE_FAULT"
        if died is not None and signed is not None and died[1] < signed:
            yield DIED_BEFORE_CONSENT.removeprefix("E5_")
        if vital_status_in_doubt(record):
            yield "DATE_FAULT"
    yield "MISSING"


def _withdrawal(record: Record) -> Iterator[str]:
    if _code(record, "withdraw_scope") != 1:
        yield "SCOPE_MISSING"
    yield "DATE_MISSING" if _date(record, "withdraw_date") is None else "DATE_FAULT"


def _code(record: Record, name: str) -> int | None:
    value = record.once("registration").get(name)
    return value if isinstance(value, int) else None


def _date(record: Record, name: str) -> date | None:
    return day(record.once("registration"), name)


def used(record: Record) -> dict[str, str | None]:
    """Criterion -> what it stands on, as the site entered it; None when nothing was entered."""
    registration = record.once("registration")
    consent, deceased = _code(record, "consent_status"), _code(record, "consent_status") == 3
    registered = registered_on(record)
    in_trial = _code(record, "blin_in_trial") == 1
    died = _interval(death_bounds(record)) if consent in (1, 2, 3, 6) else None
    signed = day(registration, "consent_date") if consent in (1, 2, 6) else None
    scope = 1 if consent == 6 and _code(record, "withdraw_scope") == 1 else None
    # The date decides where it cannot be right.
    left = day(registration, "withdraw_date") if scope == 1 and record.withdrawn is None else None
    return {
        "E0": _stated(screen_note_code=registration.get("screen_note_code")),
        "E1": _stated(age_years=_age_used(record)),
        "E2": _stated(elig_ball=registration.get("elig_ball")),
        "E3": _stated(dx_date=_interval(diagnosis_bounds(record))),
        "E4": _stated(
            blin_in_trial=registration.get("blin_in_trial"),
            blin_trial_start=day(registration, "blin_trial_start") if in_trial else None,
            reg_date=registered if in_trial else None,
        ),
        "E5": _stated(
            consent_status=consent,
            consent_date=signed,
            vital_entry=registration.get("vital_entry") if deceased else None,
            dth_date=died,
            reg_date=registered if deceased else None,
        ),
        "E6": _stated(consent_status=consent, withdraw_scope=scope, withdraw_date=left),
    }


def _stated(**values: object) -> str | None:
    return " ".join(f"{name}={value}" for name, value in values.items() if value is not None) or None


def _interval(bounds: tuple[date, date] | None) -> str | None:
    if bounds is None:
        return None
    return str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]}..{bounds[1]}"


def _age_used(record: Record) -> str | None:
    years = ages(record)
    if years is None:
        return None
    return f"{years[0]:.1f}" if years[0] == years[1] else f"{years[0]:.1f}..{years[1]:.1f}"

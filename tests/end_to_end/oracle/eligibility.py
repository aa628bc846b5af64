"""Eligibility by clinical specification, section 1: seven criteria, three values, one status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .contact import entered
from .dating import death_interval
from .records import Record, day, number, possible_days

CUTOFF = date(2023, 12, 1)
ADULT = 18.0
EARLIEST_YEAR = 1900
PASS, FAIL, UNKNOWN = "Y", "N", "UNKNOWN"
ELIGIBLE, INELIGIBLE, PENDING, HELD, REMOVED = "ELIGIBLE", "INELIGIBLE", "PENDING", "HELD", "REMOVED"
ADULT_LATER, CONFLICT, DIED_BEFORE_CONSENT = "E1_ADULT_AT_REGISTRATION_ONLY", "E5_CONFLICT", "E5_DIED_BEFORE_CONSENT"


@dataclass(frozen=True)
class Eligibility:
    """Status of one record, the result of each criterion in order, and the named reasons."""

    status: str
    criteria: dict[str, str]
    reasons: tuple[str, ...]


def judge(record: Record) -> Eligibility:
    """Judge one record."""
    reasons: list[str] = []
    criteria = {
        "E0": FAIL if record.once("registration").get("screen_note_code") in (2, 3) else PASS,
        "E1": _age(record, reasons),
        "E2": _disease(record),
        "E3": _diagnosis_date(record),
        "E4": _trial(record),
        "E5": _consent(record, reasons),
        "E6": PASS,
    }
    withdrawn, scope = _code(record, "consent_status") == 6, _code(record, "withdraw_scope")
    if withdrawn and scope != 2 and record.withdrawn is None:
        criteria["E6"] = UNKNOWN
    if withdrawn and scope == 2:
        status = REMOVED
    elif criteria["E6"] == UNKNOWN:
        status = HELD
    elif FAIL in criteria.values():
        status = INELIGIBLE
    elif UNKNOWN in criteria.values():
        status = PENDING
    else:
        status = ELIGIBLE
    return Eligibility(status, criteria, tuple(reasons))


def _code(record: Record, name: str) -> int | None:
    value = record.once("registration").get(name)
    return value if isinstance(value, int) else None


def is_of_its_own(record: Record) -> bool:
    """Whether the record is a patient of its own; others are not checked: what they say is taken as it stands."""
    return _code(record, "screen_note_code") not in (2, 3)


def is_wrong(record: Record, bounds: tuple[date, date] | None) -> bool:
    """Check D01: wholly after the cut, or before 1900."""
    if bounds is None or not is_of_its_own(record):
        return False
    return bounds[0] > record.data_cut or bounds[0].year < EARLIEST_YEAR


def diagnosis_bounds(record: Record) -> tuple[date, date] | None:
    """First and last possible day of diagnosis."""
    form = record.once("registration")
    return possible_days(day(form, "dx_date"), form.get("dx_date_prec"))


def death_bounds(record: Record) -> tuple[date, date] | None:
    """First and last possible day of death, None when none is entered."""
    form = record.once("death")
    return possible_days(day(form, "dth_date"), form.get("dth_date_prec")) if form.get("dth_dead") == 1 else None


def ages(record: Record) -> tuple[float, float] | None:
    """Least and greatest age at diagnosis: as entered, else completed years from the birth date to a day that can be right."""
    entered, born = number(record.once("registration"), "age_dx"), day(record.once("demographics"), "birth_date")
    bounds = None if diagnosis_in_doubt(record) else diagnosis_bounds(record)
    if entered is not None:
        return entered, entered
    if born is None or bounds is None or is_wrong(record, (born, born)):
        return None
    return float(_completed(born, bounds[0])), float(_completed(born, bounds[1]))


def _completed(born: date, at: date) -> int:
    return at.year - born.year - ((at.month, at.day) < (born.month, born.day))


def age_reason(record: Record) -> str:
    """Why a patient who was a minor at diagnosis is not in: whether the registration came with an adult."""
    entered, born = number(record.once("registration"), "age_dx"), day(record.once("demographics"), "birth_date")
    registered = registered_on(record)
    diagnosed = None if diagnosis_in_doubt(record) else diagnosis_bounds(record)
    then = None
    if registered is not None and born is not None and not is_wrong(record, (born, born)):
        then = float(_completed(born, registered))
    elif registered is not None and diagnosed is not None and entered is not None:
        # As young as the diagnosis can make the patient: an adult in any case.
        then = entered + max(0, (registered - diagnosed[1]).days) / 365.25
    return ADULT_LATER if then is not None and then >= ADULT else "E1_UNDER_AGE"


def _age(record: Record, reasons: list[str]) -> str:
    known = ages(record)
    if known is None or known[0] < ADULT <= known[1]:
        return UNKNOWN
    if known[0] >= ADULT:
        return PASS
    if age_reason(record) == ADULT_LATER:
        reasons.append(ADULT_LATER)
    return FAIL


def registered_on(record: Record) -> date | None:
    """Day of registration; None when it is missing or impossible."""
    at = day(record.once("registration"), "reg_date")
    return None if at is None or is_wrong(record, (at, at)) else at


def _disease(record: Record) -> str:
    code = _code(record, "elig_ball")
    return PASS if code == 1 else FAIL if code == 0 else UNKNOWN


def therapy_starts(record: Record) -> list[date | None]:
    """Plan date and every start of a course (prephase left out), of a cycle that was not merely planned, of a segment."""
    starts = [day(record.once("treatment_plan"), "plan_date")]
    starts += [at for at, row in record.dated("treatment_course", "tc_start") if row.get("tc_phase") != 1]
    return starts + [at for at, _, name, _ in entered(record) if name in ("bc_start", "sg_start")]


def diagnosis_in_doubt(record: Record) -> bool:
    """Checks D01 and D02, and death before diagnosis: the date of diagnosis cannot be trusted."""
    bounds = diagnosis_bounds(record)
    if bounds is None or not is_of_its_own(record):
        return False
    if is_wrong(record, bounds):
        return True
    started = min((at for at in therapy_starts(record) if at is not None), default=None)
    death = _counted_death(record)
    return (started is not None and bounds[0] > started) or (death is not None and bounds[0] > death[1])


def _counted_death(record: Record) -> tuple[date, date] | None:
    """The death, where it may be used: not after the last day that counts, not before 1900."""
    death = death_interval(record)
    return None if is_wrong(record, death) else death


def _diagnosis_date(record: Record) -> str:
    bounds = diagnosis_bounds(record)
    if bounds is None or diagnosis_in_doubt(record):
        return UNKNOWN
    return FAIL if bounds[1] < CUTOFF else PASS if bounds[0] >= CUTOFF else UNKNOWN


def trial_start_in_doubt(record: Record) -> bool:
    """Check D01, and check D03: blinatumomab after the death."""
    started, death = day(record.once("registration"), "blin_trial_start"), _counted_death(record)
    if started is None or not is_of_its_own(record):
        return False
    late = death is not None and started > death[1]
    return late or is_wrong(record, (started, started))


def _trial(record: Record) -> str:
    registration = record.once("registration")
    answer = registration.get("blin_in_trial")
    if answer == 0:
        return PASS
    if answer != 1:
        return UNKNOWN
    started, registered = day(registration, "blin_trial_start"), registered_on(record)
    if started is None:
        return FAIL
    if trial_start_in_doubt(record) or registered is None:
        return UNKNOWN
    return PASS if started > registered else FAIL


def vital_status_in_doubt(record: Record) -> bool:
    """Checks D04 and D05, the future of D01, and death before diagnosis: what criterion E5 reads cannot be trusted."""
    registration, death = record.once("registration"), record.once("death")
    if not is_of_its_own(record):
        return False
    bounds, diagnosed = death_bounds(record), diagnosis_bounds(record)
    registered = day(registration, "reg_date")
    told_dead = any(row.get("fu_vital") == 2 for _, row in _contacts(record))
    undated = (death.get("dth_dead") == 1) == (day(death, "dth_date") is None) and bool(death)
    unsaid = told_dead and death.get("dth_dead") != 1
    entered_dead = registration.get("vital_entry") == 2
    late = entered_dead and (bounds is None or (registered is not None and bounds[0] > registered))
    counted = _counted_death(record)
    early = counted is not None and diagnosed is not None and counted[1] < diagnosed[0]
    return undated or unsaid or late or early or is_wrong(record, bounds)


def _contacts(record: Record) -> list[tuple[date, dict[str, object]]]:
    return [
        (at, dict(row))
        for row in record.rows("followup")
        if (at := day(row, "fu_date")) is not None and at <= record.last_day
    ]


def consent_in_doubt(record: Record) -> bool:
    """Check D01; a consent after the cut is none yet, whoever it is of."""
    signed = day(record.once("registration"), "consent_date")
    return signed is not None and (signed > record.data_cut or is_wrong(record, (signed, signed)))


def _consent(record: Record, reasons: list[str]) -> str:
    registration = record.once("registration")
    status, signed = registration.get("consent_status"), day(registration, "consent_date")
    bounds = death_bounds(record)
    if status == 5:
        return FAIL
    if status == 3 and registration.get("vital_entry") == 1:
        reasons.append(CONFLICT)
        return UNKNOWN
    if status == 3:
        registered = registered_on(record)
        if registration.get("vital_entry") != 2 or bounds is None or registered is None or bounds[0] > registered:
            return UNKNOWN
        # A date of consent may be there; it must not be an impossible one, where anybody looks.
        doubt = is_of_its_own(record) and consent_in_doubt(record)
        return UNKNOWN if doubt or vital_status_in_doubt(record) else PASS
    if status not in (1, 2, 6) or signed is None or consent_in_doubt(record):
        return UNKNOWN
    if bounds is not None and bounds[1] < signed:
        reasons.append(DIED_BEFORE_CONSENT)
        return UNKNOWN
    return UNKNOWN if vital_status_in_doubt(record) else PASS

"""Eligibility by clinical specification, section 1: seven criteria, three values, one status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .contact import entered
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


def _is_wrong(record: Record, bounds: tuple[date, date] | None) -> bool:
    """Check D01: wholly after the cut, or before 1900."""
    return bounds is not None and (bounds[0] > record.data_cut or bounds[0].year < EARLIEST_YEAR)


def diagnosis_bounds(record: Record) -> tuple[date, date] | None:
    """First and last possible day of diagnosis."""
    form = record.once("registration")
    return possible_days(day(form, "dx_date"), form.get("dx_date_prec"))


def death_bounds(record: Record) -> tuple[date, date] | None:
    """First and last possible day of death, None when none is entered."""
    form = record.once("death")
    return possible_days(day(form, "dth_date"), form.get("dth_date_prec")) if form.get("dth_dead") == 1 else None


def _age(record: Record, reasons: list[str]) -> str:
    registration = record.once("registration")
    born = day(record.once("demographics"), "birth_date")
    diagnosed, registered = day(registration, "dx_date"), day(registration, "reg_date")
    age = number(registration, "age_dx")
    if age is None and born is not None and diagnosed is not None:
        age = (diagnosed - born).days / 365.25
    if age is None:
        return UNKNOWN
    if age >= ADULT:
        return PASS
    if registered is not None and diagnosed is not None and age + (registered - diagnosed).days / 365.25 >= ADULT:
        reasons.append(ADULT_LATER)
    return FAIL


def _disease(record: Record) -> str:
    code = _code(record, "elig_ball")
    return PASS if code == 1 else FAIL if code == 0 else UNKNOWN


def therapy_starts(record: Record) -> list[date | None]:
    """Plan date and every start of a course (prephase left out), of a cycle that was not merely planned, of a segment."""
    starts = [day(record.once("treatment_plan"), "plan_date")]
    starts += [at for at, row in record.dated("treatment_course", "tc_start") if row.get("tc_phase") != 1]
    return starts + [at for at, _, name, _ in entered(record) if name in ("bc_start", "sg_start")]


def _diagnosis_date(record: Record) -> str:
    bounds = diagnosis_bounds(record)
    if bounds is None or _is_wrong(record, bounds):
        return UNKNOWN
    started = min((at for at in therapy_starts(record) if at is not None), default=None)
    death = death_bounds(record)
    if (started is not None and bounds[0] > started) or (death is not None and bounds[0] > death[1]):
        return UNKNOWN
    return FAIL if bounds[1] < CUTOFF else PASS if bounds[0] >= CUTOFF else UNKNOWN


def _trial(record: Record) -> str:
    registration = record.once("registration")
    answer = registration.get("blin_in_trial")
    if answer == 0:
        return PASS
    if answer != 1:
        return UNKNOWN
    started, registered = day(registration, "blin_trial_start"), day(registration, "reg_date")
    if started is None:
        return FAIL
    if started > record.data_cut or started.year < EARLIEST_YEAR or registered is None:
        return UNKNOWN
    return PASS if started > registered else FAIL


def vital_status_in_doubt(record: Record) -> bool:
    """Checks D04 and D05, the future of D01, and death before diagnosis: what criterion E5 reads cannot be trusted."""
    registration, death = record.once("registration"), record.once("death")
    bounds, diagnosed = death_bounds(record), diagnosis_bounds(record)
    registered = day(registration, "reg_date")
    told_dead = any(row.get("fu_vital") == 2 for _, row in _contacts(record))
    undated = death.get("dth_dead") == 1 and bounds is None
    unsaid = told_dead and death.get("dth_dead") != 1
    entered_dead = registration.get("vital_entry") == 2
    late = entered_dead and (bounds is None or (registered is not None and bounds[0] > registered))
    early = bounds is not None and diagnosed is not None and bounds[1] < diagnosed[0]
    return undated or unsaid or late or early or _is_wrong(record, bounds)


def _contacts(record: Record) -> list[tuple[date, dict[str, object]]]:
    return [
        (at, dict(row))
        for row in record.rows("followup")
        if (at := day(row, "fu_date")) is not None and at <= record.data_cut
    ]


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
        known_dead = registration.get("vital_entry") == 2 and bounds is not None and not vital_status_in_doubt(record)
        return PASS if known_dead else UNKNOWN
    if status not in (1, 2, 6) or signed is None or signed > record.data_cut or signed.year < EARLIEST_YEAR:
        return UNKNOWN
    if bounds is not None and bounds[1] < signed:
        reasons.append(DIED_BEFORE_CONSENT)
        return UNKNOWN
    return UNKNOWN if vital_status_in_doubt(record) else PASS


def used(record: Record) -> dict[str, str | None]:
    """Criterion -> what it stands on, as the site entered it; None when nothing was entered."""
    registration = record.once("registration")
    consent, deceased = _code(record, "consent_status"), _code(record, "consent_status") == 3
    registered = day(registration, "reg_date")
    if registered is not None and _is_wrong(record, (registered, registered)):
        registered = None
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
    age, born = number(record.once("registration"), "age_dx"), day(record.once("demographics"), "birth_date")
    bounds = diagnosis_bounds(record)
    if age is not None:
        return f"{age:.1f}"
    if born is None or bounds is None or _is_wrong(record, (born, born)):
        return None
    years = [at.year - born.year - ((at.month, at.day) < (born.month, born.day)) for at in bounds]
    return f"{years[0]:.1f}" if years[0] == years[1] else f"{years[0]:.1f}..{years[1]:.1f}"

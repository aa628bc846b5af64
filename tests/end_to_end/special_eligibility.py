"""Records in front of the criteria of eligibility: answers missing, unknown or on a limit, dates missing or impossible."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record

from blin_pipeline.sandbox.synthetic.truth import Recorded, RecordTruth

PER_REGISTRY = 20
CUT = date(2026, 6, 30)
#: Days of diagnosis on both sides of the first day of the study, in its month and year, and impossible ones.
DIAGNOSED = ("2023-11-30", "2023-12-01", "2023-12-15", "2023-11-15", "2023-07-01", "2024-07-01", "2024-03-09")
IMPOSSIBLE = (str(CUT + timedelta(days=1)), "1899-12-31")


def awkward_eligibility(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """A few such records of one registry."""
    return [_record(random, f"{sites[0].record_prefix}-05{place:02d}", sites[0]) for place in range(PER_REGISTRY)]


def _record(random: Random, record_id: str, site: RawSite) -> RecordTruth:
    diagnosed = date.fromisoformat(random.choice([*DIAGNOSED[:3], "2024-03-09", "2024-03-09"]))
    signed = diagnosed + timedelta(days=20)
    registered = _odd(random, diagnosed + timedelta(days=random.choice([19, 20, 30])))
    registration: dict[str, Recorded | None] = {
        "enroll_type": random.choice([1, 2]),
        "reg_date": registered,
        "elig_ball": random.choice([1, 1, 1, 0, 9, None]),
        "dx_date": _odd(random, diagnosed) if random.random() < 0.7 else random.choice(DIAGNOSED),
        "dx_date_prec": random.choice([1, 1, 1, 2, 3, 9, None]),
        "age_dx": random.choice([17.9, 18.0, 45.0, None, None]),
        "blin_in_trial": random.choice([0, 0, 0, 1, 1, 9, None]),
        "vital_entry": random.choice([1, 1, 2, 2, 9, None]),
        "consent_status": random.choice([1, 2, 3, 3, 4, 5, 6, None]),
        "consent_date": _odd(random, signed),
        "screen_note_code": random.choice([0, 0, 0, 1, 2, 3, None]),
    }
    if registration["blin_in_trial"] == 1:
        registration["blin_trial_start"] = _odd(random, diagnosed + timedelta(days=random.choice([18, 19, 20, 21, 31])))
    if registration["consent_status"] == 6:
        registration["withdraw_scope"] = random.choice([1, 1, 1, 2, None])
        registration["withdraw_date"] = _odd(random, signed + timedelta(days=random.choice([-1, 0, 300])))
    answers: dict[str, dict[str, Recorded | None]] = {"registration": registration}
    if random.random() < 0.7:
        # 18 years old within a few days of the diagnosis, or long before.
        birthday = diagnosed.replace(year=diagnosed.year - random.choice([18, 18, 45]))
        answers["demographics"] = {
            "birth_date": _odd(random, birthday + timedelta(days=random.choice([-1, 0, 1, 25, 190])))
        }
    if random.random() < 0.5:
        died = diagnosed + timedelta(days=random.choice([-1, 0, 15, 19, 20, 21, 300]))
        answers["death"] = {
            "dth_dead": random.choice([1, 1, 1, 0]),
            "dth_date": _odd(random, died),
            "dth_date_prec": random.choice([1, 1, 2, 3, 9]),
            "dth_cause": 1,
        }
    if random.random() < 0.5:
        answers["treatment_plan"] = {"plan_date": str(diagnosed + timedelta(days=random.choice([-1, 0, 5])))}
    once: dict[str, Values] = {
        form: {name: value for name, value in values.items() if value is not None} for form, values in answers.items()
    }
    rows: Rows = {}
    if random.random() < 0.3:
        seen = {"fu_date": str(diagnosed + timedelta(days=40)), "fu_source": 1, "fu_vital": random.choice([1, 2])}
        rows["followup"] = [dict(seen)]
    return made_record(record_id, site, once, rows)


def _odd(random: Random, at: date) -> str | None:
    """The date, now and then missing or impossible."""
    return random.choice([*([str(at)] * 12), None, *IMPOSSIBLE])

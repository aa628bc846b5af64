"""Records whose events meet on one day, come in odd orders and are dated by month or year: the hard cases of time to event.

Days are drawn from a coarse grid, so that relapse, transplant, death, blinatumomab and assessments often coincide. How exact a
date is is drawn apart from what happened, so that the 15th or 1 July falls on either side of therapy, remission and death. Some
patients have no plan date.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import chain
from random import Random

from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record, registration

from blin_pipeline.sandbox.synthetic.truth import Recorded, RecordTruth

PER_REGISTRY = 8
GRID = 10
_FORMS = ("treatment_course", "response", "mrd", "hct", "relapse", "followup", "blin_cycle")


def awkward_endpoints(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """A few such records of one registry."""
    return [_record(random, f"{sites[0].record_prefix}-9{place:03d}", sites[0]) for place in range(PER_REGISTRY)]


def _record(random: Random, record_id: str, site: RawSite) -> RecordTruth:
    diagnosed = date(2024, 2, 1) + timedelta(days=random.randrange(300))
    written, precision = _blurred(random, diagnosed)
    began = diagnosed + timedelta(days=GRID * random.randrange(1, 3))

    def later(first: int = 0, last: int = 45) -> date:
        return began + timedelta(days=GRID * random.randrange(first, last))

    rows: Rows = {form: [] for form in _FORMS}
    for _ in range(random.randrange(1, 4)):
        start = later(0, 20)
        rows["treatment_course"].append(
            {
                "tc_line": random.choice([1, 1, 1, 1, 2]),
                "tc_regimen": random.choice([1, 1, 2, 99]),
                "tc_phase": random.choice([1, 2, 2, 3, 4, 5, 10]),
                "tc_start": _text(start),
                "tc_end": _text(start + timedelta(days=4)),
                "tc_status": 1,
            }
        )
    for _ in range(random.randrange(0, 6)):
        clear = random.random() < 0.6
        rows["response"].append(
            {
                "ra_date": _text(later()),
                "ra_timepoint": 1,
                "ra_marrow": 1,
                "ra_bm_lymphoblast": 0 if clear else 1,
                "ra_pb_lymphoblast": 0 if clear else 1,
                "ra_site_call": 9,
            }
        )
    for _ in range(random.randrange(0, 6)):
        result = random.choice([0, 0, 1, 1, 2, 3])
        sample: Values = {
            "mr_date": _text(later()),
            "mr_timepoint": 10,
            "mr_source": random.choice([1, 2]),
            "mr_method": random.choice([1, 1, 1, 2]),
            "mr_result": result,
            "mr_sens": random.choice([1, 2, 4, 9]),
        }
        if result == 1:
            sample |= {"mr_value": random.choice([0.005, 0.01, 0.5]), "mr_unit": 1}
        rows["mrd"].append(sample)
    for _ in range(random.choice([0, 0, 1, 1, 2])):
        rows["hct"].append({"hc_date": _text(later(5)), "hc_type": 1, "hc_status": random.choice([1, 1, 2, 4])})
    for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
        at, how = _blurred(random, later(4))
        rows["relapse"].append(
            {"rl_date": _text(at), "rl_date_prec": how, "rl_kind": random.choice([1, 1, 2, 4, 5]), "rl_cd19": 3}
        )
    for _ in range(random.randrange(0, 4)):
        seen: Values = {
            "fu_date": _text(later(5)),
            "fu_source": 1,
            "fu_vital": 1,
            "fu_remission": random.choice([1, 2, 3, 4, 9]),
        }
        if random.random() < 0.2:
            seen["fu_second_ca"] = 1
            if random.random() < 0.5:
                seen["fu_second_ca_date"] = _text(later(0))
        rows["followup"].append(seen)
    start = later(3, 15)
    for place in range(random.choice([0, 1, 1, 2, 3])):
        rows["blin_cycle"].append(_cycle(random, place + 1, start))
        start += timedelta(days=GRID * random.randrange(3, 7))
    signed = diagnosed + timedelta(days=60)
    once: dict[str, Values] = {
        "registration": registration(written, signed, dx_date_prec=precision, **_trial(record_id, diagnosed))
    }
    if random.random() < 0.9:
        once["treatment_plan"] = {"plan_date": _text(began), "plan_backbone": 1, "plan_blin": 1}
    if random.random() < 0.4:
        once["death"] = _death(random, [*once.values(), *chain.from_iterable(rows.values())], began)
    return made_record(record_id, site, once, rows)


def _trial(record_id: str, diagnosed: date) -> Values:
    """Now and then blinatumomab inside a trial, after registration (which is on day 60)."""
    random = Random(f"trial/{record_id}")
    if random.random() < 0.7:
        return {"blin_in_trial": 0}
    started = diagnosed + timedelta(days=61 + GRID * random.randrange(0, 40))
    return {"blin_in_trial": 1, "blin_trial_id": "none", "blin_trial_start": _text(started)}


def _cycle(random: Random, number: int, start: date) -> Values:
    stop = start + timedelta(days=random.choice([10, 20, 28, 30]))
    row: Values = {
        "bc_number": number,
        "bc_line": random.choice([1, 1, 1, 3]),
        "bc_purpose": 2,
        "bc_start": f"{start} 10:00",
        "bc_time_known": 1,
        "bc_weight": 80.0,
        "bc_step": 0,
        "bc_plan_days": 28,
        "bc_plan_rate": 28.0,
        "bc_status": 2,
        "bc_interrupted": random.choice([0, 0, 1]),
    }
    return row if random.random() < 0.15 else {**row, "bc_end": f"{stop} 10:00"}


def _death(random: Random, written: list[Values], began: date) -> Values:
    """On or after the last thing that is written down to the day, so that the death is no contradiction by itself."""
    days = [began + timedelta(days=60)]
    for row in written:
        if row.get("rl_date_prec", 1) == 1:
            days += [found for value in row.values() if (found := _day(value)) is not None]
    at, how = _blurred(random, max(days) + timedelta(days=random.choice([0, 0, 10, 40])))
    if how == 2:
        at = max(at, max(days).replace(day=15))
    return {"dth_dead": 1, "dth_date": _text(at), "dth_date_prec": how, "dth_cause": 1}


def _blurred(random: Random, at: date) -> tuple[date, int]:
    """The date as a site writes it: exact, or its month (15th), or its year (1 July)."""
    how = random.choice([1, 1, 1, 2, 2, 3])
    return {1: at, 2: at.replace(day=15), 3: date(at.year, 7, 1)}[how], how


def _day(value: Recorded) -> date | None:
    try:
        return datetime.fromisoformat(value).date() if isinstance(value, str) else None
    except ValueError:
        return None


def _text(at: date) -> str:
    return at.isoformat()

"""Records with awkward treatments: drugs that almost make a backbone, odd orders, counts and levels on the limits.

Drug sets are those of the regimens with one drug taken out or put in now and then; days come from a coarse grid and from the
limits of the rules (day 60 of induction, 90 days after the last unit).
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record, registration

from blin_pipeline.sandbox.synthetic.truth import RecordTruth

PER_REGISTRY = 25
CUT = date(2026, 6, 30)
GRID = 14
#: First induction, second induction, later courses (phase, drugs) of each family; the last three are of none.
_REGIMENS: dict[int, tuple[list[int], list[int], list[tuple[int, list[int]]]]] = {
    1: ([2, 4, 7, 9], [3, 12, 13], [(5, [3, 12, 13]), (5, [2, 4, 7, 9])]),
    2: ([2, 4, 9, 23], [3, 11, 90], [(5, [3, 11, 90]), (5, [2, 4, 9])]),
    3: ([1, 4, 6, 18], [9, 11, 16, 18], [(5, [4, 9, 11, 16, 18]), (6, [4, 14, 18]), (7, [2, 4, 7, 9, 17, 18])]),
    4: ([2, 4, 6, 18], [9, 11, 16], [(4, [13, 18]), (5, [2, 11, 20]), (5, [2, 4, 6, 9, 17])]),
    5: ([1, 4, 6, 18], [9, 11], [(5, [13, 16]), (7, [2, 4, 7, 18])]),
    6: ([1, 4, 6, 9, 18], [8, 12], [(5, [12, 18]), (7, [1, 4, 6, 9, 18])]),
    7: ([1, 4, 7, 13, 18], [3, 12], [(5, [2, 4, 7, 18]), (6, [16, 18])]),
    8: ([1, 4, 6, 18], [13], [(5, [12, 20]), (5, [13, 16]), (7, [1, 4, 6, 18])]),
    9: ([2, 25], [2, 4, 26], [(6, [25]), (5, [2, 26])]),
    10: ([2, 4, 7, 9, 25], [3, 12, 13, 25], [(5, [3, 12, 13, 25]), (5, [2, 4, 7, 9])]),
    11: ([2, 4], [2, 4, 11], [(5, [2, 13, 18]), (5, [11])]),
    12: ([23], [2], [(5, [23]), (5, [15, 16])]),
    90: ([2, 4, 8], [8, 11], [(5, [8, 11]), (90, [30])]),
    99: ([], [], [(5, []), (7, [])]),
}


def awkward_treatments(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """A few such records of one registry."""
    return [_record(random, f"{sites[0].record_prefix}-8{place:03d}", sites[0]) for place in range(PER_REGISTRY)]


def _record(random: Random, record_id: str, site: RawSite) -> RecordTruth:
    code = random.choice(list(_REGIMENS))
    diagnosed = date(2024, 1, 1) + timedelta(days=GRID * random.randrange(45))
    plan = diagnosed + timedelta(days=random.choice([0, 3, 10]))
    positive = random.random() < (0.8 if code in (9, 10) else 0.1)
    rows: Rows = {
        "treatment_course": _induction(random, code, plan),
        "blin_cycle": [],
        "hct": [],
        "relapse": [],
    }
    remission = plan + timedelta(days=random.choice([28, 35, 56]))
    rows["response"] = _responses(random, plan, remission)
    rows["mrd"] = [_sample(random, plan + timedelta(days=GRID * place)) for place in range(random.randrange(0, 5))]
    last = _later_therapy(random, code, remission, rows)
    rows["followup"] = [
        {
            "fu_date": _text(last + timedelta(days=random.choice([-10, 1, 40, 89, 90, 91, 120]))),
            "fu_source": 1,
            "fu_vital": 1,
            "fu_therapy": random.choice([0, 1, 1, 2, 9]),
        }
        for _ in range(random.randrange(0, 3))
    ]
    if random.random() < 0.2:
        rows["hct"].append({"hc_date": _text(_near(random, last)), "hc_type": 1, "hc_status": 1})
    if random.random() < 0.2:
        form: Values = {"rl_date": _text(_near(random, last)), "rl_date_prec": 1, "rl_cd19": 1}
        kind = random.choice([1, 1, 4, 5, None])
        rows["relapse"].append(form | {"rl_kind": kind} if kind else form)
    once = _once(random, code, diagnosed, plan, positive)
    if random.random() < 0.1:
        at = max(last + timedelta(days=random.choice([0, 1, 90, 91, 92])), plan + timedelta(days=70))
        once["death"] = {"dth_dead": 1, "dth_date": _text(at), "dth_date_prec": 1, "dth_cause": 1}
    return made_record(record_id, site, once, rows)


def _once(random: Random, code: int, diagnosed: date, plan: date, positive: bool) -> dict[str, Values]:
    registered = registration(
        diagnosed, plan + timedelta(days=20), age_dx=random.choice([22.0, 39.9, 40.0, 54.0, 71.0])
    )
    disease: Values = {"dx_cd19": 1, "ph_status": 1 if positive else random.choice([0, 0, 9])}
    if random.random() < 0.08:
        disease["genetics"] = [10]
    plans: Values = {"plan_date": _text(plan), "plan_blin": 1}
    if random.random() < 0.9:
        plans["plan_backbone"] = random.choice([code, code, code, random.choice(list(_REGIMENS))])
    return {"registration": registered, "diagnosis": disease, "treatment_plan": plans}


def _induction(random: Random, code: int, plan: date) -> list[Values]:
    first, second, _ = _REGIMENS[code]
    found = []
    if random.random() < 0.15:
        found.append(_course(random, code, 1, [1], plan - timedelta(days=5)))
    if code != 12 or random.random() < 0.3:
        found.append(_course(random, code, 2, _changed(random, first), plan))
    if random.random() < 0.5:
        start = plan + timedelta(days=random.choice([21, 28, 60, 61]))
        found.append(_course(random, code, 3, _changed(random, second), start))
    return found


def _later_therapy(random: Random, code: int, remission: date, rows: Rows) -> date:
    """Courses and cycles after the induction in any order; returns the last day of the last one."""
    later = _REGIMENS[code][2]
    at, last, cycle = remission + timedelta(days=random.choice([-GRID, 0, 0, 7])), remission, 0
    if code == 12 and random.random() < 0.8:
        cycle += 1
        rows["blin_cycle"].append(_cycle(random, cycle, remission - timedelta(days=28), purpose=1))
    order = "BBCCCBCB" if random.random() < 0.2 else "".join(random.choices("BBCCI", k=random.randrange(0, 9)))
    for letter in order[: random.choice([8, 8, 3, 5])]:
        if letter == "B":
            cycle += 1
            rows["blin_cycle"].append(_cycle(random, cycle, at, purpose=random.choice([1, 2, 2, 2])))
            last = at + timedelta(days=28)
        else:
            phase, drugs = random.choice(later)
            given = [] if letter == "I" else _changed(random, drugs)
            rows["treatment_course"].append(_course(random, code, phase, given, at))
            last = at + timedelta(days=10)
        at += timedelta(days=random.choice([0, GRID, 35, 42, 42]))
        if at > CUT - timedelta(days=20):
            break
    if random.random() < 0.4:
        drugs = random.choice([[1, 4, 15, 16], [16], [25]])
        rows["treatment_course"].append(_course(random, code, 8, drugs, _near(random, last)))
    return last


def _course(random: Random, code: int, phase: int, drugs: list[int], start: date) -> Values:
    status = random.choice([1, 1, 1, 2, 3, 9])
    row: Values = {
        "tc_line": 1,
        "tc_regimen": random.choice([code, code, 99, 90]),
        "tc_phase": phase,
        "tc_label": random.choice([0, 1, 1, 2]) if code == 1 else 0,
        "tc_start": _text(start),
        "tc_status": status,
        "tc_it_doses": random.choice([0, 2]) if drugs else random.choice([0, 1, 2]),
    }
    if drugs:
        row["tc_drugs"] = list(drugs)
    if status != 3 and random.random() < 0.9:
        # Now and then an end that lies after the data cut.
        row["tc_end"] = _text(start + timedelta(days=random.choice([10] * 15 + [900])))
    return row


def _cycle(random: Random, number: int, start: date, purpose: int) -> Values:
    row: Values = {
        "bc_number": number,
        "bc_line": 1,
        "bc_purpose": purpose,
        "bc_start": f"{start} 00:00",
        "bc_time_known": 3,
        "bc_weight": 80.0,
        "bc_step": 0,
        "bc_plan_days": 28,
        "bc_plan_rate": 28.0,
        "bc_status": random.choice([2, 2, 2, 3, 4]),
        "bc_interrupted": random.choice([0, 0, 1]),
        "bc_tki": random.choice([0, 0, 0, 2]),
    }
    return row if random.random() < 0.1 else {**row, "bc_end": f"{start + timedelta(days=28)} 00:00"}


def _responses(random: Random, plan: date, remission: date) -> list[Values]:
    found = [_response(random, plan + timedelta(days=7 * place)) for place in range(random.randrange(0, 4))]
    if random.random() < 0.85:
        found.append(
            _response(random, remission)
            | {"ra_marrow": 1, "ra_bm_lymphoblast": 0, "ra_pb_lymphoblast": 0, "ra_bm_blast": 2}
        )
    return found


def _response(random: Random, at: date) -> Values:
    """Every item may be missing; counts and blasts lie on the limits and to both sides of them."""
    row: Values = {"ra_date": _text(at), "ra_timepoint": 1, "ra_site_call": random.choice([1, 2, 4, 6, 9])}
    items: dict[str, list[int | float]] = {
        "ra_marrow": [1, 1, 1, 2, 0],
        "ra_bm_lymphoblast": [0, 0, 0, 1, 9],
        "ra_pb_lymphoblast": [0, 0, 0, 0, 1, 9],
        "ra_bm_blast": [0, 2, 4.9, 5, 5.1, 60],
        "ra_bm_cell": [1, 2, 2, 3],
        "ra_anc": [0.2, 0.5, 0.51, 0.99, 1.0, 3.0],
        "ra_plt": [20, 50, 51, 99, 100, 200],
        "ra_plt_free7": [1, 1, 0, 9],
        "ra_emd": [0, 0, 0, 0, 1, 2, 9],
    }
    for name, values in items.items():
        if random.random() < 0.9:
            row[name] = random.choice(values)
    return row


def _sample(random: Random, at: date) -> Values:
    row: Values = {"mr_date": _text(at), "mr_timepoint": 10}
    source, method = random.choice([1, 1, 2, None]), random.choice([1, 1, 1, 2, 3, 4, 5, 90, None])
    row |= {"mr_source": source} if source else {}
    row |= {"mr_method": method} if method else {}
    row["mr_result"] = random.choice([0, 0, 1, 1, 2, 3])
    if random.random() < 0.9:
        row["mr_sens"] = random.choice([1, 2, 3, 4, 9])
    if random.random() < 0.7:
        unit, values = random.choice(
            [
                (1, [0.0001, 0.0099, 0.01, 0.5]),
                (2, [0.5, 1, 9.9, 10, 99, 100, 5000]),
                (3, [0.001, 0.01, 0.011, 2]),
                (4, [0.000001, 0.00001, 0.0001, 0.02]),
            ]
        )
        row |= {"mr_value": random.choice(values), "mr_unit": unit}
    return row


def _changed(random: Random, drugs: list[int]) -> list[int]:
    """The drugs, now and then one less or one more."""
    found = set(drugs)
    if found and random.random() < 0.15:
        found.discard(random.choice(sorted(found)))
    if random.random() < 0.15:
        found.add(random.choice([1, 2, 4, 6, 7, 9, 12, 13, 14, 17, 18, 20, 21, 23, 25, 28]))
    return sorted(found)


def _near(random: Random, at: date) -> date:
    return at + timedelta(days=random.choice([-28, -1, 0, 1, 30, 90, 91, 92, 200]))


def _text(at: date) -> str:
    return at.isoformat()

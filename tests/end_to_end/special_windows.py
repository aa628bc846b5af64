"""Records whose dates lie on the limits of windows: end of induction, days after a cycle, lines of therapy, landmarks.

Every date is a limit of some window, or the day before or after it, counted from the start of therapy, a cycle, a remission or a
relapse. Responses and therapies fall on the same days now and then.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record, registration

from blin_pipeline.sandbox.synthetic.truth import RecordTruth

PER_REGISTRY = 8
INDUCTION = (6, 7, 13, 14, 15, 27, 28, 29, 30, 31, 44, 69, 70, 71)
AFTER_CYCLE = (0, 1, 20, 21, 22, 35, 42, 55, 56, 57)
FROM_REMISSION = (0, 1, 30, 89, 90, 91, 119, 120, 121, 149, 150, 151, 300)
AFTER_RELAPSE = (-1, 0, 1, 10, 30)
#: Drugs of a course that may end a window: chemotherapy, a TKI, a steroid, inotuzumab, nothing entered.
DRUGS = ([4, 9], [3, 12, 13], [25], [1], [23], [])
DATES = {
    "treatment_course": "tc_start",
    "blin_cycle": "bc_start",
    "response": "ra_date",
    "hct": "hc_date",
    "relapse": "rl_date",
    "followup": "fu_date",
}


def awkward_windows(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """A few such records of one registry."""
    return [_record(random, f"{sites[0].record_prefix}-1{place:03d}", sites[0]) for place in range(PER_REGISTRY)]


def _record(random: Random, record_id: str, site: RawSite) -> RecordTruth:
    diagnosed = date(2024, 1, 10) + timedelta(days=random.randrange(300))
    plan = diagnosed + timedelta(days=random.choice([0, 5]))

    def after(at: date, *days: int) -> date:
        return at + timedelta(days=random.choice(days))

    rows: Rows = {form: [] for form in DATES}
    rows["treatment_course"].append(_course(random, plan, 2, 1))
    if random.random() < 0.4:
        rows["treatment_course"].append(_course(random, after(plan, 21, 35), 3, 1))
    rows["response"] = [_response(random, after(plan, *INDUCTION)) for _ in range(random.randrange(0, 5))]
    remission = after(plan, 28, 29, 35)
    if random.random() < 0.9:
        rows["response"].append(_response(random, remission) | {"ra_marrow": 1, "ra_bm_lymphoblast": 0})
        rows["response"][-1] |= {"ra_pb_lymphoblast": 0, "ra_bm_blast": 1}
    turning = [remission]
    for _ in range(random.randrange(0, 3)):
        turning.append(_relapse(random, turning[-1], rows))
    start = after(remission, *FROM_REMISSION[:-1])
    for place in range(random.randrange(0, 4)):
        rows["blin_cycle"].append(_cycle(random, place + 1, start))
        rows["response"] += [_response(random, after(start, *AFTER_CYCLE)) for _ in range(random.randrange(0, 3))]
        if random.random() < 0.6:
            phase = random.choice([1, 5, 5, 8, 10])
            rows["treatment_course"].append(_course(random, after(start, *AFTER_CYCLE), phase, random.choice([1, 2])))
        start = after(start, 21, 42, 55, 56, 57)
    if random.random() < 0.3:
        rows["hct"].append({"hc_date": str(after(start, *AFTER_CYCLE)), "hc_type": 1, "hc_status": 1})
    for _ in range(random.randrange(0, 4)):
        rows["followup"].append(
            {
                "fu_date": str(after(remission, *FROM_REMISSION)),
                "fu_source": 1,
                "fu_vital": 1,
                "fu_remission": random.choice([1, 9]),
            }
        )
    signed = diagnosed + timedelta(days=random.choice([10, 60, 200]))
    once: dict[str, Values] = {
        "registration": registration(diagnosed, signed),
        "treatment_plan": {"plan_date": str(plan), "plan_backbone": 1, "plan_blin": 1},
    }
    if random.random() < 0.3:
        died = max(after(turning[-1], *FROM_REMISSION), signed)
        once["death"] = {"dth_dead": 1, "dth_date": str(died), "dth_date_prec": 1, "dth_cause": 1}
        rows = {form: [row for row in own if str(row[DATES[form]])[:10] <= str(died)] for form, own in rows.items()}
    return made_record(record_id, site, once, rows)


def _relapse(random: Random, remission: date, rows: Rows) -> date:
    """A relapse with what was done for it and how it went; returns its day."""
    at = remission + timedelta(days=random.choice(FROM_REMISSION[2:]))
    rows["relapse"].append(
        {"rl_date": str(at), "rl_date_prec": 1, "rl_kind": random.choice([1, 1, 1, 2, 4, 5]), "rl_cd19": 1}
    )
    for _ in range(random.randrange(0, 3)):
        began = at + timedelta(days=random.choice(AFTER_RELAPSE))
        if random.random() < 0.3:
            rows["blin_cycle"].append(_cycle(random, 4 + len(rows["blin_cycle"]), began))
        else:
            rows["treatment_course"].append(_course(random, began, random.choice([10, 10, 1, 5]), 2))
        for _ in range(random.randrange(0, 3)):
            rows["response"].append(_response(random, began + timedelta(days=random.choice(AFTER_CYCLE))))
    if random.random() < 0.1:
        rows["relapse"][-1]["rl_cart_date"] = str(at + timedelta(days=random.choice([0, 10, 30])))
    return at


def _course(random: Random, start: date, phase: int, line: int) -> Values:
    row: Values = {
        "tc_line": line,
        "tc_regimen": random.choice([1, 1, 1, 2, 99]),
        "tc_phase": phase,
        "tc_start": str(start),
        "tc_status": random.choice([1, 1, 2, 3]),
        "tc_it_doses": random.choice([0, 2]),
    }
    if random.random() < 0.8:
        row["tc_end"] = str(start + timedelta(days=random.choice([0, 4, 20])))
    drugs = random.choice(DRUGS)
    return row | {"tc_drugs": list(drugs)} if drugs else row


def _cycle(random: Random, number: int, start: date) -> Values:
    row: Values = {
        "bc_number": number,
        "bc_line": random.choice([1, 1, 3]),
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
    return row if random.random() < 0.1 else {**row, "bc_end": f"{start + timedelta(days=28)} 10:00"}


def _response(random: Random, at: date) -> Values:
    """Every item may be missing."""
    row: Values = {"ra_date": str(at), "ra_timepoint": 1, "ra_site_call": 9}
    items: dict[str, list[int | float]] = {
        "ra_marrow": [1, 1, 1, 0],
        "ra_bm_lymphoblast": [0, 0, 1, 9],
        "ra_pb_lymphoblast": [0, 0, 0, 1],
        "ra_bm_blast": [0, 2, 5, 40],
        "ra_bm_cell": [1, 1, 2],
        "ra_anc": [0.3, 0.8, 2.0],
        "ra_plt": [30, 80, 150],
        "ra_plt_free7": [1, 1, 0],
        "ra_emd": [0, 0, 0, 1],
    }
    return row | {name: random.choice(values) for name, values in items.items() if random.random() < 0.93}

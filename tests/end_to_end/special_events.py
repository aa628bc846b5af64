"""Records with awkward adverse events, relapses and transplants: onsets on the last day of a window and the day after it, grades
missing or of the other scale, cycles that run, follow each other at once, or lie under two events of one day.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record, registration

from blin_pipeline.sandbox.synthetic.truth import RecordTruth

PER_REGISTRY = 12
CUT = date(2026, 6, 30)
_TERMS = [1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 90]
#: Days from the end of a cycle: inside it, and on both sides of each window.
_FROM_END = [-40, -29, -28, -27, -10, -1, 0, 1, 13, 14, 15, 29, 30, 31, 182, 183, 184]


def awkward_events(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """A few such records of one registry."""
    return [_record(random, f"{sites[0].record_prefix}-4{place:03d}", sites[0]) for place in range(PER_REGISTRY)]


def _record(random: Random, record_id: str, site: RawSite) -> RecordTruth:
    began = date(2024, 2, 1) + timedelta(days=random.randrange(0, 500))
    rows: Rows = {
        "treatment_course": [_course(began)],
        "response": [_remission(began + timedelta(days=30))],
        "blin_cycle": [],
    }
    ends, at = [], began + timedelta(days=random.choice([25, 35, 60]))
    for place in range(random.choice([0, 1, 2, 3])):
        ends.append(at + timedelta(days=28))
        rows["blin_cycle"].append(_cycle(random, place + 1, at))
        at += timedelta(days=random.choice([28, 29, 42, 56, 200]))
    spots = [end + timedelta(days=days) for end in ends or [at] for days in random.sample(_FROM_END, 5)]
    rows["adverse_event"] = [_event(random, spot) for spot in spots]
    rows["relapse"] = [_relapse(random, random.choice(spots)) for _ in range(random.choice([0, 1, 2, 2]))]
    rows["hct"] = [_transplant(random, random.choice(spots)) for _ in range(random.choice([0, 0, 1, 2]))]
    rows["followup"] = [_contact(random, at + timedelta(days=random.choice([0, 0, 40, 300]))) for _ in range(3)]
    for form in rows["relapse"]:
        if random.random() < 0.6:
            form |= {"rl_next": [3], "rl_cart_date": _text(max(spots) + timedelta(days=random.choice([0, 0, 900])))}
    if rows["relapse"] and random.random() < 0.6:
        salvage = _course(max(spots) + timedelta(days=random.choice([-30, 0, 10]))) | {"tc_phase": 10, "tc_line": 3}
        rows["treatment_course"].append(salvage)
    precision = random.choice([1, 1, 2])
    once: dict[str, Values] = {
        "registration": registration(
            began - timedelta(days=3), began + timedelta(days=10), dx_date_prec=precision, age_dx=40.0
        ),
        "treatment_plan": {"plan_date": _text(began), "plan_backbone": 1, "plan_blin": 1},
    }
    if random.random() < 0.3:
        # Now and then before some of the events (finding D03).
        died = max(spots) + timedelta(days=random.choice([-8, -1, 0, 1, 20]))
        once["death"] = {"dth_dead": 1, "dth_date": _text(died), "dth_date_prec": 1, "dth_cause": 2}
    return made_record(record_id, site, once, rows)


def _course(start: date) -> Values:
    return {
        "tc_line": 1,
        "tc_regimen": 1,
        "tc_phase": 2,
        "tc_start": _text(start),
        "tc_end": _text(start + timedelta(days=14)),
        "tc_drugs": [2, 4, 7, 9],
        "tc_status": 1,
    }


def _remission(at: date) -> Values:
    return {"ra_date": _text(at), "ra_timepoint": 1, "ra_marrow": 1, "ra_bm_lymphoblast": 0, "ra_pb_lymphoblast": 0}


def _cycle(random: Random, place: int, start: date) -> Values:
    row: Values = {
        "bc_number": place,
        "bc_line": 1,
        "bc_purpose": 2,
        "bc_start": f"{start} 10:00",
        "bc_time_known": 1,
        "bc_weight": 80.0,
        "bc_step": 0,
        "bc_plan_days": random.choice([28, 28, 14]),
        "bc_plan_rate": 28.0,
        "bc_status": random.choice([1, 2, 2, 3]),
        "bc_interrupted": 0,
    }
    return row if random.random() < 0.3 else {**row, "bc_end": f"{start + timedelta(days=28)} 10:00"}


def _event(random: Random, at: date) -> Values:
    """Every item may be missing, every code may be that of unknown."""
    row: Values = {"ae_start": _text(at)}
    items: dict[str, list[int]] = {
        "ae_term": _TERMS,
        "ae_context": [1, 2, 3, 4, 5, 6, 9],
        "ae_ctcae": [1, 2, 3, 4, 5, 9],
        "ae_crs_astct": [1, 2, 3, 4, 9],
        "ae_icans": [0, 0, 1, 2, 3, 4, 9],
        "ae_blin_action": [0, 1, 2, 3, 4, 9],
        "ae_care": [1, 1, 1, 2, 3],
        "ae_outcome": [1, 2, 3, 4, 9],
    }
    for name, codes in items.items():
        if random.random() < 0.75:
            row[name] = random.choice(codes)
    if random.random() < 0.6:
        row["ae_end"] = _text(at + timedelta(days=random.choice([-1, 0, 5, 800])))
    if random.random() < 0.5:
        row["ae_treat"] = random.sample([1, 2, 4, 6], random.randrange(1, 4))
    return row


def _relapse(random: Random, at: date) -> Values:
    how = random.choice([1, 1, 2, 3])
    written = {1: at, 2: at.replace(day=15), 3: date(at.year, 7, 1)}[how]
    row: Values = {"rl_date": _text(written), "rl_date_prec": how, "rl_cd19": random.choice([0, 1, 2, 3])}
    if random.random() < 0.9:
        row["rl_kind"] = random.choice([1, 2, 3, 4, 5])
    if random.random() < 0.5:
        row |= {"rl_lineage": random.choice([0, 1, 9]), "rl_bm_blast": random.choice([0, 5, 80])}
    return row


def _contact(random: Random, at: date) -> Values:
    row: Values = {"fu_date": _text(at), "fu_source": 1, "fu_vital": random.choice([1, 1, 9])}
    return row if random.random() < 0.3 else {**row, "fu_ltfu": random.choice([0, 1, 1])}


def _transplant(random: Random, at: date) -> Values:
    row: Values = {"hc_date": _text(at), "hc_type": random.choice([1, 1, 2])}
    for name, codes in {"hc_donor": [1, 2, 3, 4, 5, 9], "hc_status": [1, 2, 3, 4, 9], "hc_mrd": [0, 1, 9]}.items():
        if random.random() < 0.8:
            row[name] = random.choice(codes)
    if random.random() < 0.5:
        row["hc_agvhd_date"] = _text(at + timedelta(days=random.choice([20, 900])))
    return row


def _text(at: date) -> str:
    return at.isoformat()

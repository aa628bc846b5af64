"""Records whose infusions are entered in every way that a site can get them wrong, with lengths and pauses at the thresholds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

from dbt_warehouse import RawSite
from made_record import Rows, Values, made_record, registration

from blin_pipeline.sandbox.synthetic.truth import RecordTruth

PER_REGISTRY = 6
DAY, HOUR = 1440, 60
#: Pauses in minutes, on both sides of 1 h, 4 h, 24 h, 7 d and 14 d; negative: the next segment starts before the stop.
PAUSES = (0, 0, 1, 30, 60, 61, 239, 240, 241, 1439, 1440, 10079, 10080, 10081, 20160, 20161, -360, -1440)
#: Infused minutes of a whole cycle: the limits of "complete", of 80 %, of "started", of 35 days.
TOTALS = (
    28 * DAY,
    27 * DAY,
    27 * DAY - 1,
    32256,
    32255,
    13 * DAY,
    13 * DAY - 1,
    20 * DAY,
    60,
    59,
    9 * DAY,
    31 * DAY,
    35 * DAY,
    35 * DAY + 1,
)
#: Days on which clocks change in the United States, and the end of observation.
TURNS = (date(2024, 3, 10), date(2024, 11, 3), date(2025, 3, 9), date(2025, 11, 2), date(2026, 6, 30))


def awkward_infusions(random: Random, number: int, sites: list[RawSite]) -> list[RecordTruth]:
    """A few such records of one registry."""
    return [
        _record(random, site := random.choice(sites), f"{site.record_prefix}-6{place:03d}")
        for place in range(PER_REGISTRY)
    ]


def _record(random: Random, site: RawSite, record_id: str) -> RecordTruth:
    begin = random.choice(TURNS) - timedelta(days=random.randrange(1, 120)) if random.random() < 0.6 else None
    begin = begin or date(2024, 2, 1) + timedelta(days=random.randrange(850))
    plan = begin - timedelta(days=random.randrange(20, 120))
    rows: Rows = {"blin_cycle": [], "blin_segment": []}
    start = datetime.combine(begin, datetime.min.time()) + timedelta(minutes=random.choice([0, 90, 150, 600, 1439]))
    for place in range(random.choice([1, 1, 2, 3, 4, 8])):
        number = place + 1 + random.choice([0, 0, 0, 0, 1, -1])
        cycle, segments = _cycle(random, max(number, 1), start)
        rows["blin_cycle"].append(cycle)
        if random.random() < 0.1:
            rows["blin_cycle"].append(dict(cycle))
        rows["blin_segment"] += segments
        start += timedelta(days=random.choice([28, 41, 42, 49, 50, 60, 85]), minutes=random.choice([0, 0, 75]))
    random.shuffle(rows["blin_cycle"])
    random.shuffle(rows["blin_segment"])
    rows |= _beside(random, plan, begin)
    once: dict[str, Values] = {"registration": _registration(random, plan, start.date())}
    once["treatment_plan"] = {"plan_date": plan.isoformat(), "plan_backbone": 1, "plan_blin": 1}
    if random.random() < 0.8:
        once["treatment_plan"]["plan_blin_cycles"] = random.choice([1, 2, 4])
    if random.random() < 0.25:
        died = begin + timedelta(days=random.randrange(3, 200))
        once["death"] = {"dth_dead": 1, "dth_date": died.isoformat(), "dth_date_prec": 1, "dth_cause": 1}
    return made_record(record_id, site, once, rows)


def _registration(random: Random, plan: date, last: date) -> Values:
    values = registration(plan - timedelta(days=5), plan)
    if random.random() < 0.15:
        left = last - timedelta(days=random.randrange(0, 90))
        values |= {"consent_status": 6, "withdraw_scope": 1, "withdraw_date": max(left, plan).isoformat()}
    return values


def _cycle(random: Random, number: int, start: datetime) -> tuple[Values, list[Values]]:
    light = random.random() < 0.3
    status = random.choice([1, 2, 2, 2, 3, 3, 4])
    row: Values = {
        "bc_number": number,
        "bc_line": random.choice([1, 1, 1, 2, 3]),
        "bc_purpose": random.choice([1, 2, 3, 4, 5, 6, 7, 8]),
        "bc_weight": random.choice([42.0, 44.9]) if light else random.choice([45.0, 80.0]),
        "bc_step": random.choice([0, 0, 1, 9]),
        "bc_plan_days": random.choice([28, 28, 28, 28, 14, 7]),
        "bc_plan_rate": random.choice([28.0, 28.0, 28.0, 15.0, 29.25]),
        "bc_status": status,
        "bc_interrupted": random.choice([0, 0, 1, 9]),
        "bc_time_known": random.choice([1, 1, 1, 1, 2, 3]),
    }
    if light and random.random() < 0.7:
        row["bc_bsa"] = random.choice([1.3, 1.8, 1.95])
    for name in (
        "bc_plan_days",
        "bc_plan_rate",
        "bc_weight",
        "bc_purpose",
        "bc_interrupted",
        "bc_time_known",
        "bc_line",
    ):
        if random.random() < 0.04:
            row.pop(name)
    for name, codes in (
        ("bc_tki", (0, 2)),
        ("bc_ino", (0, 1, 9)),
        ("bc_it_doses", (0, 1)),
        ("bc_stop_reason", (1, 7, 90)),
    ):
        if random.random() < 0.4:
            row[name] = random.choice(codes)
    if status == 4:
        # A segment of a cycle that the form says never started cannot count.
        stray = _segment(random, row, number, start, start + timedelta(days=1)) if random.random() < 0.2 else None
        return row, [stray] if stray else []
    total = random.choice(TOTALS)
    segments: list[Values] = []
    now, stop, left = start, start, total
    parts = random.choice([0, 0, 1, 1, 2, 3, 4, 6])
    for part in range(parts):
        length = left if part == parts - 1 else random.choice([7 * DAY, 2 * DAY, 10 * HOUR, 61, left // 2])
        length = max(1, min(length, left))
        stop = now + timedelta(minutes=length)
        segments.append(_segment(random, row, number, now, stop))
        left -= length
        now = stop + timedelta(minutes=random.choice(PAUSES))
        if left <= 0:
            break
    if segments and random.random() < 0.1:
        segments.append(dict(random.choice(segments)))
    stop = stop if segments else start + timedelta(minutes=total)
    if random.random() < 0.95:
        row["bc_start"] = _text(start)
    if random.random() < 0.85:
        row["bc_end"] = _text(stop if random.random() < 0.95 else start - timedelta(days=2))
    return row, segments


def _segment(random: Random, cycle: Values, number: int, start: datetime, stop: datetime) -> Values:
    unit = 2 if "bc_bsa" in cycle and random.random() < 0.7 else 1
    row: Values = {
        "sg_cycle": number if random.random() < 0.96 else number + 5,
        "sg_start": _text(start),
        "sg_end": _text(stop if random.random() < 0.96 else start - timedelta(hours=random.choice([0, 3]))),
        "sg_rate": random.choice([5.0, 15.0]) if unit == 2 else random.choice([9.0, 28.0, 28.0, 28.0, 25.2, 25.1]),
        "sg_rate_unit": unit if random.random() < 0.97 else 2,
        "sg_end_reason": random.choice([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 90]),
    }
    for name in ("sg_start", "sg_rate", "sg_rate_unit", "sg_end_reason"):
        if random.random() < 0.03:
            row.pop(name)
    if random.random() < 0.08:
        row.pop("sg_end")
    return row


def _beside(random: Random, plan: date, begin: date) -> Rows:
    """Courses, transplants, assessments, MRD, relapses and toxicity, often on the days of the cycles."""

    def later(first: int, last: int) -> str:
        return (begin + timedelta(days=random.randrange(first, last))).isoformat()

    induction: Values = {"tc_line": 1, "tc_regimen": 1, "tc_phase": 2, "tc_start": plan.isoformat(), "tc_status": 1}
    courses = [induction | {"tc_end": (plan + timedelta(days=5)).isoformat(), "tc_drugs": [2, 4, 7, 9]}]
    for _ in range(random.choice([0, 1, 2, 4])):
        first = begin + timedelta(days=random.randrange(-20, 200))
        course: Values = {
            "tc_line": 1,
            "tc_regimen": 1,
            "tc_phase": random.choice([5, 5, 8, 4, 1]),
            "tc_start": first.isoformat(),
        }
        course["tc_drugs"] = random.choice([[2], [25], [12, 13], [23], [21], [16, 15], [], [31], [3, 22, 90]])
        course["tc_status"] = random.choice([1, 2, 3])
        if random.random() < 0.7:
            course["tc_end"] = (first + timedelta(days=random.choice([0, 4, 20, 60]))).isoformat()
        if random.random() < 0.3:
            course["tc_it_doses"] = random.choice([0, 1, 2])
        courses.append(course)
    rows: Rows = {"treatment_course": courses, "response": [], "mrd": [], "hct": [], "relapse": []}
    for _ in range(random.choice([0, 1, 2, 4])):
        clear = random.choice([0, 0, 0, 1, 9])
        assessment: Values = {"ra_date": later(-15, 250), "ra_timepoint": 1, "ra_marrow": 1, "ra_pb_lymphoblast": clear}
        rows["response"].append(assessment | {"ra_bm_lymphoblast": clear, "ra_site_call": 9})
    for _ in range(random.choice([0, 2, 4, 8])):
        result = random.choice([0, 0, 0, 1, 2, 3])
        sample: Values = {
            "mr_date": later(-45, 260),
            "mr_timepoint": 10,
            "mr_source": random.choice([1, 2]),
            "mr_result": result,
        }
        sample |= {"mr_method": random.choice([1, 1, 2, 3]), "mr_sens": random.choice([1, 2, 3, 4, 9])}
        if result == 1:
            sample |= {"mr_value": random.choice([0.005, 0.01, 0.5]), "mr_unit": random.choice([1, 3])}
        rows["mrd"].append(sample)
    if random.random() < 0.25:
        rows["hct"].append({"hc_date": later(-10, 200), "hc_type": 1, "hc_status": 1})
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        rows["relapse"].append(
            {"rl_date": later(0, 220), "rl_date_prec": 1, "rl_kind": random.choice([1, 1, 2, 5]), "rl_cd19": 3}
        )
    rows["adverse_event"] = [
        {
            "ae_term": (term := random.choice([1, 2, 3])),
            "ae_start": later(-2, 120),
            "ae_context": 1,
            "ae_ctcae": 2,
            **({"ae_crs_astct": random.choice([1, 2, 3, 9])} if term == 1 else {}),
            **({"ae_icans": random.choice([0, 1, 4, 9])} if term == 2 else {}),
        }
        for _ in range(random.choice([0, 1, 3]))
    ]
    return rows


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")

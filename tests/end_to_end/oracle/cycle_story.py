"""Every column of ``blin_cycle_exposure`` for one record: each cycle and what stands around it (clinical specification 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from .course import course
from .cycle_measures import Value, gaps, is_started, measures, rates
from .happenings import death_of, diagnosis_of, relapses_of
from .infusion import (
    Clock,
    Exposure,
    exposures,
)
from .marrow import verdict
from .readings import mrd
from .records import Record, Row, day, number
from .recurrence import recurrence

#: Drugs that make a course chemotherapy: all but steroids, antibodies against CD20, kinase inhibitors, ruxolitinib.
NOT_CHEMOTHERAPY = {1, 2, 3, 21, 22, 24, 25, 26, 27, 31}
PURPOSES = {
    1: "INDUCTION",
    2: "MRD_NEG_CONSOL",
    3: "MRD_POS",
    4: "CR_MRD_UNKNOWN",
    5: "MAINTENANCE",
    6: "BRIDGING",
    7: "POST_HSCT",
    8: "RELAPSED_REFRACTORY",
}
METHODS = {1: "FLOW", 2: "NGS", 3: "PCR_BCRABL1", 4: "PCR_IGTCR", 5: "PCR_FUSION", 90: "OTHER"}
#: What stands around a cycle, empty for one that never started.
AROUND = (
    *("is_in_cr1", "days_dx_to_cycle", "days_cr_to_cycle", "has_crs", "crs_max_grade", "has_neurotoxicity"),
    *("icans_max_grade", "has_concurrent_tki", "has_concurrent_inotuzumab", "has_concurrent_it"),
    *(
        "has_concurrent_maintenance",
        "has_concurrent_course",
        "concurrent_agents",
        "mrd_before_cd",
        "mrd_before_days",
        "mrd_after_cd",
    ),
    *("mrd_after_days", "mrd_before_method_cd", "mrd_after_method_cd", "mrd_before_frac"),
)
#: Field of the cycle form -> what it says was given; drug of a course -> its agent, all others are chemotherapy.
AGENTS = {"bc_tki": "TKI", "bc_ino": "INOTUZUMAB", "bc_it_doses": "INTRATHECAL"}
OWN_AGENT = {
    **dict.fromkeys((1, 2, 3), "STEROID"),
    **dict.fromkeys((21, 22), "CD20_ANTIBODY"),
    23: "INOTUZUMAB",
    **dict.fromkeys((24, 25, 26, 27), "TKI"),
    31: "RUXOLITINIB",
}
LINES = {1: "FRONTLINE", 2: "MRD_DIRECTED", 3: "RELAPSED_REFRACTORY"}


@dataclass
class Told:
    """A cycle with its place in life."""

    exposure: Exposure
    start: date | None
    end: date | None
    started: bool
    overall: int = 0
    line: str | None = None


@dataclass(frozen=True)
class Treatment:
    """A course or transplant: first day, last day, class."""

    start: date
    end: date | None
    kind: str
    row: Row
    runs_on: bool = False


@dataclass(frozen=True)
class Sample:
    """An MRD result that says something."""

    on: date
    reading: str
    level: float | None
    method: str
    order: tuple[int, int, int]


def told(record: Record, clock: Clock) -> list[Told]:
    """Cycles in order of start; never-started ones last, with their line. Worked out once for a record and its clock."""
    kept = record.known.get("told")
    if isinstance(kept, tuple) and kept[0] is clock:
        return cast("list[Told]", kept[1])
    found = _told(record, clock)
    record.known["told"] = (clock, found)
    return found


def _told(record: Record, clock: Clock) -> list[Told]:
    found = []
    for one in exposures(record, clock):
        never = one.source == "NOT_STARTED"
        start = None if never or one.began is None else one.began.date()
        placed = clock.at(one.began, one.whole_days)
        is_stop = one.stop is not None and (placed is None or one.stop >= placed)
        end = clock.local_day(one.stop, one.whole_days) if is_stop and one.stop is not None else None
        started = is_started(one)
        found.append(Told(one, start, end, started))
    found.sort(
        key=lambda item: (
            item.exposure.source == "NOT_STARTED",
            item.exposure.began is None,
            str(item.exposure.began or ""),
            item.exposure.row.get("bc_number") if item.exposure.row.get("bc_number") is not None else 999,
            item.exposure.instance,
        )
    )
    progressed, back = first_progression(record), recurrence(record)
    for place, item in enumerate(found, start=1):
        item.overall = place
        if item.start is not None:
            item.line = "FRONTLINE"
            if back is not None and item.start >= back:
                item.line = "MRD_DIRECTED"
            if progressed is not None and item.start >= progressed:
                item.line = "RELAPSED_REFRACTORY"
    return found


def story(record: Record, clock: Clock) -> dict[int, dict[str, Value]]:
    """Instance of a cycle -> its columns."""
    cycles, given = told(record, clock), treatments(record)
    found: dict[int, dict[str, Value]] = {}
    for item in cycles:
        found[item.exposure.instance] = {
            "cycle_overall_no": item.overall,
            "line_cd": item.line,
            "line_reported_cd": LINES.get(_code(item.exposure.row, "bc_line")),
            "cycle_start_date": item.start,
            "cycle_end_date": item.end,
            "started": item.started,
            "is_open": item.exposure.is_running,
            "n_segments": len(item.exposure.segments),
            "n_segments_quarantined": item.exposure.refused,
            **measures(item.exposure),
            **gaps(item.exposure),
            **rates(item.exposure),
            **_around(record, item, cycles, given),
        }
    entered = {value for row in record.rows("blin_cycle") if isinstance(value := row.get("bc_number"), int)}
    _timing(found, cycles, given, entered)
    return found


def _code(row: Row, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else -1


# What stands around the cycle ------------------------------------------------------------------------------------------


def _kept(record: Record, form: str, name: str) -> list[tuple[date, Row]]:
    return [(at, row) for at, row in record.dated(form, name) if at >= date(1900, 1, 1)]


def treatments(record: Record) -> list[Treatment]:
    """Courses and transplants that count."""
    found = []
    for at, row in _kept(record, "treatment_course", "tc_start"):
        drugs = row.get("tc_drugs")
        ticked = set(drugs) if isinstance(drugs, list) else set()
        doses = number(row, "tc_it_doses")
        if ticked - NOT_CHEMOTHERAPY:
            kind = "CHEMOTHERAPY"
        elif ticked:
            kind = "TARGETED_OR_STEROID"
        else:
            kind = "INTRATHECAL" if doses else "CHEMOTHERAPY"
        end = day(row, "tc_end")
        runs_on = end > record.last_day if end is not None else row.get("tc_status") in (3, None)
        found.append(Treatment(at, None if end is not None and end > record.last_day else end, kind, row, runs_on))
    found += [Treatment(at, at, "HSCT", row) for at, row in _kept(record, "hct", "hc_date")]
    return found


def samples(record: Record) -> list[Sample]:
    """MRD results; a failed or contradictory one is none."""
    found = []
    for at, row in _kept(record, "mrd", "mr_date"):
        reading, level = _reading(row)
        method = METHODS.get(_code(row, "mr_method"), "UNK")
        if reading is not None:
            order = (
                0 if row.get("mr_source") == 1 else 1,
                {"FLOW": 0, "NGS": 1}.get(method, 2),
                int(str(row["instance"])),
            )
            found.append(Sample(at, reading, level, method, order))
    return found


def _reading(row: Row) -> tuple[str | None, float | None]:
    result, value, method = row.get("mr_result"), number(row, "mr_value"), row.get("mr_method")
    per = {1: 100.0, 2: 1e6, 4: 1.0}.get(_code(row, "mr_unit"))
    level = value / per if value is not None and per else None
    deep = {1: row.get("mr_sens") in (1, 2, 3), 2: row.get("mr_sens") == 3, -1: False}.get(
        _code(row, "mr_method"), True
    )
    if result not in (0, 1, 2) or (result == 0 and level is not None and level >= 1e-4):
        return None, level
    if result == 0 and row.get("mr_unit") == 3 and value is not None and value >= 0.01:
        return None, level
    if result == 2:
        return "POS_BELOW_LOQ", level
    if result == 0:
        return ("NEG" if deep else "NEG_UNVERIFIED"), level
    return ("NEG" if method == 1 and level is not None and level < 1e-4 and deep else "POS"), level


def first_progression(record: Record) -> date | None:
    """First relapse or refractory disease, not before the start of therapy where that is known."""
    dates = course(record)
    plan = dates.plan if dates.plan is not None and dates.plan >= date(1900, 1, 1) else date.min
    days = [one.on for one in relapses_of(record, death_of(record)) if one.on >= plan]
    days += [dates.refractory] if dates.refractory else []
    return min(days, default=None)


def _around(record: Record, item: Told, cycles: list[Told], given: list[Treatment]) -> dict[str, Value]:
    reported = PURPOSES.get(_code(item.exposure.row, "bc_purpose"))
    start = item.start
    if start is None:
        empty: dict[str, Value] = dict.fromkeys(AROUND)
        return {
            **empty,
            "context_cd": reported,
            "context_reported_cd": reported,
            "context_source_cd": "REPORTED" if reported else None,
        }
    relapses, diagnosis = relapses_of(record, death_of(record)), diagnosis_of(record)
    refractory = course(record).refractory
    worse = [one.on for one in relapses if one.on <= start] + (
        [refractory] if refractory and refractory <= start else []
    )
    last_worse = max(worse, default=None)

    def since(on: date) -> bool:
        return on <= start and (last_worse is None or on > last_worse)

    judged = [(at, verdict(record, row)) for at, row in _kept(record, "response", "ra_date") if since(at)]
    remission = min((at for at, clear in judged if clear), default=None)
    tests = samples(record)
    before = [sample for sample in tests if remission is not None and remission <= sample.on <= start]
    last = min(before, key=lambda sample: (-sample.on.toordinal(), sample.order), default=None)
    near = last if last is not None and (start - last.on).days <= 42 else None
    following = [one.start for one in given if one.kind in ("CHEMOTHERAPY", "HSCT") and one.start > start]
    following += [other.start for other in cycles if other.start is not None and other.start > start]
    until = min([start + timedelta(days=56), *following])
    after = [sample for sample in tests if start + timedelta(days=21) <= sample.on <= until]
    first = min(after, key=lambda sample: (sample.on, sample.order), default=None)
    if last_worse is not None and remission is None:
        context = "RELAPSED_REFRACTORY"
    elif any(one.kind == "HSCT" and since(one.start) for one in given):
        context = "POST_HSCT"
    elif remission is not None and reported == "BRIDGING":
        context = "BRIDGING"
    elif remission is not None and any(one.row.get("tc_phase") == 8 and since(one.start) for one in given):
        context = "MAINTENANCE"
    elif remission is not None:
        # The border is 10^-4: by the level or the stated sensitivity, else by what was reported.
        under = mrd(record)[last.order[2]].tiers[0] if last else None
        told_by = last.reading if last and under is None else {True: "NEG", False: "POS", None: ""}[under]
        context = {"POS": "MRD_POS", "POS_BELOW_LOQ": "MRD_POS", "NEG": "MRD_NEG_CONSOL"}.get(told_by, "CR_MRD_UNKNOWN")
    else:
        context = "INDUCTION" if any(clear is not None for _, clear in judged) else "UNKNOWN"
    source: str | None = "BOTH_AGREE" if context == reported else "DISAGREE" if reported else "DERIVED"
    if context == "UNKNOWN":
        context, source = reported or context, "REPORTED" if reported else None
    return {
        "context_cd": context,
        "context_reported_cd": reported,
        "context_source_cd": source,
        "is_in_cr1": remission is not None and last_worse is None,
        "days_dx_to_cycle": (start - diagnosis[0]).days if diagnosis else None,
        "days_cr_to_cycle": (start - remission).days if remission else None,
        "mrd_before_cd": near.reading if near else None,
        "mrd_before_frac": near.level if near else None,
        "mrd_before_method_cd": near.method if near else None,
        "mrd_before_days": (start - near.on).days if near else None,
        "mrd_after_cd": first.reading if first else None,
        "mrd_after_method_cd": first.method if first else None,
        "mrd_after_days": (first.on - start).days if first else None,
        **_beside(record, item, cycles, given),
    }


def _beside(record: Record, item: Told, cycles: list[Told], given: list[Treatment]) -> dict[str, Value]:
    start = item.start
    assert start is not None
    end, form = item.end or start, item.exposure.row

    def runs(one: Treatment) -> bool:
        # An end that is written and not known here lies after the last day that counts.
        open_ended = day(one.row, "tc_end") is not None or one.row.get("tc_status") in (3, None)
        last = one.end or (date.max if open_ended else one.start)
        return one.kind != "HSCT" and one.start <= end and last >= start

    running = [one.row for one in given if runs(one)]

    def any_drug(*codes: int) -> bool:
        return any(code in drugs for row in running if isinstance(drugs := row.get("tc_drugs"), list) for code in codes)

    following = [other.start for other in cycles if other.overall > item.overall and other.start is not None]
    limit = min(following, default=date.max)
    events = [
        row
        for at, row in _kept(record, "adverse_event", "ae_start")
        if start <= at < limit and (item.exposure.is_ongoing or at <= end + timedelta(days=14))
    ]

    def worst(term: int, name: str) -> tuple[bool, int | None]:
        own = [row for row in events if row.get("ae_term") == term]
        grades = [grade for row in own if isinstance(grade := row.get(name), int) and grade != 9]
        return bool(own), max(grades, default=None)

    crs, icans = worst(1, "ae_crs_astct"), worst(2, "ae_icans")
    return {
        "has_concurrent_tki": any_drug(24, 25, 26, 27) or form.get("bc_tki") in (1, 2, 3, 4),
        "has_concurrent_inotuzumab": any_drug(23) or form.get("bc_ino") == 1,
        "has_concurrent_it": any((number(row, "tc_it_doses") or 0) > 0 for row in running)
        or (number(form, "bc_it_doses") or 0) > 0,
        "has_concurrent_maintenance": any(row.get("tc_phase") == 8 for row in running),
        "has_concurrent_course": any(row.get("tc_phase") in (2, 3, 4, 5, 6, 7, 9, 10) for row in running),
        "concurrent_agents": _agents(form, running),
        "has_crs": crs[0],
        "crs_max_grade": crs[1],
        "has_neurotoxicity": icans[0],
        "icans_max_grade": icans[1],
    }


def _agents(form: Row, running: list[Row]) -> str:
    """Everything given on a day of the cycle: by its form, and by the courses that ran."""
    found = {AGENTS[name] for name in AGENTS if _is_given(form, name)}
    for course_row in running:
        ticked = course_row.get("tc_drugs")
        drugs = set(ticked) if isinstance(ticked, list) else set()
        found |= {OWN_AGENT.get(code, "CHEMOTHERAPY") if isinstance(code, int) else "CHEMOTHERAPY" for code in drugs}
        intrathecal = (number(course_row, "tc_it_doses") or 0) > 0
        found |= {"INTRATHECAL"} if intrathecal else set()
        found |= {"MAINTENANCE"} if course_row.get("tc_phase") == 8 else set()
        found |= set() if drugs or intrathecal else {"NOT_RECORDED"}
    return "+".join(sorted(found)) or "NONE"


def _is_given(form: Row, name: str) -> bool:
    value = form.get(name)
    return value in {"bc_tki": (1, 2, 3, 4), "bc_ino": (1,), "bc_it_doses": (1, 2, 3, 4, 5, 6)}[name]


def _is_in_gap(one: Treatment, gap: date) -> bool:
    """Whether a course starts after that day, or runs on beyond it."""
    return one.start > gap or one.runs_on or (one.end is not None and one.end > gap)


def _not_negative(days: int | None) -> int | None:
    return None if days is None else max(0, days)


def _timing(found: dict[int, dict[str, Value]], cycles: list[Told], given: list[Treatment], entered: set[int]) -> None:
    """Courses, blocks, delay and dose intensity, among started cycles."""
    names = ("blin_course_no", "cycle_in_course_no", "cycle_number_source_cd", "has_missing_prior_cycle", "block_no")
    names += ("n_chemo_between_prev", "predecessor_cd", "days_from_predecessor", "delay_days", "is_delayed", "is_late")
    names += ("rdi_frac", "gap_prev_cycle_days", "start_to_start_days")
    for columns in found.values():
        columns.update(dict.fromkeys(names))
    started = [item for item in cycles if item.started and item.start is not None]
    previous: Told | None = None
    course_no = in_course = block = length = 0
    blocks: dict[int, list[tuple[Told, int]]] = {}
    for item in started:
        columns, begin = found[item.exposure.instance], item.start
        assert begin is not None
        before = [one for one in given if one.start < begin and one.kind != "INTRATHECAL"]
        between = [
            one for one in before if previous is not None and previous.start is not None and one.start > previous.start
        ]
        transplant = sum(one.kind == "HSCT" for one in between)
        # The gap is from the end of the cycle before, where that is known, to this start.
        gap = (previous.end or previous.start) if previous else None
        inside = [one for one in before if gap is not None and one.kind != "HSCT" and _is_in_gap(one, gap)]
        chemo = any(one.kind == "CHEMOTHERAPY" for one in inside)
        counted = sum(one.kind == "CHEMOTHERAPY" and gap is not None and one.start > gap for one in inside)
        mine = item.exposure.row.get("bc_number")
        theirs = previous.exposure.row.get("bc_number") if previous else None
        restarted = isinstance(mine, int) and isinstance(theirs, int) and mine <= theirs
        opens = previous is None or item.line != previous.line or restarted or transplant > 0
        course_no, in_course = (course_no + 1, 1) if opens else (course_no, in_course + 1)
        block += opens or chemo
        columns |= {"blin_course_no": course_no, "cycle_in_course_no": in_course, "block_no": block}
        columns["cycle_number_source_cd"] = (
            "DERIVED" if mine is None else "BOTH_AGREE" if mine in (item.overall, in_course) else "DISAGREE"
        )
        if isinstance(mine, int):
            columns["has_missing_prior_cycle"] = any(lower not in entered for lower in range(1, mine))

        def elapsed(at: date | None, begin=begin) -> int | None:
            return None if at is None else (begin - at).days

        direct = previous is not None and not chemo and transplant == 0
        if previous is not None:
            columns["n_chemo_between_prev"] = None if previous.end is None and counted else counted
            columns["gap_prev_cycle_days"], columns["start_to_start_days"] = (
                elapsed(previous.end),
                elapsed(previous.start),
            )
        if direct and previous is not None:
            columns["predecessor_cd"], columns["days_from_predecessor"] = (
                "BLINATUMOMAB",
                _not_negative(elapsed(previous.end)),
            )
            late = elapsed(previous.start)
            columns["delay_days"] = None if late is None else late - length
            columns["is_delayed"] = None if late is None else late - length > 7
        else:
            rank = {"HSCT": 0, "CHEMOTHERAPY": 1}
            last = min(
                before,
                key=lambda one: (
                    one not in (between if one.kind == "HSCT" else inside),
                    -one.start.toordinal(),
                    rank.get(one.kind, 2),
                    -(one.end or date.max).toordinal(),
                    -int(str(one.row["instance"])),
                ),
                default=None,
            )
            columns["predecessor_cd"] = last.kind if last else "NONE"
            waited = _not_negative(elapsed(last.end)) if last else None
            columns["days_from_predecessor"] = waited
            columns["is_late"] = None if waited is None else waited > 42
        length = 84 if item.line == "RELAPSED_REFRACTORY" and in_course >= 6 else 42
        blocks.setdefault(block, []).append((item, length))
        previous = item
    for block_of in blocks.values():
        if len(block_of) < 2 or any(item.exposure.is_ongoing for item, _ in block_of):
            continue
        for place, (item, planned) in enumerate(block_of):
            after = block_of[place + 1][0].start if place + 1 < len(block_of) else None
            actual = planned if after is None or item.start is None else (after - item.start).days
            fraction = found[item.exposure.instance]["dose_completeness_frac"]
            if isinstance(fraction, float) and actual > 0:
                found[item.exposure.instance]["rdi_frac"] = fraction * planned / actual

"""Relapses and transplants of one record with what stands around them (data model 2.3, 2.10, 2.11)."""

from __future__ import annotations

from datetime import date
from itertools import count

from .course import course
from .cycle_measures import Value
from .cycle_story import Told, first_progression, told
from .happenings import death_of, diagnosis_of, relapses_of
from .infusion import Clock
from .records import Record, Row, day, number
from .response import frontline_assessments

SITES = {1: "BM", 2: "CNS", 3: "EMD", 4: "COMBINED"}
DONORS = {
    1: "MATCHED_SIBLING",
    2: "MATCHED_UNRELATED",
    3: "MISMATCHED_UNRELATED",
    4: "HAPLOIDENTICAL",
    5: "CORD",
}
STATUS = {1: "CR1", 2: "CR2", 3: "CR3_PLUS", 4: "NOT_IN_CR"}


def lines(record: Record, clock: Clock) -> list[tuple[date, int]]:
    """(first day, line) of every course and started cycle: one more with the first therapy after each progression."""
    starts = [at for at, _ in record.dated("treatment_course", "tc_start") if at >= date(1900, 1, 1)]
    starts += [one.start for one in told(record, clock) if one.started and one.start is not None]
    plan = course(record).plan
    worse = {one.on for one in relapses_of(record, death_of(record)) if plan is None or one.on >= plan}
    refractory = course(record).refractory
    worse |= {refractory} if refractory is not None else set()
    passed = {at: sum(on <= at for on in worse) for at in starts}
    number_of, following = {0: 1}, count(2)
    for reached in sorted(set(passed.values()) - {0}):
        number_of[reached] = next(following)
    return [(at, number_of[passed[at]]) for at in starts]


def relapses(record: Record, clock: Clock) -> dict[int, dict[str, Value]]:
    """Instance of a relapse form -> its columns."""
    kinds = (*SITES, 5, None)
    rows = {int(str(row["instance"])): row for row in record.rows("relapse")}
    dated = [one for one in relapses_of(record, death_of(record), kinds) if one.on >= date(1900, 1, 1)]
    dated.sort(key=lambda one: (one.on, one.instance))
    therapies = lines(record, clock)
    found: dict[int, dict[str, Value]] = {}
    for place, one in enumerate(dated, start=1):
        row = rows[one.instance]
        kind = row.get("rl_kind")
        is_relapse = kind != 5
        after = [line for at, line in therapies if at >= one.on]
        found[one.instance] = {
            "relapse_no": place,
            "type_cd": "MORPHOLOGIC" if kind in SITES else "MRD" if kind == 5 else "UNKNOWN",
            "is_relapse": is_relapse,
            "site_cd": SITES.get(kind) if isinstance(kind, int) else None,
            "relapse_date": one.on,
            "relapse_lo": one.first,
            "relapse_hi": one.last,
            "relapse_dtf": {1: None, 2: "D"}.get(_code(row, "rl_date_prec"), "M"),
            **_days(record, one.on),
            "days_since_last_blin": _since_blin(record, clock, one.on),
            "cd19_status_cd": {1: "POS", 2: "DIM", 0: "NEG"}.get(_code(row, "rl_cd19"), "UNK"),
            "has_lineage_switch": {1: True, 0: False}.get(_code(row, "rl_lineage")),
            "marrow_blast_pct": number(row, "rl_bm_blast"),
            "next_line_no": min(after) if is_relapse and after else None,
        }
    return found


def transplants(record: Record, clock: Clock) -> dict[int, dict[str, Value]]:
    """Instance of a transplant form -> its columns."""
    dated = [(at, int(str(row["instance"])), row) for at, row in record.dated("hct", "hc_date") if at.year >= 1900]
    dated.sort(key=lambda one: one[:2])
    remission, progressed = _remission(record), first_progression(record)
    found: dict[int, dict[str, Value]] = {}
    for place, (at, instance, row) in enumerate(dated, start=1):
        gvhd = day(row, "hc_agvhd_date")
        found[instance] = {
            "hsct_no": place,
            "hsct_date": at,
            "type_cd": {1: "ALLOGENEIC", 2: "AUTOLOGOUS"}.get(_code(row, "hc_type"), "UNK"),
            "donor_cd": DONORS.get(_code(row, "hc_donor"), "UNK"),
            "remission_status_cd": STATUS.get(_code(row, "hc_status"), "UNK"),
            "mrd_pre_reported_cd": {0: "NEG", 1: "POS"}.get(_code(row, "hc_mrd"), "UNK"),
            "is_in_cr1": remission is not None and remission <= at and (progressed is None or at < progressed),
            "acute_gvhd_date": gvhd if gvhd is not None and date(1900, 1, 1) <= gvhd <= record.last_day else None,
            **_days(record, at),
            "days_last_blin_to_hsct": _since_blin(record, clock, at),
        }
    return found


def cellular_therapies(record: Record, clock: Clock) -> dict[int, dict[str, Value]]:
    """Instance of a relapse form that names CAR-T -> its columns; one date is one infusion, told by the first relapse's form."""
    rows = {int(str(row["instance"])): row for row in record.rows("relapse")}
    dated = [one for one in relapses_of(record, death_of(record), (*SITES, 5, None)) if one.on >= date(1900, 1, 1)]
    told_of, named = set(), []
    for one in sorted(dated, key=lambda one: (one.on, one.instance)):
        row = rows[one.instance]
        at, following = day(row, "rl_cart_date"), row.get("rl_next")
        at = at if at is not None and date(1900, 1, 1) <= at <= record.last_day else None
        is_named = isinstance(following, list) and 3 in following
        if at not in told_of and (is_named or at is not None):
            named.append((at or date.max, one.instance, at, one.on))
            told_of |= {at} if at is not None else set()
    return {
        instance: {
            "therapy_no": place,
            "infusion_date": at,
            "is_infused": at is not None,
            "days_from_relapse": (at - relapsed).days if at is not None else None,
            "days_last_blin_to_infusion": _since_blin(record, clock, at) if at is not None else None,
        }
        for place, (_, instance, at, relapsed) in enumerate(sorted(named), start=1)
    }


def _remission(record: Record) -> date | None:
    return min((at for at, _, remitted in frontline_assessments(record, course(record)) if remitted), default=None)


def _days(record: Record, at: date) -> dict[str, Value]:
    diagnosis, remission = diagnosis_of(record), _remission(record)
    return {
        "days_from_dx": (at - diagnosis[0]).days if diagnosis else None,
        "days_from_cr1": (at - remission).days if remission else None,
    }


def _since_blin(record: Record, clock: Clock, at: date) -> int | None:
    """Days from the end of the last cycle started before that day; 0 while it runs, None when its end is not known."""
    begun = [one for one in told(record, clock) if one.started and one.start is not None and one.start < at]
    last: Told | None = max(begun, key=lambda one: (str(one.start), one.overall), default=None)
    if last is None or last.end is None:
        return None
    return max(0, (at - last.end).days)


def _code(row: Row, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else -1

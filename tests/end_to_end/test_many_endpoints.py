"""Times to event and Cox intervals of many generated registries against the specification in plain Python, day by day."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise

import pytest
from oracle.courses import kept, reported_family
from oracle.disease import lines
from oracle.eligibility import ELIGIBLE, judge
from oracle.endpoints import endpoints
from oracle.happenings import Happenings, happenings
from oracle.infusion import Clock
from oracle.records import Record

pytestmark = pytest.mark.slow
#: Endpoints of the intervals that are gone through day by day: from diagnosis, and from remission.
BY_DAY = ("OS", "RFS")


#: What opens an interval; of several on one day the first.
REASONS = ("RELAPSE", "HSCT", "BLIN_START", "BLIN_STOP", "LINE", "MRD", "BACKBONE")


@pytest.fixture(scope="module")
def eligible(many_registries) -> dict[str, Record]:
    """Eligible patients by record id, generated and awkward ones."""
    made = many_registries.special
    truths = [*many_registries.generated, *made["endpoints"], *made["windows"]]
    records = [Record(truth, many_registries.cut) for truth in truths]
    return {record.record_id: record for record in records if judge(record).status == ELIGIBLE}


@pytest.fixture(scope="module")
def patients(eligible) -> dict[str, Happenings]:
    """What happened to them."""
    return {record_id: happenings(record) for record_id, record in eligible.items()}


@pytest.fixture(scope="module")
def therapies(many_registries, eligible):
    """Record id -> (line of every therapy by first day, family of every course in order)."""
    return {
        record_id: (
            lines(record, Clock(record, many_registries.cut_utc)),
            _named(kept(record)),
        )
        for record_id, record in eligible.items()
    }


@pytest.fixture(scope="module")
def wanted(patients):
    """(record, endpoint) -> time."""
    return {(record, param): time for record, what in patients.items() for param, time in endpoints(what).items()}


def test_every_endpoint_of_every_patient(many_registries, wanted, proof):
    made = many_registries.special
    records = {truth.record_id for truth in [*many_registries.generated, *made["endpoints"], *made["windows"]]}
    rows = many_registries.rows(
        "select patient_key, param_cd, aval_days, cnsr, aval_lo_days, aval_hi_days, src_form, src_instance, "
        "has_date_conflict from marts.time_to_event"
    )
    found = {(row.pop("record_id"), row.pop("param_cd")): tuple(row.values()) for row in rows}
    found = {key: row for key, row in found.items() if key[0] in records}
    expected = {key: tuple(time) for key, time in wanted.items()}
    differing = {key: (found.get(key), expected.get(key)) for key in found.keys() | expected.keys()}
    differing = {key: pair for key, pair in differing.items() if pair[0] != pair[1]}
    assert differing == {}, (len(differing), Counter(param for _, param in differing), list(differing.items())[:10])
    ends = Counter((param, time.cnsr) for (_, param), time in wanted.items())
    assert {cnsr for _, cnsr in ends} == {0, 1, 2, 3, 4}
    assert {time.is_doubtful for time in wanted.values()} == {True, False}
    assert {param for param, _ in ends} == {row["param_cd"] for row in many_registries.rows(_PARAMETERS)}
    proof(f"{len(found)} times to event of {len({key[0] for key in found})} eligible patients agree")


_PARAMETERS = "select param_cd from staging.time_to_event_parameter"


def test_relapse_and_death_without_relapse_add_up_to_relapse_free_survival(many_registries):
    rows = many_registries.rows(
        "select rfs.patient_key, rfs.aval_days, rfs.event_code, cir.aval_days as cir_days, cir.event_code as cir_code, "
        "nrm.aval_days as nrm_days, nrm.event_code as nrm_code from marts.time_to_event as rfs "
        "join marts.time_to_event as cir on cir.patient_key = rfs.patient_key and cir.param_cd = 'CIR' "
        "join marts.time_to_event as nrm on nrm.patient_key = rfs.patient_key and nrm.param_cd = 'NRM' "
        "where rfs.param_cd = 'RFS'"
    )
    assert len(rows) > 100
    for row in rows:
        assert row["aval_days"] == row["cir_days"] == row["nrm_days"]
        assert (row["event_code"], row["cir_code"], row["nrm_code"]) in {(0, 0, 0), (1, 1, 2), (1, 2, 1)}


def test_intervals_hold_what_was_true_on_every_day(many_registries, patients, therapies, wanted, proof):
    rows = many_registries.rows(
        "select cox.*, tte.start_date from marts.cox_interval as cox "
        "join marts.time_to_event as tte using (patient_key, param_cd) where not cox.is_left_truncated"
    )
    intervals = defaultdict(list)
    for row in rows:
        if row["param_cd"] in BY_DAY and row["record_id"] in patients:
            intervals[row["record_id"], row["param_cd"]].append(row)
    assert intervals.keys() == {key for key in wanted if key[1] in BY_DAY}
    days = salvage = 0
    reasons: Counter[str] = Counter()
    for (record, param), own in intervals.items():
        own.sort(key=lambda row: row["t_start"])
        time = wanted[record, param]
        assert (own[0]["t_start"], own[-1]["t_stop"]) == (0, time.days or 0.5), (record, param)
        assert [row["event_code"] for row in own] == [0] * (len(own) - 1) + [{0: 1, 2: 2}.get(time.cnsr, 0)]
        for row, following in pairwise(own):
            assert row["t_stop"] == following["t_start"], (record, param)
        for row in own:
            opened = row["start_date"] + timedelta(days=int(row["t_start"]))
            why = "ORIGIN" if row["t_start"] == 0 else _reason(patients[record], therapies[record], opened)
            assert row["interval_reason"] == why, (record, param, row["t_start"], row["interval_reason"], why)
            reasons[why] += 1
            salvage += int(row["blin_cycles_started"] > row["blin_exposed"] == 0)
            for number in range(int(row["t_start"]) + 1, int(row["t_stop"] + 0.5) + 1):
                held = _state(patients[record], therapies[record], row["start_date"] + timedelta(days=number))
                wrong = {name: (row[name], value) for name, value in held.items() if not _is_same(row[name], value)}
                assert not wrong, (record, param, number, wrong)
                days += 1
    assert salvage > 0
    assert reasons.keys() == {"ORIGIN", *REASONS}
    proof(
        f"{reasons.total()} intervals, {salvage} of salvage only; {days} patient-days of {'+'.join(BY_DAY)} agree day by day "
        f"({dict(reasons.most_common())})"
    )


def _is_same(found, wanted) -> bool:
    """Equal, or infused days that differ by rounding only."""
    if isinstance(wanted, float) and found is not None:
        return abs(found - wanted) <= 1e-9 * max(1.0, abs(wanted))
    return found == wanted


def _reason(what: Happenings, therapy, on) -> str:
    """What changed on a day, as it shows from just after it."""
    held, then = (_state(what, therapy, day) for day in (on, on + timedelta(days=1)))
    changed = {
        "RELAPSE": any(one.on == on for one in what.relapses),
        "HSCT": any(one.on == on for one in what.transplants),
        "BLIN_START": any(one.start == on for one in what.given),
        "BLIN_STOP": any(one.stop == on for one in what.given),
        "LINE": held["line_no"] != then["line_no"],
        "MRD": held["mrd_state_cd"] != then["mrd_state_cd"],
        "BACKBONE": held["backbone_family_cd"] != then["backbone_family_cd"],
    }
    return next((name for name in REASONS if changed[name]), "NOTHING")


def _named(courses) -> list[tuple[date, str]]:
    """(day, family) of the courses that name one, of one day the first."""
    days = {at: family for at, _, row in reversed(courses) if (family := reported_family(row)) != "UNK"}
    return sorted(days.items())


def _state(what: Happenings, therapy, today) -> dict[str, object]:
    """What holds on a day: everything that began before it (a change on a day counts from just after it)."""
    begun = [one for one in what.given if one.start < today]
    ended = [one for one in begun if one.stop is not None and one.stop < today]
    tested = [sample for sample in what.flow if sample[0] < today]
    newest = max((sample[0] for sample in tested), default=None)
    state = (
        min((place, number, reading) for at, reading, place, number in tested if at == newest)[2] if tested else "UNK"
    )
    running = None if any(one.stop is None for one in begun) else int(len(begun) > len(ended))
    return {
        # Salvage is no exposure: it is given because the disease came back.
        "blin_exposed": int(any(one.is_before_progression for one in begun)),
        "blin_cycles_started": len(begun),
        "blin_on_treatment": running,
        "blin_days_cum": None if any(one.days is None for one in ended) else sum(one.days for one in ended),
        "hsct_done": int(any(one.on < today for one in what.transplants)),
        "relapsed": int(any(one.on < today for one in what.relapses)),
        "mrd_state_cd": state,
        "line_no": max((line for at, line in therapy[0] if at < today), default=1),
        "backbone_family_cd": next((family for at, family in reversed(therapy[1]) if at < today), "UNK"),
    }


def test_delayed_entry_only_removes_time_before_it(many_registries, proof):
    """The variant with delayed entry is the plain one without the days before the entry."""
    rows = many_registries.rows(
        "select cox.patient_key, cox.param_cd, is_left_truncated, t_start, t_stop, cox.event_code, blin_exposed, "
        "tte.delayed_entry_day from marts.cox_interval as cox join marts.time_to_event as tte using (patient_key, param_cd)"
    )
    plain, late = defaultdict(list), defaultdict(list)
    for row in rows:
        key = (row["record_id"], row["param_cd"])
        cells = (row["t_start"], row["t_stop"], row["event_code"], row["blin_exposed"])
        (late if row["is_left_truncated"] else plain)[key].append(cells)
        if (
            row["delayed_entry_day"] is not None
            and not row["is_left_truncated"]
            and row["t_stop"] > row["delayed_entry_day"]
        ):
            late.setdefault((*key, "wanted"), []).append((max(cells[0], row["delayed_entry_day"]), *cells[1:]))
    wanted = {key[:2]: sorted(value) for key, value in late.items() if len(key) == 3}
    found = {key: sorted(value) for key, value in late.items() if len(key) == 2}
    assert found == wanted
    assert 0 < len(found) < len(plain)
    proof(f"{len(found)} patient endpoints with delayed entry")

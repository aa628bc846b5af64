"""Eligibility of many registries against the specification in plain Python: criteria, reasons, what they stand on, status."""

from __future__ import annotations

from collections import Counter

import pytest
from oracle.eligibility import REMOVED, Eligibility, judge
from oracle.reasons import reasons, used
from oracle.records import Record

pytestmark = pytest.mark.slow
#: Every reason that the tables' documentation names.
REASONS = {
    "E6": {"SCOPE_MISSING", "DATE_MISSING", "DATE_FAULT"},
    "E0": {"DUPLICATE", "ENTERED_IN_ERROR"},
    "E5": {
        *("DECLINED", "MISSING", "CONSENT_PENDING", "CONFLICT", "DATE_MISSING", "DIED_BEFORE_CONSENT", "DATE_FAULT"),
        *("VITAL_STATUS_UNKNOWN", "DEATH_DATE_MISSING", "REGISTRATION_DATE_MISSING", "DEATH_AFTER_REGISTRATION"),
    },
    "E1": {"UNDER_AGE", "ADULT_AT_REGISTRATION_ONLY", "AGE_MISSING", "DATE_FAULT", "DATE_STRADDLES"},
    "E2": {"NOT_B_ALL", "NOT_CONFIRMED"},
    "E3": {"BEFORE_CUTOFF", "DATE_MISSING", "DATE_FAULT", "DATE_STRADDLES"},
    "E4": {"TRIAL_BLINATUMOMAB", "TRIAL_DATE_MISSING", "NOT_KNOWN", "DATE_FAULT", "REGISTRATION_DATE_MISSING"},
}


@pytest.fixture(scope="module")
def records(many_registries) -> dict[str, Record]:
    """Generated and awkward records that may be kept."""
    truths = [*many_registries.generated, *(one for made in many_registries.special.values() for one in made)]
    found = [Record(truth, many_registries.cut) for truth in truths]
    return {record.record_id: record for record in found if judge(record).status != REMOVED}


@pytest.fixture(scope="module")
def judged(records) -> dict[str, Eligibility]:
    return {record_id: judge(record) for record_id, record in records.items()}


def _compare(found, wanted):
    pairs = {key: (found.get(key), wanted.get(key)) for key in found.keys() | wanted.keys()}
    differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    assert differing == {}, (len(differing), len(wanted), list(differing.items())[:8])


def test_eligibility_of_every_record(many_registries, judged, proof):
    wanted = {(key, name): met for key, result in judged.items() for name, met in result.criteria.items()}
    rows = many_registries.rows("select patient_key, criterion_cd, met_cd from marts.eligibility_result")
    _compare({(row["record_id"], row["criterion_cd"]): row["met_cd"] for row in rows}, wanted)
    rows = many_registries.rows("select patient_key, eligibility_status_cd from marts.subject")
    status = {row["record_id"]: row["eligibility_status_cd"] for row in rows}
    _compare(status, {key: result.status for key, result in judged.items()})
    assert set(status.values()) == {"ELIGIBLE", "INELIGIBLE", "PENDING", "HELD"}
    proof(f"{len(wanted)} decisions on {len(status)} records agree")


def test_every_reason(many_registries, records, proof):
    wanted = {(key, name): why for key, record in records.items() for name, why in reasons(record).items()}
    rows = many_registries.rows("select patient_key, criterion_cd, reason_cd from marts.eligibility_result")
    _compare({(row["record_id"], row["criterion_cd"]): row["reason_cd"] for row in rows}, wanted)
    given = Counter(why for why in wanted.values() if why is not None)
    assert given.keys() == {f"{name}_{why}" for name, own in REASONS.items() for why in own}
    proof(f"{given.total()} reasons of {len(wanted)} decisions agree ({len(given)} different ones)")


def test_what_each_criterion_stands_on(many_registries, records, proof):
    wanted = {(key, name): value for key, record in records.items() for name, value in used(record).items()}
    rows = many_registries.rows("select patient_key, criterion_cd, value_used from marts.eligibility_result")
    _compare({(row["record_id"], row["criterion_cd"]): row["value_used"] for row in rows}, wanted)
    values = [value for value in wanted.values() if value is not None]
    assert None in wanted.values()
    assert all(any(word in value for value in values) for word in ("..", "blin_trial_start=", "vital_entry=", "scope="))
    proof(f"what {len(wanted)} decisions stand on agrees")


def test_flow_of_all_patients_at_every_site(many_registries, records, judged, proof):
    """Each record goes through the criteria in order by itself and is counted where it stands."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    site_of = {row["record_id"]: row["site_id"] for row in many_registries.rows(_SITES)}
    for key, result in judged.items():
        for site in ("ALL", site_of[key]):
            is_in, is_known = True, True
            for name in ("E6", "E0", "E5", "E1", "E2", "E3", "E4"):
                here = counts.setdefault((site, name), Counter())
                met = result.criteria[name]
                here["failing"] += met == "N"
                # Held: they leave before the first criterion, and are undecided nowhere else.
                leaves = is_in and (result.status == "HELD" if name == "E6" else met == "N")
                here["entering"] += is_in
                here["excluded"] += leaves
                is_first_unknown = met == "UNKNOWN" and name != "E6" and is_known
                here["unknown"] += is_first_unknown and is_in and not leaves
                is_in, is_known = is_in and not leaves, is_known and not is_first_unknown
                here["remaining"] += is_in
    wanted = {place: tuple(here[one] for one in _FLOW) for place, here in counts.items()}
    found = {
        (row["site_id"], row["criterion_cd"]): tuple(row[f"n_{one}"] for one in _FLOW) for row in _flow(many_registries)
    }
    _compare(found, wanted)
    status = Counter(result.status for result in judged.values())
    assert wanted["ALL", "E4"][-1] == status["ELIGIBLE"] + status["PENDING"]
    proof(f"flow of {len(judged)} records through {len(wanted)} steps agrees")


_SITES = "select patient_key, site_id from marts.subject"
_FLOW = ("entering", "excluded", "unknown", "failing", "remaining")


def _flow(many_registries):
    return many_registries.rows(
        "select site_id, criterion_cd, n_entering, n_excluded_here as n_excluded, n_unknown_here as n_unknown, "
        "n_failing_any_order as n_failing, n_remaining from marts.eligibility_waterfall"
    )

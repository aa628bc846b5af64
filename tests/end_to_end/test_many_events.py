"""Adverse events, time at risk, relapses and transplants of many registries against the specification in plain Python."""

from __future__ import annotations

from collections import Counter

import pytest
from oracle.contact import status_at_the_end
from oracle.disease import cellular_therapies, relapses, transplants
from oracle.eligibility import REMOVED, judge
from oracle.happenings import death_of
from oracle.infusion import Clock
from oracle.records import Record
from oracle.safety import at_risk, events, toxicity

pytestmark = pytest.mark.slow
EXACT = 1e-9


@pytest.fixture(scope="module")
def records(many_registries):
    """Every record whose rows are kept, with its clock."""
    truths = [*many_registries.generated, *(one for made in many_registries.special.values() for one in made)]
    found = [Record(truth, many_registries.cut) for truth in truths]
    kept = [record for record in found if judge(record).status != REMOVED]
    return [(record, Clock(record, many_registries.cut_utc)) for record in kept]


def _compare(found, wanted):
    """Rows by key: the same keys, and in each row the same value in every column that the calculation gives."""
    differing = {key: (key in found, key in wanted) for key in found.keys() ^ wanted.keys()}
    for key in found.keys() & wanted.keys():
        for name, value in wanted[key].items():
            if found[key][name] != (pytest.approx(value, rel=EXACT) if isinstance(value, float) else value):
                differing[(*key, name)] = (found[key][name], value)
    assert differing == {}, (len(differing), Counter(key[-1] for key in differing), list(differing.items())[:8])


def _table(many_registries, name, *keys):
    rows = many_registries.rows(f"select * from marts.{name}")
    return {(row["record_id"], *(row[key] for key in keys)): row for row in rows}


def test_every_adverse_event_and_its_cycle(many_registries, records, proof):
    wanted = {
        (record.record_id, instance): columns
        for record, clock in records
        for instance, columns in toxicity(record, clock).items()
    }
    _compare(_table(many_registries, "toxicity", "instance_no"), wanted)
    assert {row["tox_cd"] for row in wanted.values()} >= {"CRS", "ICANS", "INFECTION", "PUMP_ERROR", "UNKNOWN"}
    for column in ("is_icans", "is_serious", "is_fatal"):
        assert {row[column] for row in wanted.values()} == {True, False, None}, column
    placed = sum(row["cycle_overall_no"] is not None for row in wanted.values())
    assert 0 < placed < len(wanted)
    proof(f"{len(wanted)} adverse events x {len(next(iter(wanted.values())))} columns agree, {placed} in a cycle")


def test_what_lies_after_the_time_at_risk_is_in_no_rate(many_registries, records):
    """Events after a death are there: kept in their table, with their cycle, and counted nowhere."""
    late = sum(
        event.cycle is not None and event.onset > death.on
        for record, clock in records
        if (death := death_of(record)) is not None
        for event in events(record, clock)
    )
    assert late > 0


def test_every_time_at_risk_also_without_events(many_registries, records, proof):
    wanted = {
        (record.record_id, *key): columns
        for record, clock in records
        for key, columns in at_risk(record, clock).items()
    }
    _compare(_table(many_registries, "toxicity_at_risk", "cycle_overall_no", "tox_cd"), wanted)
    empty = sum(not row["has_event"] for row in wanted.values())
    assert 0 < empty < len(wanted)
    assert {row["is_risk_open"] for row in wanted.values()} == {True, False}
    proof(f"{len(wanted)} times at risk agree, {empty} without an event")


def test_every_relapse(many_registries, records, proof):
    wanted = {
        (record.record_id, instance): columns
        for record, clock in records
        for instance, columns in relapses(record, clock).items()
    }
    _compare(_table(many_registries, "relapse", "instance_no"), wanted)
    assert {row["type_cd"] for row in wanted.values()} == {"MORPHOLOGIC", "MRD", "UNKNOWN"}
    assert {row["relapse_dtf"] for row in wanted.values()} == {None, "D", "M"}
    assert {None, 2} <= {row["next_line_no"] for row in wanted.values()}
    proof(f"{len(wanted)} relapses x {len(next(iter(wanted.values())))} columns agree")


def test_every_transplant(many_registries, records, proof):
    wanted = {
        (record.record_id, instance): columns
        for record, clock in records
        for instance, columns in transplants(record, clock).items()
    }
    _compare(_table(many_registries, "hsct", "instance_no"), wanted)
    assert {row["is_in_cr1"] for row in wanted.values()} == {True, False}
    assert {row["days_last_blin_to_hsct"] is None for row in wanted.values()} == {True, False}
    proof(f"{len(wanted)} transplants x {len(next(iter(wanted.values())))} columns agree")


def test_every_car_t(many_registries, records, proof):
    wanted = {
        (record.record_id, instance): columns
        for record, clock in records
        for instance, columns in cellular_therapies(record, clock).items()
    }
    _compare(_table(many_registries, "cellular_therapy", "instance_no"), wanted)
    named = Counter(
        (record.record_id, row["rl_cart_date"])
        for record, _ in records
        for row in record.rows("relapse")
        if row.get("rl_cart_date") is not None
    )
    twice = sum(count > 1 for count in named.values())
    assert twice > 0
    assert {row["is_infused"] for row in wanted.values()} == {True, False}
    proof(f"{len(wanted)} CAR-T agree, {twice} of them named on two forms")


def test_every_status_at_the_end(many_registries, records, proof):
    # A death before 1900 is a typing error (docs/tables.md, Time).
    died = {
        record.record_id for record, _ in records if (death := death_of(record)) is not None and death.on.year >= 1900
    }
    wanted = {record.record_id: status_at_the_end(record, is_dead=record.record_id in died) for record, _ in records}
    rows = many_registries.rows("select patient_key, eos_status_cd from marts.subject")
    found = {row["record_id"]: row["eos_status_cd"] for row in rows if row["record_id"] in wanted}
    assert found == wanted, Counter((found[key], wanted[key]) for key in wanted if found[key] != wanted[key])
    counted = Counter(wanted.values())
    assert counted.keys() == {"DIED", "WITHDRAWN", "LOST", "ONGOING"}
    was_lost = {
        record.record_id for record, _ in records if any(row.get("fu_ltfu") == 1 for row in record.rows("followup"))
    }
    again = sum(wanted[key] == "ONGOING" for key in was_lost)
    assert again > 0
    proof(f"{len(wanted)} statuses agree ({dict(counted)}), {again} patients were called lost and seen again")

"""The oracle agrees with what the generator states by hand: statuses and reasons of traps, places of violated checks."""

from __future__ import annotations

from functools import cache

import pytest

from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, generate

from .checks import findings
from .expectation import CyclePlace, Expected, expected
from .records import Record
from .survival import delayed_rows, plain_rows, product_limit, survive

pytestmark = pytest.mark.slow

SEEDS = [20240614, 5, 6, 7]


@cache
def registry(seed: int) -> SyntheticRegistry:
    """One registry of the usual size."""
    return generate(SyntheticPlan(seed=seed))


@cache
def expectation(seed: int) -> Expected:
    """What it should lead to."""
    return expected(registry(seed).truth)


@pytest.mark.parametrize("seed", SEEDS)
def test_statuses_and_reasons_are_those_stated_by_hand(seed: int) -> None:
    judged = expectation(seed).eligibility
    compared = 0
    for record_id, case in registry(seed).truth.planted():
        if case.expected_status is None:
            continue
        found = judged[record_id]
        wanted = {"INELIGIBLE": "N", "PENDING": "UNKNOWN", "HELD": "UNKNOWN"}.get(case.expected_status)
        reasons = {name for name, result in found.criteria.items() if result == wanted} | set(found.reasons)
        assert (case.name, found.status, reasons) == (case.name, case.expected_status, set(case.expected_reasons))
        compared += 1
    assert compared > 80


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_carries_nothing_is_eligible(seed: int) -> None:
    judged = expectation(seed).eligibility
    for record in registry(seed).truth.records:
        if all(case.kind == "ordinary" for case in record.planted):
            assert judged[record.record_id].status == "ELIGIBLE", record.record_id
    assert sum(expectation(seed).status_counts.values()) == 200


@pytest.mark.parametrize("seed", SEEDS)
def test_every_violation_is_listed_and_every_listed_one_is_a_violation(seed: int) -> None:
    truth = registry(seed).truth
    removed = {record_id for record_id, found in expectation(seed).eligibility.items() if found.status == "REMOVED"}
    listed = {
        (case.check_id, record_id, case.form, case.instance or 0)
        for record_id, case in truth.planted()
        if case.check_id is not None and record_id not in removed
    }
    assert {tuple(found) for found in findings(truth)} == listed


def test_a_clean_registry_violates_only_what_everyday_entry_violates() -> None:
    truth = generate(SyntheticPlan(patients=600, planted=False)).truth
    assert {found.check_id for found in findings(truth)} <= {"D09", "D17"}


@pytest.mark.parametrize("seed", SEEDS)
def test_infusion_edges_come_out_as_stated(seed: int) -> None:
    exposure = expectation(seed).exposure
    numbers = {
        (record.record_id, row.instance): row.values["bc_number"]
        for record in registry(seed).truth.records
        for row in record.recorded.get("blin_cycle", [])
    }
    found = {}
    for record_id, case in registry(seed).truth.planted("edge"):
        if case.form == "blin_cycle" and case.instance is not None:
            number = numbers[record_id, case.instance]
            assert isinstance(number, int)
            found[case.name] = exposure[CyclePlace(record_id, number, case.instance)]
    assert found["gap_4h"].n_interrupt_4h == found["autumn_gap"].n_interrupt_4h == found["gap_7d"].n_interrupt_4h == 1
    assert found["gap_3h59"].n_interrupt_4h == found["spring_gap"].n_interrupt_4h == 0
    assert found["gap_3h59"].n_short_breaks == found["spring_gap"].n_short_breaks == 1
    assert (found["gap_7d"].label_cycles, found["gap_over_7d"].label_cycles) == (1, 2)
    assert (found["complete_27"].completed, found["short_of_27"].completed) == (True, False)
    assert (found["complete_27"].delivered_days, found["dates_only"].delivered_days) == (27.0, 28.0)
    assert found["plan_of_14_days"].completed
    assert found["restep"].delivered_mcg == pytest.approx(2 * 28 + 7 * 9 + 19 * 28)
    assert (found["ongoing_at_cut"].is_open, found["ongoing_at_cut"].completed) == (True, None)
    assert found["interruption_unknown"].source == found["interruption_undated"].source == "UPPER_BOUND"
    assert found["under_45kg_header"].planned_mcg == 546.0
    assert found["under_45kg_step"].delivered_mcg == found["under_45kg_step"].planned_mcg == 651.0


def test_the_curves_of_a_clean_registry_lie_near_the_truth() -> None:
    """Delayed entry estimates survival of the population; ignoring entry flatters it."""
    truth = generate(SyntheticPlan(seed=3, patients=2000, planted=False)).truth
    found = [survive(Record(record, truth.plan.data_cut)) for record in truth.records]
    patients = [patient for patient in found if patient is not None]
    _, delayed = delayed_rows(patients)
    assert product_limit(delayed, 365.25) == pytest.approx(truth.true_survival["365.25"], abs=0.04)
    assert product_limit(delayed, 730.5) == pytest.approx(truth.true_survival["730.5"], abs=0.05)
    assert product_limit(plain_rows(patients), 365.25) > truth.true_survival["365.25"] + 0.02

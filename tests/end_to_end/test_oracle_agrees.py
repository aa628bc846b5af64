"""The pipeline against the truth: expectations computed from the generator's truth by code that shares nothing with it."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pytest
from oracle import expected

pytestmark = pytest.mark.slow
EXACT = 1e-9
#: End of the demo's data cut at the registry's clock (America/Chicago), as the settings give it to the pipeline.
CUT_UTC = datetime(2026, 7, 1, 5)
MONTH = 30.4375


@pytest.fixture(scope="module")
def truth(demo_registry):
    return expected(demo_registry.truth, cut=CUT_UTC)


@pytest.fixture(scope="module")
def exposure(truth, demo_registry):
    """Exposure of every cycle; at a centre without time zone the cut is the end of the day on its own clock."""
    own_clock = expected(demo_registry.truth).exposure
    zoneless = {record.record_id for record in demo_registry.truth.records if record.time_zone is None}
    assert zoneless
    return {key: own_clock[key] if key.record_id in zoneless else cycle for key, cycle in truth.exposure.items()}


@pytest.fixture(scope="module")
def warehouse(demo_home):
    with duckdb.connect(str(demo_home.path / "restricted" / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def record_of(warehouse):
    return dict(warehouse.execute("select patient_key, record_id from raw.patient_crosswalk").fetchall())


def _differing(found, wanted):
    """Everything in which two mappings differ, as (found, wanted)."""
    return {
        key: (found.get(key), wanted.get(key))
        for key in found.keys() | wanted.keys()
        if found.get(key) != wanted.get(key)
    }


def _result(warehouse, statistic, **wanted):
    where = " and ".join(f"{name} = ?" for name in wanted)
    query = f"select value, lower, upper, n, n_event from report.result where statistic = ? and {where}"
    rows = warehouse.execute(query, [statistic, *wanted.values()]).fetchall()
    assert len(rows) == 1, (statistic, wanted, len(rows))
    return dict(zip(("value", "lower", "upper", "n", "n_event"), rows[0], strict=True))


def test_eligibility_of_every_record(truth, warehouse, record_of):
    found = {
        record_of[key]: status
        for key, status in warehouse.execute("select patient_key, eligibility_status_cd from marts.subject").fetchall()
    }
    wanted = {
        record: item.status.upper() for record, item in truth.eligibility.items() if item.status.upper() != "REMOVED"
    }
    assert _differing(found, wanted) == {}
    assert len(set(wanted.values())) == 4, "every status occurs"


def test_every_criterion_of_every_record(truth, warehouse, record_of):
    found = {
        (record_of[key], criterion): met
        for key, criterion, met in warehouse.execute(
            "select patient_key, criterion_cd, met_cd from marts.eligibility_result"
        ).fetchall()
    }
    wanted = {
        (record, criterion): met
        for record, item in truth.eligibility.items()
        if item.status.upper() != "REMOVED"
        for criterion, met in item.criteria.items()
    }
    assert _differing(found, wanted) == {}


@pytest.mark.parametrize("denominator", ["D1", "D2", "D3"])
def test_complete_remission_counts_and_exact_interval(truth, warehouse, denominator):
    found = _result(warehouse, "cr_registry", denominator=denominator, group_variable="all", method="clopper_pearson")
    wanted = truth.complete_remission[denominator]
    assert (found["n_event"], found["n"]) == (wanted.numerator, wanted.denominator)
    assert found["lower"] == pytest.approx(wanted.lower, abs=EXACT)
    assert found["upper"] == pytest.approx(wanted.upper, abs=EXACT)


def test_response_of_every_eligible_record(truth, warehouse, record_of):
    rows = warehouse.execute(
        "select patient_key, is_response_d1, is_response_d2, is_response_d3, is_cr_registry from marts.subject where is_eligible"
    ).fetchall()
    found = {record_of[row[0]]: tuple(bool(flag) for flag in row[1:]) for row in rows}
    wanted = {record: (item.in_d1, item.in_d2, item.in_d3, item.responder) for record, item in truth.responses.items()}
    assert _differing(found, wanted) == {}


@pytest.mark.parametrize("months", [12, 24])
@pytest.mark.parametrize("method", ["kaplan_meier", "kaplan_meier_delayed_entry"])
def test_overall_survival(truth, warehouse, method, months):
    found = _result(warehouse, "os_survival", method=method, time_days=months * MONTH)
    curve = truth.overall_survival if method == "kaplan_meier" else truth.overall_survival_delayed
    assert found["value"] == pytest.approx(curve.by_months[months], abs=EXACT)


def test_time_and_event_of_every_patient(truth, warehouse, record_of):
    rows = warehouse.execute(
        "select patient_key, aval_days, cnsr, delayed_entry_day from marts.time_to_event where param_cd = 'OS'"
    ).fetchall()
    found = {record_of[key]: (days, cnsr == 0, entry) for key, days, cnsr, entry in rows}
    wanted = {record: (item.days, item.died, item.entry) for record, item in truth.survival.items()}
    assert _differing(found, wanted) == {}


def test_exposure_of_every_cycle(exposure, warehouse, record_of):
    columns = (
        "started", "is_open", "planned_days", "planned_mcg", "delivered_days", "delivered_mcg", "delivered_days_upper",
        "delivered_mcg_upper", "completed", "completed_80", "n_interrupt_4h", "n_short_breaks", "longest_interrupt_h",
        "label_cycles",
    )  # fmt: skip
    keys = "patient_key, cycle_no_reported, cycle_instance_no"
    rows = warehouse.execute(f"select {keys}, {', '.join(columns)} from marts.blin_cycle_exposure").fetchall()
    found = {(record_of[row[0]], *row[1:3]): dict(zip(columns, row[3:], strict=True)) for row in rows}
    assert found.keys() == exposure.keys()
    differing = {}
    for key, wanted in exposure.items():
        for name in columns:
            value, expectation = found[key][name], getattr(wanted, name)
            if isinstance(expectation, float) and value is not None:
                same = value == pytest.approx(expectation, rel=EXACT, abs=EXACT)
            else:
                same = value == expectation
            if not same:
                differing[(*key, name)] = (value, expectation)
    assert differing == {}
    assert len(found) > 200


def test_every_planted_fault_is_found(truth, demo_registry, warehouse, record_of):
    rows = warehouse.execute("select patient_key, check_id from quality.data_query").fetchall()
    found = {(record_of[key], check_id[:3]) for key, check_id in rows}
    planted = {(record, case.check_id[:3]) for record, case in demo_registry.truth.planted() if case.check_id}
    kept = {record for record, item in truth.eligibility.items() if item.status.upper() != "REMOVED"}
    assert {item for item in planted if item[0] in kept} - found == set()
    assert {check_id for _, check_id in planted} == {f"D{number:02d}" for number in range(1, 21)}

"""Every identity holds on the made-up registry and fails when what it watches is wrong."""

from __future__ import annotations

import dataclasses

import hand_made
import pytest

from blin_pipeline.outcomes.identities import IDENTITIES, check_identities


def failing(rows, frames):
    return {result.name for result in check_identities(rows, frames) if not result.passed}


def test_all_are_checked_and_hold(hand_made_rows):
    results = check_identities(hand_made_rows, hand_made.frames())
    assert [result.name for result in results] == [identity.name for identity in IDENTITIES]
    assert all(result.passed and result.n_compared > 0 and result.n_failed == 0 for result in results)


def test_all_hold_on_empty_tables(compute_all):
    frames = hand_made.empty_frames()
    assert failing(compute_all(frames), frames) == set()


def test_only_those_whose_rows_and_tables_are_there(hand_made_rows):
    rows = [row for row in hand_made_rows if row.outcome == "overall_survival"]
    assert {result.name for result in check_identities(rows, {})} == {"at_risk_deaths_censored", "survival_never_rises"}


def changed(rows, key, **changes):
    assert any(row.result_id == key for row in rows)
    return [dataclasses.replace(row, **changes) if row.result_id == key else row for row in rows]


@pytest.mark.parametrize(
    ("key", "changes", "name"),
    [
        (
            "enrolment/eligibility_status_n/RECORDS/eligibility_status=03_HELD",
            {"value": 2.0},
            "eligibility_statuses_sum_to_records",
        ),
        ("enrolment/flow_excluded_n/RECORDS/flow_step=05_AGE", {"value": 2.0}, "flow_ends_at_eligible"),
        (
            "enrolment/entry_path_n/ELIGIBLE/ascertainment=00_PROSPECTIVE",
            {"value": 20.0},
            "entry_paths_sum_to_eligible",
        ),
        ("enrolment/accrual_undated_n/ELIGIBLE", {"value": 0.0}, "accrual_ends_at_eligible"),
        ("complete_remission/cr_registry/ELIGIBLE/D2/wilson", {"n_event": 15}, "response_numerators"),
        ("complete_remission/cr_conventional/ELIGIBLE/D1/wilson", {"n": 13}, "response_numerators"),
        (
            "complete_remission/cr_registry/ELIGIBLE/D1/clopper_pearson/backbone=00_HCVAD",
            {"n": 13},
            "backbones_sum_to_all",
        ),
        ("complete_remission/cr_mrd_tested_n/ELIGIBLE/D1", {"value": 5.0}, "mrd_negative_remissions_within_tested"),
        ("complete_remission/cr_mrd_negative/ELIGIBLE/D3/wilson", {"n": 23}, "mrd_negative_remissions_within_tested"),
        (
            "complete_remission/response_state_n/ELIGIBLE/response_state=01_NO_CR",
            {"value": 5.0},
            "response_states_sum_to_eligible",
        ),
        ("overall_survival/os_deaths_n/ELIGIBLE/kaplan_meier/day=00365.250", {"value": 7.0}, "at_risk_deaths_censored"),
        (
            "overall_survival/os_entered_n/DELAYED_ENTRY/kaplan_meier_delayed_entry/day=00365.250",
            {"value": 23.0},
            "at_risk_deaths_censored",
        ),
        (
            "overall_survival/os_left_out_n/ELIGIBLE/kaplan_meier/reason=NO_SURVIVAL_TIME",
            {"value": 0.0},
            "survival_patients_complete",
        ),
        ("overall_survival/os_curve/ELIGIBLE/kaplan_meier/day=00100.000", {"n_event": 2}, "survival_patients_complete"),
        (
            "overall_survival/os_curve/ELIGIBLE/kaplan_meier/day=00200.000",
            {"value": 1.0, "upper": 1.0},
            "survival_never_rises",
        ),
        (
            "enrolment/flow_available_n/ELIGIBLE/available_for=01_OVERALL_SURVIVAL",
            {"value": 30.0},
            "survival_patients_as_in_flow",
        ),
        (
            "enrolment/flow_available_n/ELIGIBLE/available_for=03_DELAYED_ENTRY",
            {"value": 30.0},
            "survival_patients_as_in_flow",
        ),
        ("enrolment/flow_available_n/ELIGIBLE/available_for=00_RESPONSE", {"value": 21.0}, "assessed_as_in_flow"),
        ("enrolment/flow_available_n/ELIGIBLE/available_for=02_EXPOSURE", {"value": 9.0}, "exposed_as_in_flow"),
        ("site_summary/site_eligible_n/ELIGIBLE/site=S01", {"value": 14.0}, "sites_sum_to_all"),
    ],
)
def test_a_wrong_row_is_found(hand_made_rows, key, changes, name):
    assert failing(changed(hand_made_rows, key, **changes), hand_made.frames()) == {name}


@pytest.mark.parametrize(
    ("patient", "column"), [("p01", "is_response_d3"), ("p21", "is_treated"), ("p01", "is_response_d1")]
)
def test_denominators_that_are_not_nested_are_found(hand_made_rows, patient, column):
    frames = hand_made.frames()
    frames["marts.subject"].loc[frames["marts.subject"]["patient_key"] == patient, column] = False
    assert "response_denominators_nested" in failing(hand_made_rows, frames)


def test_flow_and_status_that_disagree_are_found(compute_all):
    """The flow is counted from the criteria, the analysis set from the subject table: they must meet."""
    frames = hand_made.frames()
    criteria = frames["marts.eligibility_result"]
    criteria.loc[(criteria["patient_key"] == "p01") & (criteria["criterion_cd"] == "E1"), "met_cd"] = "UNKNOWN"
    assert failing(compute_all(frames), frames) == {"flow_ends_at_eligible"}


def test_results_say_nothing_about_patients(hand_made_rows):
    for result in check_identities(hand_made_rows, hand_made.frames()):
        assert "p0" not in result.description
        assert set(dataclasses.asdict(result)) == {"name", "description", "passed", "n_compared", "n_failed"}

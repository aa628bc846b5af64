"""Every identity holds on the made-up registry and fails when what it watches is wrong."""

from __future__ import annotations

import dataclasses

import hand_made
import pytest

from blin_pipeline.outcomes.identities import IDENTITIES, check_identities

pytestmark = pytest.mark.slow


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
        (
            "blin_association/association_oscr_landmark_n/CR1/landmark_status=EXCLUDED_CENSORED_BEFORE/day=00120.000",
            {"value": 1.0},
            "landmark_patients_complete",
        ),
    ],
)
def test_a_wrong_row_is_found(hand_made_rows, key, changes, name):
    assert failing(changed(hand_made_rows, key, **changes), hand_made.frames()) == {name}


def test_landmark_patients_who_are_not_those_of_the_endpoint_are_found(hand_made_rows):
    """One patient less in every landmark row of an endpoint: each landmark is complete in itself."""
    prefix = "blin_association/association_rfs_landmark_n/CR1/landmark_status="
    rows = [
        dataclasses.replace(row, n=row.n - 1, value=row.value - ("EXCLUDED_EVENT" in row.result_id))
        if row.result_id.startswith(prefix)
        else row
        for row in hand_made_rows
    ]
    assert failing(rows, hand_made.frames()) == {"association_patients_as_endpoint"}


def test_landmark_groups_that_are_not_those_of_the_table_are_found(hand_made_rows):
    """One patient in the other group: both still sum to the patients."""
    frames = hand_made.frames()
    cohort = frames["marts.landmark_cohort"]
    moved = cohort["at_risk"] & cohort["exposed_by_landmark"] & (cohort["param_cd"] == "OSCR")
    place = cohort.index[moved & (cohort["landmark_day"] == 150)][0]
    cohort.loc[place, "exposed_by_landmark"] = False
    assert failing(hand_made_rows, frames) == {"landmark_groups_as_table"}


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


LANDMARK = "blin_association/association_{}_landmark_n/CR1/landmark_status={}/day=00090.000"


@pytest.mark.parametrize(
    ("key", "changes", "names"),
    [
        (
            "survival_endpoints/rfs_events_n/CR1/kaplan_meier/day=00365.250",
            {"value": 8.0},
            {"endpoint_at_risk_events_censored"},
        ),
        (
            "survival_endpoints/oscr_curve/CR1/kaplan_meier/day=00080.000",
            {"value": 0.99, "upper": 1.0},
            {"endpoint_never_rises"},
        ),
        (
            "survival_endpoints/rfs_left_out_n/CR1/kaplan_meier_delayed_entry/reason=NOT_REGISTERED_ALIVE",
            {"value": 15.0},
            {"endpoint_delayed_entry_complete"},
        ),
        ("competing_risks/nrm_censored_n/CR1/aalen_johansen", {"value": 4.0}, {"causes_sum_to_patients"}),
        (
            "competing_risks/cir_patients_n/CR1/aalen_johansen",
            {"value": 15.0},
            {"causes_sum_to_patients", "incidence_patients_as_relapse_free"},
        ),
        (LANDMARK.format("oscr", "EXCLUDED_EVENT_BEFORE"), {"value": 4.0}, {"landmark_patients_complete"}),
        (
            LANDMARK.format("rfs", "EXCLUDED_EVENT_BEFORE"),
            {"n": 15},
            {"landmark_patients_complete", "association_patients_as_endpoint"},
        ),
        (
            LANDMARK.format("rfs", "EXPOSED"),
            {"value": 6.0},
            {"landmark_patients_complete", "landmark_groups_as_table"},
        ),
        (
            "external_reference/ours_event_before_landmark_n/E1910_LIKE/landmark=090",
            {"value": 2.0},
            {"e1910_like_landmark_complete"},
        ),
        (
            "ascertainment/site_situation_n/ELIGIBLE/site_situation=S01:MIXED_OR_UNKNOWN",
            {"value": 14.0},
            {"ascertainment_situations_sum_to_eligible"},
        ),
        (
            "baseline/baseline_patients_n/ELIGIBLE/backbone_group=INTENSIVE_ADULT",
            {"value": 19.0},
            {"baseline_groups_sum_to_eligible"},
        ),
        ("backbone/backbone_final_n/ELIGIBLE/backbone=HCVAD", {"value": 11.0}, {"backbone_families_sum_to_all"}),
    ],
)
def test_a_wrong_row_of_an_endpoint_is_found(hand_made_rows, key, changes, names):
    assert failing(changed(hand_made_rows, key, **changes), hand_made.frames()) == names


def test_groups_of_a_landmark_that_are_exchanged_are_found(hand_made_rows):
    rows = changed(hand_made_rows, LANDMARK.format("oscr", "EXPOSED"), value=6.0)
    rows = changed(rows, LANDMARK.format("oscr", "NOT_EXPOSED"), value=5.0)
    assert failing(rows, hand_made.frames()) == {"landmark_groups_as_table"}


def in_table(name, column, cell, **which):
    """Tables with one column changed on the rows that ``which`` names."""
    frames = hand_made.frames()
    frame = frames[name]
    mine = frame[list(which)].eq(list(which.values())).all(axis=1)
    assert mine.any()
    frame.loc[mine, column] = cell
    return frames


#: Relapse and death in remission must sum to the end of relapse-free survival: p05 died in remission.
NO_CAUSE = {"name": "marts.time_to_event", "column": "event_code", "cell": 0, "patient_key": "p05", "param_cd": "CIR"}
WHOLE = "incidences_and_relapse_free_sum_to_one_in_the_tables"


@pytest.mark.parametrize(
    ("changed_table", "name"),
    [
        (NO_CAUSE, WHOLE),
        (
            {"name": "marts.cox_interval", "column": "t_stop", "cell": 51.0, "patient_key": "p09", "param_cd": "RFS"},
            "person_time_as_endpoint",
        ),
        (
            {"name": "marts.cox_interval", "column": "t_start", "cell": 66.0, "patient_key": "p05", "t_start": 65.0,
             "param_cd": "RFS"},
            "person_time_as_endpoint",
        ),
        (
            {"name": "marts.cox_interval", "column": "event", "cell": 1, "patient_key": "p05", "param_cd": "RFS"},
            "person_time_as_endpoint",
        ),
        (
            {"name": "marts.cox_interval", "column": "event", "cell": 0, "patient_key": "p09", "param_cd": "RFS"},
            "person_time_as_endpoint",
        ),
        (
            {"name": "marts.subject", "column": "cr1_date", "cell": None, "patient_key": "p15"},
            "populations_nested",
        ),
        (
            {"name": "marts.landmark_cohort", "column": "patient_key", "cell": "p17", "patient_key": "p14", "param_cd": "RFS",
             "landmark_day": 90},
            "populations_nested",
        ),
    ],
    ids=lambda case: case if isinstance(case, str) else case["column"],
)  # fmt: skip
def test_a_wrong_row_of_a_table_is_found(hand_made_rows, changed_table, name):
    assert failing(hand_made_rows, in_table(**changed_table)) == {name}


def test_a_rare_cause_is_compared_before_it_is_suppressed(compute_all):
    """With four deaths in remission no incidence of them is published: the published sum says nothing, the tables do."""
    frames = in_table(**NO_CAUSE)
    found = {result.name: result for result in check_identities(compute_all(frames), frames)}
    assert found["incidences_and_relapse_free_sum_to_one"].n_compared == 0
    assert not found[WHOLE].passed

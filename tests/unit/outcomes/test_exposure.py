from __future__ import annotations

import hand_made
import pytest

from blin_pipeline.outcomes import exposure


def test_patients_by_hand(by_id):
    exposed = by_id["exposure/patients_exposed/TREATED/clopper_pearson"]
    assert (exposed.n_event, exposed.n) == (8, 28)
    # Started frontline cycles of p01 to p08: 5, 5, 5, 5, 2, 2, 1, 1.
    cycles = by_id["exposure/cycles_started_per_patient/EXPOSED/median_quartiles"]
    assert (cycles.lower, cycles.value, cycles.upper, cycles.n) == (1.75, 3.5, 5.0, 8)
    four = by_id["exposure/patients_four_cycles/EXPOSED/clopper_pearson"]
    assert (four.n_event, four.n) == (4, 8)
    delay = by_id["exposure/days_diagnosis_to_first_blin/EXPOSED/median_quartiles"]
    assert (delay.value, delay.n, delay.reason) == (104.5, 8, "among those who started")


def test_retention_by_hand(hand_made_rows):
    found = {row.group_label: row.value for row in hand_made_rows if row.statistic == "cycle_retention_n" and row.value}
    assert found == {
        "1:COMPLETED": 5, "1:COMPLETED_REDUCED": 1, "1:ONGOING": 1, "1:NOT_EVALUABLE": 1, "1:NOT_STARTED": 1,
        "2:COMPLETED": 4, "2:STOPPED_EARLY": 2, "3:COMPLETED": 4, "4:COMPLETED": 4, "5+:COMPLETED": 4,
    }  # fmt: skip
    missing = {row.group_label: row.value for row in hand_made_rows if row.statistic == "cycle_not_recorded_n"}
    assert missing == {"2": 2, "3": 2, "4": 0}


@pytest.mark.parametrize(
    ("statistic", "value", "known", "started"),
    [
        # 26 started; the open one and the upper bound are not known: 24. 22 of them ran 28 days or 27, two 10 and 14.
        ("delivered_days", 28.0, 24, 26),
        ("dose_completeness", 1.0, 24, 26),
        ("delivered_mcg", 784.0, 24, 26),
        ("interruptions_4h_per_cycle", 0.0, 24, 26),
        ("gap_between_cycles", 14.0, 18, 18),
        ("start_to_start_days", 42.0, 18, 18),
        ("hospital_days", 3.0, 7, 26),
    ],
)
def test_measures_by_hand(by_id, statistic, value, known, started):
    row = by_id[f"exposure/{statistic}/EXPOSED/median_quartiles"]
    assert (row.value, row.n, row.n_event) == (value, known, started)


@pytest.mark.parametrize(
    ("statistic", "n_event", "n"),
    [("cycles_with_interruption", 2, 24), ("cycles_step_dosing", 1, 26), ("cycles_any_home", 18, 25)],
)
def test_shares_by_hand(by_id, statistic, n_event, n):
    row = by_id[f"exposure/{statistic}/EXPOSED/korn_graubard"]
    assert (row.n_event, row.n) == (n_event, n)


def test_reasons_to_stop(hand_made_rows):
    assert {row.group_label: row.value for row in hand_made_rows if row.statistic == "stop_reason_n"} == {
        "1": 1,
        "UNK": 1,
    }


def test_quartiles_are_those_of_r_type_7(context):
    frames = hand_made.frames()
    cycles = hand_made.blin_cycle_exposure().iloc[:5].copy()
    cycles["delivered_days"] = [10.0, 20.0, 24.0, 28.0, 29.0]
    frames["marts.blin_cycle_exposure"] = cycles
    row = next(row for row in exposure.compute(frames, context) if row.statistic == "delivered_days")
    assert (row.lower, row.value, row.upper) == (20.0, 24.0, 28.0)
    cycles["delivered_days"] = [10.0, 20.0, 24.0, 28.0, None]
    row = next(row for row in exposure.compute(frames, context) if row.statistic == "delivered_days")
    # R: quantile(c(10, 20, 24, 28), c(.25, .5, .75)) is 17.5, 22, 25.
    assert (row.lower, row.value, row.upper, row.n) == (17.5, 22.0, 25.0, 4)


def test_numbers_restart_with_frontline_cycles_in_order(context):
    """Cycle numbers follow the order of frontline therapy whatever overall numbers the cycles carry."""
    frames = hand_made.frames()
    cycles = hand_made.blin_cycle_exposure().iloc[:3].copy()
    cycles["cycle_overall_no"] = [7, 3, 5]
    cycles["completion_status_cd"] = ["ONGOING", "COMPLETED", "STOPPED_EARLY"]
    frames["marts.blin_cycle_exposure"] = cycles
    found = {
        row.group_label
        for row in exposure.compute(frames, context)
        if row.statistic == "cycle_retention_n" and row.value
    }
    assert found == {"1:COMPLETED", "2:STOPPED_EARLY", "3:ONGOING"}


def test_exactly_four_cycles_are_four(context):
    frames = hand_made.frames()
    cycles = hand_made.blin_cycle_exposure()
    frames["marts.blin_cycle_exposure"] = cycles[cycles["cycle_overall_no"] <= 4]
    row = next(row for row in exposure.compute(frames, context) if row.statistic == "patients_four_cycles")
    assert (row.n_event, row.n) == (4, 8)


def test_a_paused_cycle_is_not_final(context):
    """It infuses nothing at the cut, but what was given so far is not what the cycle comes to."""
    frames = hand_made.frames()
    cycles = hand_made.blin_cycle_exposure().iloc[:3].copy()
    cycles["completion_status_cd"] = ["COMPLETED", "COMPLETED", "ONGOING"]
    cycles["delivered_days"], cycles["n_interrupt_4h"] = [28.0, 27.0, 5.0], [0, 0, 1]
    frames["marts.blin_cycle_exposure"] = cycles
    rows = {row.statistic: row for row in exposure.compute(frames, context)}
    assert (rows["delivered_days"].value, rows["delivered_days"].n) == (27.5, 2)
    assert (rows["cycles_with_interruption"].n_event, rows["cycles_with_interruption"].n) == (0, 2)

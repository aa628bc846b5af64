from __future__ import annotations

import hand_made
import pytest

from blin_pipeline.outcomes import complete_remission
from blin_pipeline.outcomes.statistics.proportions import proportion


def compute(subject, context, samples=None):
    samples = hand_made.mrd_result() if samples is None else samples
    return complete_remission.compute({"marts.subject": subject, "marts.mrd_result": samples}, context)


@pytest.mark.parametrize(("definition", "responders"), [("registry", 16), ("conventional", 14), ("composite", 15)])
@pytest.mark.parametrize(("denominator", "n"), [("D1", 27), ("D2", 20), ("D3", 22)])
@pytest.mark.parametrize("method", ["clopper_pearson", "wilson"])
def test_counts_by_hand_with_both_intervals(by_id, definition, responders, denominator, n, method):
    row = by_id[f"complete_remission/cr_{definition}/ELIGIBLE/{denominator}/{method}"]
    assert (row.n_event, row.n) == (responders, n)
    assert (row.value, row.lower, row.upper) == proportion(responders, n, method)


def test_backbones_in_the_order_of_the_protocol_and_small_ones_refused(hand_made_rows):
    rows = [row for row in hand_made_rows if row.statistic == "cr_registry" and row.group_variable == "backbone"]
    assert [(row.group_label, row.n_event, row.n, row.state) for row in rows] == [
        ("HCVAD", 12, 12, "ok"),
        ("E1910", 4, 8, "too_few"),
        ("UNK", 0, 7, "too_few"),
    ]
    assert [row.value for row in rows] == [1.0, None, None]


def test_unknown_backbone_code_comes_last_and_is_not_lost(context):
    frame = hand_made.subject()
    frame.loc[:11, "backbone_declared_cd"] = "NEW"
    rows = compute(frame, context)
    rows = [row for row in rows if row.statistic == "cr_registry"]
    assert [(row.group_label, row.n) for row in rows if row.group_variable == "backbone"] == [
        ("E1910", 8), ("UNK", 7), ("NEW", 12),
    ]  # fmt: skip


def test_states_and_reasons(hand_made_rows):
    states = {row.group_label: row.value for row in hand_made_rows if row.statistic == "response_state_n"}
    assert states == {"RESPONDER": 16, "NO_CR": 4, "NOT_ASSESSED": 7, "NOT_YET_DUE": 1, "NOT_TREATED": 2}
    reasons = {row.group_label: row.value for row in hand_made_rows if row.statistic == "not_assessed_reason_n"}
    assert reasons == {"DIED": 2, "UNK": 5}


def test_ineligible_responders_do_not_count(context):
    frame = hand_made.subject()
    frame.loc[frame["patient_key"] == "p34", ["is_cr_registry", "is_response_d1", "is_treated"]] = True
    headline = compute(frame, context)[0]
    assert (headline.n_event, headline.n) == (16, 27)


def test_ten_in_a_backbone_are_enough(context):
    frame = hand_made.subject()
    frame.loc[10:11, "backbone_declared_cd"] = "OTHER"
    rows = [row for row in compute(frame, context) if row.statistic == "cr_registry"]
    states = {row.group_label: (row.n, row.state) for row in rows if row.group_variable == "backbone"}
    assert states["HCVAD"] == (10, "ok")
    assert states["OTHER"] == (2, "too_few")


@pytest.mark.parametrize(("denominator", "n"), [("D1", 27), ("D2", 20), ("D3", 22)])
def test_remission_without_mrd_by_hand(by_id, denominator, n):
    # Of the 16 responders p01 to p08 have flow results in remission; p04 stays positive, p07's is not stated sensitive.
    row = by_id[f"complete_remission/cr_mrd_negative/ELIGIBLE/{denominator}/clopper_pearson"]
    assert (row.n_event, row.n) == (6, n)
    assert (row.value, row.lower, row.upper) == proportion(6, n)
    tested = by_id["complete_remission/cr_mrd_tested_n/ELIGIBLE/D1"]
    assert (tested.value, tested.n) == (8, 16)
    assert by_id["complete_remission/cr_mrd_tested_n/ELIGIBLE/D1/backbone=00_HCVAD"].value == 8


@pytest.mark.parametrize(
    ("change", "negative", "tested"),
    [
        ({"days_from_cr1": -1}, 5, 7),
        ({"days_from_cr1": None}, 5, 7),
        ({"is_in_frontline": False}, 5, 7),
        ({"is_in_frontline": None}, 5, 7),
        ({"method_cd": "NGS"}, 5, 7),
        ({"mrd_cd": "NE"}, 5, 7),
        ({"mrd_cd": "POS_BELOW_LOQ"}, 5, 8),
        ({"days_from_cr1": 0}, 6, 8),
        # p17 was assessed and is no responder: a negative result makes no remission.
        ({"patient_key": "p17"}, 5, 7),
    ],
)
def test_which_flow_results_count(change, negative, tested, context):
    samples = hand_made.mrd_result()
    samples = samples[~((samples["patient_key"] == "p01") & (samples["mrd_cd"] == "POS"))].reset_index(drop=True)
    samples = samples.astype({"is_in_frontline": object})
    for column, cell in change.items():
        samples.loc[samples["patient_key"] == "p01", column] = cell
    rows = {row.result_id: row for row in compute(hand_made.subject(), context, samples)}
    assert rows["complete_remission/cr_mrd_negative/ELIGIBLE/D1/clopper_pearson"].n_event == negative
    assert rows["complete_remission/cr_mrd_tested_n/ELIGIBLE/D1"].value == tested

from __future__ import annotations

import hand_made
import pytest

from blin_pipeline.outcomes import complete_remission
from blin_pipeline.outcomes.statistics.proportions import proportion


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
    rows = complete_remission.compute({"marts.subject": frame}, context)
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
    headline = complete_remission.compute({"marts.subject": frame}, context)[0]
    assert (headline.n_event, headline.n) == (16, 27)


def test_ten_in_a_backbone_are_enough(context):
    frame = hand_made.subject()
    frame.loc[10:11, "backbone_declared_cd"] = "OTHER"
    rows = complete_remission.compute({"marts.subject": frame}, context)
    states = {row.group_label: (row.n, row.state) for row in rows if row.group_variable == "backbone"}
    assert states["HCVAD"] == (10, "ok")
    assert states["OTHER"] == (2, "too_few")

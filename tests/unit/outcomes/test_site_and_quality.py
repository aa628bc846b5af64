from __future__ import annotations

from datetime import timedelta

import hand_made
import pandas as pd

from blin_pipeline.outcomes import OUTCOMES, data_quality, follow_up, site_summary
from blin_pipeline.outcomes.frames import Tables


def of_site(rows, site):
    return {row.statistic: row for row in rows if row.group_label == site}


def test_sites_by_hand(hand_made_rows):
    first = of_site(hand_made_rows, "S01")
    assert first["site_records_n"].value == 20
    assert first["site_eligible_n"].value == 15
    # Registered 20, 60, 100 .. days before the cut: p01 and p03 within 90 days.
    assert first["site_eligible_last_90_days_n"].value == 2
    assert (first["site_forms_complete"].n_event, first["site_forms_complete"].n) == (11, 15)
    # Alive: p07, p09 .. p25, p29; seen 70 to 190 days before the cut: p07 to p19.
    assert (first["site_followup_current"].n_event, first["site_followup_current"].n) == (7, 11)
    assert first["site_open_queries_error_n"].value == 1
    assert first["site_open_queries_warn_n"].value == 1
    assert (first["site_answered_queries_n"].value, first["site_accepted_queries_n"].value) == (1, 0)
    assert (first["site_activated_month"].value, first["site_activated_month"].reason) == (202403, "2024-03")
    # p15 is in the middle of the odd ones with a date: registered 300 days before the cut, 2025-09-03, lag 602 days, and
    # p13 (20 more days); fourteen patients have a date.
    assert (first["site_entry_lag_days"].value, first["site_entry_lag_days"].n) == (622, 14)


def test_site_without_data_or_activation(hand_made_rows):
    second, third = of_site(hand_made_rows, "S02"), of_site(hand_made_rows, "S03")
    assert second["site_activated_month"].state == "not_collected"
    assert second["site_forms_complete"].state == "nothing_yet"
    assert second["site_open_queries_error_n"].value == 0
    assert (second["site_answered_queries_n"].value, second["site_accepted_queries_n"].value) == (0, 1)
    assert third["site_records_n"].value == 0
    assert third["site_followup_current"].state == "nothing_yet"


def test_sites_are_sorted_and_none_is_lost(context):
    frames = hand_made.frames()
    frames["marts.subject"].loc[0, "site_id"] = None
    frames["marts.subject"].loc[1, "site_id"] = "S09"
    labels = [row.group_label for row in site_summary.compute(frames, context) if row.statistic == "site_records_n"]
    assert labels == ["S01", "S02", "S03", "S09", "UNASSIGNED"]


def test_edges_of_recent_and_current(context):
    frames = hand_made.frames()
    subject = frames["marts.subject"].iloc[[6, 8, 10, 12]].copy()
    subject["reg_date"] = [hand_made.CUT - timedelta(days=days) for days in (0, 89, 90, -1)]
    subject["last_alive_date"] = [hand_made.CUT - timedelta(days=days) for days in (0, 200, 201, 500)]
    frames["marts.subject"] = subject
    rows = of_site(site_summary.compute(frames, context), "S01")
    assert rows["site_eligible_last_90_days_n"].value == 2
    assert rows["site_followup_current"].n_event == 2


def test_the_sites_sum_to_the_follow_up_of_all_the_withdrawn_left_out(context):
    frames = hand_made.frames()
    subject = frames["marts.subject"]
    subject.loc[subject["patient_key"].isin(["p07", "p08", "p20", "p21"]), "eos_status_cd"] = "WITHDRAWN"
    sites = [row for row in site_summary.compute(frames, context) if row.statistic == "site_followup_current"]
    (whole,) = (row for row in follow_up.compute(frames, context) if row.statistic == "follow_up_current")
    # Alive are 21, current 14 (p07 to p20); withdrawn are four of them, three current.
    assert (whole.n_event, whole.n) == (11, 17)
    assert (sum(row.n_event for row in sites), sum(row.n for row in sites)) == (11, 17)


def test_no_outcome_writes_into_the_tables_that_others_read(context):
    frames = hand_made.frames()
    frames["marts.subject"].loc[:4, "site_id"] = None
    tables = Tables(frames, frames.__getitem__)
    before = {name: tables.typed(name).copy() for name in hand_made.frames()}
    for outcome in OUTCOMES:
        outcome.compute(tables, context)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(tables.typed(name), frame)


def test_queries_and_checks(by_id):
    assert by_id["data_quality/open_queries_n/RECORDS"].value == 3
    assert by_id["data_quality/open_queries_n/RECORDS/severity=error"].value == 1
    assert by_id["data_quality/open_queries_n/RECORDS/severity=warn"].value == 2
    assert by_id["data_quality/answered_queries_n/RECORDS"].value == 1
    assert by_id["data_quality/accepted_queries_n/RECORDS"].value == 1
    found = by_id["data_quality/check_violations/RECORDS/check=D01"]
    assert (found.value, found.n, found.reason) == (2, 40, "FAILED")
    assert by_id["data_quality/check_violations/RECORDS/check=D02"].value == 0
    skipped = by_id["data_quality/check_violations/RECORDS/check=D03"]
    assert (skipped.value, skipped.state, skipped.reason) == (None, "not_collected", "NOT_APPLICABLE")
    assert by_id["data_quality/quarantined_rows_n/RECORDS"].value == 3
    assert by_id["data_quality/rejected_values_n/RECORDS"].value == 0


def test_unknown_severity_counts_in_all(context):
    frames = hand_made.frames()
    more = pd.DataFrame(
        [
            {"query_key": "q9", "site_id": "S01", "severity_class": "unheard_of", "status_cd": "OPEN"},
            {"query_key": "q10", "site_id": "S01", "severity_class": "info", "status_cd": "OPEN"},
        ]
    )
    frames["quality.data_query"] = pd.concat([frames["quality.data_query"], more])
    values = [row.value for row in data_quality.compute(frames, context) if row.statistic == "open_queries_n"]
    assert values == [5, 1, 2, 1], "all, errors, warnings, worth a look"

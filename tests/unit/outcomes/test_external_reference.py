"""Ours beside the published values: from a landmark in the patients like those of E1910, counted by hand.

Of the hand-made registry p03 to p16 are like those of E1910: fourteen, remission 40 days after diagnosis. By day 90 after it
p05 and p12 died and p09 relapsed; p06, p11 and p13 die later. The others are given four years of follow-up here.
"""

from __future__ import annotations

import math

import hand_made
import pytest

from blin_pipeline.outcomes import external_reference
from blin_pipeline.outcomes.identities import check_identities

YEAR = 365.25
PLAIN, DELAYED = "kaplan_meier", "kaplan_meier_delayed_entry"


@pytest.fixture
def followed():
    frames = hand_made.frames()
    cohort = frames["marts.landmark_cohort"]
    alive = cohort["at_risk"] & (cohort["cnsr"] == 1)
    cohort.loc[alive, "aval_from_landmark_days"] = 4 * 366
    return frames


def like(rows, statistic, label, *, year=None, method=None):
    found = [
        row
        for row in rows
        if (row.population, row.statistic, row.group_label) == ("E1910_LIKE", statistic, label)
        and (year is None or row.time_days == year * YEAR)
        and (method is None or row.method == method)
    ]
    assert len(found) == 1, [row.result_id for row in found]
    return found[0]


def test_survival_from_the_landmark(followed, context):
    rows = external_reference.compute(followed, context)
    counts = ("e1910_like", "at_landmark", "event_before_landmark", "censored_before_landmark", "without_time")
    assert [like(rows, f"ours_{name}_n", "090").value for name in counts] == [14, 11, 3, 0, 0]
    third = like(rows, "ours_survival", "090", year=3, method=PLAIN)
    assert (third.value, third.n, third.n_event) == (pytest.approx(8 / 11), 8, 3)
    assert third.se == pytest.approx(math.sqrt(8 / 11 * 3 / 11 / 11))
    assert third.lower < 8 / 11 < third.upper
    # p03 relapses on day 100: not at the second landmark.
    assert like(rows, "ours_at_landmark_n", "120").value == 10
    assert like(rows, "ours_survival", "120", year=3, method=PLAIN).value == pytest.approx(7 / 10)


def test_with_delayed_entry_nobody_counts_before_registration(followed, context):
    rows = external_reference.compute(followed, context)
    # p14 entered as deceased; nine of the ten others are registered ten days after the landmark.
    late = like(rows, "ours_survival", "090", year=1, method=DELAYED)
    assert (late.value, late.n, late.n_event) == (pytest.approx(7 / 10), 7, 3)
    assert "conditional on being alive on day 10" in late.reason
    refused = like(rows, "ours_survival", "120", year=1, method=DELAYED)
    assert (refused.state, refused.value) == ("too_few", None)
    assert refused.reason.startswith("never 10 registered alive at risk together")


def test_the_difference_in_time_zero_is_printed(followed, context):
    rows = external_reference.compute(followed, context)
    zero = like(rows, "ours_time_zero_after_diagnosis", "120")
    assert (zero.value, zero.unit, zero.n) == (160, "days", 10)
    for row in (zero, *(row for row in rows if row.statistic == "ours_survival" and row.population == "E1910_LIKE")):
        assert "E1910 counts from randomisation" in row.reason
        assert "with and without" in row.reason


def test_a_time_never_at_risk_is_refused(context):
    # Without the longer follow-up nobody reaches one year after the landmark.
    row = like(external_reference.compute(hand_made.frames(), context), "ours_survival", "090", year=1, method=PLAIN)
    assert (row.state, row.value, row.n) == ("too_few", None, 0)


def test_a_patient_lost_on_the_way_fails_the_identity(hand_made_rows, followed):
    subject = followed["marts.subject"]
    name = "e1910_like_landmark_complete"
    assert {result.passed for result in check_identities(hand_made_rows, followed) if result.name == name} == {True}
    subject.loc[subject["patient_key"] == hand_made.key(2), "is_e1910_like"] = True
    assert {result.passed for result in check_identities(hand_made_rows, followed) if result.name == name} == {False}

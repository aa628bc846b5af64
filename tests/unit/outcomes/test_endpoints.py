"""Endpoints, competing risks and description of the hand-made registry: every number below is counted by hand.

Sixteen patients in remission: relapses on days 30, 50, 60, 100, 150, 370, deaths in remission on days 10, 80, 200, 300, 380,
the others followed for more than 400 days.
"""

from __future__ import annotations

import math
from datetime import timedelta

import hand_made
import numpy as np
import pandas as pd
import pytest

from blin_pipeline.outcomes import ascertainment, toxicity
from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.identities import check_identities

MONTH = 30.4375


def found(rows, outcome, statistic, label="all", day=None, method=None):
    rows = [
        row
        for row in rows
        if (row.outcome, row.statistic, row.group_label) == (outcome, statistic, label)
        and (day is None or row.time_days == day)
        and (method is None or row.method == method)
    ]
    assert len(rows) == 1, [row.result_id for row in rows]
    return rows[0]


def test_relapse_free_survival(hand_made_rows):
    year = found(hand_made_rows, "survival_endpoints", "rfs_survival", day=12 * MONTH, method="kaplan_meier")
    assert (year.value, year.n, year.n_event) == (pytest.approx(7 / 16), 7, 9)
    assert found(hand_made_rows, "survival_endpoints", "rfs_events_total_n", method="kaplan_meier").value == 11
    median = found(hand_made_rows, "survival_endpoints", "rfs_median", method="kaplan_meier")
    # Eight of sixteen events by day 200: one half from there to the next event on day 300.
    assert median.value == pytest.approx((200 + 300) / 2 / MONTH)


def test_restricted_mean_ends_where_ten_are_at_risk(hand_made_rows):
    row = found(hand_made_rows, "survival_endpoints", "rfs_restricted_mean")
    area = (10 * 16 + 20 * 15 + 20 * 14 + 10 * 13 + 20 * 12 + 20 * 11 + 50 * 10) / 16
    assert (row.time_days, row.value) == (150.0, pytest.approx(area / MONTH))
    assert row.lower < row.value < row.upper


@pytest.mark.parametrize(("prefix", "events", "by_year"), [("cir", 6, 5), ("nrm", 5, 4)])
def test_cumulative_incidence(hand_made_rows, prefix, events, by_year):
    year = found(hand_made_rows, "competing_risks", f"{prefix}_incidence", day=12 * MONTH)
    share = by_year / 16
    # Nobody is censored before: a binomial share.
    assert year.value == pytest.approx(share)
    assert year.se == pytest.approx(math.sqrt(share * (1 - share) / 16))
    assert year.lower < share < year.upper
    assert found(hand_made_rows, "competing_risks", f"{prefix}_events_n").value == events
    assert found(hand_made_rows, "competing_risks", f"{prefix}_competing_n").value == 11 - events


def test_few_events_give_no_incidence(compute_all):
    frames = hand_made.frames()
    times = frames["marts.time_to_event"]
    cir, death = times["param_cd"] == "CIR", times["event_code"] == 2
    drop = times[cir & death].index[0]
    times.loc[drop, ["cnsr", "event_code"]] = [1, 0]
    rows = compute_all(frames)
    refused = found(rows, "competing_risks", "nrm_incidence", day=12 * MONTH)
    assert (refused.state, refused.value) == ("too_few", None)
    assert "fewer than 5 events" in refused.reason
    assert found(rows, "competing_risks", "nrm_curve").state == "too_few"


def test_partial_dates_move_the_one_year_estimate(compute_all):
    frames = hand_made.frames()
    times = frames["marts.time_to_event"]
    late = (times["param_cd"] == "RFS") & (times["patient_key"] == hand_made.key(10))
    times.loc[late, "aval_lo_days"] = 350
    rows = compute_all(frames)
    earliest = found(rows, "survival_endpoints", "rfs_date_sensitivity", "earliest")
    assert (earliest.value, earliest.reason) == (pytest.approx(6 / 16), "warn")
    assert found(rows, "survival_endpoints", "rfs_date_sensitivity", "latest").reason == ""


def test_an_incidence_that_does_not_sum_fails_its_identity(hand_made_rows):
    broken = [
        row
        if row.statistic != "cir_incidence" or row.value is None
        else type(row)(**{**as_dict(row), "value": row.value + 0.01})
        for row in hand_made_rows
    ]
    failed = {result.name for result in check_identities(broken, hand_made.frames()) if not result.passed}
    assert failed == {"incidences_and_relapse_free_sum_to_one"}


def as_dict(row):
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def test_landmark_leaves_out_relapsed_patients_for_survival_too(hand_made_rows):
    for endpoint in ("rfs", "oscr"):
        counts = {
            row.group_label: row.value
            for row in hand_made_rows
            if row.statistic == f"association_{endpoint}_landmark_n" and row.time_days == 90.0
        }
        # Before day 90: relapses of p01, p02, p09, deaths of p05, p12. Exposed by then: p03, p04, p06, p07, p08.
        assert counts == {"EXPOSED": 5, "NOT_EXPOSED": 6, "EXCLUDED_EVENT_BEFORE": 5, "EXCLUDED_CENSORED_BEFORE": 0}


def test_few_events_give_no_hazard_ratio(hand_made_rows):
    ratios = [
        row for row in hand_made_rows if row.statistic.endswith("_hazard_ratio") and row.outcome != "ascertainment"
    ]
    assert {row.state for row in ratios} == {"too_few"}
    assert {row.reason for row in ratios} <= {
        "fewer than 10 patients in a group", "fewer than 5 events in a group", "a group without an event", "a group is empty",
        "biased, and not shown alone: the time-varying estimate could not be given",
    }  # fmt: skip
    assert not [row for row in hand_made_rows if row.statistic.endswith("_e_value")]


def test_mrd_by_timepoint_and_conversion(hand_made_rows):
    second = found(hand_made_rows, "mrd", "mrd_negative", "FLOW:2")
    assert (second.n_event, second.n, second.state) == (6, 8, "too_few")
    conversion = found(hand_made_rows, "mrd", "mrd_conversion", "FLOW")
    assert (conversion.n_event, conversion.n) == (4, 6)
    counts = {
        name: found(hand_made_rows, "mrd", f"mrd_tested_{name}_n", "FLOW").value for name in ("before", "after", "both")
    }
    assert counts == {"before": 8, "after": 6, "both": 6}
    assert found(hand_made_rows, "mrd", "mrd_conversion", "NGS").state == "nothing_yet"


def test_backbones_and_concordance(hand_made_rows):
    assert found(hand_made_rows, "backbone", "backbone_final_n", "HCVAD").value == 12
    assert found(hand_made_rows, "backbone", "backbone_derived_n", "HCVAD").value == 11
    assert found(hand_made_rows, "backbone", "backbone_conflict_n").value == 1
    assert found(hand_made_rows, "backbone", "backbone_final_n", "S01:HCVAD").value == 6
    exact = found(hand_made_rows, "backbone", "e1910_concordance_n", "EXACT")
    assert (exact.value, exact.n, exact.population) == (4, 16, "CR1")


def test_baseline_shares_are_of_the_known(hand_made_rows):
    female = found(hand_made_rows, "baseline", "baseline_sex", "all:F")
    assert (female.n_event, female.n, female.lower) == (10, 29, None)
    assert found(hand_made_rows, "baseline", "baseline_sex_missing_n").value == 1
    age = found(hand_made_rows, "baseline", "baseline_age", "INTENSIVE_ADULT")
    assert (age.value, age.n) == (30.5, 20)


def test_every_failing_criterion_counts(hand_made_rows):
    # p33 and p34 fail on age; the flow counts p33 at consent.
    assert found(hand_made_rows, "eligibility_reasons", "criterion_failed_n", "E1").value == 2
    assert found(hand_made_rows, "eligibility_reasons", "criterion_undecided_n", "E3").value == 2


def test_early_deaths_and_entry(hand_made_rows):
    early = found(hand_made_rows, "ascertainment", "early_deaths")
    # p01 to p03 of 29 died on days 50, 100, 150; p29 left on day 0, before, p30 has no time.
    assert (early.n_event, early.n, early.value) == (3, 29, pytest.approx(3 / 28))
    entry = found(hand_made_rows, "ascertainment", "entry_time_hazard_ratio")
    assert (entry.state, entry.n_event) == ("too_few", 6)
    deceased = found(hand_made_rows, "ascertainment", "entered_deceased", "S01")
    assert (deceased.n, deceased.state) == (0, "nothing_yet")


def test_follow_up_and_references(hand_made_rows):
    assert found(hand_made_rows, "follow_up", "study_status_n", "DIED").value == 9
    current = found(hand_made_rows, "follow_up", "follow_up_current")
    # Alive are p07 to p25, p29, p30, last heard of 10 days per number before the cut; 200 days is p20.
    assert (current.n_event, current.n) == (14, 21)
    values = [row for row in hand_made_rows if row.statistic == "external_value"]
    trial = [row.value for row in values if row.group_label[:3] in ("X1_", "X2_", "X4_")]
    assert trial == pytest.approx([0.81, 0.85, 0.68, 0.848, 0.69])
    assert all("not pooled" in row.reason and "ours" in row.reason for row in values)
    ours = {row.group_label: row for row in hand_made_rows if row.statistic == "ours_survival"}
    assert ours.keys() == {"OS", "OSCR", "090", "120", "150"}
    assert all("time zero" in row.reason for row in ours.values())
    # Three are followed for three years: p26 to p28, who died later.
    assert (ours["OS"].state, ours["OS"].n) == ("too_few", 3)


def test_toxicity_counts_cycles_without_events(hand_made_rows):
    cycle = found(hand_made_rows, "toxicity", "toxicity_per_cycle", "CRS")
    patient = found(hand_made_rows, "toxicity", "toxicity_per_patient", "CRS")
    assert (cycle.n_event, cycle.n, patient.n_event, patient.n) == (3, 12, 2, 4)
    rate = found(hand_made_rows, "toxicity", "toxicity_rate_per_100_days", "CRS")
    assert (rate.n_event, rate.n, rate.value) == (4, 11, pytest.approx(4 / 3.08))
    # One event of p01, three of p02: the limits of two patients with an event, not of four events (statistics/test_clustered.py).
    assert (rate.lower, rate.upper) == (pytest.approx(0.043214019381076), pytest.approx(6.802482574761209))
    # First cycles of p01 and p02, second cycle of p02; nobody has a fourth.
    by_cycle = [
        found(hand_made_rows, "toxicity", "toxicity_by_cycle", f"CRS:{label}") for label in ("1", "2", "3", "4")
    ]
    assert [(row.n_event, row.n) for row in by_cycle] == [(2, 4), (1, 4), (0, 4), (0, 0)]
    assert found(hand_made_rows, "toxicity", "toxicity_by_cycle", "CRS:5_AND_LATER").state == "nothing_yet"
    severe = found(hand_made_rows, "toxicity", "toxicity_severe_astct_per_cycle", "CRS")
    # The first cycle of p02 has an event that nobody graded: it is no cycle without a severe one.
    assert (severe.n_event, severe.n, severe.method) == (1, 11, "korn_graubard")
    assert severe.reason == "1 cycles not fully graded on this scale left out; with them between 8.3 and 16.7 %"
    assert found(hand_made_rows, "toxicity", "toxicity_severe_astct_unknown_cycles_n", "CRS").value == 1
    patients = found(hand_made_rows, "toxicity", "toxicity_severe_astct_per_patient", "CRS")
    assert (patients.n_event, patients.n) == (1, 3)
    assert found(hand_made_rows, "toxicity", "toxicity_grade_unknown_n", "CRS").value == 1
    other = found(hand_made_rows, "toxicity", "toxicity_severe_ctcae_per_cycle", "CRS")
    assert (other.state, other.reason) == ("not_estimable", "none of 3 cycles with an event is graded by CTCAE")
    assert found(hand_made_rows, "toxicity", "toxicity_days_to_onset", "CRS").value == 2


def test_the_naive_ratio_never_stands_alone(hand_made_rows):
    ratios = {row.group_label: row for row in hand_made_rows if row.statistic == "association_rfs_hazard_ratio"}
    assert ratios["time_varying"].value is None
    assert ratios["naive_ever_never"].value is None
    assert "not shown alone" in ratios["naive_ever_never"].reason


def test_an_event_graded_on_the_other_scale_is_not_a_mild_one(context):
    """Twelve cycles, nine with CRS: eight graded CTCAE 3, one ASTCT 1. And infections, which ASTCT does not grade."""
    frames = hand_made.frames()
    table, events = hand_made.toxicity_at_risk().iloc[:12], []
    table["patient_key"], table["cycle_overall_no"] = [hand_made.key(number) for number in range(1, 13)], 1
    table["has_event"], table["n_grade_unknown"] = [number <= 9 for number in range(1, 13)], 0
    table["n_events"] = table["has_event"].astype(int)
    table["max_grade_astct"] = [1] + [None] * 11
    table["max_grade_ctcae"] = [None] + [3] * 8 + [None] * 3
    for row in table.itertuples():
        if row.has_event:
            grades = {"grade_astct": row.max_grade_astct, "grade_ctcae": row.max_grade_ctcae}
            shared = {"patient_key": row.patient_key, "cycle_overall_no": 1, "tox_cd": "CRS"}
            events.append(shared | {"onset_date": row.risk_start_date} | grades)
    infections = table.assign(tox_cd="INFECTION", max_grade_astct=None)
    frames["marts.toxicity_at_risk"] = pd.DataFrame([*table.to_dict("records"), *infections.to_dict("records")])
    frames["marts.toxicity"] = pd.DataFrame([*events, *(event | {"tox_cd": "INFECTION"} for event in events)])
    rows = toxicity.compute(frames, context)
    severe = found(rows, "toxicity", "toxicity_severe_astct_per_cycle", "CRS")
    assert (severe.n_event, severe.n) == (0, 4)
    assert severe.reason == "8 cycles not fully graded on this scale left out; with them between 0.0 and 66.7 %"
    assert severe.upper == pytest.approx(1 - 0.025 ** (1 / 4))
    assert found(rows, "toxicity", "toxicity_severe_astct_unknown_patients_n", "CRS").value == 8
    other = found(rows, "toxicity", "toxicity_severe_ctcae_per_cycle", "CRS")
    assert (other.n_event, other.n) == (8, 11)
    assert found(rows, "toxicity", "toxicity_severe_astct_per_cycle", "INFECTION").state == "not_collected"
    # One of two events of a cycle is graded: the other may be severe.
    frames["marts.toxicity_at_risk"] = table.assign(n_events=table["n_events"] * 2)
    both = found(toxicity.compute(frames, context), "toxicity", "toxicity_severe_astct_per_cycle", "CRS")
    assert (both.n_event, both.n) == (0, 3)
    # A graded event after the last day at risk (after the death) does not stand for the one that is not graded.
    frames["marts.toxicity_at_risk"] = table
    late = {row.patient_key: row.risk_end_date + timedelta(days=1) for row in table.itertuples()}
    after = [event | {"onset_date": late[event["patient_key"]], "grade_astct": 1} for event in events]
    frames["marts.toxicity"] = pd.DataFrame([*events, *after])
    still = found(toxicity.compute(frames, context), "toxicity", "toxicity_severe_astct_per_cycle", "CRS")
    assert (still.n_event, still.n) == (0, 4)


def test_no_event_at_all_is_none_of_all(context):
    frames = hand_made.frames()
    frames["marts.toxicity_at_risk"] = frames["marts.toxicity_at_risk"].assign(
        has_event=False, n_events=0, max_grade_astct=None
    )
    for scale in ("astct", "ctcae"):
        row = found(toxicity.compute(frames, context), "toxicity", f"toxicity_severe_{scale}_per_cycle", "CRS")
        assert (row.n_event, row.n, row.value) == (0, 12, 0.0)


def test_an_entry_whose_ratio_has_no_number_is_refused(context):
    """Entries a thousandth of a day apart: the ratio per 30 days is beyond the largest number."""
    generator = np.random.default_rng(1)
    entry = np.where(np.arange(60) % 2 == 0, 0.0, 0.001)
    time = np.ceil(generator.exponential(np.where(entry > 0, 100.0, 400.0)))
    patients = pd.DataFrame({"entry": entry, "time": time, "event": True})
    row = ascertainment._entry_predicts(ResultBuilder("ascertainment", context), patients)
    assert (row.state, row.value, row.reason) == ("not_estimable", None, "no finite estimate")

"""What a survival curve must be, whatever the data: brute force, order, risk sets, conditional start."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blin_pipeline.errors import DataError
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.median import broken_above_half, median
from blin_pipeline.outcomes.statistics.reverse_kaplan_meier import reverse_kaplan_meier
from blin_pipeline.outcomes.statistics.risk_sets import conditional_start, make_cohort

DAYS = st.one_of(st.just(0.5), st.integers(1, 60).map(float))
PATIENTS = st.lists(st.tuples(DAYS, st.booleans()), min_size=1, max_size=40)
DELAYED = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40), st.booleans()), min_size=1, max_size=40).map(
    lambda rows: [(float(entry), float(entry + stay), event) for entry, stay, event in rows]
)


def begins(patients, minimum):
    """``conditional_start`` of rows (entry, time, event)."""
    entry, time, event = zip(*patients, strict=True) if patients else ((), (), ())
    return conditional_start(time, event, entry, minimum)


def brute_force(patients, day):
    """Product over all patients' death days up to ``day``: each day's share of survivors, counted afresh."""
    survival, variance = 1.0, 0.0
    for t in sorted({time for _, time, event in patients if event and time <= day}):
        n = sum(1 for entry, time, _ in patients if entry < t <= time)
        d = sum(1 for _, time, event in patients if event and time == t)
        survival *= (n - d) / n
        variance += d / (n * (n - d)) if n > d else math.inf
    return survival, variance


def check_against_brute_force(patients):
    entry, time, event = zip(*patients, strict=True)
    curve = kaplan_meier(make_cohort(time, event, entry))
    for place, day in enumerate(curve.time):
        survival, variance = brute_force(patients, day)
        assert curve.survival[place] == pytest.approx(survival, abs=1e-12)
        assert curve.at_risk[place] == sum(1 for entry, stop, _ in patients if entry < day <= stop)
        if 0 < survival < 1:
            assert curve.std_err[place] == pytest.approx(survival * math.sqrt(variance), rel=1e-9)
            # Log-log limits: normal limits of log(-log S), turned back.
            centre, half = math.log(-math.log(survival)), 1.959963984540054 * math.sqrt(variance) / math.log(survival)
            limits = sorted(math.exp(-math.exp(centre + sign * half)) for sign in (1, -1))
            assert [curve.lower[place], curve.upper[place]] == pytest.approx(limits, abs=1e-9)
        else:
            assert np.isnan(curve.lower[place])
            assert np.isnan(curve.upper[place])


@settings(deadline=None, max_examples=80)
@given(PATIENTS)
def test_kaplan_meier_is_the_product_limit(patients):
    check_against_brute_force([(0.0, time, event) for time, event in patients])


@settings(deadline=None, max_examples=80)
@given(DELAYED, st.integers(1, 5))
def test_delayed_entry_from_its_start_is_the_product_limit(patients, minimum):
    start = begins(patients, minimum)
    if start is None:
        return
    later = [(max(entry, start), time, event) for entry, time, event in patients if time > start]
    assert sum(1 for entry, _, _ in later if entry <= start) >= minimum
    check_against_brute_force(later)


@settings(deadline=None, max_examples=80)
@given(DELAYED, st.integers(1, 5))
def test_conditional_start_is_the_first_possible(patients, minimum):
    def possible(day):
        """At least ``minimum`` at risk from the day; until the last time never nobody, nor everybody dead at once."""
        later = [(entry, time, event) for entry, time, event in patients if time > day]
        if sum(1 for entry, _, _ in later if entry <= day) < minimum:
            return False
        ends = sorted({time for _, time, _ in later})[:-1]
        return all(
            any(entry <= end < time for entry, time, _ in later)
            and not all(event and time == end for entry, time, event in later if entry < end <= time)
            for end in ends
        )

    start = begins(patients, minimum)
    days = [0.0, *sorted(entry for entry, _, _ in patients)]
    assert start == next((day for day in days if possible(day)), None)


@settings(deadline=None, max_examples=30)
@given(DELAYED.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_order_of_patients_changes_no_bit(orders):
    def bits(patients):
        entry, time, event = zip(*patients, strict=True)
        found = []
        for estimate in (kaplan_meier, reverse_kaplan_meier):
            curve = estimate(make_cohort(time, event, entry))
            columns = (curve.time, curve.at_risk, curve.events, curve.survival, curve.std_err, curve.lower, curve.upper)
            found += [column.tobytes() for column in columns]
        return found

    given_order, other_order = orders
    try:
        expected = bits(given_order)
    except DataError:
        with pytest.raises(DataError):
            bits(other_order)
    else:
        assert bits(other_order) == expected


def test_four_patients_by_hand():
    # 4 at risk, one dies on day 10; one censored on day 20; 2 at risk on day 30, one dies; the last censored on day 40.
    curve = kaplan_meier(make_cohort([30, 10, 40, 20], [True, True, False, False]))
    assert curve.time.tolist() == [10, 20, 30, 40]
    assert curve.at_risk.tolist() == [4, 3, 2, 1]
    assert curve.survival == pytest.approx([3 / 4, 3 / 4, 3 / 8, 3 / 8])
    greenwood = 1 / (4 * 3) + 1 / (2 * 1)
    assert curve.std_err[2] == pytest.approx(3 / 8 * math.sqrt(greenwood))


def test_reverse_by_hand_deaths_leave_before_censorings():
    # Day 5: one death and one censoring among 3. The censoring meets 2 at risk, not 3.
    curve = reverse_kaplan_meier(make_cohort([5, 5, 9], [True, False, False]))
    assert curve.time.tolist() == [5, 9]
    assert curve.at_risk.tolist() == [2, 1]
    assert curve.survival.tolist() == [0.5, 0.0]
    assert median(curve).value == 7.0


def test_median_is_the_middle_of_the_days_at_one_half():
    assert median(kaplan_meier(make_cohort([1, 2, 5, 9], [True] * 4))).value == 3.5
    # The curve ends at one half: up to the last time, as R's median().
    assert median(kaplan_meier(make_cohort([1, 2, 5, 9], [True, True, False, False]))).value == 5.5
    assert median(kaplan_meier(make_cohort([1, 2, 5], [True, False, False]))).value is None


def test_gap_in_the_risk_set_is_refused():
    with pytest.raises(DataError) as caught:
        kaplan_meier(make_cohort([5, 20], [True, True], [0, 10]))
    assert caught.value.code == "E_RISK_SET_EMPTY"
    assert conditional_start([5, 20], [True, True], [0, 10], 1) == 10.0


#: Ten at risk from day 0, all dead by day 300; on that day twelve enter, of whom three die.
EXHAUSTED = [
    *((0.0, day, True) for day in (50.0, 100.0, 120.0, 150.0, 160.0, 170.0, 180.0, 200.0, 250.0, 300.0)),
    *((300.0, day, True) for day in (400.0, 500.0, 700.0)),
    *((300.0, 1000.0, False) for _ in range(9)),
]


def test_the_last_at_risk_who_die_when_others_enter_end_the_curve():
    entry, time, event = zip(*EXHAUSTED, strict=True)
    with pytest.raises(DataError) as caught:
        kaplan_meier(make_cohort(time, event, entry))
    assert caught.value.code == "E_RISK_SET_EMPTY"
    assert begins(EXHAUSTED, 10) == 300.0
    curve = kaplan_meier(make_cohort(time, event, entry, start=300.0))
    # survfit(Surv(entry, time, event) ~ 1, conf.type = "log-log") of those who entered, R 4.2.2, survival 3.5-3.
    assert curve.survival[:3] == pytest.approx([0.9166667, 0.8333333, 0.7500000], abs=1e-7)
    assert (curve.lower[2], curve.upper[2]) == (
        pytest.approx(0.408415913152, abs=1e-10),
        pytest.approx(0.911720406126, abs=1e-10),
    )
    # Followed after the exhausting day, but entered before it: then not everybody at risk died.
    assert begins([*EXHAUSTED, (299.0, 900.0, False)], 10) == 0.0


def test_censored_on_the_day_of_an_entry_breaks_no_curve():
    patients = [(0.0, 10.0, False), (10.0, 20.0, True), (10.0, 30.0, True)]
    entry, time, event = zip(*patients, strict=True)
    assert begins(patients, 1) == 0.0
    assert kaplan_meier(make_cohort(time, event, entry)).survival.tolist() == [1.0, 0.5, 0.0]
    reverse = reverse_kaplan_meier(make_cohort(time, event, entry))
    assert broken_above_half(reverse)
    assert not broken_above_half(reverse_kaplan_meier(make_cohort([5, 5, 9], [True, False, False])))


def test_start_moves_entries_up_and_drops_who_is_gone():
    cohort = make_cohort([5, 6, 8, 20, 30], [True, True, True, False, True], [0, 1, 2, 10, 30], start=6)
    assert cohort.time.tolist() == [8, 20]
    assert cohort.entry.tolist() == [6, 10]


def test_nobody():
    curve = kaplan_meier(make_cohort([], []))
    assert curve.time.size == 0
    assert median(curve) == (None, None, None)
    assert median(reverse_kaplan_meier(make_cohort([], []))) == (None, None, None)
    assert begins([], 1) is None


def test_no_warning_and_no_changed_error_state():
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        before = np.geterr()
        for event in ([True] * 3, [False] * 3, [True, False, True]):
            kaplan_meier(make_cohort([1, 2, 2], event))
            reverse_kaplan_meier(make_cohort([1, 2, 2], event))
        assert np.geterr() == before

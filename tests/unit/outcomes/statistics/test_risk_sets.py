"""Cohorts and life tables against counting one patient after the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from blin_pipeline.outcomes.statistics.risk_sets import gaps, life_table, make_cohort

#: Time (unknown at times), event, entry.
PATIENTS = st.lists(
    st.tuples(st.one_of(st.integers(0, 6), st.just(float("nan"))), st.booleans(), st.integers(0, 5)), max_size=12
)


@settings(deadline=None, max_examples=200)
@given(PATIENTS, st.booleans(), st.integers(0, 2), st.randoms(use_true_random=False))
def test_a_cohort_holds_exactly_its_patients_in_one_order(patients, delayed, start, shuffle):
    shuffled = patients.copy()
    shuffle.shuffle(shuffled)
    rows = [(time, event, max(entry, start) if delayed else start) for time, event, entry in patients]
    expected = sorted(
        ((time, not event, entry) for time, event, entry in rows if time > entry), key=lambda row: (row[0], row[1])
    )
    for order in (patients, shuffled):
        time, event, entry = (np.array([row[place] for row in order]) for place in range(3))
        cohort = make_cohort(
            time.astype(float), event.astype(bool), entry.astype(float) if delayed else None, start=float(start)
        )
        found = list(zip(cohort.time, ~cohort.event, cohort.entry, strict=True))
        assert [row[:2] for row in found] == [row[:2] for row in expected]
        assert sorted(found) == sorted(expected)


#: Few patients who stay for a while from their entry, so that the last one often leaves on the day of an entry.
STAYING = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 3), st.booleans()).map(lambda row: (row[0] + row[1], row[2], row[0])),
    max_size=6,
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(PATIENTS, STAYING), st.booleans())
def test_life_table_and_gaps_by_counting(patients, delayed):
    time, event, entry = (np.array([row[place] for row in patients], dtype=float) for place in range(3))
    cohort = make_cohort(time, event.astype(bool), entry if delayed else None)
    members = list(zip(cohort.time, cohort.event, cohort.entry, strict=True))
    days = sorted({day for day, _, _ in members})
    found = life_table(cohort, cohort.event)
    assert found[0].tolist() == days
    assert found[1].tolist() == [sum(start < day <= stop for stop, _, start in members) for day in days]
    assert found[2].tolist() == [sum(stop == day and bool(dead) for stop, dead, _ in members) for day in days]
    empty = [
        day
        for day in days
        if any(stop > day for stop, _, _ in members)
        and (
            not any(start <= day < stop for stop, _, start in members)
            or all(dead and stop == day for stop, dead, start in members if start < day <= stop)
        )
    ]
    assert gaps(cohort.time, cohort.event, cohort.entry).tolist() == empty

"""The published curve: lifelines and our own estimate agree, or there is none."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import DATA

from blin_pipeline.errors import DataError
from blin_pipeline.outcomes.statistics import published_curve as module
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.published_curve import published_curve
from blin_pipeline.outcomes.statistics.risk_sets import gaps, make_cohort

PATIENTS = st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 11)), max_size=30)


@given(PATIENTS, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_any_cohort_has_one_curve(patients, start):
    time, event, entry = (np.array(values) for values in zip(*patients, strict=True)) if patients else ([], [], [])
    cohort = make_cohort(time, event, entry, start=float(start))
    if gaps(cohort.time, cohort.event, cohort.entry).size:
        with pytest.raises(DataError, match="at risk"):
            published_curve(cohort)
        return
    published, own = published_curve(cohort), kaplan_meier(cohort)
    for name in ("survival", "std_err", "lower", "upper"):
        np.testing.assert_allclose(getattr(published, name), getattr(own, name), atol=1e-10, equal_nan=True)


def test_no_warning_and_no_changed_error_state():
    before = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        published_curve(make_cohort([1.0, 2.0, 2.0], [True, True, True]))
    assert np.geterr() == before


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_difference_stops_the_run(monkeypatch, which):
    lung = pd.read_csv(DATA / "lung.csv")
    cohort = make_cohort(lung["time"], lung["status"])
    agreed = module._lifelines

    def other(*given):
        answers = list(agreed(*given))
        answers[which][3] += 1e-6
        return tuple(answers)

    published_curve(cohort)
    monkeypatch.setattr(module, "_lifelines", other)
    with pytest.raises(DataError) as refused:
        published_curve(cohort)
    assert refused.value.code == "E_CURVES_DISAGREE"

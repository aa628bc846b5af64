"""Kaplan-Meier, medians and the reverse curve against what R survival says (recorded; no R needed here)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.median import median
from blin_pipeline.outcomes.statistics.reverse_kaplan_meier import reverse_kaplan_meier
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

RECORDED = json.loads((Path(__file__).parent / "data" / "recorded_in_r.json").read_text(encoding="utf-8"))
CASES = RECORDED["survival_cases"]
TOLERANCE = 1e-10


def numbers(values):
    """A column of R, where one value is a bare number and NA is null."""
    values = values if isinstance(values, list) else [values]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def cohort_of(case):
    entry = case.get("entry")
    death = case["death"] if isinstance(case["death"], list) else [case["death"]]
    return make_cohort(numbers(case["time"]), death, None if entry is None else numbers(entry))


def agrees(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)


def limits(quantile):
    return [np.nan if value is None else value for value in quantile]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_curve_equals_r(case):
    curve = kaplan_meier(cohort_of(case))
    recorded = case["curve"]
    agrees(curve.time, numbers(recorded["time"]))
    agrees(curve.at_risk, numbers(recorded["n_risk"]))
    agrees(curve.events, numbers(recorded["n_event"]))
    agrees(curve.survival, numbers(recorded["surv"]))
    agrees(curve.std_err, numbers(recorded["std_err"]))
    agrees(curve.lower, numbers(recorded["lower"]))
    agrees(curve.upper, numbers(recorded["upper"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_median_and_its_limits_equal_r(case):
    recorded = case["median"]
    found = limits(median(kaplan_meier(cohort_of(case))))
    agrees(found, numbers([recorded["value"], recorded["lower"], recorded["upper"]]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_fixed_times_equal_r_beyond_the_last_observation_too(case):
    curve = kaplan_meier(cohort_of(case))
    recorded = {name: numbers(column) for name, column in case["at"].items()}
    for place, day in enumerate(recorded["time"]):
        index = curve.index_at(day)
        if index < 0:
            assert recorded["surv"][place] == 1.0
            continue
        agrees(curve.survival[index], recorded["surv"][place])
        agrees(curve.lower[index], recorded["lower"][place])
        agrees(curve.upper[index], recorded["upper"][place])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_reverse_curve_equals_r_with_deaths_before_censorings(case):
    curve = reverse_kaplan_meier(cohort_of(case))
    recorded = case["reverse"]
    steps = curve.events > 0
    agrees(curve.time[steps], numbers(recorded["time"]))
    agrees(curve.at_risk[steps], numbers(recorded["n_risk"]))
    agrees(curve.survival[steps], numbers(recorded["surv"]))
    agrees(curve.lower[steps], numbers(recorded["lower"]))
    agrees(curve.upper[steps], numbers(recorded["upper"]))
    found = limits(median(curve))
    agrees(found, numbers([recorded["median"][name] for name in ("value", "lower", "upper")]))


def test_record_names_r_and_the_package():
    assert RECORDED["r"].startswith("R version")
    assert RECORDED["survival"]
    assert all(case["call"].startswith("survfit(") and case["source"] for case in CASES)

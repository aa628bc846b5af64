from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from blin_pipeline.outcomes.enrolment import days_to_target
from blin_pipeline.outcomes.statistics.proportions import METHODS, proportion

RECORDED = json.loads((Path(__file__).parent / "data" / "recorded_in_r.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", RECORDED["proportion_cases"], ids=lambda case: f"{case['n_event']} of {case['n']}")
@pytest.mark.parametrize("method", sorted(METHODS))
def test_interval_equals_r(case, method):
    found = proportion(case["n_event"], case["n"], method)
    assert found.value == case["n_event"] / case["n"]
    # R's prop.test leaves a rounding error where Wilson's limit is the estimate itself (0/n, n/n).
    assert [found.lower, found.upper] == pytest.approx(case[method], abs=1e-12)


@pytest.mark.parametrize(
    ("method", "lower", "upper"), [("clopper_pearson", "79.3", "89.6"), ("wilson", "79.4", "89.3")]
)
def test_published_example_170_of_200(method, lower, upper):
    found = proportion(170, 200, method)
    assert (f"{found.lower:.1%}", f"{found.upper:.1%}") == (f"{lower}%", f"{upper}%")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_nobody_gives_no_estimate(method):
    assert proportion(0, 0, method) == (None, None, None)


def test_none_of_n_has_the_one_sided_upper_limit():
    found = proportion(0, 20)
    assert found.lower == 0.0
    assert found.upper == pytest.approx(1 - 0.025 ** (1 / 20), abs=1e-12)


def test_all_of_n_mirrors_none_of_n():
    none, everybody = proportion(0, 20), proportion(20, 20)
    assert everybody.upper == 1.0
    assert everybody.lower == pytest.approx(1 - none.upper, abs=1e-12)


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.99])
)
def test_intervals_from_their_formulas(pair, level):
    count, n = pair
    tail = (1 - level) / 2
    exact = proportion(count, n, "clopper_pearson", level)
    # Scipy's own interval searches the binomial tails; ours are quantiles of the beta distribution.
    searched = binomtest(count, n).proportion_ci(level, "exact")
    assert (exact.lower, exact.upper) == pytest.approx((searched.low, searched.high), abs=1e-10)
    score = proportion(count, n, "wilson", level)
    z, p = norm.ppf(1 - tail), count / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert (score.lower, score.upper) == pytest.approx((middle - half, middle + half), abs=1e-9)
    for found in (exact, score):
        assert 0 <= found.lower <= found.value <= found.upper <= 1


@pytest.mark.parametrize(("n_event", "n", "method"), [(3, 2, "wilson"), (-1, 2, "wilson"), (1, 2, "wald")])
def test_impossible_input_is_refused(n_event, n, method):
    with pytest.raises(ValueError, match=r"numerator|method"):
        proportion(n_event, n, method)


@pytest.mark.parametrize("case", RECORDED["projection_cases"], ids=lambda case: f"{case['missing']} missing")
def test_waiting_time_equals_r(case):
    found = days_to_target(case["missing"], case["in_window"], case["window_days"], 0.8)
    assert found == pytest.approx(case["days"], rel=1e-9)


def test_waiting_time_is_right_in_simulation():
    import numpy as np

    random = np.random.default_rng(20240614)
    rate = random.gamma(25.5, 1 / 180, 400_000)
    waiting = random.gamma(63, 1 / rate)
    assert days_to_target(63, 25, 180, 0.8) == pytest.approx(np.quantile(waiting, [0.5, 0.1, 0.9]), rel=0.01)

"""Shares and rates of cycles: against R's formulas, and whether intervals cover what made-up patients were given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import proof_count

from blin_pipeline.outcomes.statistics.clustered import clustered_proportion, clustered_rate
from blin_pipeline.outcomes.statistics.proportions import proportion
from blin_pipeline.outcomes.statistics.rates import event_rate

#: Events and cycles of each patient; share and limits of svyciprop(method = "beta"), written out in R 4.2.2:
#: v = m / (m - 1) * sum((x - p * n)^2) / N^2; ne = min(N, p * (1 - p) / v * (qt(.025, N - 1) / qt(.025, m - 1))^2);
#: qbeta(.025, ne * p, ne * (1 - p) + 1), qbeta(.975, ne * p + 1, ne * (1 - p)).
SHARES = [
    ([4] * 5 + [0] * 15, [4] * 20, (0.25, 0.077122935865311, 0.51288166134481)),
    ([1, 0, 2, 1, 0, 3, 0, 1, 0, 0], [2, 1, 4, 3, 1, 5, 2, 2, 1, 3], (1 / 3, 0.1523952688673, 0.55932320517353)),
    ([1, 2], [3, 4], (3 / 7, 0.00093662265250841, 0.99463846499707809)),
]
#: Events and exposure of each patient; ne = min(E, r^2 / v * the same correction), qgamma(.025, ne) * r / ne,
#: qgamma(.975, ne + 1) * r / ne.
RATES = [
    ([[1, 0, 0], [1, 2, 0], [0, 0, 0], [0, 0]], 0.28, (4 / 3.08, 0.043214019381076, 6.802482574761209)),
    (
        [[5, 0], [0, 0], [0, 0], [1, 0], [0, 0], [2, 0]],
        [0.5, 1, 0.5, 1.5, 0.5, 1],
        (0.8, 0.0700555772597, 3.2222308214752),
    ),
]


def rows_of(events, cycles):
    happened = [place < x for x, n in zip(events, cycles, strict=True) for place in range(n)]
    return happened, [f"k{patient}" for patient, n in enumerate(cycles) for _ in range(n)]


@pytest.mark.parametrize(("events", "cycles", "expected"), SHARES)
def test_share_equals_r(events, cycles, expected):
    assert clustered_proportion(*rows_of(events, cycles)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("events", "exposure", "expected"), RATES)
def test_rate_equals_r(events, exposure, expected):
    each = exposure if isinstance(exposure, list) else [exposure] * len(events)
    rows = [(count, each[patient], patient) for patient, counts in enumerate(events) for count in counts]
    assert clustered_rate(*zip(*rows, strict=True)) == pytest.approx(expected, abs=1e-12)


def test_none_at_all_and_a_single_patient():
    # Twenty patients, none of their 80 cycles: what twenty patients say, not eighty.
    assert clustered_proportion(*rows_of([0] * 20, [4] * 20)) == proportion(0, 20)
    assert clustered_proportion(*rows_of([4] * 20, [4] * 20)) == proportion(20, 20)
    assert clustered_proportion([True, False], ["k", "k"]) == (0.5, None, None)
    assert clustered_proportion([], []) == (None, None, None)
    assert clustered_rate([0, 0], [1.5, 1.58], ["a", "b"]) == event_rate(0, 3.08)
    assert clustered_rate([1, 0], [1.0, 1.0], ["a", "a"]) is None


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=2, max_size=12),
    st.randoms(use_true_random=False),
)
def test_never_narrower_than_independent_cycles_whatever_the_order(patients, shuffle):
    happened, owner = rows_of([min(x, n) for x, n in patients], [n for _, n in patients])
    found = clustered_proportion(happened, owner)
    exact = proportion(sum(happened), len(happened))
    assert 0.0 <= found.lower <= exact.lower + 1e-12
    assert exact.upper - 1e-12 <= found.upper <= 1.0
    order = list(range(len(happened)))
    shuffle.shuffle(order)
    assert clustered_proportion([happened[i] for i in order], [owner[i] for i in order]) == found


@pytest.mark.parametrize(("share", "alike"), [(0.3, 0.8), (0.15, 0.5), (0.3, 0.0)])
def test_intervals_cover_the_share_that_patients_were_drawn_from(share, alike):
    """Cycles of a patient agree with probability ``alike``; 1 to 5 cycles, 40 patients."""
    chance, runs = np.random.default_rng(11), proof_count(300, 5000)
    covered = naive = 0
    for _ in range(runs):
        sizes = chance.integers(1, 6, 40)
        owner = np.repeat(np.arange(40), sizes)
        common = (chance.random(40) < share)[owner]
        own = chance.random(owner.size) < share
        happened = np.where((chance.random(40) < alike)[owner], common, own)
        found = clustered_proportion(happened, owner)
        exact = proportion(int(happened.sum()), owner.size)
        covered += found.lower <= share <= found.upper
        naive += exact.lower <= share <= exact.upper
    print(f"covered {covered} of {runs}, by independent cycles {naive}")  # noqa: T201 (the count that was reached)
    # 95 % less four standard errors of the simulation.
    assert covered / runs > 0.95 - 4 * (0.95 * 0.05 / runs) ** 0.5
    assert alike == 0.0 or naive / runs < 0.95

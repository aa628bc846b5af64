"""Clopper-Pearson by bisection of the binomial tail; no statistics library."""

from __future__ import annotations

import math


def upper_tail(successes: int, trials: int, probability: float) -> float:
    """Probability of at least that many successes."""
    if probability in (0.0, 1.0):
        return 1.0 if probability == 1.0 or successes == 0 else 0.0
    log_yes, log_no, log_trials = math.log(probability), math.log1p(-probability), math.lgamma(trials + 1)
    terms = (
        math.exp(log_trials - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log_yes + (trials - k) * log_no)
        for k in range(successes, trials + 1)
    )
    return math.fsum(terms)


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a proportion.

    Raises:
        ValueError: No trials.
    """
    if trials <= 0:
        raise ValueError("no estimate without trials")
    tail = (1.0 - level) / 2.0
    low = 0.0 if successes == 0 else _solve(lambda p: upper_tail(successes, trials, p) - tail)
    high = 1.0 if successes == trials else _solve(lambda p: upper_tail(successes + 1, trials, p) - (1.0 - tail))
    return low, high


def _solve(rising: object) -> float:
    """Root of an increasing function on (0, 1)."""
    assert callable(rising)
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if rising(middle) < 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0

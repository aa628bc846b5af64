"""Firth's penalised Cox model against a likelihood written a second time and a search without derivatives (Nelder-Mead).

Made-up registries as few and lopsided as the rule lets the model be asked for: 5 to 9 events per coefficient, and a level
that one to a few patients have. An answer is wanted from each whose information is not singular.
"""

from __future__ import annotations

import numpy as np
import pytest
from proof import proof_count
from scipy.optimize import minimize
from scipy.stats import chi2

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.firth import firth_ratio, fit_firth

pytestmark = pytest.mark.slow
SEEDS = range(proof_count(0, 1500))
#: Registries with one to three patients of the rare level, on which steps with the information alone found no maximum.
RARE = (104, 148, 163, 328)


def made(seed):
    """Rows (start, stop, event, covariates, stratum) of 60 to 109 patients: exposure, age, and a rare level."""
    generator = np.random.default_rng(seed)
    n, n_sites = int(generator.integers(60, 110)), int(generator.choice([1, 3, 6]))
    rare, mean = generator.choice([0.01, 0.03, 0.05]), generator.choice([500, 900, 1500])
    rows = []
    for _ in range(n):
        site, age = int(generator.integers(n_sites)), int(generator.integers(18, 80)) / 10
        level = float(generator.random() < rare)
        end = float(min(generator.exponential(mean) // 7 * 7 + 7, generator.integers(100, 700)))
        began = float(generator.integers(10, 150)) if generator.random() < 0.45 else np.inf
        event = bool(generator.random() < 0.32)
        cuts = [0.0, began, end] if began < end else [0.0, end]
        for place, start in enumerate(cuts[:-1]):
            last = place == len(cuts) - 2
            rows.append((start, cuts[place + 1], event and last, (float(place), age, level), site))
    start, stop, event, covariates, site = zip(*rows, strict=True)
    return np.array(start), np.array(stop), np.array(event), np.array(covariates), np.array(site)


def penalised(data, coefficient):
    """Efron's log partial likelihood and half the log determinant of its information, one risk set after the other."""
    start, stop, event, covariates, site = data
    total, information = 0.0, np.zeros((covariates.shape[1],) * 2)
    for stratum in np.unique(site):
        for day in np.unique(stop[event & (site == stratum)]):
            inside = (site == stratum) & (start < day) & (stop >= day)
            x, dying = covariates[inside], (event & (stop == day))[inside]
            risk = np.exp(x @ coefficient)
            deaths = int(dying.sum())
            total += float((x[dying] @ coefficient).sum())
            for place in range(deaths):
                share = risk * np.where(dying, 1.0 - place / deaths, 1.0)
                total -= np.log(share.sum())
                share = share / share.sum()
                centred = x - share @ x
                information += (share[:, None] * centred).T @ centred
    sign, size = np.linalg.slogdet(information)
    return total + 0.5 * size if sign > 0 else -np.inf


def highest(data, fixed=None):
    """Maximum by Nelder-Mead, with the first coefficient fixed or not: place and value."""

    def whole(free):
        return free if fixed is None else np.concatenate(([fixed], free))

    size = data[3].shape[1] - (fixed is not None)
    found = [
        minimize(
            lambda free: -penalised(data, whole(free)),
            np.full(size, first),
            method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 20_000, "maxfev": 20_000},
        )
        for first in ((0.0, 0.7) if fixed is None else (0.0,))
    ]
    best = min(found, key=lambda one: one.fun)
    return whole(best.x), -best.fun


def answer(seed):
    data = made(seed)
    start, stop, event, covariates, site = data
    try:
        rows = cox_rows(stop, event, covariates, start=start, stratum=site)
        fit = fit_firth(rows)
    except NotEstimableError as error:
        return data, None, error.reason
    return data, (fit, firth_ratio(rows, fit)), ""


def asked(data):
    """Whether the rules would let the penalised model of three coefficients be asked for."""
    _, _, event, covariates, _ = data
    exposed = covariates[:, 0] == 1
    return 15 <= event.sum() < 30 and min(event[exposed].sum(), event[~exposed].sum()) >= 5


def test_every_rare_level_that_can_be_told_apart_has_an_answer():
    reasons = {}
    for seed in range(proof_count(24, 3000)):
        data = made(seed)
        if asked(data):
            reason = answer(seed)[2]
            reasons[reason] = reasons.get(reason, 0) + 1
    print(f"answers and refusals: {reasons}")  # noqa: T201
    assert reasons[""] > 5
    assert set(reasons) <= {
        "",
        "a covariate has one value only",
        "covariates that cannot be told apart, or never differ among those at risk",
    }


def test_maximum_and_limits_are_those_of_a_second_likelihood():
    compared = 0
    for seed in [*RARE, *SEEDS]:
        if seed not in RARE and not asked(made(seed)):
            continue
        data, found, _ = answer(seed)
        if found is None:
            continue
        fit, ratio = found
        place, top = highest(data)
        assert fit.penalised_log_likelihood == pytest.approx(top, abs=1e-7), seed
        assert penalised(data, fit.coefficient) == pytest.approx(fit.penalised_log_likelihood, abs=1e-9), seed
        assert ratio.value == pytest.approx(np.exp(place[0]), rel=1e-3), seed
        assert ratio.lower < ratio.value < ratio.upper
        for limit in (ratio.lower, ratio.upper):
            fallen = 2.0 * (top - highest(data, np.log(limit))[1])
            assert fallen == pytest.approx(chi2.ppf(0.95, 1), abs=1e-5), seed
        compared += 1
    print(f"compared {compared}")  # noqa: T201
    assert compared >= len(RARE)

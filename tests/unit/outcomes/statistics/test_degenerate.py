"""Nobody, one patient, no events, all at once, an empty group, one site, perfect separation: an answer or a reason."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from blin_pipeline.outcomes.statistics.aalen_johansen import aalen_johansen
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.cox import fit_cox, robust_covariance
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.extended_kaplan_meier import extended_kaplan_meier
from blin_pipeline.outcomes.statistics.fine_gray import fine_gray
from blin_pipeline.outcomes.statistics.firth import firth_ratio, fit_firth
from blin_pipeline.outcomes.statistics.gray import gray_test
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.landmark import landmark
from blin_pipeline.outcomes.statistics.logrank import logrank
from blin_pipeline.outcomes.statistics.propensity import fit_propensity
from blin_pipeline.outcomes.statistics.proportional_hazards import proportional_hazards_test
from blin_pipeline.outcomes.statistics.restricted_mean import restricted_mean
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort
from blin_pipeline.outcomes.statistics.weighted_kaplan_meier import weighted_kaplan_meier
from blin_pipeline.outcomes.statistics.weighting import effective_sample_size, standardised_differences


@pytest.fixture(autouse=True)
def no_warning_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


NOBODY = np.empty(0)
X = np.array([0, 1, 0, 1, 0, 1])
DAYS = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
ALL, NONE = np.ones(6, dtype=bool), np.zeros(6, dtype=bool)


def _proportional_hazards(time, event, covariate):
    rows = cox_rows(time, event, covariate)
    return proportional_hazards_test(rows, fit_cox(rows))


REFUSED = {
    "log-rank of nobody": (lambda: logrank(NOBODY, NOBODY, NOBODY), "fewer than two groups"),
    "log-rank of one group": (lambda: logrank(DAYS, ALL, NONE), "fewer than two groups"),
    "log-rank without an event": (lambda: logrank(DAYS, NONE, X), "no event while two groups were at risk"),
    "log-rank, groups never together": (
        lambda: logrank([1, 2, 5, 6], [1, 1, 1, 1], [0, 0, 1, 1], entry=[0, 0, 3, 3]),
        "no event while two groups were at risk",
    ),
    "Gray of nobody": (lambda: gray_test(NOBODY, NOBODY, NOBODY), "fewer than two groups"),
    "Gray without an event": (lambda: gray_test(DAYS, [0, 2, 0, 2, 0, 2], X), "no event of this cause"),
    "restricted mean of nobody": (
        lambda: restricted_mean(kaplan_meier(make_cohort(NOBODY, NOBODY)), 10),
        "nobody at risk before the horizon",
    ),
    "restricted mean beyond follow-up": (
        lambda: restricted_mean(kaplan_meier(make_cohort(DAYS, NONE)), 10),
        "the horizon lies beyond the longest follow-up",
    ),
    "Cox of nobody": (lambda: cox_rows(NOBODY, NOBODY, NOBODY), "no event"),
    "Cox without an event": (lambda: cox_rows(DAYS, NONE, X), "no event"),
    "Cox of one patient": (lambda: cox_rows([1.0], [True], [1.0]), "a covariate has one value only"),
    "Cox of one group": (lambda: cox_rows(DAYS, ALL, ALL), "a covariate has one value only"),
    "Cox, nobody left to compare with": (
        lambda: fit_cox(cox_rows([1, 2, 3], [0, 0, 1], [0, 0, 1])),
        "covariates that cannot be told apart, or never differ among those at risk",
    ),
    "Cox, collinear": (
        lambda: fit_cox(cox_rows(DAYS, ALL, np.stack([X, 1 - X], axis=1))),
        "covariates that cannot be told apart, or never differ among those at risk",
    ),
    "Cox, perfectly separated": (
        lambda: fit_cox(cox_rows(DAYS, [1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0])),
        "a coefficient grows without end: events lie on one side of a covariate only",
    ),
    "Cox, a group without events": (
        lambda: fit_cox(cox_rows(DAYS, [1, 0, 1, 0, 1, 0], X)),
        "a coefficient grows without end: events lie on one side of a covariate only",
    ),
    "proportional hazards, all on one day": (
        lambda: _proportional_hazards([5, 5, 5, 9, 9, 9], [1, 1, 1, 0, 0, 0], [0, 1, 0, 1, 0, 1]),
        "all events at one time",
    ),
    "Fine-Gray without an event": (lambda: fine_gray(DAYS, [0, 2, 0, 2, 0, 2], X), "no event of this cause"),
    "propensity, one arm empty": (lambda: fit_propensity(NONE, X), "one arm is empty"),
    "propensity, separated": (
        lambda: fit_propensity([0, 0, 0, 1, 1, 1], DAYS),
        "terms that cannot be told apart, or that separate the arms",
    ),
    "propensity, constant term": (lambda: fit_propensity(X, ALL), "a term has one value only"),
    "weighted curve of nobody": (
        lambda: weighted_kaplan_meier(NOBODY, NOBODY, NOBODY),
        "nobody with a positive weight",
    ),
    "weighted curve with a gap": (
        lambda: weighted_kaplan_meier([2.0, 9.0], [1, 1], [1.0, 1.0], [0.0, 5.0]),
        "nobody is at risk for a while, or everybody at risk has the event before others enter",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_estimated_says_why(name):
    call, reason = REFUSED[name]
    with pytest.raises(NotEstimableError) as caught:
        call()
    assert caught.value.reason == reason


def test_incidence_of_nobody_and_of_one():
    assert aalen_johansen(NOBODY, NOBODY).time.size == 0
    one = aalen_johansen([7.0], [1])
    assert one.incidence.tolist() == [[1.0, 0.0]]
    assert one.event_free.tolist() == [0.0]
    assert np.isnan(one.lower).all()


def test_incidence_without_events_and_all_on_one_day():
    assert not aalen_johansen(DAYS, NONE).incidence.any()
    at_once = aalen_johansen([5.0] * 4, [1, 2, 1, 2])
    assert at_once.incidence.tolist() == [[0.5, 0.5]]
    # Two binomial shares of four patients: root of p (1 - p) / n.
    np.testing.assert_allclose(at_once.std_err, [[0.25, 0.25]], rtol=1e-12)


def test_a_separated_model_is_finite_with_the_penalty():
    rows = cox_rows(DAYS, [1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0])
    fit = fit_firth(rows)
    ratio = firth_ratio(rows, fit)
    assert np.isfinite(fit.coefficient).all()
    assert ratio.lower is not None
    assert ratio.lower < ratio.value
    assert 0 < ratio.p_value < 1


def test_one_cluster_gives_no_spread():
    rows = cox_rows(DAYS, ALL, [0, 1, 1, 0, 1, 0], cluster=NONE)
    # The scores of all rows sum to zero at the estimate, so one site alone says nothing.
    np.testing.assert_allclose(robust_covariance(rows, fit_cox(rows)), 0.0, atol=1e-20)


def test_everybody_censored_on_the_first_half_day():
    time = np.full(6, 0.5)
    assert kaplan_meier(make_cohort(time, NONE)).survival.tolist() == [1.0]
    at = landmark(time, NONE, np.full(6, np.nan), 90.0)
    assert (at.time.size, at.excluded_censored, at.excluded_event) == (0, 6, 0)


def test_nobody_exposed_has_no_curve():
    unexposed, exposed = extended_kaplan_meier(np.zeros(6), DAYS, ALL, NONE)
    assert exposed.curve is None
    assert exposed.left_out == 0
    assert unexposed.curve is not None


def test_weights_of_nobody():
    assert effective_sample_size([]) == 0.0
    assert effective_sample_size([1, 1, 1, 1]) == pytest.approx(4.0)
    assert effective_sample_size([4, 0, 0]) == pytest.approx(1.0)


def test_a_difference_where_nothing_varies_is_not_hidden():
    assert standardised_differences([0, 0, 1, 1], [0, 0, 1, 1]).tolist() == [np.inf]
    assert standardised_differences([0, 0, 1, 1], [1, 1, 1, 1]).tolist() == [0.0]

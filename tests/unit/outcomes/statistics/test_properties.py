"""What must hold whatever the data: identities between methods, order of rows, threads, the bootstrap's two ways."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from blin_pipeline.outcomes.statistics.aalen_johansen import aalen_johansen
from blin_pipeline.outcomes.statistics.arrays import NotEstimableError
from blin_pipeline.outcomes.statistics.bootstrap import (
    bootstrap_survival,
    draws_of_clusters,
    draws_within,
    percentile_interval,
)
from blin_pipeline.outcomes.statistics.bootstrap_association import bootstrap_overlap_hazard_ratio
from blin_pipeline.outcomes.statistics.cox import fit_cox, hazard_ratio, robust_covariance
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.evalue import e_value
from blin_pipeline.outcomes.statistics.fine_gray import fine_gray
from blin_pipeline.outcomes.statistics.gray import gray_test
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.landmark import landmark, split_at_exposure
from blin_pipeline.outcomes.statistics.logrank import logrank
from blin_pipeline.outcomes.statistics.propensity import fit_propensity
from blin_pipeline.outcomes.statistics.proportional_hazards import proportional_hazards_test
from blin_pipeline.outcomes.statistics.restricted_mean import restricted_mean, restricted_mean_difference
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort
from blin_pipeline.outcomes.statistics.weighted_kaplan_meier import weighted_kaplan_meier
from blin_pipeline.outcomes.statistics.weighting import (
    effective_sample_size,
    propensity_weights,
    standardised_differences,
)

pytestmark = pytest.mark.slow
DATA = Path(__file__).parent / "data"
PATIENTS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=150)
@given(PATIENTS)
def test_incidences_and_event_free_sum_to_one_and_event_free_is_kaplan_meier(patients):
    time, code = np.array(patients, dtype=float).T
    found = aalen_johansen(time, code)
    np.testing.assert_allclose(found.incidence.sum(axis=1) + found.event_free, 1.0, atol=1e-12)
    curve = kaplan_meier(make_cohort(time, code > 0))
    np.testing.assert_allclose(found.event_free, curve.survival, atol=1e-12)


@settings(deadline=None, max_examples=100)
@given(PATIENTS)
def test_one_cause_is_one_minus_kaplan_meier_with_greenwood(patients):
    time, code = np.array(patients, dtype=float).T
    found = aalen_johansen(time, code > 0, n_causes=1)
    curve = kaplan_meier(make_cohort(time, code > 0))
    known = ~np.isnan(curve.std_err)
    np.testing.assert_allclose(found.incidence[:, 0], 1 - curve.survival, atol=1e-12)
    np.testing.assert_allclose(found.std_err[known, 0], curve.std_err[known], atol=1e-8)


@settings(deadline=None, max_examples=60)
@given(PATIENTS, st.integers(1, 9))
def test_equal_weights_change_nothing(patients, weight):
    time, code = np.array(patients, dtype=float).T
    plain, weighted = (
        kaplan_meier(make_cohort(time, code > 0)),
        weighted_kaplan_meier(time, code > 0, np.full(time.size, weight)),
    )
    np.testing.assert_allclose(weighted.survival, plain.survival, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.booleans(), st.integers(1, 40)), min_size=8, max_size=40)
)
def test_splitting_rows_changes_no_model(patients):
    """Cutting a patient's row in two with the same covariate is the same information."""
    time, event, exposed, cut = (np.array(part, dtype=float) for part in zip(*patients, strict=True))
    try:
        whole = fit_cox(cox_rows(time, event, exposed))
    except NotEstimableError:
        assume(False)
    long = cut < time
    start = np.concatenate((np.zeros(time.size), cut[long]))
    stop = np.concatenate((np.where(long, cut, time), time[long]))
    ends = np.concatenate(((event > 0) & ~long, event[long] > 0))
    patient = np.concatenate((np.arange(time.size), np.flatnonzero(long)))
    rows = cox_rows(stop, ends, np.concatenate((exposed, exposed[long])), start=start, cluster=patient)
    parts = fit_cox(rows)
    np.testing.assert_allclose(parts.coefficient, whole.coefficient, atol=1e-8)
    np.testing.assert_allclose(parts.covariance, whole.covariance, rtol=1e-8)
    plain = cox_rows(time, event, exposed)
    np.testing.assert_allclose(robust_covariance(rows, parts), robust_covariance(plain, whole), rtol=1e-7, atol=1e-12)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.booleans(), st.one_of(st.none(), st.integers(0, 22))), min_size=1, max_size=30
    ),
    st.integers(0, 20),
)
def test_nobody_is_exposed_before_the_exposure_and_all_time_is_kept(patients, day):
    time, event = np.array([p[0] for p in patients], dtype=float), np.array([p[1] for p in patients])
    began = np.array([np.nan if p[2] is None else p[2] for p in patients], dtype=float)
    patient, start, stop, ends, exposed = split_at_exposure(time, event, began)
    assert (stop > start).all()
    assert (stop - start).sum() == time.sum()
    assert ends.sum() == event.sum()
    for place, begin in zip(patient[exposed], start[exposed], strict=True):
        assert begin >= began[place]
    at = landmark(time, event, began, float(day))
    assert at.time.size + at.excluded_event + at.excluded_censored == time.size
    assert at.exposed.sum() == sum(1 for t, b in zip(time, began, strict=True) if t > day and b <= day)


def test_two_groups_of_logrank_by_cox_without_ties():
    """Without ties the log-rank statistic is the score test of Cox, with delayed entry too (R's survdiff has none)."""
    generator = np.random.default_rng(3)
    time, group = generator.exponential(100, 80), generator.integers(0, 2, 80)
    entry, event = time * generator.uniform(0, 0.6, 80), generator.random(80) < 0.7
    found = logrank(time, event, group, entry=entry)
    fit = fit_cox(cox_rows(time, event, group, start=entry))
    assert found.test.statistic == pytest.approx(fit.score_test.statistic, rel=1e-9)
    assert found.observed.sum() == pytest.approx(found.expected.sum())


def test_e_values_of_the_published_trial():
    """Clinical specification 6: hazard ratio 0.42 (0.24-0.75) of trial E1910."""
    common, rare = e_value(0.42, 0.24, 0.75, common=True), e_value(0.42, 0.24, 0.75, common=False)
    assert [round(number, 2) for number in (*common, *rare)] == [3.03, 1.74, 4.19, 2.0]
    assert e_value(0.8, 0.5, 1.2, common=False).limit == 1.0
    assert e_value(2.0, 1.1, 3.0, common=False) == e_value(1 / 2.0, 1 / 3.0, 1 / 1.1, common=False)


def test_overlap_weights_balance_every_term_of_the_model_exactly():
    """Li, Morgan, Zaslavsky 2018, theorem 3: with a logistic model the weighted means are equal."""
    veteran = pd.read_csv(DATA / "veteran.csv")
    terms = veteran[["karno", "age", "prior"]].to_numpy(dtype=float)
    exposed = veteran["trt"].to_numpy() == 1
    score = fit_propensity(exposed, terms).score
    before = standardised_differences(exposed, terms)
    after = standardised_differences(exposed, terms, propensity_weights(exposed, score, "overlap"))
    assert np.abs(before).max() > 0.05
    np.testing.assert_allclose(after, 0.0, atol=1e-9)
    treated = propensity_weights(exposed, score, "att")
    assert (treated[exposed] == 1.0).all()
    stabilised = propensity_weights(exposed, score, "stabilised_iptw", truncate=(0.0, 1.0))
    np.testing.assert_allclose(stabilised[exposed], exposed.mean() / score[exposed])
    np.testing.assert_allclose(stabilised[~exposed], (1 - exposed.mean()) / (1 - score[~exposed]))
    assert effective_sample_size(stabilised) < exposed.size


def test_restricted_mean_difference_adds_variances():
    aml = pd.read_csv(DATA / "aml.csv")
    means = [
        restricted_mean(kaplan_meier(make_cohort(part["time"], part["status"])), 40.0)
        for _, part in aml.groupby("maintained")
    ]
    found = restricted_mean_difference(means[1], means[0])
    assert found.value == pytest.approx(means[1].value - means[0].value)
    assert found.std_err**2 == pytest.approx(means[0].std_err ** 2 + means[1].std_err ** 2)
    assert found.lower < found.value < found.upper


def test_draws_keep_strata_and_clusters_and_repeat():
    site = np.array(["a"] * 5 + ["b"] * 12 + ["c"])
    counts = draws_within(site, 200, seed=7)
    for label in "abc":
        assert set(counts[:, site == label].sum(axis=1)) == {int((site == label).sum())}
    assert (draws_within(site, 200, seed=7) == counts).all()
    assert (draws_within(site, 200, seed=8) != counts).any()
    whole = draws_of_clusters(site, 200, seed=7)
    assert all((whole[:, site == label] == whole[:, site == label][:, :1]).all() for label in "abc")
    # Efron: each patient is missing from a sample with probability (1 - 1/n)^n.
    assert (draws_within(np.zeros(50), 4000, seed=1) == 0).mean() == pytest.approx((1 - 1 / 50) ** 50, abs=0.005)


def test_a_bootstrap_sample_is_the_curve_of_its_copies():
    lung = pd.read_csv(DATA / "lung.csv").sort_values(["time", "status"], ignore_index=True)
    counts = draws_within(lung["site"], 20, seed=5)
    days = [1.0, 180.0, 365.25, 1000.0, 5000.0]
    found = bootstrap_survival(lung["time"], lung["status"] == 1, counts, days)
    for sample, copies in enumerate(counts):
        curve = kaplan_meier(make_cohort(np.repeat(lung["time"], copies), np.repeat(lung["status"] == 1, copies)))
        for place, day in enumerate(days):
            index = curve.index_at(day)
            expected = 1.0 if index < 0 else curve.survival[index]
            if day > curve.time[-1] and expected > 0:
                assert np.isnan(found[sample, place])
            else:
                assert found[sample, place] == pytest.approx(expected, abs=1e-12)


def test_a_bootstrap_sample_is_the_weighted_model_of_its_copies():
    veteran = pd.read_csv(DATA / "veteran.csv")
    veteran["week"] = np.ceil(veteran["time"] / 7)
    terms = veteran[["karno", "age"]].to_numpy(dtype=float)
    exposed = veteran["trt"].to_numpy() == 1
    counts = draws_within(veteran["celltype"], 12, seed=11)
    found = bootstrap_overlap_hazard_ratio(veteran["week"], veteran["status"] == 1, exposed, terms, counts)
    for sample, copies in enumerate(counts):
        drawn = np.repeat(np.arange(exposed.size), copies)
        weight = propensity_weights(exposed[drawn], fit_propensity(exposed[drawn], terms[drawn]).score, "overlap")
        rows = cox_rows(
            veteran["week"].to_numpy()[drawn], veteran["status"].to_numpy()[drawn] == 1, exposed[drawn], weight=weight
        )
        assert found[sample] == pytest.approx(fit_cox(rows).coefficient[0], abs=1e-7)


def test_a_bootstrap_sample_leaves_out_who_has_no_counterpart_in_it_and_keeps_strata():
    """Each sample is the whole analysis of its copies: positivity, propensity, weights and a model stratified by site."""
    veteran = pd.read_csv(DATA / "veteran.csv")
    exposed, site = veteran["trt"].to_numpy() == 1, veteran["celltype"].to_numpy()
    rare = np.zeros(exposed.size, dtype=bool)
    rare[[np.flatnonzero(exposed)[3], np.flatnonzero(~exposed)[5], np.flatnonzero(~exposed)[9]]] = True
    terms = np.column_stack([veteran["karno"], rare]).astype(float)
    counts = draws_within(site, 12, seed=4)
    levels = np.stack([rare, ~rare], axis=1)
    time, event = veteran["time"].to_numpy(), veteran["status"].to_numpy() == 1
    found = bootstrap_overlap_hazard_ratio(time, event, exposed, terms, counts, stratum=site, levels=levels)
    n_alone = 0
    for sample, copies in enumerate(counts):
        drawn = np.repeat(np.arange(exposed.size), copies)
        used, with_rare = terms[drawn], set(exposed[drawn][rare[drawn]])
        if len(with_rare) == 1:
            n_alone += 1
            drawn = drawn[~rare[drawn]]
        if len(with_rare) < 2:
            used = terms[drawn][:, :1]
        weight = propensity_weights(exposed[drawn], fit_propensity(exposed[drawn], used).score, "overlap")
        rows = cox_rows(time[drawn], event[drawn], exposed[drawn], weight=weight, stratum=site[drawn])
        assert found[sample] == pytest.approx(fit_cox(rows).coefficient[0], abs=1e-7)
    assert 0 < n_alone < 12
    plain = bootstrap_overlap_hazard_ratio(time, event, exposed, terms, counts, stratum=site)
    assert np.isnan(plain).sum() == n_alone


def test_arms_that_never_meet_in_a_stratum_have_no_estimate():
    counts = np.ones((1, 6), dtype=np.int64)
    exposed, terms = [0, 0, 0, 1, 1, 1], [1.0, 2.0, 3.0, 1.5, 2.5, 1.0]
    found = bootstrap_overlap_hazard_ratio([1, 2, 3, 4, 5, 6], [1] * 6, exposed, terms, counts, stratum=exposed)
    assert np.isnan(found).all()


def test_a_sample_without_an_estimate_is_counted():
    counts = np.array([[1, 1, 1, 1], [0, 0, 2, 2], [4, 0, 0, 0]])
    found = bootstrap_overlap_hazard_ratio([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 1, 1], [1.0, 2.0, 1.5, 2.5], counts)
    assert np.isnan(found[1:]).all()
    assert percentile_interval([0.1, np.nan, 0.3, np.inf]).n_failed == 2


def everything(order: np.ndarray) -> str:
    """Digest of the bits of every estimate of the lung, veteran, heart and mgus data, rows taken in ``order``."""
    lung, veteran = (pd.read_csv(DATA / f"{name}.csv") for name in ("lung", "veteran"))
    mgus = pd.read_csv(DATA / "mgus.csv")
    lung, veteran, mgus = (frame.iloc[order[order < len(frame)]] for frame in (lung, veteran, mgus))
    rows = cox_rows(lung["month"], lung["status"], lung[["sex", "age"]], stratum=lung["ecog"], cluster=lung["site"])
    fit = fit_cox(rows)
    score = fit_propensity(veteran["trt"], veteran[["karno", "age"]])
    curve = weighted_kaplan_meier(veteran["time"], veteran["status"], veteran["w"], veteran["entry"])
    tests = proportional_hazards_test(rows, fit)
    parts = [
        fit.coefficient, fit.covariance, robust_covariance(rows, fit), score.coefficient, curve.survival, curve.std_err,
        aalen_johansen(mgus["time"], mgus["code"]).std_err,
        fine_gray(mgus["time"], mgus["code"], mgus[["sex", "hgb"]]).fit.coefficient,
        [gray_test(mgus["time"], mgus["code"], mgus["sex"]).statistic, tests.together.statistic],
        [logrank(lung["time"], lung["status"], lung["sex"], stratum=lung["site"]).test.statistic, hazard_ratio(fit).upper],
        standardised_differences(veteran["trt"], veteran[["karno", "age"]], veteran["w"]),
        [effective_sample_size(veteran["w"])],
    ]  # fmt: skip
    return hashlib.sha256(b"".join(np.asarray(part, dtype=float).tobytes() for part in parts)).hexdigest()


def test_no_bit_depends_on_the_order_of_rows():
    order = np.arange(500)
    expected = everything(order)
    for seed in range(3):
        assert everything(np.random.default_rng(seed).permutation(order)) == expected


def test_no_bit_depends_on_threads():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import numpy, test_properties as t; print(t.everything(numpy.arange(500)))"
    found = set()
    for threads in ("1", "2"):
        variables = os.environ | {f"{name}_NUM_THREADS": threads for name in ("OMP", "OPENBLAS", "MKL")}
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env=variables,
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout.strip())
    assert len(found) == 1

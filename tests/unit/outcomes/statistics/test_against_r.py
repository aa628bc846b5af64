"""Every method against recorded results of R on public data, ties included; no R is needed here."""

from __future__ import annotations

import numpy as np
import pytest
from reference import RECORDED, agrees, cases, column, data_of, name_of, numbers

from blin_pipeline.outcomes.statistics.aalen_johansen import aalen_johansen
from blin_pipeline.outcomes.statistics.cox import fit_cox, robust_covariance
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.extended_kaplan_meier import extended_kaplan_meier
from blin_pipeline.outcomes.statistics.fine_gray import fine_gray
from blin_pipeline.outcomes.statistics.firth import fit_firth
from blin_pipeline.outcomes.statistics.gray import gray_test
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.landmark import landmark, split_at_exposure
from blin_pipeline.outcomes.statistics.logrank import logrank
from blin_pipeline.outcomes.statistics.propensity import fit_propensity
from blin_pipeline.outcomes.statistics.proportional_hazards import proportional_hazards_test
from blin_pipeline.outcomes.statistics.restricted_mean import restricted_mean
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort
from blin_pipeline.outcomes.statistics.weighted_kaplan_meier import weighted_kaplan_meier


def every(kind):
    return pytest.mark.parametrize("case", cases(kind), ids=name_of)


def rows_of(case):
    return cox_rows(
        column(case, "time"),
        column(case, "event"),
        data_of(case)[case["result"]["covariates"]].to_numpy(dtype=float),
        start=column(case, "entry"),
        stratum=column(case, "stratum"),
        weight=column(case, "weight"),
        cluster=column(case, "cluster"),
    )


@every("logrank")
def test_logrank(case):
    found = logrank(*(column(case, role) for role in ("time", "event", "group")), stratum=column(case, "stratum"))
    agrees(found.test.statistic, case["result"]["chisq"])
    agrees(found.observed, case["result"]["observed"])
    agrees(found.expected, case["result"]["expected"])
    assert found.test.degrees_of_freedom == case["result"]["df"]


@every("restricted_mean")
def test_restricted_mean(case):
    curve = kaplan_meier(make_cohort(*(column(case, role) for role in ("time", "event", "entry"))))
    found = restricted_mean(curve, case["result"]["tau"])
    agrees(found.value, case["result"]["value"])
    agrees(found.std_err, case["result"]["std_err"])


@every("incidence")
def test_cumulative_incidence(case):
    found = aalen_johansen(*(column(case, role) for role in ("time", "code", "entry")))
    result = case["result"]
    at = np.searchsorted(found.time, numbers(result["time"]))
    agrees(found.event_free[at], result["event_free"])
    agrees(found.incidence[at, 0], result["first"])
    agrees(found.incidence[at, 1], result["second"])
    agrees(found.std_err[at, 0], result["first_error"])
    agrees(found.std_err[at, 1], result["second_error"])
    agrees(found.lower[at, 0], result["first_lower"])
    agrees(found.upper[at, 0], result["first_upper"])


@every("gray")
def test_gray(case):
    found = gray_test(
        *(column(case, role) for role in ("time", "code", "group")),
        stratum=column(case, "stratum"),
        cause=case["result"]["cause"],
    )
    agrees(found.statistic, case["result"]["chisq"])
    assert found.degrees_of_freedom == case["result"]["df"]


@every("cox")
def test_cox(case):
    rows, result = rows_of(case), case["result"]
    fit = fit_cox(rows)
    agrees(fit.coefficient, result["coefficient"])
    agrees(fit.covariance.ravel(), np.ravel(result["model_covariance"]).tolist())
    agrees(robust_covariance(rows, fit).ravel(), np.ravel(result["robust_covariance"]).tolist())
    agrees([fit.log_likelihood_null, fit.log_likelihood], result["log_likelihood"])
    agrees(fit.score_test.statistic, result["score"])


@every("cox")
@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_proportional_hazards(case, transform):
    rows = rows_of(case)
    found = proportional_hazards_test(rows, fit_cox(rows), transform)
    recorded = numbers(case["result"]["zph"][transform])
    agrees([test.statistic for test in found.each], recorded[:-1].tolist())
    agrees(found.together.statistic, recorded[-1])


def test_record_names_r_and_its_packages():
    assert RECORDED["r"].startswith("R version")
    assert {RECORDED[package] != "" for package in ("survival", "cmprsk", "etm")} == {True}


@every("fine_gray")
def test_fine_gray(case):
    result = case["result"]
    found = fine_gray(
        column(case, "time"), column(case, "code"), data_of(case)[result["covariates"]], cause=result["cause"]
    )
    agrees(found.fit.coefficient, result["coefficient"])
    agrees(found.covariance.ravel(), np.ravel(result["covariance"]).tolist())
    # cmprsk breaks ties otherwise and knows that the censoring curve was estimated.
    np.testing.assert_allclose(found.fit.coefficient, result["crr_coefficient"], rtol=0.02)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), result["crr_std_err"], rtol=0.02)


@every("weighted_curve")
def test_weighted_curve(case):
    found = weighted_kaplan_meier(*(column(case, role) for role in ("time", "event", "weight", "entry")))
    result = case["result"]
    agrees(found.time, result["time"])
    agrees(found.survival, result["survival"])
    known = found.survival > 1e-12
    agrees(found.std_err[known], numbers(result["std_err"])[known].tolist())
    inside = known & (found.survival < 1.0)
    agrees(found.lower[inside], numbers(result["lower"])[inside].tolist())
    agrees(found.upper[inside], numbers(result["upper"])[inside].tolist())


@every("firth")
def test_firth(case):
    found = fit_firth(rows_of(case))
    # R's side is a general optimiser that stops when the likelihood no longer moves, so the place of its maximum is
    # known to the root of that precision.
    agrees(found.coefficient, case["result"]["coefficient"], 1e-5)
    agrees(found.penalised_log_likelihood, case["result"]["penalised"])


@every("propensity")
def test_propensity(case):
    found = fit_propensity(column(case, "treated"), data_of(case)[case["result"]["covariates"]])
    agrees(found.coefficient, case["result"]["coefficient"])
    agrees(np.sqrt(np.diag(found.covariance)), case["result"]["std_err"])
    agrees(found.score, case["result"]["fitted"])


@every("immortal_time")
def test_naive_landmark_and_time_varying(case):
    patients, result = data_of(case), case["result"]
    day = patients["txtime"].where(patients["txtime"] >= 0).to_numpy()
    time, death = patients["futime"].to_numpy(), patients["death"].to_numpy() == 1
    agrees(fit_cox(cox_rows(time, death, ~np.isnan(day))).coefficient, [result["naive"]])
    at = landmark(time, death, day, 180.0)
    assert at.time.size == result["landmark_n"]
    assert at.excluded_event + at.excluded_censored + at.time.size == time.size
    agrees(fit_cox(cox_rows(at.time, at.event, at.exposed)).coefficient, [result["landmark"]])
    _, start, stop, event, exposed = split_at_exposure(time, death, day)
    fit = fit_cox(cox_rows(stop, event, exposed, start=start))
    agrees(fit.coefficient, [result["varying"]])
    agrees(fit.std_err, [result["varying_error"]])
    assert result["naive"] < 0 < result["varying"], "the example is there because the sign turns"


@every("extended_curve")
def test_extended_curves(case):
    patients, result = data_of(case), case["result"]
    day = patients["txtime"].where(patients["txtime"] >= 0).to_numpy()
    _, start, stop, event, exposed = split_at_exposure(patients["futime"], patients["death"] == 1, day)
    curves = extended_kaplan_meier(start, stop, event, exposed)
    for found, recorded in zip(curves, ("not_exposed", "exposed"), strict=True):
        assert found.start is not None
        values = [found.curve.survival[found.curve.index_at(time)] for time in result["time"]]
        agrees(values, result[recorded])

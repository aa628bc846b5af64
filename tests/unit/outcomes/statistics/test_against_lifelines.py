"""A second witness beside R, where lifelines is exact: curves, log-rank, Cox and its time-varying form."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from reference import DATA

from blin_pipeline.outcomes.statistics.cox import fit_cox
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows
from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
from blin_pipeline.outcomes.statistics.logrank import logrank
from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

# lifelines changes numpy's error state for the whole process when it is imported.
with np.errstate(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lifelines = pytest.importorskip("lifelines")
    from lifelines.statistics import multivariate_logrank_test

#: Where lifelines' Newton steps end.
STOPS = 1e-4


@pytest.fixture(scope="module")
def lung():
    return pd.read_csv(DATA / "lung.csv")


@pytest.mark.parametrize("entry", [None, "entry"])
def test_kaplan_meier(lung, entry):
    entries = None if entry is None else lung[entry]
    ours = kaplan_meier(make_cohort(lung["time"], lung["status"], entries))
    theirs = lifelines.KaplanMeierFitter().fit(lung["time"], lung["status"], entry=entries)
    np.testing.assert_allclose(ours.survival, theirs.survival_function_.loc[ours.time].to_numpy()[:, 0], atol=1e-12)


def test_logrank(lung):
    theirs = multivariate_logrank_test(lung["month"], lung["ecog"], lung["status"])
    assert logrank(lung["month"], lung["status"], lung["ecog"]).test.statistic == pytest.approx(
        theirs.test_statistic, rel=1e-9
    )


def test_cox(lung):
    theirs = lifelines.CoxPHFitter().fit(lung[["month", "status", "sex", "age"]], "month", "status")
    fit = fit_cox(cox_rows(lung["month"], lung["status"], lung[["sex", "age"]]))
    np.testing.assert_allclose(fit.coefficient, theirs.params_, rtol=STOPS)
    np.testing.assert_allclose(fit.std_err, theirs.standard_errors_, rtol=STOPS)


def test_time_varying_cox():
    heart = pd.read_csv(DATA / "heart.csv")
    used = heart[["id", "start", "stop", "event", "transplant", "age"]]
    theirs = lifelines.CoxTimeVaryingFitter().fit(
        used, id_col="id", start_col="start", stop_col="stop", event_col="event"
    )
    fit = fit_cox(cox_rows(heart["stop"], heart["event"], heart[["transplant", "age"]], start=heart["start"]))
    np.testing.assert_allclose(fit.coefficient, theirs.params_, rtol=STOPS)
    np.testing.assert_allclose(fit.std_err, theirs.standard_errors_, rtol=STOPS)

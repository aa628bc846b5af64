"""The survival curve that is published: lifelines' estimate, held against our own before anybody sees it.

Two programs that share no code have to agree, or there is no curve. lifelines gives the estimate and its log-log limits;
numbers at risk, Greenwood's error and what is undefined (lifelines fills it with 1) are ours.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.errors import DataError
from blin_pipeline.outcomes.statistics.kaplan_meier import SurvivalCurve, kaplan_meier

if TYPE_CHECKING:
    from blin_pipeline.outcomes.statistics.arrays import Floats
    from blin_pipeline.outcomes.statistics.risk_sets import Cohort

#: Estimates farther apart than this do not come from the same formula.
AGREEMENT = 1e-9


def published_curve(cohort: Cohort, confidence_level: float = 0.95) -> SurvivalCurve:
    """Kaplan-Meier estimate of a cohort by lifelines (``KaplanMeierFitter``), with or without delayed entry.

    Raises:
        DataError: ``E_RISK_SET_EMPTY`` as ``kaplan_meier``; ``E_CURVES_DISAGREE`` when lifelines and our own
            estimate differ by more than ``AGREEMENT`` anywhere.
    """
    own = kaplan_meier(cohort, confidence_level)
    if own.time.size == 0:
        return own
    survival, lower, upper = _lifelines(cohort, own.time, confidence_level)
    survival[own.survival == 0.0] = 0.0
    undefined = np.isnan(own.lower)
    lower[undefined] = upper[undefined] = np.nan
    for theirs, ours in ((survival, own.survival), (lower, own.lower), (upper, own.upper)):
        if not np.allclose(theirs, ours, rtol=0.0, atol=AGREEMENT, equal_nan=True):
            raise DataError(
                "E_CURVES_DISAGREE",
                "Two computations of one survival curve gave different numbers.",
                fix="Report it with the versions of lifelines and blin-pipeline; publish nothing from this run.",
            )
    return replace(own, survival=survival, lower=lower, upper=upper)


def _lifelines(cohort: Cohort, time: Floats, confidence_level: float) -> tuple[Floats, Floats, Floats]:
    """Estimate and log-log limits at ``time``.

    lifelines changes numpy's error state for the whole process and warns about logarithms of zero; both end here.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from lifelines import KaplanMeierFitter

        entry = None if bool(np.all(cohort.entry <= 0.0)) else cohort.entry
        fitter = KaplanMeierFitter(alpha=1.0 - confidence_level)
        fitter.fit(cohort.time, cohort.event, entry=entry)
    survival = fitter.survival_function_.loc[time].to_numpy(dtype=np.float64)[:, 0].copy()
    limits = fitter.confidence_interval_.loc[time].to_numpy(dtype=np.float64)
    return survival, limits[:, 0].copy(), limits[:, 1].copy()

"""Subdistribution hazards (Fine and Gray, J Am Stat Assoc 1999), as a description of cumulative incidence only.

Patients with the competing event stay at risk after it, weighted by the probability of still being uncensored, and a
weighted Cox model is fitted (Geskus, Biometrics 2011). Agrees with R: ``coxph(..., data = finegray(...), weights = fgwt,
cluster = id)``. ``cmprsk::crr`` breaks ties in Breslow's way and adds the error of the censoring curve to the variance,
so that it differs in the third or fourth digit. Not given with delayed entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import NotEstimableError, columns, floats
from blin_pipeline.outcomes.statistics.cox import CoxFit, fit_cox, robust_covariance
from blin_pipeline.outcomes.statistics.cox_rows import cox_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Floats


class FineGray(NamedTuple):
    """The weighted fit and its robust covariance (patients as clusters)."""

    fit: CoxFit
    covariance: Floats


def fine_gray(time: ArrayLike, event_code: ArrayLike, covariates: ArrayLike, *, cause: int = 1) -> FineGray:
    """Subdistribution hazard ratios of covariates for one cause.

    Args:
        time: Days to event or censoring; no delayed entry.
        event_code: 0 censored, otherwise the cause.
        covariates: One column per coefficient, fixed at the origin.
        cause: Cause described.

    Raises:
        NotEstimableError: As ``fit_cox``, or without an event of the cause.
    """
    times, causes, matrix = floats(time), np.asarray(event_code, dtype=np.int64), columns(covariates)
    if not np.any(causes == cause):
        raise NotEstimableError("no event of this cause")
    patient, start, stop, weight = _expanded(times, causes, cause)
    event = (causes[patient] == cause) & (stop == times[patient])
    rows = cox_rows(stop, event, matrix[patient], start=start, weight=weight, cluster=patient)
    fit = fit_cox(rows)
    return FineGray(fit, robust_covariance(rows, fit))


def _expanded(time: Floats, code: Counts, cause: int) -> tuple[Counts, Floats, Floats, Floats]:
    """Rows (patient, start, stop, weight): a patient with the competing event goes on in steps of the censoring curve.

    An event comes before a censoring of its day, so censoring acts after the time.
    """
    days, censored = np.unique(time[code == 0], return_counts=True)
    # At risk of censoring on a day: those still observed after its events.
    at_risk = np.array(
        [np.count_nonzero((time > day) | ((time == day) & (code == 0))) for day in days], dtype=np.float64
    )
    curve = np.cumprod(1.0 - censored / at_risk) if days.size else np.empty(0)
    last = float(time[code == cause].max())
    plain = (code == 0) | (code == cause)
    patient = [np.flatnonzero(plain)]
    start, stop = [np.full(patient[0].size, -np.inf)], [time[plain]]
    weight = [np.ones(patient[0].size)]
    for place in np.flatnonzero(~plain):
        first = np.searchsorted(days, time[place], side="left")
        own = 1.0 if first == 0 else curve[first - 1]
        inside = days[first:] < last
        edges = np.concatenate((days[first:][inside], [max(last, time[place])]))
        shares = np.concatenate(([own], curve[first:][inside])) / own
        patient.append(np.full(edges.size, place))
        start.append(np.concatenate(([-np.inf], edges[:-1])))
        stop.append(edges)
        weight.append(shares)
    return np.concatenate(patient), np.concatenate(start), np.concatenate(stop), np.concatenate(weight)

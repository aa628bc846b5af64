"""Survival curves: Kaplan-Meier with log-log limits, delayed entry, medians, reverse Kaplan-Meier, numbers at risk.

Time is in days from the origin. A risk set at time t is ``entry < t <= time``, as R's ``Surv(start, stop]``: an event
on the day of somebody's entry comes before the entry. Estimates are lifelines' (``KaplanMeierFitter``); counts,
Greenwood's standard error, quantiles and the reverse curve are the few lines below, because lifelines does not give
them or not in R's way. All of it is compared with recorded results of R survival in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from blin_pipeline.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Flags = NDArray[np.bool_]

#: Two survival probabilities closer than this are equal (R's ``sqrt(.Machine$double.eps)``).
TOLERANCE = 2.0**-26


@dataclass(frozen=True, slots=True)
class Cohort:
    """Patients of one curve, sorted, so that no result depends on the order of rows.

    Attributes:
        time: Days to death or censoring, above ``entry``.
        event: Whether the time is a death.
        entry: Day from which the patient is observed, at least ``start``; equals ``start`` without delayed entry.
        start: Time zero of the curve; above 0 the curve is conditional on being alive then.
    """

    time: Floats
    event: Flags
    entry: Floats
    start: float

    @property
    def n(self) -> int:
        """Number of patients."""
        return int(self.time.size)


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """One entry per distinct time of a cohort (the start itself is not among them).

    Attributes:
        time: Distinct times of death or censoring, ascending, days.
        at_risk: Patients at risk just before the time.
        events: Deaths at the time (censorings, for the reverse curve).
        survival: Probability just after the time.
        std_err: Greenwood's standard error of ``survival``; NaN once the curve is zero.
        lower: Log-log limit; NaN where the curve is one or zero, for it has no variance there (as R).
        upper: As ``lower``.
        start: Where the curve begins at 1.
    """

    time: Floats
    at_risk: Counts
    events: Counts
    survival: Floats
    std_err: Floats
    lower: Floats
    upper: Floats
    start: float

    def index_at(self, day: float) -> int:
        """Position of the last time at or before ``day``; -1 before the first."""
        import numpy as np

        return int(np.searchsorted(self.time, day, side="right")) - 1


class Quantile(NamedTuple):
    """Time at which a curve passes a probability, with limits; None where it never does."""

    value: float | None
    lower: float | None
    upper: float | None


def make_cohort(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    *,
    start: float = 0.0,
) -> Cohort:
    """Sorted arrays of the patients whose time lies after their entry and after ``start``.

    Args:
        time: Days to death or censoring, all above 0 (the caller writes 0.5 for 0).
        event: True for a death.
        entry: Days to observation; None when everybody is observed from ``start``.
        start: Begin of the curve; earlier entries are moved up to it.
    """
    import numpy as np

    times = np.asarray(time, dtype=np.float64)
    events = np.asarray(event, dtype=np.bool_)
    entries = np.full(times.shape, start) if entry is None else np.maximum(np.asarray(entry, dtype=np.float64), start)
    kept = times > entries
    times, events, entries = times[kept], events[kept], entries[kept]
    order = np.lexsort((entries, ~events, times))
    return Cohort(times[order], events[order], entries[order], float(start))


def kaplan_meier(cohort: Cohort, confidence_level: float = 0.95) -> SurvivalCurve:
    """Product-limit estimate, Greenwood's standard error, log-log limits: R's ``survfit(conf.type = "log-log")``.

    Raises:
        DataError: ``E_RISK_SET_EMPTY`` when nobody is at risk for a while and somebody enters later: a curve through
            the gap would be an extrapolation (or stay at zero), so it has to start later (``conditional_start``).
    """
    import numpy as np

    if _gaps(cohort.time, cohort.entry).size:
        raise DataError(
            "E_RISK_SET_EMPTY",
            "Nobody is at risk between two entries of a survival curve.",
            fix="Start the curve after the gap (conditional_start).",
        )
    time, at_risk, events = _life_table(cohort, cohort.event)
    if time.size == 0:
        return _empty(cohort.start)
    survival, lower, upper = _lifelines(cohort, time, confidence_level)
    zero, one = np.cumsum(events == at_risk) > 0, np.cumsum(events) == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        std_err = survival * _greenwood(at_risk, events)
    survival = np.where(zero, 0.0, survival)
    std_err[zero] = lower[zero | one] = upper[zero | one] = np.nan
    return SurvivalCurve(time, at_risk, events, survival, std_err, lower, upper, cohort.start)


def reverse_kaplan_meier(cohort: Cohort, confidence_level: float = 0.95) -> SurvivalCurve:
    """Curve of the time to censoring, deaths being its censorings (Schemper and Smith, Control Clin Trials 1996).

    A death on the day of a censoring has left the risk set before it, so the at-risk count of a day is without its
    deaths.
    """
    import numpy as np
    from scipy.special import ndtri

    time, present, censored = _life_table(cohort, ~cohort.event)
    if time.size == 0:
        return _empty(cohort.start)
    at_risk = present - _life_table(cohort, cohort.event)[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        survival: Floats = np.cumprod(np.where(censored == 0, 1.0, 1.0 - censored / at_risk), dtype=np.float64)
        relative_err = _greenwood(at_risk, censored)
        exponent = ndtri(0.5 + confidence_level / 2) * relative_err / np.log(survival)
        lower, upper = survival ** np.exp(-exponent), survival ** np.exp(exponent)
        std_err = survival * relative_err
    zero, one = survival == 0.0, survival == 1.0
    std_err[zero] = lower[zero | one] = upper[zero | one] = np.nan
    return SurvivalCurve(time, at_risk, censored, survival, std_err, lower, upper, cohort.start)


def median(curve: SurvivalCurve) -> Quantile:
    """Median time with the limits of Brookmeyer and Crowley (Biometrics 1982), in days.

    A limit is where the corresponding limit of the curve passes one half. Where a curve equals one half over an
    interval the median is the middle of it, its end being the last time when the curve ends there (R's
    ``median.survfit``).
    """
    return Quantile(
        _passes_half(curve.time, curve.survival),
        _passes_half(curve.time, curve.lower),
        _passes_half(curve.time, curve.upper),
    )


def conditional_start(time: ArrayLike, entry: ArrayLike, minimum: int) -> float | None:
    """First day from which at least ``minimum`` are at risk and the risk set never empties before the last time.

    0 when that holds from the origin; None when it never holds (clinical-spec 6, left truncation).

    Args:
        time: Days to death or censoring, each above its entry.
        entry: Days to observation, at least 0.
        minimum: Patients at risk that a curve needs at its start.
    """
    import numpy as np

    times, entries = np.asarray(time, dtype=np.float64), np.asarray(entry, dtype=np.float64)
    for day in np.unique(np.append(entries, 0.0)):
        present = times > day
        if np.count_nonzero(present & (entries <= day)) < minimum:
            continue
        if not _gaps(times[present], entries[present]).size:
            return float(day)
    return None


def _life_table(cohort: Cohort, counted: Flags) -> tuple[Floats, Counts, Counts]:
    """Distinct times, patients at risk just before them, and ``counted`` ones at them."""
    import numpy as np

    time = np.unique(cohort.time)
    left = np.searchsorted(cohort.time, time, side="left")
    entered = np.searchsorted(np.sort(cohort.entry), time, side="left")
    at_risk = (entered - left).astype(np.int64)
    events = np.bincount(np.searchsorted(time, cohort.time), weights=counted, minlength=time.size).astype(np.int64)
    return time, at_risk, events


def _greenwood(at_risk: Counts, events: Counts) -> Floats:
    """Standard error of the logarithm of a product-limit estimate (Greenwood 1926); infinite once it is zero."""
    import numpy as np

    steps = np.where(events == 0, 0.0, events / (at_risk * (at_risk - events).astype(np.float64)))
    summed: Floats = np.sqrt(np.cumsum(steps))
    return summed


def _gaps(time: Floats, entry: Floats) -> Floats:
    """Distinct times after which nobody is at risk although somebody enters later."""
    import numpy as np

    days = np.unique(time)
    ordered_time, ordered_entry = np.sort(time), np.sort(entry)
    entered = np.searchsorted(ordered_entry, days, side="right")
    left = np.searchsorted(ordered_time, days, side="right")
    empty: Floats = days[(entered == left) & (entered < time.size)]
    return empty


def _lifelines(cohort: Cohort, time: Floats, confidence_level: float) -> tuple[Floats, Floats, Floats]:
    """Estimate and log-log limits of lifelines at ``time``.

    lifelines changes numpy's error state for the whole process and warns about logarithms of zero; both end here. It
    fills undefined limits with 1: the caller blanks those.
    """
    import warnings

    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        from lifelines import KaplanMeierFitter

        entry = None if bool(np.all(cohort.entry <= 0.0)) else cohort.entry
        fitter = KaplanMeierFitter(alpha=1.0 - confidence_level)
        fitter.fit(cohort.time, cohort.event, entry=entry)
    survival = fitter.survival_function_.loc[time].to_numpy(dtype=np.float64)[:, 0]
    limits = fitter.confidence_interval_.loc[time].to_numpy(dtype=np.float64)
    return survival, limits[:, 0].copy(), limits[:, 1].copy()


def _passes_half(time: Floats, probability: Floats) -> float | None:
    """First time at which a step function is at or under one half; the middle of the interval where it equals it."""
    import numpy as np

    known = ~np.isnan(probability)
    times, values = time[known], probability[known]
    reached = np.flatnonzero(values <= 0.5 + TOLERANCE)
    if reached.size == 0:
        return None
    first = int(reached[0])
    if values[first] < 0.5 - TOLERANCE:
        return float(times[first])
    below = np.flatnonzero(values < 0.5 - TOLERANCE)
    # The curve may turn undefined (zero reached) while a limit still equals one half: then the last known time closes
    # it.
    end = times[int(below[0])] if below.size else (time[-1] if known[-1] else None)
    return None if end is None else float((times[first] + end) / 2)


def _empty(start: float) -> SurvivalCurve:
    import numpy as np

    nothing, nobody = np.empty(0, dtype=np.float64), np.empty(0, dtype=np.int64)
    return SurvivalCurve(nothing, nobody, nobody, nothing, nothing, nothing, nothing, start)

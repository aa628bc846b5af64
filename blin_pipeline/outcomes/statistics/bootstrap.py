"""Bootstrap with a fixed seed: patients drawn within their site, or whole sites; as counts, so that draws are matrices.

A draw is a row of counts: how often each patient is in the sample (Efron 1979; Davison and Hinkley 1997, section 3.2).
Patients are sorted by the caller (by key), so a seed gives the same draws on every machine: numpy's PCG64 stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import codes, flags, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Floats


class PercentileInterval(NamedTuple):
    """Percentile limits; ``n_failed`` samples gave no estimate and are left out of them."""

    lower: float
    upper: float
    std_err: float
    n_samples: int
    n_failed: int


def draws_within(stratum: ArrayLike, n_samples: int, seed: int) -> Counts:
    """Counts of each patient in samples that keep the size of every stratum; shape (samples, patients)."""
    labels = codes(stratum, np.asarray(stratum).size)
    generator = np.random.Generator(np.random.PCG64(seed))
    counts = np.zeros((n_samples, labels.size), dtype=np.int64)
    for label in range(int(labels.max()) + 1 if labels.size else 0):
        members = np.flatnonzero(labels == label)
        counts[:, members] = _counts(generator, n_samples, members.size)
    return counts


def draws_of_clusters(cluster: ArrayLike, n_samples: int, seed: int) -> Counts:
    """Counts of each patient in samples of whole clusters."""
    labels = codes(cluster, np.asarray(cluster).size)
    size = int(labels.max()) + 1 if labels.size else 0
    drawn = _counts(np.random.Generator(np.random.PCG64(seed)), n_samples, size)
    return drawn[:, labels]


def percentile_interval(estimates: ArrayLike, level: float = 0.95) -> PercentileInterval:
    """Percentiles (linear interpolation) of the estimates of all samples; NaN is a sample that gave none."""
    values = floats(estimates)
    known = np.sort(values[np.isfinite(values)])
    failed = values.size - known.size
    if known.size < 2:
        return PercentileInterval(np.nan, np.nan, np.nan, values.size, failed)
    lower, upper = np.quantile(known, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return PercentileInterval(float(lower), float(upper), float(known.std(ddof=1)), values.size, failed)


def bootstrap_survival(time: ArrayLike, event: ArrayLike, counts: Counts, days: ArrayLike) -> Floats:
    """Kaplan-Meier estimates of every sample at fixed days; shape (samples, days); 1 before the first time.

    NaN where a sample has nobody under observation any more and its curve is above zero.
    """
    times, events, wanted = floats(time), flags(event), floats(days)
    order = np.lexsort((~events, times))
    times, events = times[order], events[order]
    present = np.ascontiguousarray(counts[:, order].T)
    unique, first = np.unique(times, return_index=True)
    alive = np.cumsum(present[::-1], axis=0)[::-1][first]
    died = np.add.reduceat(present * events[:, None], first, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(died == 0, 1.0, 1.0 - died / alive)
    curve = np.concatenate((np.ones((1, counts.shape[0])), np.cumprod(steps, axis=0)))
    at = np.searchsorted(unique, wanted, side="right")
    values = curve[at]
    observed = np.concatenate((alive, np.zeros((1, counts.shape[0]), dtype=alive.dtype)))
    reached = observed[np.searchsorted(unique, wanted, side="left")] > 0
    result: Floats = np.where(reached | (values == 0.0), values, np.nan).T
    return result


def _counts(generator: np.random.Generator, n_samples: int, size: int) -> Counts:
    """How often each of ``size`` members is drawn in ``size`` draws with replacement."""
    drawn = generator.integers(0, size, size=(n_samples, size))
    flat = drawn + size * np.arange(n_samples)[:, None]
    return np.bincount(flat.ravel(), minlength=n_samples * size).reshape(n_samples, size).astype(np.int64)

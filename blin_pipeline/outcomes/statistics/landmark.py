"""Landmark analysis: who is at risk at a day, and how they were exposed by then (Anderson, Cain, Gelber, JCO 1983).

Exposure after the landmark never changes a patient's group, and time before it is not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import flags, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Flags, Floats


class Landmark(NamedTuple):
    """Patients at a landmark.

    Attributes:
        at_risk: Time after the landmark: alive and under observation beyond it, one flag per patient given.
        time: Days from the landmark, of those at risk.
        event: Events of those at risk.
        exposed: Exposed on or before the landmark, of those at risk.
        excluded_event: Patients left out because of an event, or the end of the state, on or before the landmark.
        excluded_censored: Patients left out because observation, or knowledge of the state, ended on or before it.
        exposed_later: Patients at risk who were exposed after it; they count as not exposed.
    """

    at_risk: Flags
    time: Floats
    event: Flags
    exposed: Flags
    excluded_event: int
    excluded_censored: int
    exposed_later: int


def landmark(
    time: ArrayLike,
    event: ArrayLike,
    exposure_day: ArrayLike,
    day: float,
    *,
    over_day: ArrayLike | None = None,
    known_until: ArrayLike | None = None,
) -> Landmark:
    """Patients at the landmark ``day``.

    Args:
        time: Days from the origin to event or censoring.
        event: True for an event.
        exposure_day: Day from the origin on which exposure began; NaN for never. On or after the patient's own time it
            is never, for an event of a day comes before a change.
        day: Landmark, days from the origin.
        over_day: Day on which the state that the analysis starts from ended (relapse, for survival from remission);
            NaN for never. On or before the landmark the patient is left out as if the event had come.
        known_until: Last day on which the state that the analysis starts from was looked at (remission). Whose state is
            not known beyond the landmark is left out as if censored.
    """
    times, events, began = floats(time), flags(event), floats(exposure_day)
    with np.errstate(invalid="ignore"):
        over = np.zeros(times.shape, dtype=np.bool_) if over_day is None else floats(over_day) <= day
        known = np.ones(times.shape, dtype=np.bool_) if known_until is None else floats(known_until) > day
        at_risk = (times > day) & ~over & known
        exposed, later = began <= day, (began > day) & (began < times)
    return Landmark(
        at_risk,
        times[at_risk] - day,
        events[at_risk],
        exposed[at_risk],
        int(np.count_nonzero(over | (~at_risk & events & (times <= day)))),
        int(np.count_nonzero(~over & ~at_risk & ~(events & (times <= day)))),
        int(np.count_nonzero(at_risk & later)),
    )


def split_at_exposure(
    time: ArrayLike, event: ArrayLike, exposure_day: ArrayLike
) -> tuple[np.ndarray, Floats, Floats, Flags, Flags]:
    """Counting-process rows (patient, start, stop, event, exposed) of an exposure that begins once, as R's ``tmerge``.

    A change on day d counts from just after d; on or after the patient's time it adds no row; at or before the origin it
    is there from the start.
    """
    times, events, began = floats(time), flags(event), floats(exposure_day)
    with np.errstate(invalid="ignore"):
        changes = (began > 0.0) & (began < times)
        from_start = began <= 0.0
    everybody = np.arange(times.size)
    patient = np.concatenate((everybody, everybody[changes]))
    start = np.concatenate((np.zeros(times.size), began[changes]))
    stop = np.concatenate((np.where(changes, began, times), times[changes]))
    ends = np.concatenate((events & ~changes, events[changes]))
    exposed = np.concatenate((from_start, np.ones(int(changes.sum()), dtype=np.bool_)))
    return patient, start, stop, ends, exposed

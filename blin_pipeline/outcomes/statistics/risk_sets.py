"""Who is at risk when: cohorts, life tables, and from which day a curve with delayed entry may begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.statistics.arrays import flags, floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from blin_pipeline.outcomes.statistics.arrays import Counts, Flags, Floats


@dataclass(frozen=True, slots=True)
class Cohort:
    """Patients of one curve, sorted, so that no result depends on the order of rows.

    Attributes:
        time: Days to event or censoring, above ``entry``.
        event: Whether the time is an event.
        entry: Day from which the patient is observed, at least ``start``; equals ``start`` without delayed entry.
        start: Time zero of the curve; above 0 the curve is conditional on being event-free then.
    """

    time: Floats
    event: Flags
    entry: Floats
    start: float

    @property
    def n(self) -> int:
        """Number of patients (rows)."""
        return int(self.time.size)


def make_cohort(
    time: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    *,
    start: float = 0.0,
) -> Cohort:
    """Sorted arrays of the patients whose time lies after their entry and after ``start``.

    Args:
        time: Days to event or censoring, all above 0 (the caller writes 0.5 for 0).
        event: True for an event.
        entry: Days to observation; None when everybody is observed from ``start``.
        start: Begin of the curve; earlier entries are moved up to it.
    """
    times, events = floats(time), flags(event)
    if entry is None:
        kept = times > start
        times, events = _events_first(times[kept], events[kept])
        return Cohort(times, events, np.full(times.shape, start), float(start))
    entries = np.maximum(floats(entry), start)
    kept = times > entries
    times, events, entries = times[kept], events[kept], entries[kept]
    order = np.lexsort((entries, ~events, times))
    return Cohort(times[order], events[order], entries[order], float(start))


def _events_first(times: Floats, events: Flags) -> tuple[Floats, Flags]:
    """Times in order, events before censorings of the same time: two sorts of values, merged; cheaper than sorting rows."""
    died, censored = np.sort(times[events]), np.sort(times[~events])
    place = np.arange(died.size) + np.searchsorted(censored, died, side="left")
    is_event = np.zeros(times.size, dtype=np.bool_)
    is_event[place] = True
    merged = np.empty(times.size)
    merged[is_event], merged[~is_event] = died, censored
    return merged, is_event


#: A cohort without a patient.
NOBODY = make_cohort(np.empty(0), np.empty(0, dtype=bool))


def conditional_start(time: ArrayLike, event: ArrayLike, entry: ArrayLike, minimum: int) -> float | None:
    """First day from which at least ``minimum`` are at risk and no day breaks the curve (``gaps``).

    0 when that holds from the origin; None when it never holds (clinical-spec 6, left truncation).

    Args:
        time: Days to event or censoring, each above its entry.
        event: True for an event.
        entry: Days to observation, at least 0.
        minimum: Patients at risk that a curve needs at its start.
    """
    times, events, entries = floats(time), flags(event), floats(entry)
    for day in np.unique(np.append(entries, 0.0)):
        present = times > day
        if np.count_nonzero(present & (entries <= day)) < minimum:
            continue
        if not gaps(times[present], events[present], entries[present]).size:
            return float(day)
    return None


def conditional_cohort(time: ArrayLike, event: ArrayLike, entry: ArrayLike, minimum: int) -> Cohort | None:
    """Patients with delayed entry from the first day on which enough are at risk (``conditional_start``).

    Rows whose entry is unknown or not before their time are left out. None when too few are ever at risk together.
    """
    times, events, entries = floats(time), flags(event), floats(entry)
    seen = times > entries
    start = conditional_start(times[seen], events[seen], entries[seen], minimum)
    return None if start is None else make_cohort(times[seen], events[seen], entries[seen], start=start)


def life_table(cohort: Cohort, counted: Flags) -> tuple[Floats, Counts, Counts]:
    """Distinct times, patients at risk just before them, and ``counted`` ones at them."""
    if cohort.n == 0:
        return np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    first = np.flatnonzero(np.concatenate(([True], cohort.time[1:] != cohort.time[:-1])))
    time = cohort.time[first]
    if _all_present(cohort.time, cohort.entry):
        entered: Counts | int = cohort.n
    else:
        entered = np.searchsorted(np.sort(cohort.entry), time, side="left")
    at_risk = (entered - first).astype(np.int64)
    return time, at_risk, np.add.reduceat(counted.astype(np.int64), first)


def _all_present(time: Floats, entry: Floats) -> bool:
    """Whether everybody is observed before the first time."""
    return bool(np.max(entry, initial=-np.inf) < np.min(time, initial=np.inf))


def gaps(time: Floats, event: Flags, entry: Floats) -> Floats:
    """Distinct times at which a curve breaks although somebody is followed after them.

    Either nobody is at risk after the time until somebody enters, or everybody at risk has the event at it: the curve
    would be zero for good, whoever enters on that day (an event comes before an entry).
    """
    if _all_present(time, entry):
        return np.empty(0)
    days, first = np.unique(np.sort(time), return_index=True)
    events = np.add.reduceat(event[np.argsort(time, kind="stable")].astype(np.int64), first)
    ordered_entry = np.sort(entry)
    left_after = np.append(first[1:], time.size)
    at_risk = np.searchsorted(ordered_entry, days, side="left") - first
    entered = np.searchsorted(ordered_entry, days, side="right")
    empty = entered == left_after
    exhausted = (events > 0) & (events == at_risk)
    breaks: Floats = days[(empty | exhausted) & (left_after < time.size)]
    return breaks

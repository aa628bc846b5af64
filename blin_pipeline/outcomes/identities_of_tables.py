"""Identities of the tables behind the curves: causes before any suppression, person-time, populations within one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.frames import is_true
from blin_pipeline.outcomes.identity import Frames, Identity, Results
from blin_pipeline.outcomes.populations import eligible, endpoint

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-9
#: Any time above 0 and below 1 for a time of 0 days: the identities do not depend on it.
SAME_DAY = 0.5
#: An analysis set and one that holds it, each named by an endpoint of its patients.
WITHIN = (
    ("RFS", "OSCR"),
    ("OSCR", "RFS"),
    ("CIR", "RFS"),
    ("RFS", "CIR"),
    ("TTHSCT", "OSCR"),
    ("TTBLIN", "OSCR"),
    ("TTMRDNEG_BLIN", "OSBLIN"),
)


def _whole(_: Results, frames: Frames) -> Iterator[bool]:
    """Compared from the tables at every time: what is published may be suppressed for a rare cause."""
    import numpy as np

    from blin_pipeline.outcomes.statistics.aalen_johansen import aalen_johansen
    from blin_pipeline.outcomes.statistics.kaplan_meier import kaplan_meier
    from blin_pipeline.outcomes.statistics.risk_sets import make_cohort

    times = frames["marts.time_to_event"]
    free, causes = (endpoint(times, param, SAME_DAY).patients for param in ("RFS", "CIR"))
    if free.empty or causes.empty:
        return
    curve = kaplan_meier(make_cohort(free["time"], free["event"]))
    incidence = aalen_johansen(causes["time"], causes["event_code"])
    for day in np.union1d(curve.time, incidence.time):
        before, reached = curve.index_at(day), incidence.index_at(day)
        alive = 1.0 if before < 0 else curve.survival[before]
        ended = 0.0 if reached < 0 else incidence.incidence[reached].sum()
        yield bool(abs(alive + ended - 1.0) < TOLERANCE)


def _person_time(_: Results, frames: Frames) -> Iterator[bool]:
    """Intervals of a patient join without gap, end where the endpoint ends, and hold its event once."""
    intervals, times = frames["marts.cox_interval"], frames["marts.time_to_event"]
    for param in sorted(set(intervals["param_cd"])):
        patients = endpoint(times, param, SAME_DAY).patients.set_index("patient_key")
        mine = intervals[intervals["param_cd"] == param]
        for late in (False, True):
            rows = mine[is_true(mine["is_left_truncated"]) == late]
            begin = patients["entry"] if late else patients["time"] * 0.0
            within = patients[begin < patients["time"]]
            whole = rows.groupby("patient_key").agg(
                start=("t_start", "min"), stop=("t_stop", "max"), event=("event", "sum"), n=("event", "size")
            )
            lived = (rows["t_stop"] - rows["t_start"]).groupby(rows["patient_key"]).sum()
            if late and rows.empty:
                continue
            yield set(whole.index) == set(within.index)
            whole = whole[whole.index.isin(within.index)]
            expected = within.loc[whole.index]
            same_day = (expected["time"] == SAME_DAY) & (whole["stop"] < 1.0)
            expected = expected.assign(time=expected["time"].mask(same_day, whole["stop"]))
            yield bool((whole["stop"] == expected["time"]).all())
            yield bool((whole["start"] == begin[whole.index]).all())
            yield bool(((lived[whole.index] - (expected["time"] - begin[whole.index])).abs() < TOLERANCE).all())
            yield bool((whole["event"] == expected["event"].astype(int)).all())


def _nested(_: Results, frames: Frames) -> Iterator[bool]:
    subject, times = frames["marts.subject"], frames["marts.time_to_event"]
    everybody = eligible(subject)
    keys = set(everybody["patient_key"])

    def having(param: str) -> set[str]:
        return set(times.loc[times["param_cd"] == param, "patient_key"])

    def flagged(rows: pd.DataFrame, flag: str) -> set[str]:
        return set(rows.loc[is_true(rows[flag]), "patient_key"])

    remitted = set(everybody.loc[everybody["cr1_date"].notna(), "patient_key"])
    yield having("OSCR") <= remitted <= keys
    yield having("EFS") <= flagged(everybody, "is_treated")
    yield having("OSBLIN") <= set(everybody.loc[everybody["first_blin_date"].notna(), "patient_key"])
    yield flagged(subject, "is_e1910_like") <= remitted
    for inner, outer in WITHIN:
        if having(inner) and having(outer):
            yield having(inner) <= having(outer)
    for name in ("marts.cox_interval", "marts.landmark_cohort"):
        for param, rows in frames[name].groupby("param_cd"):
            yield set(rows["patient_key"]) <= having(str(param))


TABLE_IDENTITIES: tuple[Identity, ...] = (
    Identity(
        "incidences_and_relapse_free_sum_to_one_in_the_tables",
        "Relapse, death in remission and relapse-free survival sum to one at every time, before any suppression.",
        ("survival_endpoints", "competing_risks"),
        ("marts.time_to_event",),
        _whole,
    ),
    Identity(
        "person_time_as_endpoint",
        "Intervals of a patient join, last as long as the endpoint and hold its event once.",
        ("survival_endpoints", "blin_association"),
        ("marts.time_to_event", "marts.cox_interval"),
        _person_time,
    ),
    Identity(
        "populations_nested",
        "Every analysis set lies within the one that holds it, down from the eligible patients.",
        ("survival_endpoints", "competing_risks", "blin_association"),
        ("marts.subject", "marts.time_to_event", "marts.cox_interval", "marts.landmark_cohort"),
        _nested,
    ),
)

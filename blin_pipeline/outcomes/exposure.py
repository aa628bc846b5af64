"""Blinatumomab exposure in frontline therapy: cycles started, completed and interrupted, dose, place, reasons to stop.

Unit of analysis is the site-numbered cycle (clinical-spec 3). Measures of a cycle (days, dose, interruptions) leave
out cycles still running at the cut, whose figures are not final, and cycles of which only an upper bound is known;
``n`` is the number of cycles known, ``n_event`` the number started. Intervals between cycles look at cycles that follow
another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.frames import days_between, has_column, is_true, table
from blin_pipeline.outcomes.populations import eligible, exposed_keys, frontline_cycles

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "exposure"
CYCLES = "marts.blin_cycle_exposure"
TREATED = "TREATED"
EXPOSED = "EXPOSED"
PLANNED_CYCLES = 4
#: Not ended at the data cut: infusing, or paused.
ONGOING = "ONGOING"
CYCLE_STATUSES = ("COMPLETED", "COMPLETED_REDUCED", "STOPPED_EARLY", ONGOING, "NOT_EVALUABLE", "NOT_STARTED")
#: Statistic -> column and unit of what is measured once per cycle and final when the cycle has ended.
MEASURES = {
    "delivered_days": ("delivered_days", "days"),
    "dose_completeness": ("dose_completeness_frac", "fraction"),
    "delivered_mcg": ("delivered_mcg", "mcg"),
    "interruptions_4h_per_cycle": ("n_interrupt_4h", "count"),
    "hospital_days": ("hospital_days", "days"),
}
#: The same for what is known once a cycle that follows another has started.
INTERVALS = {
    "gap_between_cycles": ("gap_prev_cycle_days", "days"),
    "start_to_start_days": ("start_to_start_days", "days"),
}


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject`` and ``marts.blin_cycle_exposure``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    subject = table(frames, "marts.subject")
    cycles = frontline_cycles(subject, table(frames, CYCLES))
    started = cycles[is_true(cycles["started"])]
    return [
        *_patients(build, eligible(subject), started),
        *_retention(build, cycles),
        *_measures(build, frames, started),
        *_shares(build, frames, started),
        *_stop_reasons(build, started),
    ]


def _patients(build: ResultBuilder, patients: pd.DataFrame, started: pd.DataFrame) -> list[ResultRow]:
    """Who was exposed, to how many cycles, and how long after diagnosis."""
    treated = patients[is_true(patients["is_treated"])]
    keys = exposed_keys(started)
    per_patient = started.groupby("patient_key").size()
    exposed = patients[patients["patient_key"].isin(keys)]
    delay = days_between(exposed["first_blin_date"], exposed["dx_date"])
    delay_fields: RowFields = {"population": EXPOSED, "n_event": len(exposed)}
    if delay.notna().any():
        delay_fields["reason"] = "among those who started"
    return [
        build.share("patients_exposed", int(treated["patient_key"].isin(keys).sum()), len(treated), population=TREATED),
        build.median("cycles_started_per_patient", per_patient.tolist(), unit="cycles", population=EXPOSED),
        build.share(
            "patients_four_cycles", int((per_patient >= PLANNED_CYCLES).sum()), len(per_patient), population=EXPOSED
        ),
        build.median("days_diagnosis_to_first_blin", delay.tolist(), unit="days", **delay_fields),
    ]


def _retention(build: ResultBuilder, cycles: pd.DataFrame) -> list[ResultRow]:
    """Cycles by number and how they ended; a patient's cycles are numbered in order of frontline therapy."""
    later = f"{PLANNED_CYCLES + 1}+"
    labels = cycles["cycle_no"].astype(str).where(cycles["cycle_no"] <= PLANNED_CYCLES, later)
    rows = []
    for label in (*map(str, range(1, PLANNED_CYCLES + 1)), later):
        statuses = cycles.loc[labels == label, "completion_status_cd"]
        rows += [
            build.count(
                "cycle_retention_n",
                int((statuses == status).sum()),
                unit="cycles",
                n=len(statuses),
                group=("cycle_status", f"{label}:{status}"),
            )
            for status in CYCLE_STATUSES
        ]
    reached = cycles[is_true(cycles["started"])].groupby("cycle_no").size()
    present = cycles.groupby("cycle_no").size()
    for number in range(2, PLANNED_CYCLES + 1):
        before = int(reached.get(number - 1, 0))
        rows.append(
            build.count(
                "cycle_not_recorded_n",
                max(0, before - int(present.get(number, 0))),
                population=EXPOSED,
                n=before,
                group=("cycle", str(number)),
            )
        )
    return rows


def _measures(build: ResultBuilder, frames: Mapping[str, pd.DataFrame], started: pd.DataFrame) -> list[ResultRow]:
    """Median and quartiles of what is measured per cycle, with the number of cycles that could have a value."""
    final = started[started["completion_status_cd"] != ONGOING]
    later = started[started["cycle_no"] > 1]
    rows = []
    for measures, known, possible in ((MEASURES, final, len(started)), (INTERVALS, later, len(later))):
        for statistic, (column, unit) in measures.items():
            if has_column(frames, CYCLES, column):
                values = known[column].tolist()
                rows.append(build.median(statistic, values, unit=unit, population=EXPOSED, n_event=possible))
            else:
                rows.append(_not_collected(build, statistic, unit, column))
    return rows


def _shares(build: ResultBuilder, frames: Mapping[str, pd.DataFrame], started: pd.DataFrame) -> list[ResultRow]:
    """Shares of started cycles: interrupted (of finished ones), planned with a step dose, any part at home.

    Their intervals know that a patient has several cycles.
    """
    final = started[started["completion_status_cd"] != ONGOING]
    interruptions = final[final["n_interrupt_4h"].notna()]
    interrupted, patients = interruptions["n_interrupt_4h"] > 0, interruptions["patient_key"]
    rows = [build.share_of_cycles("cycles_with_interruption", interrupted, patients, population=EXPOSED)]
    for statistic, column in (("cycles_step_dosing", "step_dose_planned"), ("cycles_any_home", "has_home")):
        if has_column(frames, CYCLES, column):
            known = started[started[column].notna()]
            flags = is_true(known[column])
            rows.append(build.share_of_cycles(statistic, flags, known["patient_key"], population=EXPOSED))
        else:
            rows.append(_not_collected(build, statistic, "fraction", column))
    return rows


def _stop_reasons(build: ResultBuilder, started: pd.DataFrame) -> list[ResultRow]:
    stopped = started[started["completion_status_cd"] == "STOPPED_EARLY"]
    reasons = stopped["stop_reason_cd"].replace("", "UNK")
    return [
        build.count(
            "stop_reason_n",
            int(count),
            unit="cycles",
            population=EXPOSED,
            n=len(reasons),
            group=("stop_reason", str(reason)),
        )
        for reason, count in reasons.value_counts().sort_index().items()
    ]


def _not_collected(build: ResultBuilder, statistic: str, unit: str, column: str) -> ResultRow:
    return build.row(
        statistic, unit=unit, population=EXPOSED, state="not_collected", reason=f"the table has no column {column}"
    )

"""Toxicity of frontline blinatumomab: per started cycle, per patient, per 100 infusion days; worst grade by its own scale.

Cycles without an event are in the denominator (``marts.toxicity_at_risk``). Severe events are in ``toxicity_severity``.
Intervals of what is counted in cycles come from the spread between patients (``statistics/clustered.py``), for cycles of one
patient resemble each other. Attribution is by time of onset.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.frames import days_between, is_true, table
from blin_pipeline.outcomes.populations import FRONTLINE, eligible
from blin_pipeline.outcomes.statistics.clustered import clustered_rate
from blin_pipeline.outcomes.toxicity_severity import POPULATION, severity_rows

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "toxicity"
#: From this cycle on cycles are counted together.
LATE_CYCLE = 5
PER_DAYS = 100.0


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject``, ``marts.toxicity_at_risk`` and ``marts.toxicity``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """The number of cycles, and rows by kind of toxicity."""
    build = ResultBuilder(NAME, context)
    keys = eligible(table(frames, "marts.subject"))["patient_key"]
    cycles = table(frames, "marts.toxicity_at_risk")
    cycles = cycles[(cycles["line_cd"] == FRONTLINE) & cycles["patient_key"].isin(keys)]
    events = table(frames, "marts.toxicity")
    kinds = {
        kind: partial(_of_kind, build, kind, cycles[cycles["tox_cd"] == kind], events)
        for kind in sorted(set(cycles["tox_cd"]))
    }
    return {"": partial(_cycles, build, cycles), **kinds}


def _cycles(build: ResultBuilder, cycles: pd.DataFrame) -> list[ResultRow]:
    n_cycles = len(cycles.drop_duplicates(["patient_key", "cycle_overall_no"]))
    return [build.count("toxicity_cycles_n", n_cycles, unit="cycles")]


def _of_kind(build: ResultBuilder, kind: str, cycles: pd.DataFrame, events: pd.DataFrame) -> list[ResultRow]:
    """Rows of one kind of toxicity."""
    group = ("toxicity", kind)
    event = is_true(cycles["has_event"])
    patients = cycles.assign(event=event).groupby("patient_key")["event"].any()
    rows = [
        build.share_of_cycles("toxicity_per_cycle", event, cycles["patient_key"], population=POPULATION, group=group),
        build.share("toxicity_per_patient", int(patients.sum()), len(patients), population=POPULATION, group=group),
        _rate(build, cycles, group),
    ]
    rows += _by_cycle(build, kind, cycles)
    since = days_between(cycles["first_onset_date"], cycles["risk_start_date"])[event]
    onset = build.median(
        "toxicity_days_to_onset",
        since.tolist(),
        unit="days",
        population=POPULATION,
        group=group,
        n_event=int(event.sum()),
    )
    unknown = int(cycles["n_grade_unknown"].sum())
    rows += [onset, build.count("toxicity_grade_unknown_n", unknown, unit="count", population=POPULATION, group=group)]
    return rows + severity_rows(build, kind, cycles, events)


def _by_cycle(build: ResultBuilder, kind: str, cycles: pd.DataFrame) -> list[ResultRow]:
    """Share of started cycles with an event by the cycle's place in frontline therapy, the late ones pooled.

    A patient has one cycle of each place, so cycles are patients but for the late ones.
    """
    place = cycles.groupby("patient_key")["cycle_overall_no"].rank(method="first").clip(upper=LATE_CYCLE)
    rows = []
    for number in range(1, LATE_CYCLE + 1):
        here = cycles[place == number]
        label = f"{number}" if number < LATE_CYCLE else f"{number}_AND_LATER"
        fields: RowFields = {"population": POPULATION, "group": ("toxicity_cycle", f"{kind}:{label}")}
        event = is_true(here["has_event"])
        if number == LATE_CYCLE:
            rows.append(build.share_of_cycles("toxicity_by_cycle", event, here["patient_key"], **fields))
        else:
            rows.append(build.share("toxicity_by_cycle", int(event.sum()), len(here), **fields))
    return rows


def _rate(build: ResultBuilder, cycles: pd.DataFrame, group: tuple[str, str]) -> ResultRow:
    """Events per 100 infusion days over the cycles whose days are known; limits from the spread between patients."""
    known = cycles[cycles["infused_days"].notna()]
    events, days = known["n_events"], known["infused_days"]
    fixed = build.sharing(
        population=POPULATION, group=group, method="gamma_between_patients", n=len(known), n_event=int(events.sum())
    )
    name = "toxicity_rate_per_100_days"
    if days.sum() <= 0.0:
        return fixed.row(name, unit="count", state="nothing_yet", reason="no infusion day known")
    level = build.context.parameters.confidence_level
    found = clustered_rate(events, days / PER_DAYS, known["patient_key"].to_numpy(dtype=str), level)
    if found is None:
        rate = events.sum() / days.sum() * PER_DAYS
        return fixed.row(name, unit="count", value=rate, reason="no interval: one patient")
    left_out = len(cycles) - len(known)
    note = f"{left_out} cycles without known infusion days left out" if left_out else ""
    return fixed.row(name, unit="count", value=found.value, lower=found.lower, upper=found.upper, reason=note)

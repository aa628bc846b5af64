"""Toxicity of frontline blinatumomab: per started cycle, per patient, per 100 infusion days; worst grade by its own scale.

Cycles without an event are in the denominator (``marts.toxicity_at_risk``). ASTCT and CTCAE grades are never mapped to one
another; an event without a grade is counted as grade unknown, never as grade 0 (clinical-spec 10). Attribution is by time.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.context import joined
from blin_pipeline.outcomes.frames import days_between, is_true, table
from blin_pipeline.outcomes.populations import FRONTLINE, eligible
from blin_pipeline.outcomes.statistics.rates import event_rate

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow

NAME = "toxicity"
POPULATION = "EXPOSED"
SCALES = {"astct": range(1, 5), "ctcae": range(1, 6)}
SEVERE = 3
#: From this cycle on cycles are counted together.
LATE_CYCLE = 5
PER_DAYS = 100.0


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject`` and ``marts.toxicity_at_risk``.
        context: Parameters and cut.
    """
    return joined(parts(frames, context))


def parts(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
    """The number of cycles, and rows by kind of toxicity."""
    build = ResultBuilder(NAME, context)
    keys = eligible(table(frames, "marts.subject"))["patient_key"]
    cycles = table(frames, "marts.toxicity_at_risk")
    cycles = cycles[(cycles["line_cd"] == FRONTLINE) & cycles["patient_key"].isin(keys)]
    kinds = {
        kind: partial(_of_kind, build, kind, cycles[cycles["tox_cd"] == kind]) for kind in sorted(set(cycles["tox_cd"]))
    }
    return {"": partial(_cycles, build, cycles), **kinds}


def _cycles(build: ResultBuilder, cycles: pd.DataFrame) -> list[ResultRow]:
    n_cycles = len(cycles.drop_duplicates(["patient_key", "cycle_overall_no"]))
    return [build.count("toxicity_cycles_n", n_cycles, unit="cycles")]


def _of_kind(build: ResultBuilder, kind: str, cycles: pd.DataFrame) -> list[ResultRow]:
    """Rows of one kind of toxicity."""
    group = ("toxicity", kind)
    event = is_true(cycles["has_event"])
    patients = cycles.assign(event=event).groupby("patient_key")["event"].any()
    rows = [
        build.share("toxicity_per_cycle", int(event.sum()), len(cycles), population=POPULATION, group=group),
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
    for scale, grades in SCALES.items():
        worst = cycles[f"max_grade_{scale}"]
        graded = int((event & worst.notna()).sum())
        if graded == 0:
            continue
        rows += [
            build.count(
                f"toxicity_worst_grade_{scale}_n",
                int((worst == grade).sum()),
                unit="cycles",
                population=POPULATION,
                n=len(cycles),
                group=("toxicity_grade", f"{kind}:{grade}"),
            )
            for grade in grades
        ]
        severe = int((worst >= SEVERE).sum())
        by_patient = (worst >= SEVERE).groupby(cycles["patient_key"]).any()
        note = f"{int(event.sum()) - graded} cycles with an event have no {scale.upper()} grade"
        fields: RowFields = {"population": POPULATION, "group": group, "reason": note}
        rows.append(build.share(f"toxicity_severe_{scale}_per_cycle", severe, len(cycles), **fields))
        rows.append(
            build.share(f"toxicity_severe_{scale}_per_patient", int(by_patient.sum()), len(by_patient), **fields)
        )
    return rows


def _by_cycle(build: ResultBuilder, kind: str, cycles: pd.DataFrame) -> list[ResultRow]:
    """Share of started cycles with an event by the cycle's place in frontline therapy, the late ones pooled."""
    place = cycles.groupby("patient_key")["cycle_overall_no"].rank(method="first").clip(upper=LATE_CYCLE)
    rows = []
    for number in range(1, LATE_CYCLE + 1):
        here = cycles[place == number]
        label = f"{number}" if number < LATE_CYCLE else f"{number}_AND_LATER"
        rows.append(
            build.share(
                "toxicity_by_cycle",
                int(is_true(here["has_event"]).sum()),
                len(here),
                population=POPULATION,
                group=("toxicity_cycle", f"{kind}:{label}"),
            )
        )
    return rows


def _rate(build: ResultBuilder, cycles: pd.DataFrame, group: tuple[str, str]) -> ResultRow:
    """Events per 100 infusion days with exact Poisson limits, over the cycles whose days are known."""
    known = cycles[cycles["infused_days"].notna()]
    events, days = int(known["n_events"].sum()), float(known["infused_days"].sum())
    fixed = build.sharing(population=POPULATION, group=group, method="poisson_exact", n=len(known), n_event=events)
    if days <= 0.0:
        return fixed.row(
            "toxicity_rate_per_100_days", unit="count", state="nothing_yet", reason="no infusion day known"
        )
    found = event_rate(events, days / PER_DAYS, build.context.parameters.confidence_level)
    left_out = len(cycles) - len(known)
    note = f"{left_out} cycles without known infusion days left out" if left_out else ""
    return fixed.row(
        "toxicity_rate_per_100_days",
        unit="count",
        value=found.value,
        lower=found.lower,
        upper=found.upper,
        reason=note,
    )

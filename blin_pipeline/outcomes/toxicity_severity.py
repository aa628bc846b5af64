"""Severe toxicity on one scale: whose worst grade is known, who is left out because an event is not graded on it.

A cycle is severe when an event of it is graded 3 or more on the scale; it is not severe when it has no event, or every event
of it is graded on the scale and none so high. Else nobody knows, and it is in neither the numerator nor the denominator, and
counted (clinical-spec 10: grade unknown, never grade 0). The scales are never mapped to one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.frames import is_true

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.builder import RowFields
    from blin_pipeline.outcomes.result import ResultRow

POPULATION = "EXPOSED"
SCALES = {"astct": range(1, 5), "ctcae": range(1, 6)}
#: ASTCT grades these two only (Lee and others, Biol Blood Marrow Transplant 2019).
ASTCT_KINDS = ("CRS", "ICANS")
SEVERE = 3
CYCLE = ["patient_key", "cycle_overall_no"]


def severity_rows(build: ResultBuilder, kind: str, cycles: pd.DataFrame, events: pd.DataFrame) -> list[ResultRow]:
    """Worst grades, and the share of cycles and patients with a severe event, by scale.

    Args:
        build: Makes the rows.
        kind: Kind of toxicity.
        cycles: Its rows of ``marts.toxicity_at_risk``, one per cycle.
        events: ``marts.toxicity``.
    """
    mine = events[events["tox_cd"] == kind].merge(cycles[[*CYCLE, "risk_end_date"]], on=CYCLE)
    # Grades of the events that the cycle counts: one after its last day at risk (after the death) is none of them.
    mine = mine[mine["onset_date"] <= mine["risk_end_date"]]
    graded = {scale: mine[mine[f"grade_{scale}"].notna()].groupby(CYCLE).size().rename("n_graded") for scale in SCALES}
    return [
        row
        for scale in SCALES
        for row in _of_scale(build, kind, cycles.merge(graded[scale].reset_index(), on=CYCLE, how="left"), scale)
    ]


def _of_scale(build: ResultBuilder, kind: str, cycles: pd.DataFrame, scale: str) -> list[ResultRow]:
    worst = cycles[f"max_grade_{scale}"]
    event = is_true(cycles["has_event"])
    severe = worst >= SEVERE
    unknown = event & ~severe & (cycles["n_graded"].fillna(0) < cycles["n_events"])
    patients = cycles.assign(severe=severe, unknown=unknown).groupby("patient_key")[["severe", "unknown"]].any()
    unknown_patients = patients["unknown"] & ~patients["severe"]
    fixed = build.sharing(population=POPULATION, group=("toxicity", kind))
    name = f"toxicity_severe_{scale}"
    counted = cycles[~unknown]
    rows = [
        fixed.count(f"{name}_unknown_cycles_n", int(unknown.sum()), unit="cycles", n=len(cycles)),
        fixed.count(f"{name}_unknown_patients_n", int(unknown_patients.sum()), n=len(patients)),
    ]
    refused = fixed.sharing(**_refusal(kind, scale, event, worst))
    if refused.shared.get("state"):
        methods = {"cycle": "korn_graubard", "patient": "clopper_pearson"}
        return rows + [
            refused.row(f"{name}_per_{each}", unit="fraction", method=method) for each, method in methods.items()
        ]
    return [
        *rows,
        build.share_of_cycles(
            f"{name}_per_cycle",
            severe[~unknown],
            counted["patient_key"],
            population=POPULATION,
            group=("toxicity", kind),
            reason=_bounds(int(severe.sum()), int(unknown.sum()), len(cycles), "cycles"),
        ),
        build.share(
            f"{name}_per_patient",
            int(patients["severe"].sum()),
            int((~unknown_patients).sum()),
            population=POPULATION,
            group=("toxicity", kind),
            reason=_bounds(int(patients["severe"].sum()), int(unknown_patients.sum()), len(patients), "patients"),
        ),
        *(
            build.count(
                f"toxicity_worst_grade_{scale}_n",
                int((worst == grade).sum()),
                unit="cycles",
                population=POPULATION,
                n=len(cycles),
                group=("toxicity_grade", f"{kind}:{grade}"),
            )
            for grade in SCALES[scale]
        ),
    ]


def _refusal(kind: str, scale: str, event: pd.Series[bool], worst: pd.Series[float]) -> RowFields:
    """State and reason when the scale says nothing about the kind; empty when it does."""
    if scale == "astct" and kind not in ASTCT_KINDS and not worst.notna().any():
        return {"state": "not_collected", "reason": "ASTCT does not grade this kind of event"}
    if event.any() and not worst.notna().any():
        text = f"none of {int(event.sum())} cycles with an event is graded by {scale.upper()}"
        return {"state": "not_estimable", "reason": text}
    return {}


def _bounds(severe: int, unknown: int, whole: int, unit: str) -> str:
    """What the share would be if none, and if all, of the unknown were severe."""
    if not unknown:
        return ""
    least, most = severe / whole * 100.0, (severe + unknown) / whole * 100.0
    return f"{unknown} {unit} not fully graded on this scale left out; with them between {least:.1f} and {most:.1f} %"

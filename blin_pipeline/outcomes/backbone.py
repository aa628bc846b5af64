"""Backbones as given: by the rules and by the site's word, where they disagree, in all and by site; order of therapy.

Counts of eligible patients from ``marts.backbone_classification`` and ``marts.regimen_sequence``. Concordance with the E1910
order describes practice; it is no score of quality (clinical-spec 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.frames import is_true, table
from blin_pipeline.outcomes.populations import eligible

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "backbone"
CATEGORIES = (
    "EXACT",
    "ON_TRACK",
    "ON_TRACK_CENSORED",
    "FOUR_OR_MORE_OTHER_ORDER",
    "FEWER_THAN_FOUR",
    "DEVIATED",
    "NOT_STARTED",
    "NONE",
)
SCHEDULES = ("INTERLEAVED", "SEQUENTIAL", "BLIN_ONLY", "NO_BLIN")


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject``, ``marts.backbone_classification`` and ``marts.regimen_sequence``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    keys = eligible(table(frames, "marts.subject"))["patient_key"]
    classified = table(frames, "marts.backbone_classification")
    classified = classified[classified["patient_key"].isin(keys)]
    sequence = table(frames, "marts.regimen_sequence")
    sequence = sequence[sequence["patient_key"].isin(keys)]
    n = len(classified)
    rows = [
        build.count(f"backbone_{name}_n", int(count), n=n, group=("backbone", str(family)))
        for name in ("declared", "derived", "final")
        for family, count in _counts(classified[f"backbone_{name}_cd"]).items()
    ]
    rows += [
        build.count("backbone_group_n", int(count), n=n, group=("backbone_group", str(group)))
        for group, count in _counts(classified["backbone_group_cd"]).items()
    ]
    rows += [
        build.count("backbone_confidence_n", int(count), n=n, group=("confidence", str(level)))
        for level, count in _counts(classified["backbone_confidence_cd"]).items()
    ]
    rows.append(build.count("backbone_conflict_n", int(is_true(classified["backbone_conflict"]).sum()), n=n))
    for site in sorted(set(classified["site_id"])):
        here = classified[classified["site_id"] == site]
        rows += [
            build.count("backbone_final_n", int(count), n=len(here), group=("site_backbone", f"{site}:{family}"))
            for family, count in _counts(here["backbone_final_cd"]).items()
        ]
    return rows + _sequence(build, sequence)


def _sequence(build: ResultBuilder, sequence: pd.DataFrame) -> list[ResultRow]:
    """How chemotherapy and blinatumomab follow one another, and concordance with the E1910 order."""
    n = len(sequence)
    rows = [
        build.count(
            "schedule_n",
            int((sequence["schedule_cd"] == schedule).sum()),
            n=n,
            group=("schedule", schedule),
            order=place,
        )
        for place, schedule in enumerate(SCHEDULES)
    ]
    judged = sequence[sequence["e1910_category_cd"] != ""]
    rows += [
        build.count(
            "e1910_concordance_n",
            int((judged["e1910_category_cd"] == category).sum()),
            population="CR1",
            n=len(judged),
            group=("e1910_category", category),
            order=place,
        )
        for place, category in enumerate(CATEGORIES)
    ]
    measures = {"e1910_prefix_match": "e1910_prefix_match", "e1910_distance": "e1910_distance"}
    rows += [
        build.median(statistic, judged[column].tolist(), unit="count", population="CR1", n_event=len(judged))
        for statistic, column in measures.items()
    ]
    return rows


def _counts(cells: pd.Series[str]) -> pd.Series[int]:
    """Counts by code in order of the code; empty cells are UNK."""
    return cells.replace("", "UNK").value_counts().sort_index()

"""Baseline: who the eligible patients are, all together and by backbone group (table 1; no p value).

Share of the known, the missing counted beside; medians with quartiles. Groups are those of ``marts.backbone_classification``
(``backbone_group_cd``). Statistics are descriptions of all patients there are, so a share has no interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.frames import days_between, table
from blin_pipeline.outcomes.populations import eligible

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "baseline"
UNKNOWN = ("", "UNK", "UNKNOWN")
#: Statistic -> column, levels in order.
CATEGORIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "baseline_sex": ("sex_cd", ("F", "M", "OTHER")),
    "baseline_age_band": ("age_band_cd", ("18-39", "40-59", "60-74", "75+")),
    "baseline_ecog": ("ecog_cd", ("0", "1", "2", "3", "4")),
    "baseline_bcr_abl1": ("bcr_abl1_cd", ("POS", "NEG")),
    "baseline_cns": ("cns_status_cd", ("CNS1", "CNS2", "CNS3")),
    "baseline_entry_path": ("ascertainment_cd", ("PROSPECTIVE", "RETRO_ALIVE", "RETRO_DECEASED")),
}
GROUPS = ("INTENSIVE_ADULT", "PAEDIATRIC_INSPIRED", "REDUCED", "PH_POSITIVE", "OTHER", "UNKNOWN")


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject`` and ``marts.backbone_classification``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    patients = eligible(table(frames, "marts.subject"))
    backbone = table(frames, "marts.backbone_classification")[["patient_key", "backbone_group_cd"]]
    patients = patients.merge(backbone, on="patient_key", how="left")
    patients = patients.assign(backbone_group_cd=patients["backbone_group_cd"].fillna("UNKNOWN").replace("", "UNKNOWN"))
    levels = {
        column: (*expected, *sorted(set(patients[column]) - {*expected, *UNKNOWN}))
        for column, expected in CATEGORIES.values()
    }
    rows = _columns(build, patients, "all", levels)
    for group in GROUPS:
        rows += _columns(build, patients[patients["backbone_group_cd"] == group], group, levels)
    return rows


def _columns(
    build: ResultBuilder, patients: pd.DataFrame, group: str, levels: Mapping[str, tuple[str, ...]]
) -> list[ResultRow]:
    """The column of one group of patients; every group has every level."""
    rows = [build.count("baseline_patients_n", len(patients), group=("backbone_group", group), n=len(patients))]
    for statistic, (column, _) in CATEGORIES.items():
        cells = patients[column]
        known = cells[~cells.isin(UNKNOWN)]
        for place, level in enumerate(levels[column]):
            rows.append(
                build.ratio(
                    statistic,
                    int((known == level).sum()),
                    len(known),
                    group=("backbone_group_level", f"{group}:{level}"),
                    order=place,
                )
            )
        rows.append(
            build.count(
                f"{statistic}_missing_n", len(cells) - len(known), group=("backbone_group", group), n=len(cells)
            )
        )
    numbers = {
        "baseline_age": (patients["age_dx_years"], "years"),
        "baseline_white_cells_10e9_l": (patients["wbc_dx_10e9_l"], "count"),
        "baseline_days_diagnosis_to_therapy": (days_between(patients["plan_date"], patients["dx_date"]), "days"),
    }
    for statistic, (values, unit) in numbers.items():
        rows.append(
            build.median(statistic, values.tolist(), unit=unit, group=("backbone_group", group), n_event=len(patients))
        )
    return rows

"""Who is in the weighted comparison at a landmark, who is left out and why, and the terms of the propensity model.

Patients who could hardly be in the other arm are left out: those transplanted by the landmark, who are bound for
transplant, those whose disease is CD19 negative, and those with a level of a term that is found in one arm only
(positivity, clinical-spec 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.association_terms import independent_terms, propensity_terms, term_levels, with_counterparts
from blin_pipeline.outcomes.statistics.landmark import Landmark, landmark

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.statistics.arrays import Flags, Floats
    from blin_pipeline.registry.parameters import Parameters

CD19_NEGATIVE = "NEG"
NO_COUNTERPART = "NO_COUNTERPART"


@dataclass(frozen=True, slots=True)
class WeightedSet:
    """Patients of the weighted comparison.

    Attributes:
        patients: One row each, those compared.
        at: Their times, events and exposure from the landmark.
        terms: Names of the terms of the propensity model.
        matrix: Its columns.
        levels: One column per level of the categorical terms.
        left_out: Patients left out, by reason.
        alone: Levels found in one arm only.
    """

    patients: pd.DataFrame
    at: Landmark
    terms: list[str]
    matrix: Floats
    levels: Flags
    left_out: dict[str, int]
    alone: list[str]

    @property
    def site(self) -> np.ndarray:
        """Site of each patient."""
        return self.patients["site_id"].to_numpy(dtype=str)


def weighted_set(patients: pd.DataFrame, day: float, parameters: Parameters) -> WeightedSet:
    """Choose the patients, one reason after the other, and make the terms.

    Args:
        patients: Rows of ``patients_of``.
        day: Landmark, days from first remission.
        parameters: Of these, ``wbc_high``.
    """
    transplanted = patients["transplant_day"].to_numpy(dtype=float) <= day
    negative = ~transplanted & (patients["cd19_cd"] == CD19_NEGATIVE).to_numpy(dtype=bool)
    used = patients[~transplanted & ~negative].reset_index(drop=True)
    at = landmark(
        used["time"],
        used["event"],
        used["exposure_day"].to_numpy(dtype=float),
        day,
        over_day=used["relapse_day"].to_numpy(dtype=float),
        known_until=used["known_until"].to_numpy(dtype=float),
    )
    chosen = used[at.at_risk].reset_index(drop=True)
    levels = term_levels(chosen, parameters)
    known = propensity_terms(chosen, levels).notna().all(axis=1).to_numpy()
    chosen, levels, at = chosen[known], levels[known], _only(at, known)
    kept, alone = with_counterparts(levels, at.exposed)
    chosen, levels, at = chosen[kept].reset_index(drop=True), levels[kept].reset_index(drop=True), _only(at, kept)
    terms = propensity_terms(chosen, levels)
    names = independent_terms(terms)
    words = levels.to_numpy(dtype=str)
    left_out = {
        "TRANSPLANT_BY_LANDMARK": int(transplanted.sum()),
        "CD19_NEGATIVE": int(negative.sum()),
        "MISSING_TERM": int((~known).sum()),
        NO_COUNTERPART: int((~kept).sum()),
    }
    one_hot = (
        np.stack([(words == name).any(axis=1) for name in np.unique(words)], axis=1) if words.size else words == ""
    )
    return WeightedSet(chosen, at, names, terms[names].to_numpy(dtype=float), one_hot, left_out, alone)


def _only(at: Landmark, kept: Flags) -> Landmark:
    return at._replace(time=at.time[kept], event=at.event[kept], exposed=at.exposed[kept])

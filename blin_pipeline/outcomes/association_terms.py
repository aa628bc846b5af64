"""Terms of the propensity model: what was known of a patient at first remission, and who has a counterpart in the other arm.

Unknown is a level of its own. Nothing that happens after first remission is a term.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from blin_pipeline.outcomes.frames import days_between

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.statistics.arrays import Flags
    from blin_pipeline.registry.parameters import Parameters

#: Backbone families by group (clinical-spec 2); the first group is the one that terms compare with.
BACKBONE_GROUPS = {
    "intensive_adult": ("HCVAD", "E1910", "LINK"),
    "paediatric_inspired": ("C10403", "BFM", "GRAALL", "DFCI"),
    "reduced": ("MHCVD", "LOW", "IMMUNO"),
    "philadelphia_positive": ("TKI_LOW", "TKI_INT"),
}


def term_levels(patients: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Level of each categorical term of the propensity model, in words; unknown is a level of its own.

    Args:
        patients: Rows of ``patients_of``.
        parameters: Of these, ``wbc_high`` (10^9/L).
    """
    import pandas as pd

    group_of = {code: f"backbone_{group}" for group, codes in BACKBONE_GROUPS.items() for code in codes}
    wbc = patients["wbc_dx_10e9_l"]
    high = (wbc >= parameters.wbc_high).astype("boolean").mask(wbc.isna())
    return pd.DataFrame(
        {
            "sex": _named(patients["sex_cd"], {"M": "male"}, "not_male"),
            "ecog": _named(
                patients["ecog_cd"],
                {"0": "ecog_0_or_1", "1": "ecog_0_or_1", **dict.fromkeys("234", "ecog_2_or_more")},
                "ecog_unknown",
            ),
            "bcr_abl1": _named(
                patients["bcr_abl1_cd"], {"POS": "bcr_abl1_positive", "NEG": "bcr_abl1_negative"}, "bcr_abl1_unknown"
            ),
            "genetic_risk": _named(
                patients["risk_cd"],
                {"POOR": "genetic_risk_poor", "STANDARD": "genetic_risk_standard"},
                "genetic_risk_unknown",
            ),
            "wbc": _named(high, {True: "wbc_high", False: "wbc_not_high"}, "wbc_unknown"),
            "cns": _named(
                patients["cns_status_cd"], {"CNS1": "cns_1", "CNS2": "cns_2_or_3", "CNS3": "cns_2_or_3"}, "cns_unknown"
            ),
            "mrd": _named(patients["mrd_state_cd"], {"POS": "mrd_positive", "NEG": "mrd_negative"}, "mrd_unknown"),
            "backbone": _named(patients["backbone_declared_cd"], group_of, "backbone_other"),
        }
    )


def _named(values: pd.Series, names: Mapping[Any, str], otherwise: str) -> pd.Series:
    return values.map(names).fillna(otherwise).astype(str)


#: Levels that have a term of their own, in order; the other level of each is what they are compared with.
TERMS = (
    "male",
    "ecog_2_or_more",
    "ecog_unknown",
    "bcr_abl1_positive",
    "bcr_abl1_unknown",
    "genetic_risk_poor",
    "genetic_risk_unknown",
    "wbc_high",
    "wbc_unknown",
    "cns_2_or_3",
    "cns_unknown",
    "mrd_positive",
    "mrd_unknown",
    *(f"backbone_{group}" for group in list(BACKBONE_GROUPS)[1:]),
    "backbone_other",
)


def propensity_terms(patients: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """Terms of the propensity model, all known at first remission; NaN where a number is not known."""
    import pandas as pd

    found = levels.to_numpy(dtype=str)
    half_year = patients["dx_date"].dt.year * 2 + (patients["dx_date"].dt.month > 6)
    return pd.DataFrame(
        {
            "age_years": patients["age_dx_years"],
            **{name: (found == name).any(axis=1) for name in TERMS},
            "days_to_remission": days_between(patients["cr1_date"], patients["dx_date"]),
            "half_year_of_diagnosis": half_year - half_year.min(),
        }
    ).astype(float)


def with_counterparts(levels: pd.DataFrame, exposed: Flags) -> tuple[Flags, list[str]]:
    """Patients whose every level is found in both arms, and the levels of the others.

    Nobody can say how a patient would have fared in the other arm when the other arm has nobody of that level: the
    propensity is 0 or 1 there. Leaving such patients out can leave another level in one arm only, so it is repeated.
    """
    names = levels.to_numpy(dtype=str)
    kept, alone = np.ones(len(levels), dtype=np.bool_), set[str]()
    while True:
        arms = [set(np.unique(names[kept & arm])) for arm in (exposed, ~exposed)]
        new = arms[0] ^ arms[1]
        if not new:
            return kept, sorted(alone)
        alone |= new
        kept &= ~np.isin(names, sorted(new)).any(axis=1)


def independent_terms(terms: pd.DataFrame) -> list[str]:
    """Names of the terms that vary and that earlier terms do not determine, in order."""
    basis = [np.ones(len(terms)) / np.sqrt(max(len(terms), 1))]
    kept = []
    for name in terms.columns:
        column = terms[name].to_numpy(dtype=float)
        rest = column.copy()
        for direction in basis:
            rest = rest - np.sum(rest * direction) * direction
        length = np.sqrt(np.sum(rest**2))
        if length > 1e-7 * max(1.0, np.sqrt(np.sum(column**2))):
            basis.append(rest / length)
            kept.append(str(name))
    return kept

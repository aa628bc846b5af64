"""Patients of the comparison by blinatumomab: times, exposure day, and what was known before it.

Origin is first remission. Everything here is known at the origin or is a date; nothing that happens after an exposure
describes a patient before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blin_pipeline.outcomes.frames import days_between

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.registry.parameters import Parameters

#: Backbone families by group (clinical-spec 2); the first group is the one that terms compare with.
BACKBONE_GROUPS = {
    "intensive_adult": ("HCVAD", "E1910", "LINK"),
    "paediatric_inspired": ("C10403", "BFM", "GRAALL", "DFCI"),
    "reduced": ("MHCVD", "LOW", "IMMUNO"),
    "philadelphia_positive": ("TKI_LOW", "TKI_INT"),
}


def interval_rows(cox_interval: pd.DataFrame, param: str, *, delayed_entry: bool = False) -> pd.DataFrame:
    """Counting-process rows of one endpoint and variant, in order."""
    variant = cox_interval["is_left_truncated"].fillna(value=False).astype(bool) == delayed_entry
    rows = cox_interval[(cox_interval["param_cd"] == param) & variant]
    return rows.sort_values(["patient_key", "t_start"], kind="stable", ignore_index=True)


def patients_of(rows: pd.DataFrame, subject: pd.DataFrame) -> pd.DataFrame:
    """One row per patient of ``interval_rows``: time, event, exposure day (NaN: not before the end), baseline.

    ``ever_exposed`` looks at all dates up to the cut and serves the naive comparison only.
    """
    grouped = rows.groupby("patient_key", sort=True)
    began = rows[rows["blin_exposed"] == 1].groupby("patient_key")["t_start"].min()
    relapse = rows[rows["relapsed"] == 1].groupby("patient_key")["t_start"].min()
    moved = rows[rows["hsct_done"] == 1].groupby("patient_key")["t_start"].min()
    patients = grouped.agg(site_id=("site_id", "first"), time=("t_stop", "max"), event=("event", "max")).reset_index()
    first = rows.drop_duplicates("patient_key")[["patient_key", "mrd_state_cd"]]
    patients = patients.merge(first, on="patient_key", how="left").merge(
        subject, on="patient_key", how="left", suffixes=("", "_subject")
    )
    return patients.assign(
        event=patients["event"] == 1,
        exposure_day=patients["patient_key"].map(began),
        relapse_day=patients["patient_key"].map(relapse),
        transplant_day=patients["patient_key"].map(moved),
        ever_exposed=patients["first_blin_date"].notna(),
    )


def propensity_terms(patients: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Terms of the propensity model, all known at first remission; unknown is a level of its own where codes have one.

    Terms with one value, and terms that earlier ones determine, are left out (as R's ``glm`` aliases them).
    """
    import pandas as pd

    family = patients["backbone_declared_cd"]
    wbc = patients["wbc_dx_10e9_l"]
    half_year = patients["dx_date"].dt.year * 2 + (patients["dx_date"].dt.month > 6)
    return pd.DataFrame(
        {
            "age_years": patients["age_dx_years"],
            "male": patients["sex_cd"] == "M",
            "ecog_2_or_more": patients["ecog_cd"].isin(["2", "3", "4"]),
            "ecog_unknown": ~patients["ecog_cd"].isin(["0", "1", "2", "3", "4"]),
            "bcr_abl1_positive": patients["bcr_abl1_cd"] == "POS",
            "bcr_abl1_unknown": ~patients["bcr_abl1_cd"].isin(["POS", "NEG"]),
            "genetic_risk_poor": patients["risk_cd"] == "POOR",
            "genetic_risk_unknown": ~patients["risk_cd"].isin(["POOR", "STANDARD"]),
            "wbc_high": wbc >= parameters.wbc_high,
            "wbc_unknown": wbc.isna(),
            "cns_2_or_3": patients["cns_status_cd"].isin(["CNS2", "CNS3"]),
            "cns_unknown": ~patients["cns_status_cd"].isin(["CNS1", "CNS2", "CNS3"]),
            "mrd_positive": patients["mrd_state_cd"] == "POS",
            "mrd_unknown": ~patients["mrd_state_cd"].isin(["POS", "NEG"]),
            **{f"backbone_{group}": family.isin(codes) for group, codes in list(BACKBONE_GROUPS.items())[1:]},
            "backbone_other": ~family.isin([code for codes in BACKBONE_GROUPS.values() for code in codes]),
            "days_to_remission": days_between(patients["cr1_date"], patients["dx_date"]),
            "half_year_of_diagnosis": half_year - half_year.min(),
        }
    ).astype(float)


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

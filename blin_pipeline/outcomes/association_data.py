"""Patients of the comparison by blinatumomab: times, exposure day, and what was known before it.

Origin is first remission. Everything here is known at the origin or is a date; nothing that happens after an exposure
describes a patient before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def interval_rows(cox_interval: pd.DataFrame, param: str, *, delayed_entry: bool = False) -> pd.DataFrame:
    """Counting-process rows of one endpoint and variant, in order."""
    variant = cox_interval["is_left_truncated"].fillna(value=False).astype(bool) == delayed_entry
    rows = cox_interval[(cox_interval["param_cd"] == param) & variant]
    return rows.sort_values(["patient_key", "t_start"], kind="stable", ignore_index=True)


def remission_known(cox_interval: pd.DataFrame) -> pd.Series:
    """Patient -> last day from first remission on which the remission was known: the end of relapse-free survival."""
    return interval_rows(cox_interval, "RFS").groupby("patient_key")["t_stop"].max()


def patients_of(rows: pd.DataFrame, subject: pd.DataFrame, known: pd.Series) -> pd.DataFrame:
    """One row per patient of ``interval_rows``: time, event, exposure day (NaN: not before the end), baseline.

    Exposure is a first infusion before relapse, as in ``cox_interval``: salvage is chosen because the disease came back.
    ``ever_exposed`` serves the naive comparison only. ``known`` is ``remission_known``.
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
        known_until=patients["patient_key"].map(known),
        ever_exposed=patients["patient_key"].isin(began.index),
    )


def transplanted_in_remission(rows: pd.DataFrame) -> pd.Series:
    """Whether each row comes after a first transplant in first remission; one on or after the day of relapse is salvage."""
    first = rows[rows["hsct_done"] == 1].drop_duplicates("patient_key")
    in_remission = first.loc[first["relapsed"] == 0, "patient_key"]
    return (rows["hsct_done"] == 1) & rows["patient_key"].isin(in_remission)

"""Analysis sets, each defined once so that two outcomes cannot count it differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.frames import days_between, is_true

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

FRONTLINE = "FRONTLINE"
OVERALL_SURVIVAL = "OS"


@dataclass(frozen=True, slots=True)
class SurvivalSet:
    """Patients of the overall survival curves.

    Attributes:
        patients: Eligible patients with a usable time: ``time`` (days, above 0), ``event``, ``entry`` (days, NaN
            outside the delayed-entry set).
        left_out: Eligible patients without a usable time.
    """

    patients: pd.DataFrame
    left_out: int

    @property
    def delayed(self) -> pd.DataFrame:
        """Patients of the delayed-entry set: entered while alive, so not those entered because they had died."""
        return self.patients[self.patients["entry"].notna()]


def eligible(subject: pd.DataFrame) -> pd.DataFrame:
    """Eligible patients: the analysis set of every outcome."""
    return subject[is_true(subject["is_eligible"])]


def in_follow_up(patients: pd.DataFrame) -> pd.DataFrame:
    """Patients of whom news can come: not dead, and not withdrawn from the study."""
    return patients[patients["death_date"].isna() & (patients["eos_status_cd"] != "WITHDRAWN")]


def days_of_silence(followed: pd.DataFrame, data_cut: date) -> pd.Series[float]:
    """Days from the last day on which a patient was known to be alive to the cut; NaN without such a day."""
    import pandas as pd

    cut = pd.Series(pd.Timestamp(data_cut), index=followed.index).astype("datetime64[s]")
    return days_between(cut, followed["last_alive_date"])


def is_followed_currently(followed: pd.DataFrame, data_cut: date, overdue_days: float) -> pd.Series[bool]:
    """Whether a patient was heard of within ``overdue_days`` of the cut."""
    return days_of_silence(followed, data_cut) <= overdue_days


def survival_set(subject: pd.DataFrame, time_to_event: pd.DataFrame, same_day_days: float) -> SurvivalSet:
    """Overall survival of eligible patients, one row each.

    A time of 0 days becomes ``same_day_days`` so that nobody is dropped. Without a row, or with a null or negative
    time or no event status, a patient has no usable time.
    """
    keys = eligible(subject)[["patient_key"]]
    rows = time_to_event[time_to_event["param_cd"] == OVERALL_SURVIVAL]
    rows = keys.merge(rows, on="patient_key", how="inner")
    usable = rows[(rows["aval_days"] >= 0) & rows["cnsr"].notna()]
    usable = usable.drop_duplicates("patient_key").reset_index(drop=True)
    patients = usable[["patient_key"]].assign(
        time=usable["aval_days"].where(usable["aval_days"] > 0, same_day_days),
        event=usable["cnsr"] == 0,
        entry=usable["delayed_entry_day"].clip(lower=0),
    )
    return SurvivalSet(patients, len(keys) - len(patients))


def frontline_cycles(subject: pd.DataFrame, cycles: pd.DataFrame) -> pd.DataFrame:
    """Blinatumomab cycle rows of eligible patients in frontline therapy, with ``cycle_no`` 1.. in order per patient.

    The derived line decides; a cycle that never started has none and goes by the line that the site reported.
    """
    keys = eligible(subject)["patient_key"]
    line = cycles["line_cd"].where(cycles["line_cd"] != "", cycles["line_reported_cd"])
    rows = cycles[cycles["patient_key"].isin(keys) & (line == FRONTLINE)]
    rows = rows.sort_values(["patient_key", "cycle_overall_no"], kind="stable", ignore_index=True)
    return rows.assign(cycle_no=rows.groupby("patient_key").cumcount() + 1)


def exposed_keys(cycles: pd.DataFrame) -> pd.Series[str]:
    """Keys of patients with at least one started cycle among ``frontline_cycles``, sorted, each once."""
    return cycles.loc[is_true(cycles["started"]), "patient_key"].drop_duplicates().sort_values(ignore_index=True)


def endpoint(time_to_event: pd.DataFrame, param: str, same_day_days: float, column: str = "aval_days") -> SurvivalSet:
    """One endpoint of the patients who have it: ``time``, ``event``, ``event_code`` (0, 1, 2), ``entry``, keys, sites.

    A time of 0 days becomes ``same_day_days``; a row without a usable time is left out and counted.

    Args:
        time_to_event: ``marts.time_to_event``.
        param: Endpoint.
        same_day_days: Time that stands for 0.
        column: ``aval_days``, or its bounds ``aval_lo_days`` and ``aval_hi_days``.
    """
    rows = time_to_event[time_to_event["param_cd"] == param]
    usable = rows[(rows[column] >= 0) & rows["cnsr"].notna()]
    usable = usable.drop_duplicates("patient_key").reset_index(drop=True)
    patients = usable[["patient_key", "site_id"]].assign(
        time=usable[column].where(usable[column] > 0, same_day_days),
        event=usable["cnsr"] == 0,
        event_code=usable["event_code"].fillna(0).astype(int),
        entry=usable["delayed_entry_day"].clip(lower=0),
    )
    return SurvivalSet(patients, len(rows) - len(patients))

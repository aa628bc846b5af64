"""MRD results as outcomes read them: one result per patient, method and day, marrow before blood (clinical-spec 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

#: Readings of a test that gave a result; NE, not evaluable, is none.
JUDGED = ("NEG", "NEG_UNVERIFIED", "POS_BELOW_LOQ", "POS")
#: What beats what on one day; an unnamed specimen comes last, and of two alike the one entered first stands.
SPECIMENS = {"MARROW": 0, "BLOOD": 1}


def judged_daily(samples: pd.DataFrame, within: Sequence[str] = ()) -> pd.DataFrame:
    """Judged results in order of patient and day, one per patient, method and day.

    A failed marrow does not hide blood that could be read.

    Args:
        samples: Rows of ``marts.mrd_result``.
        within: Further columns that tell results of a day apart.
    """
    judged = samples[samples["mrd_cd"].isin(JUDGED)]
    order = judged["sample_cd"].map(SPECIMENS).fillna(len(SPECIMENS))
    ranked = judged.assign(specimen_order=order).sort_values(
        ["patient_key", "sample_date", "method_cd", "specimen_order", "mrd_seq"], kind="stable", ignore_index=True
    )
    return ranked.drop_duplicates(["patient_key", "method_cd", "sample_date", *within]).drop(columns="specimen_order")

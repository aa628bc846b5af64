"""Transplant as an exposure that begins during remission: hazard of death, and of relapse or death, after it.

A first transplant after relapse is no exposure: it is salvage, chosen because the disease came back (clinical-spec 5: the
set is CR1).
Only the time-varying model is given: who is transplanted has lived to be (clinical-spec 5). How many are transplanted is a
cumulative incidence (``competing_risks``); censoring at transplant is a sensitivity analysis of ``survival_endpoints``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.association_data import interval_rows, transplanted_in_remission
from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.outcomes.estimators import Comparison, hazard_ratio_rows
from blin_pipeline.outcomes.frames import table

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "transplant"
ENDPOINTS = ("OSCR", "RFS")


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.cox_interval``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    intervals = table(frames, "marts.cox_interval")
    rows: list[ResultRow] = []
    for param in ENDPOINTS:
        long = interval_rows(intervals, param)
        comparison = Comparison(
            label="time_varying",
            start=long["t_start"].to_numpy(dtype=float),
            stop=long["t_stop"].to_numpy(dtype=float),
            event=long["event"].to_numpy(dtype=float) == 1,
            exposed=transplanted_in_remission(long).to_numpy(dtype=bool),
            site=long["site_id"].to_numpy(dtype=str),
            patient=long["patient_key"].to_numpy(dtype=str),
            warning="association only: who is transplanted is chosen",
        )
        rows += hazard_ratio_rows(build, f"transplant_{param.lower()}", "CR1", comparison)
    return rows

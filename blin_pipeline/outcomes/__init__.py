"""Outcomes: statistics as pure functions on data frames.

Here: what is estimated from the marts and how - proportions, survival, counts - and the one contract of its rows
    (``report.result``). A function takes named tables and a context and returns rows; the same tables in any order
    give the same rows. Not here: files, databases, Dagster, drawing, or the clinical rules that make the marts (those
    are SQL).

Importing this package is cheap: pandas, scipy and lifelines are imported by the functions that use them.
"""

from __future__ import annotations

from blin_pipeline.outcomes import (
    complete_remission,
    data_quality,
    enrolment,
    exposure,
    overall_survival,
    site_summary,
)
from blin_pipeline.outcomes.context import Outcome, OutcomeContext
from blin_pipeline.outcomes.result import RESULT_COLUMNS, ResultRow

#: Every scheduled outcome, in the order in which a report reads.
OUTCOMES: tuple[Outcome, ...] = (
    Outcome(
        enrolment.NAME,
        "Patient flow from records to the analysis set, entry paths, accrual by month and projection to the target.",
        enrolment.TABLES,
        enrolment.compute,
    ),
    Outcome(
        complete_remission.NAME,
        "Complete remission by three definitions on the denominators D1, D2 and D3, with exact and score intervals.",
        complete_remission.TABLES,
        complete_remission.compute,
    ),
    Outcome(
        overall_survival.NAME,
        "Overall survival from diagnosis by Kaplan-Meier, and the same with delayed entry at registration.",
        overall_survival.TABLES,
        overall_survival.compute,
    ),
    Outcome(
        exposure.NAME,
        "Blinatumomab in frontline therapy: patients, cycles, infused days, dose, interruptions, reasons to stop.",
        exposure.TABLES,
        exposure.compute,
    ),
    Outcome(
        site_summary.NAME,
        "Per site: enrolment, forms complete, follow-up, entry lag, open queries.",
        site_summary.TABLES,
        site_summary.compute,
    ),
    Outcome(
        data_quality.NAME,
        "Open queries, violations per check, rows in quarantine and values that could not be typed.",
        data_quality.TABLES,
        data_quality.compute,
    ),
)

__all__ = ["OUTCOMES", "RESULT_COLUMNS", "Outcome", "OutcomeContext", "ResultRow"]

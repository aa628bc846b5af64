"""Outcomes: statistics as pure functions on data frames.

Here: what is estimated from the marts and how - proportions, survival, competing risks, associations, counts - and the one
    contract of its rows (``report.result``). A function takes named tables and a context and returns rows; the same
    tables in any order give the same rows. The methods themselves are in ``statistics``, on plain arrays. Not here:
    files, databases, Dagster, drawing, or the clinical rules that make the marts (those are SQL).

Importing this package is cheap: an outcome's module, with pandas, numpy and scipy, is imported when it computes.
"""

from __future__ import annotations

from blin_pipeline.outcomes.context import Outcome, OutcomeContext, computed_by
from blin_pipeline.outcomes.result import RESULT_COLUMNS, ResultRow

#: Every scheduled outcome, in the order in which a report reads.
OUTCOMES: tuple[Outcome, ...] = (
    Outcome(
        "enrolment",
        "Patient flow from records to the analysis set, entry paths, accrual by month and projection to the target.",
        (
            "marts.subject",
            "marts.eligibility_result",
            "marts.time_to_event",
            "marts.blin_cycle_exposure",
            "quality.check_result",
        ),
        computed_by("enrolment"),
    ),
    Outcome(
        "complete_remission",
        "Complete remission by three definitions on the denominators D1, D2 and D3, with exact and score intervals.",
        ("marts.subject",),
        computed_by("complete_remission"),
    ),
    Outcome(
        "overall_survival",
        "Overall survival from diagnosis by Kaplan-Meier, and the same with delayed entry at registration.",
        ("marts.subject", "marts.time_to_event"),
        computed_by("overall_survival"),
    ),
    Outcome(
        "exposure",
        "Blinatumomab in frontline therapy: patients, cycles, infused days, dose, interruptions, reasons to stop.",
        ("marts.subject", "marts.blin_cycle_exposure"),
        computed_by("exposure"),
    ),
    Outcome(
        "site_summary",
        "Per site: enrolment, forms complete, follow-up, entry lag, open queries.",
        ("marts.subject", "quality.form_completeness", "quality.data_query", "raw.site"),
        computed_by("site_summary"),
    ),
    Outcome(
        "data_quality",
        "Open queries, violations per check, rows in quarantine and values that could not be typed.",
        ("quality.data_query", "quality.check_result", "quality.quarantine", "quality.type_reject"),
        computed_by("data_quality"),
    ),
)

__all__ = ["OUTCOMES", "RESULT_COLUMNS", "Outcome", "OutcomeContext", "ResultRow"]

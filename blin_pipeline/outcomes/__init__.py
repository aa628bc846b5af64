"""Outcomes: statistics as pure functions on data frames.

Here: what is estimated from the marts and how - proportions, survival, competing risks, associations, counts - and the one
contract of its rows (``report.result``). A function takes named tables and a context and returns rows; the same
tables in any order give the same rows. The methods themselves are in ``statistics``, on plain arrays. Not here:
files, databases, Dagster, drawing, or the clinical rules that make the marts (those are SQL).

Importing this package is cheap: an outcome's module, with pandas, numpy and scipy, is imported when it computes.
"""

from __future__ import annotations

from blin_pipeline.outcomes.context import Outcome, OutcomeContext, computed_by, split_by
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
        "Complete remission by three definitions, and without MRD, on D1, D2 and D3, with exact and score intervals.",
        ("marts.subject", "marts.mrd_result"),
        computed_by("complete_remission"),
    ),
    Outcome(
        "overall_survival",
        "Overall survival from diagnosis by Kaplan-Meier, and the same with delayed entry at registration.",
        ("marts.subject", "marts.time_to_event"),
        computed_by("overall_survival"),
        split_by("overall_survival"),
    ),
    Outcome(
        "eligibility_reasons",
        "Every criterion that failed or is undecided, in any order, in all and by site.",
        ("marts.subject", "marts.eligibility_result"),
        computed_by("eligibility_reasons"),
    ),
    Outcome(
        "baseline",
        "Who the eligible patients are, all together and by backbone group.",
        ("marts.subject", "marts.backbone_classification"),
        computed_by("baseline"),
    ),
    Outcome(
        "backbone",
        "Backbones declared, derived and final, conflicts, by site; order of therapy and concordance with E1910.",
        ("marts.subject", "marts.backbone_classification", "marts.regimen_sequence"),
        computed_by("backbone"),
    ),
    Outcome(
        "ascertainment",
        "Retrospective entry: entered deceased, early deaths, entry lag by site; does entry depend on survival.",
        ("marts.subject", "marts.time_to_event", "raw.site"),
        computed_by("ascertainment"),
        split_by("ascertainment"),
    ),
    Outcome(
        "survival_endpoints",
        "Survival from remission and from blinatumomab, relapse-free and event-free survival, with sensitivities.",
        ("marts.time_to_event",),
        computed_by("survival_endpoints"),
        split_by("survival_endpoints"),
    ),
    Outcome(
        "competing_risks",
        "Cumulative incidence of relapse, death in remission, blinatumomab, transplant and MRD negativity.",
        ("marts.time_to_event",),
        computed_by("competing_risks"),
        split_by("competing_risks"),
    ),
    Outcome(
        "blin_association",
        "Blinatumomab and survival from remission: naive, landmark and time-varying side by side, and weighted.",
        ("marts.cox_interval", "marts.subject"),
        computed_by("blin_association"),
        split_by("blin_association"),
    ),
    Outcome(
        "transplant",
        "Transplant as an exposure that begins during remission.",
        ("marts.cox_interval",),
        computed_by("transplant"),
    ),
    Outcome(
        "mrd",
        "Measurable residual disease by timepoint and method, and conversion after the first blinatumomab cycle.",
        ("marts.subject", "marts.mrd_result", "marts.blin_cycle_exposure", "marts.regimen_course", "marts.hsct"),
        computed_by("mrd"),
        split_by("mrd"),
    ),
    Outcome(
        "toxicity",
        "Toxicity of frontline blinatumomab per cycle, per patient and per 100 infusion days; worst grade by scale.",
        ("marts.subject", "marts.toxicity_at_risk", "marts.toxicity"),
        computed_by("toxicity"),
        split_by("toxicity"),
    ),
    Outcome(
        "follow_up",
        "How current follow-up is, and the status of patients in the study.",
        ("marts.subject",),
        computed_by("follow_up"),
    ),
    Outcome(
        "external_reference",
        "Published results beside ours, never pooled; survival from a landmark in patients like those of E1910.",
        ("marts.subject", "marts.time_to_event", "marts.landmark_cohort"),
        computed_by("external_reference"),
        split_by("external_reference"),
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

"""Identities of enrolment, sites and exposure: each analysis uses the patients that the flow says it has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from blin_pipeline.outcomes.identity import SUBJECT, Frames, Identity, Results, eligible_n
from blin_pipeline.outcomes.populations import eligible


def _statuses(results: Results, frames: Frames) -> Iterator[bool]:
    records = len(frames["marts.subject"])
    removed = sum(row.value or 0.0 for row in results.rows("enrolment", "records_removed_n"))
    yield results.total("enrolment", "eligibility_status_n", "eligibility_status") == records
    yield all(row.value == records + removed for row in results.rows("enrolment", "records_n"))


def _flow(results: Results, frames: Frames) -> Iterator[bool]:
    remaining = [row.value for row in results.rows("enrolment", "flow_remaining_n")]
    excluded = [row.value for row in results.rows("enrolment", "flow_excluded_n")]
    by_step = {row.group_label: row.value for row in results.rows("enrolment", "flow_remaining_n")}
    lost = {row.group_label: row.value or 0.0 for row in results.rows("enrolment", "flow_excluded_n")}
    ordered = sorted(results.rows("enrolment", "flow_remaining_n"), key=lambda row: row.result_id)
    for before, step in pairwise(ordered):
        yield (before.value or 0.0) - lost.get(step.group_label, 0.0) == step.value
    yield by_step.get("ANALYSIS") == eligible_n(frames)
    yield len(remaining) == len(excluded)


def _entry_paths(results: Results, frames: Frames) -> Iterator[bool]:
    yield results.total("enrolment", "entry_path_n", "ascertainment") == eligible_n(frames)


def _accrual(results: Results, frames: Frames) -> Iterator[bool]:
    undated = sum(row.value or 0.0 for row in results.rows("enrolment", "accrual_undated_n"))
    months = sorted(results.rows("enrolment", "accrual_total_n"), key=lambda row: row.group_label)
    last = months[-1].value or 0.0 if months else 0.0
    yield last + undated == eligible_n(frames)
    for before, month in pairwise(months):
        yield (before.value or 0.0) <= (month.value or 0.0)


def _exposed(results: Results, _: Frames) -> Iterator[bool]:
    available = results.total("enrolment", "flow_available_n", "available_for", ("EXPOSURE",))
    for row in results.rows("exposure", "cycles_started_per_patient"):
        yield row.n == available


def _sites(results: Results, frames: Frames) -> Iterator[bool]:
    subject = frames["marts.subject"]
    yield results.total("site_summary", "site_records_n", "site") == len(subject)
    yield results.total("site_summary", "site_eligible_n", "site") == len(eligible(subject))


ENROLMENT_IDENTITIES: tuple[Identity, ...] = (
    Identity(
        "eligibility_statuses_sum_to_records",
        "Eligible, ineligible, pending, held and removed records sum to all records.",
        ("enrolment",),
        SUBJECT,
        _statuses,
    ),
    Identity(
        "flow_ends_at_eligible",
        "Each box of the flow is the one before minus those who leave; the last is the eligible patients.",
        ("enrolment",),
        SUBJECT,
        _flow,
    ),
    Identity(
        "entry_paths_sum_to_eligible",
        "Entry paths sum to the eligible patients.",
        ("enrolment",),
        SUBJECT,
        _entry_paths,
    ),
    Identity(
        "accrual_ends_at_eligible",
        "Accrual never falls, and ends at the eligible patients minus those without a registration date.",
        ("enrolment",),
        SUBJECT,
        _accrual,
    ),
    Identity(
        "exposed_as_in_flow",
        "Exposure uses the patients that the flow says are available for it.",
        ("enrolment", "exposure"),
        (),
        _exposed,
    ),
    Identity(
        "sites_sum_to_all",
        "Records and eligible patients by site sum to all.",
        ("site_summary",),
        SUBJECT,
        _sites,
    ),
)

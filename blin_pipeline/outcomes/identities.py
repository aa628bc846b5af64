"""Identities that hold in every correct set of results; one that fails must block a release.

Each looks at result rows and, where it says so, at the subject table, and counts what it compared and what broke.
Nothing but counts leaves here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.frames import is_true, table
from blin_pipeline.outcomes.identities_of_endpoints import ENDPOINT_IDENTITIES
from blin_pipeline.outcomes.identity import Frames, Identity, IdentityResult, Results
from blin_pipeline.outcomes.populations import eligible

if TYPE_CHECKING:
    from blin_pipeline.outcomes.result import ResultRow


def check_identities(rows: Sequence[ResultRow], frames: Frames) -> list[IdentityResult]:
    """Check every identity whose outcomes and tables are there.

    Args:
        rows: Result rows of one or more outcomes, of one cut.
        frames: Tables as the outcomes take them; ``marts.subject`` serves all identities that need one.

    Raises:
        DataError: ``E_OUTCOME_TABLE`` when a table lacks a column.
    """
    results = Results(rows)
    needed = {name for identity in IDENTITIES for name in identity.tables}
    typed = {name: table(frames, name) for name in sorted(needed & set(frames))}
    checked = []
    for identity in IDENTITIES:
        if not set(identity.outcomes) <= results.outcomes or not set(identity.tables) <= set(typed):
            continue
        held = list(identity.compare(results, typed))
        failed = held.count(False)
        checked.append(IdentityResult(identity.name, identity.description, failed == 0, len(held), failed))
    return checked


def _eligible_n(frames: Frames) -> int:
    return len(eligible(frames["marts.subject"]))


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
    yield by_step.get("ANALYSIS") == _eligible_n(frames)
    yield len(remaining) == len(excluded)


def _entry_paths(results: Results, frames: Frames) -> Iterator[bool]:
    yield results.total("enrolment", "entry_path_n", "ascertainment") == _eligible_n(frames)


def _accrual(results: Results, frames: Frames) -> Iterator[bool]:
    undated = sum(row.value or 0.0 for row in results.rows("enrolment", "accrual_undated_n"))
    months = sorted(results.rows("enrolment", "accrual_total_n"), key=lambda row: row.group_label)
    last = months[-1].value or 0.0 if months else 0.0
    yield last + undated == _eligible_n(frames)
    for before, month in pairwise(months):
        yield (before.value or 0.0) <= (month.value or 0.0)


def _denominators(_: Results, frames: Frames) -> Iterator[bool]:
    subject = frames["marts.subject"]
    first, second, third = (is_true(subject[f"is_response_d{number}"]) for number in (1, 2, 3))
    yield not (second & ~third).any()
    yield not (third & ~first).any()
    yield not (first & ~is_true(subject["is_eligible"])).any()
    yield not (first & ~is_true(subject["is_treated"])).any()


def _numerators(results: Results, _: Frames) -> Iterator[bool]:
    for definition in ("cr_registry", "cr_conventional", "cr_composite", "cr_mrd_negative"):
        rows = results.rows("complete_remission", definition)
        for row in rows:
            yield (row.n_event or 0) <= (row.n or 0)
        yield len({row.n_event for row in rows if row.group_variable == "all"}) <= 1


def _backbones(results: Results, _: Frames) -> Iterator[bool]:
    for statistic in ("cr_registry", "cr_mrd_negative"):
        parts = results.rows("complete_remission", statistic, "backbone")
        whole = [row for row in results.rows("complete_remission", statistic, "all") if row.denominator == "D1"]
        for row in whole:
            yield sum(part.n or 0 for part in parts) == row.n
            yield sum(part.n_event or 0 for part in parts) == row.n_event


def _mrd_negative_remissions(results: Results, _: Frames) -> Iterator[bool]:
    key = ("denominator", "method", "group_variable", "group_label")
    remissions = {
        tuple(getattr(row, name) for name in key): row for row in results.rows("complete_remission", "cr_registry")
    }
    tested = {
        (row.group_variable, row.group_label): row for row in results.rows("complete_remission", "cr_mrd_tested_n")
    }
    for row in results.rows("complete_remission", "cr_mrd_negative"):
        whole = remissions.get(tuple(getattr(row, name) for name in key))
        yield whole is not None and (row.n_event or 0) <= (whole.n_event or 0)
        if row.group_variable == "all":
            yield whole is not None and whole.n == row.n
        if row.denominator == "D1":
            among = tested.get((row.group_variable, row.group_label))
            yield among is not None and (row.n_event or 0) <= (among.value or 0.0) <= (among.n or 0)


def _response_states(results: Results, frames: Frames) -> Iterator[bool]:
    states = ("complete_remission", "response_state_n", "response_state")
    yield results.total(*states) == _eligible_n(frames)
    for row in results.rows("complete_remission", "cr_registry", "all"):
        if row.denominator == "D1":
            yield results.total(*states, ("RESPONDER",)) == row.n_event
            yield results.total(*states, ("RESPONDER", "NO_CR", "NOT_ASSESSED")) == row.n


def _at_risk(results: Results, _: Frames) -> Iterator[bool]:
    parts = ("os_at_risk_n", "os_deaths_n", "os_censored_n")
    sums: dict[tuple[str, float | None], float] = {}
    totals: dict[tuple[str, float | None], set[int | None]] = {}
    for statistic in parts:
        for row in results.rows("overall_survival", statistic):
            key = (row.method, row.time_days)
            sums[key] = sums.get(key, 0.0) + (row.value or 0.0)
            totals.setdefault(key, set()).add(row.n)
    for row in results.rows("overall_survival", "os_entered_n"):
        totals[row.method, row.time_days].add(None if row.value is None else int(row.value))
    for key, total in totals.items():
        yield total == {sums[key]}


def _survival_patients(results: Results, frames: Frames) -> Iterator[bool]:
    def of(method: str, statistic: str, labels: Sequence[str] = ()) -> float:
        return sum(
            row.value or 0.0
            for row in results.rows("overall_survival", statistic)
            if row.method == method and (not labels or row.group_label in labels)
        )

    yield of("kaplan_meier", "os_patients_n") + of("kaplan_meier", "os_left_out_n") == _eligible_n(frames)
    for method in ("kaplan_meier", "kaplan_meier_delayed_entry"):
        deaths = sum(row.n_event or 0 for row in results.rows("overall_survival", "os_curve") if row.method == method)
        yield deaths == of(method, "os_deaths_total_n")
        yield deaths + of(method, "os_censored_at") == of(method, "os_patients_n")


def _survival_falls(results: Results, _: Frames) -> Iterator[bool]:
    for method in ("kaplan_meier", "kaplan_meier_delayed_entry"):
        curve = [row for row in results.rows("overall_survival", "os_curve") if row.method == method]
        curve.sort(key=lambda row: row.time_days or 0.0)
        for before, step in pairwise(curve):
            yield (before.value or 0.0) >= (step.value or 0.0)


def _same_patients(results: Results, _: Frames) -> Iterator[bool]:
    survival = results.rows("overall_survival", "os_patients_n")
    available = results.total("enrolment", "flow_available_n", "available_for", ("OVERALL_SURVIVAL",))
    yield [row.value for row in survival if row.method == "kaplan_meier"] == [available]
    delayed = results.total("enrolment", "flow_available_n", "available_for", ("DELAYED_ENTRY",))
    left_out = sum(
        row.value or 0.0
        for row in results.rows("overall_survival", "os_left_out_n")
        if row.method == "kaplan_meier_delayed_entry"
    )
    used = [row.value or 0.0 for row in survival if row.method == "kaplan_meier_delayed_entry"]
    yield [value + left_out for value in used] == [delayed]


def _assessed(results: Results, _: Frames) -> Iterator[bool]:
    available = results.total("enrolment", "flow_available_n", "available_for", ("RESPONSE",))
    for row in results.rows("complete_remission", "cr_registry", "all"):
        if row.denominator == "D2":
            yield row.n == available


def _exposed(results: Results, _: Frames) -> Iterator[bool]:
    available = results.total("enrolment", "flow_available_n", "available_for", ("EXPOSURE",))
    for row in results.rows("exposure", "cycles_started_per_patient"):
        yield row.n == available


def _sites(results: Results, frames: Frames) -> Iterator[bool]:
    subject = frames["marts.subject"]
    yield results.total("site_summary", "site_records_n", "site") == len(subject)
    yield results.total("site_summary", "site_eligible_n", "site") == len(eligible(subject))


SUBJECT = ("marts.subject",)

#: Every identity, in the order of the outcomes.
IDENTITIES: tuple[Identity, ...] = (
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
        "response_denominators_nested",
        "D2 lies within D3, D3 within D1, D1 within the eligible treated patients.",
        ("complete_remission",),
        SUBJECT,
        _denominators,
    ),
    Identity(
        "response_numerators",
        "No numerator exceeds its denominator, and each definition has one numerator on all denominators.",
        ("complete_remission",),
        (),
        _numerators,
    ),
    Identity(
        "backbones_sum_to_all",
        "Patients and responders by backbone sum to those of D1.",
        ("complete_remission",),
        (),
        _backbones,
    ),
    Identity(
        "mrd_negative_remissions_within_tested",
        "Remissions without MRD lie within the responders tested by flow, and these within the remissions, group by group.",
        ("complete_remission",),
        (),
        _mrd_negative_remissions,
    ),
    Identity(
        "response_states_sum_to_eligible",
        "Response states sum to the eligible patients; responders are the numerator and D1 its states' sum.",
        ("complete_remission",),
        SUBJECT,
        _response_states,
    ),
    Identity(
        "at_risk_deaths_censored",
        "At risk, deaths and censored sum to the patients (entered by then) at every tick.",
        ("overall_survival",),
        (),
        _at_risk,
    ),
    Identity(
        "survival_patients_complete",
        "Every eligible patient is on the curve or counted as left out; deaths and censorings sum to its patients.",
        ("overall_survival",),
        SUBJECT,
        _survival_patients,
    ),
    Identity(
        "survival_never_rises",
        "A survival curve never rises.",
        ("overall_survival",),
        (),
        _survival_falls,
    ),
    Identity(
        "survival_patients_as_in_flow",
        "Survival uses the patients that the flow says are available for it.",
        ("enrolment", "overall_survival"),
        (),
        _same_patients,
    ),
    Identity(
        "assessed_as_in_flow",
        "D2 are the patients that the flow says are available for response.",
        ("enrolment", "complete_remission"),
        (),
        _assessed,
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
    *ENDPOINT_IDENTITIES,
)

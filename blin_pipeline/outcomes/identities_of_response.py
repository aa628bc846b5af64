"""Identities of complete remission: denominators, numerators, backbones, states, remission without MRD."""

from __future__ import annotations

from collections.abc import Iterator

from blin_pipeline.outcomes.frames import is_true
from blin_pipeline.outcomes.identity import SUBJECT, Frames, Identity, Results, eligible_n


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
    yield results.total(*states) == eligible_n(frames)
    for row in results.rows("complete_remission", "cr_registry", "all"):
        if row.denominator == "D1":
            yield results.total(*states, ("RESPONDER",)) == row.n_event
            yield results.total(*states, ("RESPONDER", "NO_CR", "NOT_ASSESSED")) == row.n


def _assessed(results: Results, _: Frames) -> Iterator[bool]:
    available = results.total("enrolment", "flow_available_n", "available_for", ("RESPONSE",))
    for row in results.rows("complete_remission", "cr_registry", "all"):
        if row.denominator == "D2":
            yield row.n == available


RESPONSE_IDENTITIES: tuple[Identity, ...] = (
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
        "assessed_as_in_flow",
        "D2 are the patients that the flow says are available for response.",
        ("enrolment", "complete_remission"),
        (),
        _assessed,
    ),
)

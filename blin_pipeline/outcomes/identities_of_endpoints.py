"""Identities of endpoints, competing risks, the comparison by blinatumomab, and the description of patients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.frames import is_true
from blin_pipeline.outcomes.identity import Frames, Identity, Results
from blin_pipeline.outcomes.populations import eligible

if TYPE_CHECKING:
    from blin_pipeline.outcomes.result import ResultRow

TOLERANCE = 1e-9
#: Methods of the two curves; named here because this module is imported without numpy.
PLAIN, DELAYED = "kaplan_meier", "kaplan_meier_delayed_entry"
ENDPOINTS = ("oscr", "osblin", "rfs", "rfs_hsctc", "efs", "efs_day1")
INCIDENCES = (
    "cir",
    "nrm",
    "blin_uptake",
    "blin_uptake_from_start",
    "transplant",
    "mrd_negativity",
    "mrd_negativity_after_blin",
)


def _by_time(rows: list[ResultRow]) -> dict[float | None, float]:
    return {row.time_days: row.value for row in rows if row.value is not None}


def _one(results: Results, outcome: str, statistic: str, method: str = "") -> float:
    rows = results.rows(outcome, statistic, "all")
    return sum(row.value or 0.0 for row in rows if not method or row.method == method)


def _endpoint(results: Results, statistic: str, method: str = PLAIN) -> list[ResultRow]:
    return [row for row in results.rows("survival_endpoints", statistic) if row.method == method]


def _ticks(results: Results, _: Frames) -> Iterator[bool]:
    for prefix in ENDPOINTS:
        for method, total in ((PLAIN, "patients"), (DELAYED, "entered")):
            parts = [
                _by_time(_endpoint(results, f"{prefix}_{name}_n", method)) for name in ("at_risk", "events", "censored")
            ]
            whole = _by_time(_endpoint(results, f"{prefix}_{total}_n", method))
            for day in parts[0]:
                yield sum(part[day] for part in parts) == whole[day if method == DELAYED else None]


def _falls(results: Results, _: Frames) -> Iterator[bool]:
    for prefix in ENDPOINTS:
        for method in (PLAIN, DELAYED):
            steps = sorted(_endpoint(results, f"{prefix}_curve", method), key=lambda row: row.time_days or 0.0)
            for before, step in pairwise(steps):
                yield (before.value or 0.0) >= (step.value or 0.0)
                yield before.value != 0.0 or not step.n


def _late_complete(results: Results, _: Frames) -> Iterator[bool]:
    for prefix in ENDPOINTS:
        used = _endpoint(results, f"{prefix}_patients_n", DELAYED)
        left = sum(row.value or 0.0 for row in _endpoint(results, f"{prefix}_left_out_n", DELAYED))
        for row in used:
            yield (row.value or 0.0) + left == _one(results, "survival_endpoints", f"{prefix}_patients_n", PLAIN)


def _whole(results: Results, _: Frames) -> Iterator[bool]:
    for suffix, free in (("incidence", "survival"), ("curve", "curve")):
        relapse = _by_time(results.rows("competing_risks", f"cir_{suffix}"))
        death = _by_time(results.rows("competing_risks", f"nrm_{suffix}"))
        remission = _by_time(_endpoint(results, f"rfs_{free}"))
        for day in relapse.keys() & death.keys() & remission.keys():
            yield abs(relapse[day] + death[day] + remission[day] - 1.0) < TOLERANCE


def _causes(results: Results, _: Frames) -> Iterator[bool]:
    for prefix in INCIDENCES:
        parts = (_one(results, "competing_risks", f"{prefix}_{name}_n") for name in ("events", "competing", "censored"))
        yield sum(parts) == _one(results, "competing_risks", f"{prefix}_patients_n")


def _same_remissions(results: Results, _: Frames) -> Iterator[bool]:
    for param in ("cir", "nrm"):
        yield _one(results, "competing_risks", f"{param}_patients_n") == _one(
            results, "survival_endpoints", "rfs_patients_n", PLAIN
        )


def _landmarks(results: Results, _: Frames) -> Iterator[bool]:
    for endpoint in ("oscr", "rfs"):
        rows = results.rows("blin_association", f"association_{endpoint}_landmark_n")
        for day in sorted({row.time_days or 0.0 for row in rows}):
            here = [row for row in rows if row.time_days == day]
            yield {sum(row.value or 0.0 for row in here)} == {float(row.n or 0) for row in here}


def _association_patients(results: Results, _: Frames) -> Iterator[bool]:
    for endpoint in ("oscr", "rfs"):
        patients = _one(results, "survival_endpoints", f"{endpoint}_patients_n", PLAIN)
        for row in results.rows("blin_association", f"association_{endpoint}_landmark_n"):
            yield row.n == patients


def _as_table(results: Results, frames: Frames) -> Iterator[bool]:
    cohort = frames["marts.landmark_cohort"]
    used = cohort[is_true(cohort["at_risk"])]
    for endpoint in ("oscr", "rfs"):
        mine = used[used["param_cd"] == endpoint.upper()]
        for row in results.rows("blin_association", f"association_{endpoint}_landmark_n"):
            if row.group_label in ("EXPOSED", "NOT_EXPOSED"):
                exposed = is_true(mine["exposed_by_landmark"]) == (row.group_label == "EXPOSED")
                yield row.value == int((exposed & (mine["landmark_day"] == row.time_days)).sum())


def _e1910_like(results: Results, frames: Frames) -> Iterator[bool]:
    subject, cohort = frames["marts.subject"], frames["marts.landmark_cohort"]
    like = set(subject.loc[is_true(subject["is_e1910_like"]), "patient_key"])
    used = cohort[is_true(cohort["at_risk"]) & (cohort["param_cd"] == "OSCR") & cohort["patient_key"].isin(like)]
    parts = [f"ours_{part}_n" for part in ("event_before_landmark", "censored_before_landmark", "without_time")]
    for row in results.rows("external_reference", "ours_at_landmark_n", "landmark"):
        yield row.value == int((used["landmark_day"] == int(row.group_label)).sum())
        left = [results.total("external_reference", part, "landmark", (row.group_label,)) for part in parts]
        yield (row.value or 0.0) + sum(left) == len(like)


def _situations(results: Results, frames: Frames) -> Iterator[bool]:
    everybody = len(eligible(frames["marts.subject"]))
    for statistic, variable in (("site_situation_n", "site_situation"), ("situation_patients_n", "situation")):
        yield results.total("ascertainment", statistic, variable) == everybody


def _groups(results: Results, frames: Frames) -> Iterator[bool]:
    rows = results.rows("baseline", "baseline_patients_n", "backbone_group")
    everybody = sum(row.value or 0.0 for row in rows if row.group_label == "all")
    yield everybody == len(eligible(frames["marts.subject"]))
    yield sum(row.value or 0.0 for row in rows if row.group_label != "all") == everybody


def _families(results: Results, _: Frames) -> Iterator[bool]:
    for name in ("declared", "derived", "final"):
        rows = results.rows("backbone", f"backbone_{name}_n", "backbone")
        for row in rows:
            yield row.n == sum(each.value or 0.0 for each in rows)


ENDPOINT_IDENTITIES: tuple[Identity, ...] = (
    Identity(
        "endpoint_at_risk_events_censored",
        "At risk, events and censored sum to the patients at every tick of every endpoint.",
        ("survival_endpoints",),
        (),
        _ticks,
    ),
    Identity(
        "endpoint_delayed_entry_complete",
        "With delayed entry every patient of an endpoint is on the curve or counted as left out.",
        ("survival_endpoints",),
        (),
        _late_complete,
    ),
    Identity(
        "endpoint_never_rises",
        "A curve of an endpoint never rises, and is not zero while somebody is at risk.",
        ("survival_endpoints",),
        (),
        _falls,
    ),
    Identity(
        "incidences_and_relapse_free_sum_to_one",
        "Relapse, death in remission and relapse-free survival sum to one at every time.",
        ("survival_endpoints", "competing_risks"),
        (),
        _whole,
    ),
    Identity(
        "causes_sum_to_patients",
        "Events, competing events and censored sum to the patients of every cumulative incidence.",
        ("competing_risks",),
        (),
        _causes,
    ),
    Identity(
        "incidence_patients_as_relapse_free",
        "Relapse and death in remission are counted in the patients of relapse-free survival.",
        ("survival_endpoints", "competing_risks"),
        (),
        _same_remissions,
    ),
    Identity(
        "landmark_patients_complete",
        "Exposed, not exposed and excluded sum to the patients at every landmark.",
        ("blin_association",),
        (),
        _landmarks,
    ),
    Identity(
        "landmark_groups_as_table",
        "The groups of the landmark analyses are those of the table landmark_cohort.",
        ("blin_association",),
        ("marts.landmark_cohort",),
        _as_table,
    ),
    Identity(
        "e1910_like_landmark_complete",
        "Patients like those of E1910 at a landmark are those of landmark_cohort, and with the excluded sum to all of them.",
        ("external_reference",),
        ("marts.subject", "marts.landmark_cohort"),
        _e1910_like,
    ),
    Identity(
        "ascertainment_situations_sum_to_eligible",
        "Patients by how their site finds them sum to the eligible patients, by site and in all.",
        ("ascertainment",),
        ("marts.subject",),
        _situations,
    ),
    Identity(
        "association_patients_as_endpoint",
        "The comparison by blinatumomab starts from the patients of its endpoint.",
        ("survival_endpoints", "blin_association"),
        (),
        _association_patients,
    ),
    Identity(
        "baseline_groups_sum_to_eligible",
        "Backbone groups of the baseline table sum to the eligible patients.",
        ("baseline",),
        ("marts.subject",),
        _groups,
    ),
    Identity(
        "backbone_families_sum_to_all",
        "Backbone families sum to the classified patients.",
        ("backbone",),
        (),
        _families,
    ),
)

"""The source population follows the stated model, so that an estimator can be judged against it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import date
from functools import cache
from itertools import pairwise

import pytest
from synthetic_reading import registry

from blin_pipeline.sandbox.synthetic import SyntheticPlan
from blin_pipeline.sandbox.synthetic.hazard import HazardModel
from blin_pipeline.sandbox.synthetic.journey import DIED_UNSEEN, ENTERED, Journey, draw_journey
from blin_pipeline.sandbox.synthetic.person import draw_person
from blin_pipeline.sandbox.synthetic.sites import build_sites

pytestmark = pytest.mark.slow

CANDIDATES = 7000


@cache
def population(hazard_ratio: float) -> list[Journey]:
    """Candidates only, without their forms."""
    plan = SyntheticPlan(seed=11, hazard_ratio=hazard_ratio, planted=False)
    sites, model = build_sites(plan), HazardModel(hazard_ratio=hazard_ratio)
    return [draw_journey(plan, sites, model, draw_person(plan, sites, number)) for number in range(CANDIDATES)]


def test_latent_survival_is_that_of_the_model() -> None:
    model, people = HazardModel(hazard_ratio=0.42), population(0.42)
    for day in (30, 90, 182.625, 365.25, 730.5, 1200):
        stated = sum(model.survival(day, one.linear_predictor, one.switch_day) for one in people) / CANDIDATES
        found = sum(one.death_day > day for one in people) / CANDIDATES
        assert found == pytest.approx(stated, abs=3.5 * math.sqrt(stated * (1 - stated) / CANDIDATES))


def rate_ratio(people: list[Journey], *, ever: bool) -> float:
    """Mantel-Haenszel ratio of death rates, exposed against not, by covariates and 60-day bands of time.

    ``ever`` counts all time of the ever exposed as exposed: the biased way.
    """
    strata: dict[tuple[object, ...], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for one in people:
        end = min(one.death_day, 1100)
        reached = one.switch_day is not None and one.switch_day < end
        switch = one.switch_day if reached and one.switch_day is not None else end + 1
        marks = sorted({0, end, *range(60, end, 60), *({switch} if switch < end else set())})
        for start, stop in pairwise(marks):
            exposed = int(reached if ever else start >= switch)
            cell = strata[start // 60, tuple(name for name, holds in one.covariates.items() if holds)]
            cell[exposed] += stop - start
            cell[2 + exposed] += one.death_day == stop
    top = sum(d1 * t0 / (t0 + t1) for t0, t1, d0, d1 in strata.values())
    return top / sum(d0 * t1 / (t0 + t1) for t0, t1, d0, d1 in strata.values())


@pytest.mark.parametrize("truth", [0.42, 1.0])
def test_the_hazard_ratio_is_found_by_following_time_and_missed_by_ever_against_never(truth: float) -> None:
    people = population(truth)
    assert rate_ratio(people, ever=False) == pytest.approx(truth, rel=0.11)
    assert rate_ratio(people, ever=True) < 0.75 * truth


def test_exposure_does_not_look_ahead() -> None:
    """The same patients with another hazard ratio are due their first infusion on the same day."""
    for left, right in zip(population(0.42), population(1.0), strict=True):
        assert left.switch_day == right.switch_day
        assert left.person == right.person


def test_early_deaths_are_missing_where_the_dead_are_not_entered() -> None:
    """Left truncation: whoever dies before entry is entered by the deceased path or never seen, as the centre's habit says."""
    people = population(0.42)
    for one in people:
        if one.outcome == ENTERED:
            assert (one.entry_day < one.death_day) == (one.enrolment != 3)
        if one.outcome == DIED_UNSEEN:
            assert one.death_day <= one.entry_day
            assert one.site.deceased_path_share < 1
    complete = [one for one in people if one.site.fact.complete_ascertainment]
    assert all(one.outcome != DIED_UNSEEN for one in complete)
    unseen = Counter(one.outcome for one in people)[DIED_UNSEEN]
    assert unseen > 100


def test_delayed_entry_and_complete_centres_recover_survival_and_the_plain_curve_does_not() -> None:
    """Product limit by hand on what the registry sees, against the truth of the population."""
    people = [one for one in population(0.42) if one.outcome == ENTERED]
    everyone = sum(one.death_day > 365.25 for one in population(0.42)) / CANDIDATES

    def estimate(rows: list[tuple[int, int, bool]]) -> float:
        survival = 1.0
        for time in sorted({stop for _, stop, died in rows if died and stop <= 365}):
            at_risk = sum(entry < time <= stop for entry, stop, _ in rows)
            survival *= 1 - sum(died and stop == time for _, stop, died in rows) / at_risk
        return survival

    plain = estimate([(0, one.seen_until, one.died) for one in people])
    delayed = estimate(
        [
            (one.entry_day, one.seen_until, one.died)
            for one in people
            if one.enrolment != 3 and one.seen_until > one.entry_day
        ]
    )
    assert delayed == pytest.approx(everyone, abs=0.03)
    assert plain > everyone + 0.03


def test_shares_are_plausible() -> None:
    made = registry(patients=1200, planted=False)
    rows = made.project.rows
    plans = Counter(row.values["plan_backbone"] for row in rows if row.form == "treatment_plan")
    assert len(plans) == 14, "every backbone code occurs"
    assert plans.most_common(1)[0][1] < 0.3 * plans.total()
    assert plans["99"] < 0.05 * plans.total()
    positive = Counter(row.values["ph_status"] for row in rows if row.form == "diagnosis")["1"] / 1200
    assert 0.18 < positive < 0.35
    paths = Counter(row.values["enroll_type"] for row in rows if row.form == "registration")
    assert min(paths["1"], paths["2"]) > 300
    assert 20 < paths["3"] < 150
    cycles = Counter(row.values["bc_status"] for row in rows if row.form == "blin_cycle")
    assert 0.8 < cycles["2"] / cycles.total() < 0.95
    assert min(cycles["1"], cycles["4"]) > 0
    small = {row.record_id for row in rows if row.form == "blin_cycle" and "bc_bsa" in row.values}
    assert 3 <= len(small) < 60
    end = [
        row.values["ra_bm_lymphoblast"]
        for row in rows
        if row.values.get("ra_timepoint") == "1" and "ra_bm_lymphoblast" in row.values
    ]
    assert 0.72 < end.count("0") / len(end) < 0.95, "remission at the end of induction"
    methods = Counter(row.values["mr_method"] for row in rows if row.form == "mrd")
    assert methods["1"] > methods["2"] > 0
    assert methods["3"] > 0


def test_backbones_carry_the_drugs_that_tell_them_apart() -> None:
    first: dict[str, set[str]] = {}
    rows = registry(patients=1200, planted=False).project.rows
    for row in rows:
        if row.form == "treatment_course" and row.values["tc_phase"] == "2" and row.values["tc_line"] == "1":
            drugs = {name.removeprefix("tc_drugs___") for name in row.values if name.startswith("tc_drugs___")}
            known = first.get(row.values["tc_regimen"])
            first[row.values["tc_regimen"]] = drugs if known is None else known & drugs
    assert first["1"] >= {"2", "4", "7", "9"}
    assert not first["1"] & {"18"}
    assert first["2"] >= {"2", "4", "9"}
    assert not first["2"] & {"6", "7", "8"}
    assert first["3"] >= {"1", "4", "6", "18"}
    assert first["4"] >= {"2", "4", "6"}
    assert not first["4"] & {"1"}
    assert first["6"] >= {"6", "9", "18"}
    assert first["7"] >= {"7", "13", "18"}
    assert not first["9"] & {"6", "7", "8", "9"}


def test_centres_lie_in_several_zones_and_infusions_cross_clock_changes() -> None:
    made = registry(patients=1200, planted=False)
    zones = {site.time_zone for site in made.sites}
    assert None in zones
    assert {"America/Chicago", "America/New_York", "America/Denver", "America/Los_Angeles"} <= zones
    crossing = 0
    for row in made.project.rows:
        if row.form == "blin_cycle" and row.values.get("bc_start") and row.values.get("bc_end"):
            start, stop = row.values["bc_start"][:10], row.values["bc_end"][:10]
            crossing += any(
                start < change < stop
                for change in ("2024-03-10", "2024-11-03", "2025-03-09", "2025-11-02", "2026-03-08")
            )
    assert crossing > 50


def test_registration_comes_after_the_centre_opened_and_not_after_the_cut() -> None:
    made = registry(patients=1200, planted=False)
    opened = {site.data_access_group: site.activated for site in made.sites}
    for row in made.project.rows:
        if row.form == "registration":
            registered = date.fromisoformat(row.values["reg_date"])
            assert opened[made.project.record_groups[row.record_id]] <= registered <= made.truth.plan.data_cut

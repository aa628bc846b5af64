"""The oracle itself, on cases small enough to work out with pencil and paper."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from blin_pipeline.sandbox.synthetic.truth import Recorded, RecordedRow, RecordTruth

from .course import course, refractory_day
from .eligibility import judge
from .exposure import Cycle, cycles
from .proportion import clopper_pearson
from .records import Record, possible_days
from .response import respond
from .survival import Survival, delayed_rows, plain_rows, product_limit, survive

CUT = date(2026, 6, 30)
SIGNED: dict[str, Recorded] = {
    "enroll_type": 1,
    "reg_date": "2024-03-20",
    "elig_ball": 1,
    "dx_date": "2024-03-10",
    "dx_date_prec": 1,
    "age_dx": 44.0,
    "blin_in_trial": 0,
    "vital_entry": 1,
    "consent_status": 1,
    "consent_date": "2024-03-20",
}
Rows = list[dict[str, Recorded]]


def record(registration: dict[str, Any] | None = None, zone: str | None = "America/Chicago", **forms: Any) -> Record:
    """A record of one consented patient, with the changes given (a value None is blank)."""
    merged = {name: value for name, value in (SIGNED | (registration or {})).items() if value is not None}
    recorded = {"registration": [RecordedRow(instance=None, values=merged)]}
    for form, rows in forms.items():
        many = isinstance(rows, list)
        recorded[form] = [
            RecordedRow(instance=number if many else None, values=row)
            for number, row in enumerate(rows if many else [rows], start=1)
        ]
    truth = RecordTruth(
        record_id="SYNA-0001", site_id="S01", time_zone=zone, infused=[], recorded=recorded, unusable=[], planted=[]
    )
    return Record(truth, CUT)


def status(registration: dict[str, Any] | None = None, **forms: Any) -> tuple[str, str]:
    """Status and the criteria that are not passed, as text."""
    found = judge(record(registration, **forms))
    open_or_failed = " ".join(f"{name}:{result}" for name, result in found.criteria.items() if result != "Y")
    return found.status, " ".join([open_or_failed, *found.reasons]).strip()


DEAD = {"dth_dead": 1, "dth_date": "2024-03-15", "dth_date_prec": 1}
DECEASED = {"vital_entry": 2, "consent_status": 3, "consent_date": None}


@pytest.mark.parametrize(
    ("registration", "forms", "expected"),
    [
        ({}, {}, ("ELIGIBLE", "")),
        ({"age_dx": 17.9}, {}, ("INELIGIBLE", "E1:N")),
        ({"age_dx": 17.9, "reg_date": "2024-06-30"}, {}, ("INELIGIBLE", "E1:N E1_ADULT_AT_REGISTRATION_ONLY")),
        ({"age_dx": None}, {"demographics": {"birth_date": "2006-03-09"}}, ("ELIGIBLE", "")),
        ({"age_dx": None}, {}, ("PENDING", "E1:UNKNOWN")),
        ({"elig_ball": 9}, {}, ("PENDING", "E2:UNKNOWN")),
        ({"dx_date": "2023-12-15", "dx_date_prec": 2}, {}, ("ELIGIBLE", "")),
        ({"dx_date": "2023-11-30"}, {}, ("INELIGIBLE", "E3:N")),
        ({"dx_date": "2023-07-01", "dx_date_prec": 3}, {}, ("PENDING", "E3:UNKNOWN")),
        ({"dx_date": "2024-07-01", "dx_date_prec": 3}, {}, ("ELIGIBLE", "")),
        ({"dx_date": "2023-12-20", "dx_date_prec": None}, {}, ("PENDING", "E3:UNKNOWN")),
        ({}, {"treatment_plan": {"plan_date": "2024-03-09"}}, ("PENDING", "E3:UNKNOWN")),
        ({"blin_in_trial": 1, "blin_trial_start": "2024-03-20"}, {}, ("INELIGIBLE", "E4:N")),
        ({"blin_in_trial": 1, "blin_trial_start": "2024-03-21"}, {}, ("ELIGIBLE", "")),
        ({"blin_in_trial": 1}, {}, ("INELIGIBLE", "E4:N")),
        ({"consent_status": 5, "elig_ball": 0}, {}, ("INELIGIBLE", "E2:N E5:N")),
        ({"consent_status": 4, "elig_ball": 0}, {}, ("INELIGIBLE", "E2:N E5:UNKNOWN")),
        ({"consent_date": "2026-07-01"}, {}, ("PENDING", "E5:UNKNOWN")),
        ({"consent_status": 3}, {}, ("PENDING", "E5:UNKNOWN E5_CONFLICT")),
        (DECEASED, {"death": DEAD}, ("ELIGIBLE", "")),
        (DECEASED, {"death": DEAD | {"dth_date": "2024-03-21"}}, ("PENDING", "E5:UNKNOWN")),
        (DECEASED, {"death": {"dth_dead": 1}}, ("PENDING", "E5:UNKNOWN")),
        ({}, {"death": DEAD | {"dth_date": "2024-03-19"}}, ("PENDING", "E5:UNKNOWN E5_DIED_BEFORE_CONSENT")),
        ({}, {"death": DEAD | {"dth_date": "2024-03-20"}}, ("ELIGIBLE", "")),
        ({}, {"death": {"dth_dead": 1}}, ("PENDING", "E5:UNKNOWN")),
        ({}, {"followup": [{"fu_date": "2024-08-01", "fu_vital": 2}]}, ("PENDING", "E5:UNKNOWN")),
        ({"consent_status": 6, "withdraw_scope": 1, "withdraw_date": "2024-06-08"}, {}, ("ELIGIBLE", "")),
        # From which day on nothing may be used is not known, or cannot be right: held.
        ({"consent_status": 6, "withdraw_scope": 1}, {}, ("HELD", "E6:UNKNOWN")),
        ({"consent_status": 6, "withdraw_scope": 1, "withdraw_date": "2024-03-19"}, {}, ("HELD", "E6:UNKNOWN")),
        ({"consent_status": 6, "withdraw_scope": 2}, {}, ("REMOVED", "")),
        ({"consent_status": 6, "elig_ball": 0}, {}, ("HELD", "E2:N E6:UNKNOWN")),
        ({"screen_note_code": 2}, {}, ("INELIGIBLE", "E0:N")),
        ({"screen_note_code": 1}, {}, ("ELIGIBLE", "")),
    ],
)
def test_eligibility(registration: dict[str, Any], forms: dict[str, Any], expected: tuple[str, str]) -> None:
    assert status(registration, **forms) == expected


def test_a_month_or_a_year_stands_for_all_its_days() -> None:
    assert possible_days(date(2024, 2, 15), 2) == (date(2024, 2, 1), date(2024, 2, 29))
    assert possible_days(date(2024, 7, 1), 3) == (date(2024, 1, 1), date(2024, 12, 31))
    assert possible_days(date(2024, 7, 1), None) == (date(2024, 1, 1), date(2024, 12, 31))


def assessed(day: str, marrow: int | None = 0, blood: int = 0, percent: float | None = None) -> dict[str, Recorded]:
    """A response row."""
    values = {"ra_date": day, "ra_bm_lymphoblast": marrow, "ra_pb_lymphoblast": blood, "ra_bm_blast": percent}
    return {name: value for name, value in values.items() if value is not None}


PLAN: dict[str, Recorded] = {"plan_date": "2024-03-14"}


@pytest.mark.parametrize(
    ("forms", "state", "denominators"),
    [
        ({"response": [assessed("2024-04-12")]}, "RESPONDER", (True, True, True)),
        ({"response": [assessed("2024-04-12", marrow=1)]}, "NO_CR", (True, True, True)),
        ({"response": [assessed("2024-04-12", blood=1)]}, "NO_CR", (True, True, True)),
        ({"response": [assessed("2024-04-12", marrow=None, percent=4.9)]}, "RESPONDER", (True, True, True)),
        ({"response": [assessed("2024-04-12", marrow=None, percent=5)]}, "NO_CR", (True, True, True)),
        ({"response": [assessed("2024-04-12", marrow=9, percent=2)]}, "NOT_ASSESSED", (True, False, False)),
        ({"response": [assessed("2024-03-14")]}, "NOT_ASSESSED", (True, False, False)),
        ({"response": [assessed("2026-07-01")]}, "NOT_ASSESSED", (True, False, False)),
        ({"death": DEAD | {"dth_date": "2024-04-02"}}, "NOT_ASSESSED", (True, False, True)),
        (
            {
                "response": [assessed("2024-04-12")],
                "relapse": [{"rl_date": "2024-04-12", "rl_date_prec": 1, "rl_kind": 1}],
            },
            "NOT_ASSESSED",
            (True, False, True),
        ),
        (
            {
                "response": [assessed("2024-04-12")],
                "relapse": [{"rl_date": "2024-04-02", "rl_date_prec": 1, "rl_kind": 5}],
            },
            "RESPONDER",
            (True, True, True),
        ),
        (
            {"response": [assessed("2024-04-12")], "death": DEAD | {"dth_date": "2024-04-12"}},
            "RESPONDER",
            (True, True, True),
        ),
    ],
)
def test_response(forms: dict[str, Any], state: str, denominators: tuple[bool, bool, bool]) -> None:
    found = respond(record(treatment_plan=PLAN, **forms))
    assert (found.state, (found.in_d1, found.in_d2, found.in_d3)) == (state, denominators)
    assert found.responder == (state == "RESPONDER")


def test_response_is_not_due_in_the_first_seventy_days() -> None:
    recent, due = CUT - timedelta(days=69), CUT - timedelta(days=70)
    assert respond(record(treatment_plan={"plan_date": recent.isoformat()})).state == "NOT_YET_DUE"
    assert respond(record(treatment_plan={"plan_date": due.isoformat()})).state == "NOT_ASSESSED"
    assert respond(record()).state == "NOT_TREATED"


def given(day: str, phase: int, regimen: int = 1, line: int = 1) -> dict[str, Recorded]:
    """A course row."""
    return {"tc_start": day, "tc_phase": phase, "tc_regimen": regimen, "tc_line": line}


def test_refractory_needs_two_inductions_disease_a_change_and_no_remission() -> None:
    two = [given("2024-03-14", 2), given("2024-04-20", 3)]
    salvage = given("2024-06-01", 10, regimen=90, line=2)
    disease = assessed("2024-04-12", marrow=1)

    def refractory(courses: Rows, *responses: dict[str, Recorded], **forms: Any) -> date | None:
        return refractory_day(record(treatment_course=courses, response=[disease, *responses], **forms))

    assert refractory([*two, salvage]) == date(2024, 6, 1)
    assert refractory(two) is None
    assert refractory([two[0], salvage]) is None
    assert refractory([*two, salvage], assessed("2024-06-01")) is None
    assert refractory([*two, salvage], assessed("2024-06-02")) == date(2024, 6, 1)
    assert refractory([*two, given("2024-06-05", 5, regimen=2)]) == date(2024, 6, 5)
    assert refractory([two[0], given("2024-04-20", 3, regimen=2)]) is None
    assert refractory([*two, given("2024-06-05", 8, regimen=99)]) is None
    # Nobody saw disease: on the day of the first induction it is the one that was diagnosed.
    assert refractory_day(record(treatment_course=[*two, salvage])) is None
    first_day = assessed("2024-03-14", marrow=1)
    assert refractory_day(record(treatment_course=[*two, salvage], response=[first_day])) is None
    # Stopped for toxicity: the other regimen is frontline, salvage is salvage all the same.
    toxic = [two[0], two[1] | {"tc_stop_reason": 1}]
    assert refractory([*toxic, given("2024-06-05", 5, regimen=2)]) is None
    assert refractory([*toxic, salvage]) == date(2024, 6, 1)
    # The site's own line decides nothing.
    assert refractory([*two, given("2024-06-05", 5, line=2)]) is None
    blinatumomab: Rows = [{"bc_number": 1, "bc_line": 3, "bc_start": "2024-05-30 10:00"}]
    assert refractory([*two, salvage], blin_cycle=blinatumomab) == date(2024, 6, 1)
    blinatumomab[0]["bc_purpose"] = 8
    assert refractory([*two, salvage], blin_cycle=blinatumomab) == date(2024, 5, 30)
    late = record(treatment_plan=PLAN, treatment_course=[*two, salvage], response=[disease, assessed("2024-06-20")])
    assert respond(late).state == "NO_CR"
    assert respond(late).in_d3
    assert course(late).frontline_end_reason == "REFRACTORY"


def test_survival_takes_the_last_contact_or_the_death() -> None:
    seen: Rows = [{"fu_date": "2024-09-10", "fu_vital": 1}, {"fu_date": "2025-01-01", "fu_vital": 9}]
    assert survive(record(followup=seen)) == Survival(184, died=False, entry=10)
    assert survive(record(followup=seen, patient_survey=[{"sv_date": "2024-09-12"}])) == Survival(
        186, died=False, entry=10
    )
    assert survive(record(followup=seen, death=DEAD | {"dth_date": "2024-08-10"})) == Survival(153, died=True, entry=10)
    assert survive(record(followup=[{"fu_date": "2026-07-01", "fu_vital": 1}])) == Survival(10, died=False, entry=10)
    withdrawn: dict[str, Recorded] = {"consent_status": 6, "withdraw_scope": 1, "withdraw_date": "2024-06-08"}
    assert survive(record(withdrawn, followup=seen, death=DEAD | {"dth_date": "2024-08-10"})) == Survival(
        90, died=False, entry=10
    )
    assert survive(record(DECEASED | {"consent_status": 3}, death=DEAD)) == Survival(5, died=True, entry=None)


def test_a_partial_death_is_not_put_before_the_last_contact_of_its_range() -> None:
    month = DEAD | {"dth_date": "2024-09-15", "dth_date_prec": 2}

    def died(day: str) -> Survival | None:
        return survive(record(followup=[{"fu_date": day, "fu_vital": 1}], death=month))

    assert died("2024-09-20") == Survival(194, died=True, entry=10)
    assert died("2024-09-03") == Survival(189, died=True, entry=10)
    assert died("2024-10-02") == Survival(189, died=True, entry=10)
    assert survive(record(death=DEAD | {"dth_date": "2026-07-01", "dth_date_prec": 3})) == Survival(
        842, died=True, entry=10
    )


def test_product_limit_by_hand() -> None:
    """Times 1, 2+, 2, 3+, 5 (+ censored): 4/5, then 4/5 x 3/4, then 0."""
    rows = [(0.0, 1.0, True), (0.0, 2.0, False), (0.0, 2.0, True), (0.0, 3.0, False), (0.0, 5.0, True)]
    assert product_limit(rows, 0.5) == 1.0
    assert product_limit(rows, 1.0) == pytest.approx(0.8)
    assert product_limit(rows, 4.9) == pytest.approx(0.6)
    assert product_limit(rows, 5.0) == 0.0
    entered = [(0.0, 1.0, True), (0.0, 4.0, True), (2.0, 4.0, True), (3.0, 6.0, False), (4.0, 9.0, False)]
    assert product_limit(entered, 4.0) == pytest.approx(1 / 2 * 1 / 3)


def test_delayed_entry_begins_where_ten_are_at_risk() -> None:
    first = [Survival(100 + i, died=False, entry=5 * i) for i in range(9)]
    assert delayed_rows([*first, Survival(300, died=True, entry=None)])[1] == []
    start, rows = delayed_rows(
        [
            *first,
            Survival(300, died=True, entry=60),
            Survival(50, died=True, entry=20),
            Survival(30, died=True, entry=30),
        ]
    )
    assert start == 40.0
    assert sorted(entry for entry, _, _ in rows) == [40.0] * 10 + [60.0]
    assert delayed_rows([Survival(9, died=False, entry=0) for _ in range(10)])[0] == 0.0
    assert plain_rows([Survival(0, died=True, entry=None)]) == [(0.0, 0.5, True)]


def cycle(
    header: dict[str, Any], segments: Rows | None = None, zone: str | None = "America/Chicago", **forms: Any
) -> Cycle:
    """Exposure of one cycle with ordinary settings."""
    usual: dict[str, Recorded] = {
        "bc_number": 1,
        "bc_start": "2024-05-01 10:00",
        "bc_time_known": 1,
        "bc_weight": 80,
        "bc_step": 0,
        "bc_plan_days": 28,
        "bc_plan_rate": 28,
        "bc_status": 2,
        "bc_interrupted": 0,
    }
    rows: Rows = [usual | header]
    return cycles(record(zone=zone, blin_cycle=rows, blin_segment=segments or [], **forms))[1, 1]


def segment(start: str, stop: str | None, rate: float = 28.0, unit: int = 1) -> dict[str, Recorded]:
    """A segment of cycle 1 in May or June 2024 unless a year is given."""
    values: dict[str, Recorded | None] = {
        "sg_cycle": 1,
        "sg_start": _full(start),
        "sg_end": None if stop is None else _full(stop),
        "sg_rate": rate,
        "sg_rate_unit": unit,
    }
    return {name: value for name, value in values.items() if value is not None}


def _full(text: str) -> str:
    return text if len(text) == 16 else f"2024-{text}"


def test_a_header_without_interruption_is_counted_as_planned() -> None:
    found = cycle({"bc_end": "2024-05-29 10:00"})
    assert (found.source, found.delivered_days, found.delivered_mcg, found.planned_mcg) == (
        "HEADER",
        28.0,
        784.0,
        784.0,
    )
    assert (found.completed, found.n_interrupt_4h) == (True, 0)
    stepped = cycle({"bc_end": "2024-05-29 10:00", "bc_step": 1})
    assert (stepped.delivered_mcg, stepped.planned_mcg) == (651.0, 651.0)
    assert cycle({"bc_end": "2024-05-05 10:00", "bc_step": 1, "bc_status": 3}).delivered_mcg == 36.0
    small = {"bc_weight": 42, "bc_bsa": 1.30, "bc_plan_rate": 19.5, "bc_end": "2024-05-29 10:00"}
    assert cycle(small).planned_mcg == 546.0
    assert cycle(small | {"bc_step": 1}).planned_mcg == pytest.approx(7 * 6.5 + 21 * 19.5)
    assert cycle(small | {"bc_step": 1, "bc_bsa": 1.95}).planned_mcg == pytest.approx(7 * 9 + 21 * 19.5)


@pytest.mark.parametrize(("code", "bound"), [(1, 28.0), (9, 28.0)])
def test_an_interruption_that_nobody_dated_leaves_bounds_only(code: int, bound: float) -> None:
    found = cycle({"bc_end": "2024-05-29 10:00", "bc_interrupted": code})
    assert found.source == "UPPER_BOUND"
    assert found.started
    assert (found.delivered_days, found.delivered_mcg, found.completed, found.n_interrupt_4h) == (
        None,
        None,
        None,
        None,
    )
    assert (found.delivered_days_upper, found.delivered_mcg_upper) == (bound, 784.0)


def test_a_cycle_that_never_started_is_kept_with_nothing() -> None:
    rows: Rows = [
        {"bc_number": 3, "bc_status": 4, "bc_plan_days": 28, "bc_plan_rate": 28, "bc_step": 0, "bc_interrupted": 0}
    ]
    found = cycles(record(blin_cycle=rows))[3, 1]
    assert (found.started, found.delivered_days, found.delivered_mcg, found.planned_mcg, found.completed) == (
        False,
        0.0,
        0.0,
        784.0,
        False,
    )


@pytest.mark.parametrize(
    ("restart", "interruptions", "short", "label"),
    [("05-10 13:59", 0, 1, 1), ("05-10 14:00", 1, 0, 1), ("05-17 10:00", 1, 0, 1), ("05-17 10:01", 1, 0, 2)],
)
def test_a_gap_counts_from_four_hours_and_splits_after_seven_days(
    restart: str, interruptions: int, short: int, label: int
) -> None:
    found = cycle({}, [segment("05-01 10:00", "05-10 10:00"), segment(restart, "06-05 10:00")])
    assert (found.n_interrupt_4h, found.n_short_breaks, found.label_cycles) == (interruptions, short, label)


@pytest.mark.parametrize(("stop", "complete"), [("05-28 10:00", True), ("05-28 09:59", False)])
def test_a_cycle_is_complete_from_27_days(stop: str, complete: bool) -> None:
    assert cycle({}, [segment("05-01 10:00", stop)]).completed is complete
    assert cycle({"bc_plan_days": 14}, [segment("05-01 10:00", "05-14 10:00")]).completed is True


def test_overlapping_segments_count_once_at_the_later_started_rate() -> None:
    found = cycle({}, [segment("05-01 10:00", "05-08 19:00", 9.0), segment("05-08 10:00", "05-29 10:00", 28.0)])
    assert found.delivered_days == 28.0
    assert found.delivered_mcg == pytest.approx(7 * 9 + 21 * 28)
    inside = cycle({}, [segment("05-01 10:00", "05-29 10:00", 28.0), segment("05-10 10:00", "05-11 10:00", 9.0)])
    assert inside.delivered_mcg == pytest.approx(27 * 28 + 9)


def test_rates_by_surface_are_held_at_their_caps() -> None:
    def mcg(rate: float, surface: float) -> float | None:
        return cycle({"bc_bsa": surface}, [segment("05-01 10:00", "05-02 10:00", rate, 2)]).delivered_mcg

    assert mcg(15.0, 1.3) == pytest.approx(19.5)
    assert mcg(15.0, 1.95) == pytest.approx(28.0)
    assert mcg(5.0, 1.3) == pytest.approx(6.5)
    assert mcg(5.0, 1.95) == pytest.approx(9.0)


def test_clock_changes_count_elapsed_hours_where_the_zone_is_known() -> None:
    spring = [segment("2025-02-25 09:00", "2025-03-09 01:00"), segment("2025-03-09 05:30", "2025-03-25 09:00")]
    header: dict[str, Recorded] = {"bc_start": "2025-02-25 09:00"}
    assert (cycle(header, spring).n_interrupt_4h, cycle(header, spring).n_short_breaks) == (0, 1)
    assert cycle(header, spring, zone=None).n_interrupt_4h == 1
    autumn = [segment("2024-10-20 09:00", "2024-11-03 00:30"), segment("2024-11-03 04:00", "2024-11-17 09:00")]
    assert cycle({"bc_start": "2024-10-20 09:00"}, autumn).longest_interrupt_h == 4.5
    whole: dict[str, Recorded] = {"bc_start": "2025-03-01 10:00", "bc_end": "2025-03-29 10:00"}
    assert cycle(whole).delivered_days == pytest.approx(28 - 1 / 24)
    assert (
        cycle(whole | {"bc_time_known": 3, "bc_start": "2025-03-01 00:00", "bc_end": "2025-03-29 12:00"}).delivered_days
        == 28.0
    )


def test_what_still_runs_counts_to_the_cut_the_death_or_the_withdrawal() -> None:
    running: dict[str, Recorded] = {"bc_start": "2026-06-20 00:00", "bc_status": 1}
    found = cycle(running)
    assert (found.is_open, found.delivered_days, found.completed) == (True, 11.0, None)
    assert cycle(running, death={"dth_dead": 1, "dth_date": "2026-06-24", "dth_date_prec": 1}).delivered_days == 5.0
    assert (
        cycle(
            running, [segment("2026-06-20 00:00", "2026-06-21 00:00", 9.0), segment("2026-06-22 12:00", None)]
        ).delivered_days
        == 9.5
    )
    place = cycles(record(blin_cycle=[running | {"bc_number": 1, "bc_interrupted": 0}]), datetime(2026, 7, 1, 0, 0))
    assert place[1, 1].delivered_days == pytest.approx(11 - 5 / 24), (
        "midnight UTC comes five hours before midnight in Chicago"
    )


def test_a_forgotten_end_runs_to_the_next_start_and_a_reversed_segment_counts_for_nothing() -> None:
    forgotten = cycle({}, [segment("05-01 10:00", None), segment("05-10 10:00", "05-29 10:00")])
    assert (forgotten.delivered_days, forgotten.is_open) == (28.0, False)
    reversed_ = cycle({}, [segment("05-01 10:00", "05-29 10:00"), segment("05-29 10:00", "05-26 10:00")])
    assert (reversed_.delivered_days, reversed_.n_interrupt_4h) == (28.0, 0)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (170, 200, 0.792841, 0.896450),
        (0, 10, 0.0, 0.308497),
        (10, 10, 0.691503, 1.0),
        (1, 2, 0.012579, 0.987421),
        (4969, 5670, 0.867517, 0.884828),
    ],
)
def test_clopper_pearson_against_published_values(successes: int, trials: int, low: float, high: float) -> None:
    assert clopper_pearson(successes, trials) == pytest.approx((low, high), abs=1e-6)


def test_clopper_pearson_closed_forms() -> None:
    """Nothing in n: upper limit 1 - (alpha/2)^(1/n); all of n: its mirror."""
    for trials in (3, 25, 400):
        assert clopper_pearson(0, trials)[1] == pytest.approx(1 - 0.025 ** (1 / trials), abs=1e-12)
        assert clopper_pearson(trials, trials)[0] == pytest.approx(0.025 ** (1 / trials), abs=1e-12)

"""The rows of overall survival: numbers below the curve, states, and the curve with delayed entry."""

from __future__ import annotations

import math

import hand_made
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blin_pipeline.outcomes import overall_survival
from blin_pipeline.outcomes.identities import check_identities
from blin_pipeline.outcomes.result_table import to_arrow

pytestmark = pytest.mark.slow

PLAIN, DELAYED = "kaplan_meier", "kaplan_meier_delayed_entry"
MONTH = 30.4375


def frames_of(patients):
    """Tables of patients given as (days, died, entry day or None)."""
    keys = [f"x{number:03d}" for number in range(len(patients))]
    subject = hand_made.subject().iloc[: 1 if patients else 0]
    subject = pd.concat([subject] * max(1, len(patients)), ignore_index=True).assign(patient_key=keys)
    events = pd.DataFrame(
        [
            {
                "patient_key": key,
                "site_id": "S01",
                "param_cd": "OS",
                "aval_days": days,
                "aval_lo_days": days,
                "aval_hi_days": days,
                "cnsr": 0 if died else 1,
                "event_code": 1 if died else 0,
                "delayed_entry_day": entry,
            }
            for key, (days, died, entry) in zip(keys, patients, strict=True)
        ],
        columns=[
            "patient_key",
            "site_id",
            "param_cd",
            "aval_days",
            "aval_lo_days",
            "aval_hi_days",
            "cnsr",
            "event_code",
            "delayed_entry_day",
        ],
    )
    return {"marts.subject": subject, "marts.time_to_event": events}


def compute(patients, context):
    return overall_survival.compute(frames_of(patients), context)


def one(rows, statistic, method=PLAIN, **wanted):
    (row,) = (
        row
        for row in rows
        if row.statistic == statistic
        and row.method in (method, "absolute_difference")
        and all(getattr(row, name) == value for name, value in wanted.items())
    )
    return row


def at_months(rows, months, method=PLAIN):
    return one(rows, "os_survival", method, time_days=months * MONTH)


def at_tick(rows, statistic, months, method=PLAIN):
    return one(rows, statistic, method, time_days=months * MONTH).value


def test_hand_made_registry(by_id):
    """29 patients: p29 censored on day 0 (0.5), deaths on days 50 .. 300 and 1300, 1350, 1400, the rest censored 470 ..
    650."""
    survival = "overall_survival/os_survival/ELIGIBLE/kaplan_meier/day="
    half_year = by_id[survival + "00182.625"]
    assert half_year.value == pytest.approx(25 / 28)
    assert (half_year.n, half_year.n_event) == (25, 3)
    assert by_id[survival + "00365.250"].value == pytest.approx(22 / 28)
    assert by_id[survival + "00730.500"].state == "too_few"
    assert by_id[survival + "01826.250"].state == "too_few"
    assert by_id["overall_survival/os_patients_n/ELIGIBLE/kaplan_meier"].value == 29
    assert by_id["overall_survival/os_left_out_n/ELIGIBLE/kaplan_meier/reason=NO_SURVIVAL_TIME"].value == 1
    # The tenth longest time: p23 to p25 and three deaths are longer than p19's 590 days: 650, 640 .. 590 and three deaths.
    assert by_id["overall_survival/os_curve_end/ELIGIBLE/kaplan_meier"].value == 590


def test_day_zero_counts_half_a_day(context):
    rows = compute([(0, True, None), (0, False, None), (400, False, None)], context)
    curve = [(row.time_days, row.value) for row in rows if row.statistic == "os_curve" and row.method == PLAIN]
    assert curve == [(0.0, 1.0), (0.5, pytest.approx(2 / 3)), (400.0, pytest.approx(2 / 3))]
    assert at_tick(rows, "os_at_risk_n", 0) == 3
    assert one(rows, "os_censored_at", time_days=0.5).value == 1


def test_counts_at_a_tick_on_a_day_of_death_are_before_it(context):
    """48 months are 1461 whole days: deaths and censorings on that day are still at risk."""
    rows = compute(
        [(1461, True, None)] * 3 + [(1461, False, None)] * 2 + [(1460, True, None), (1500, False, None)], context
    )
    counts = [at_tick(rows, f"os_{name}_n", 48) for name in ("at_risk", "deaths", "censored")]
    assert counts == [6, 1, 0]


def test_fixed_time_counts_deaths_up_to_it(context):
    """12 months are 365.25 days: the death of day 365 is before, that of day 366 at risk."""
    year = at_months(compute([(365, True, None), (366, True, None)] + [(700, False, None)] * 8, context), 12)
    assert (year.n_event, year.n, year.value) == (1, 9, pytest.approx(9 / 10))


def test_five_at_risk_are_needed(context):
    for others, state in ((4, "too_few"), (5, "ok")):
        rows = compute([(100, True, None)] * 5 + [(500, False, None)] * others, context)
        assert at_months(rows, 12).state == state
        assert at_months(rows, 24).state == "nothing_yet"


def test_no_death_gives_no_interval_and_no_median(context):
    rows = compute([(400, False, None)] * 12, context)
    year = at_months(rows, 12)
    assert (year.value, year.lower, year.upper, year.se) == (1.0, None, None, 0.0)
    assert year.reason
    assert one(rows, "os_median").state == "not_reached"
    assert one(rows, "os_follow_up_median").value == pytest.approx(400 / MONTH)


def test_all_dead(context):
    rows = compute([(day, True, None) for day in range(30, 210, 10)], context)
    assert at_months(rows, 12).state == "too_few"
    assert one(rows, "os_follow_up_median").state == "not_estimable"
    # 18 deaths on days 30 .. 200: the curve is one half from day 110 to 120.
    assert one(rows, "os_median").value == pytest.approx(115 / MONTH)
    last = [row for row in rows if row.statistic == "os_curve" and row.method == PLAIN][-1]
    assert (last.value, last.lower, last.upper, last.se) == (0.0, None, None, None)


def test_median_that_only_touches_one_half_needs_ten_deaths(context):
    def median_of(deaths):
        return one(
            compute([(day, True, None) for day in range(1, deaths + 1)] + [(500, False, None)] * deaths, context),
            "os_median",
        )

    assert median_of(9).state == "too_few"
    assert median_of(9).reason
    assert median_of(10).state == "ok"


def test_median_not_reached_keeps_its_lower_limit(context):
    rows = compute([(day, True, None) for day in range(100, 109)] + [(500, False, None)] * 11, context)
    row = one(rows, "os_median")
    assert (row.state, row.value, row.upper) == ("not_reached", None, None)
    assert 0 < row.lower < 500 / MONTH


@pytest.mark.parametrize("patients", [[], [(10, True, 0)], [(10, False, 0)], [(0, False, 0)], [(None, True, None)]])
def test_nobody_or_one_patient(patients, context):
    rows = compute(patients, context)
    usable = [patient for patient in patients if patient[0] is not None]
    assert one(rows, "os_patients_n").value == len(usable)
    assert at_months(rows, 12).state == "nothing_yet" or patients[0][1]
    expected = "nothing_yet" if not usable else "too_few"
    assert at_months(rows, 12, DELAYED).state == expected
    assert one(rows, "os_conditional_start", DELAYED).state == expected
    assert one(rows, "os_left_out_n", group_label="NO_SURVIVAL_TIME").value == len(patients) - len(usable)
    assert all(result.passed for result in check_identities(rows, frames_of(patients)))


def test_negative_time_is_left_out_not_clamped(context):
    rows = compute([(-3, True, None), (20, True, None)], context)
    assert one(rows, "os_patients_n").value == 1
    assert one(rows, "os_left_out_n", group_label="NO_SURVIVAL_TIME").value == 1


def test_delayed_entry_starts_where_ten_are_at_risk(context):
    """Entries on days 10, 20 .. 150; the tenth entry (day 100) finds nine others unless one died before."""
    patients = [(400, False, 10 * number) for number in range(1, 16)]
    rows = compute(patients, context)
    assert one(rows, "os_conditional_start", DELAYED).value == 100
    patients[0] = (95, True, 10)
    rows = compute(patients, context)
    assert one(rows, "os_conditional_start", DELAYED).value == 110
    assert one(rows, "os_patients_n", DELAYED).value == 14
    assert one(rows, "os_left_out_n", DELAYED, group_label="BEFORE_CONDITIONAL_START").value == 1
    curve = [row for row in rows if row.statistic == "os_curve" and row.method == DELAYED]
    assert (curve[0].time_days, curve[0].value, curve[0].n) == (110, 1.0, 10)
    entered = [at_tick(rows, "os_entered_n", months, DELAYED) for months in (0, 6, 12)]
    assert entered == [0, 14, 14]


def test_delayed_entry_from_diagnosis_is_unconditional(context):
    rows = compute([(400 + number, number < 3, 0) for number in range(12)], context)
    start = one(rows, "os_conditional_start", DELAYED)
    assert (start.value, start.reason) == (0, "")
    assert at_months(rows, 12, DELAYED).value == at_months(rows, 12).value
    difference = one(rows, "os_estimator_difference")
    assert (difference.value, difference.reason, difference.time_days) == (0.0, "", 12 * MONTH)


def test_survival_before_the_conditional_start_is_not_estimable(context):
    rows = compute([(900, False, 200 + number) for number in range(12)], context)
    assert at_months(rows, 6, DELAYED).state == "not_estimable"
    assert at_months(rows, 12, DELAYED).state == "ok"


def test_entry_not_before_the_time_is_left_out_and_counted(context):
    patients = [(400, False, 0)] * 10 + [(50, True, 50), (30, True, 60), (0, True, 0)]
    rows = compute(patients, context)
    assert one(rows, "os_left_out_n", DELAYED, group_label="ENTRY_NOT_BEFORE_TIME").value == 2
    assert one(rows, "os_patients_n", DELAYED).value == 11


def test_too_few_registered_alive(context):
    rows = compute([(400, False, 0)] * 9 + [(100, True, None)] * 20, context)
    assert at_months(rows, 12, DELAYED).state == "too_few"
    assert one(rows, "os_left_out_n", DELAYED, group_label="TOO_FEW_AT_RISK").value == 9
    assert one(rows, "os_estimator_difference").state == "too_few"


def test_difference_of_the_estimates_warns_above_five_points(context):
    """Twenty were registered alive and lived, ten were entered because they had died: the two curves disagree."""
    rows = compute([(500, False, 0)] * 20 + [(100, True, None)] * 10, context)
    row = one(rows, "os_estimator_difference")
    assert row.value == pytest.approx(1 / 3)
    assert row.reason == "warn"


def test_the_difference_compares_two_probabilities_of_the_same(context):
    """Complete registry, living patients entered on day 120: both curves are right, one given that day 120 was reached."""
    early = [(10 + number, True, None) for number in range(10)]
    late = [(200 + number, True, 120) for number in range(9)] + [(800, False, 120)] * 81
    rows = compute(early + late, context)
    assert at_months(rows, 12).value == pytest.approx(0.81)
    assert at_months(rows, 12, DELAYED).value == pytest.approx(0.90)
    row = one(rows, "os_estimator_difference")
    assert (row.value, row.reason) == (pytest.approx(0.0, abs=1e-12), "both given that day 120 was reached")


def test_the_last_at_risk_may_die_when_others_enter(context):
    """Ten are dead by day 300; on that day twelve enter and live: the curve is theirs, never zero."""
    deaths = [(day, True, 0) for day in (50, 100, 120, 150, 160, 170, 180, 200, 250, 300)]
    rows = compute(deaths + [(1000, False, 300)] * 12, context)
    assert one(rows, "os_conditional_start", DELAYED).value == 300
    assert at_months(rows, 12, DELAYED).value == 1.0
    assert one(rows, "os_median", DELAYED).state == "not_reached"
    assert one(rows, "os_left_out_n", DELAYED, group_label="BEFORE_CONDITIONAL_START").value == 10


def test_restricted_mean_and_partial_dates(context):
    """Twenty live for 1000 days, four die on day 360, known by month only."""
    frames = frames_of([(1000, False, 0)] * 20 + [(360, True, 0)] * 4)
    times = frames["marts.time_to_event"]
    died = times["cnsr"] == 0
    times.loc[died, "aval_lo_days"], times.loc[died, "aval_hi_days"] = 346, 375
    rows = overall_survival.compute(frames, context)
    mean = one(rows, "os_restricted_mean")
    # All of them at risk up to day 1000: 24 lived 360 days, 20 the other 640.
    assert (mean.time_days, mean.value) == (1000.0, pytest.approx((360 + 640 * 20 / 24) / MONTH))
    earliest, latest = (one(rows, "os_date_sensitivity", group_label=label) for label in ("earliest", "latest"))
    assert (earliest.value, earliest.reason) == (pytest.approx(20 / 24), "")
    assert (latest.value, latest.reason) == (1.0, "warn")


def test_ignoring_late_entry_flatters_survival(context):
    """Deaths are seen only after entry: the naive curve has everybody at risk from day 0 and lies higher."""
    patients = [(300 + 10 * number, True, 250) for number in range(6)] + [(800, False, 250)] * 6
    patients += [(100 + number, True, 0) for number in range(6)] + [(800, False, 0)] * 6
    rows = compute(patients, context)
    # Truth among those from day 0: 6 of 12 died by 12 months, then 6 of 18 more. Naive: 12 of 24.
    assert at_months(rows, 12).value == pytest.approx(12 / 24)
    assert at_months(rows, 12, DELAYED).value == pytest.approx(6 / 12 * 12 / 18)


#: Days of which few are drawn again and again, so that deaths, censorings and entries meet.
ENTRIES = st.one_of(st.none(), st.integers(0, 1500), st.sampled_from((0, 30, 60, 90)))
PATIENTS = st.lists(
    st.tuples(
        st.tuples(st.one_of(st.integers(0, 2000), st.sampled_from((30, 60, 90))), st.booleans(), ENTRIES),
        st.sampled_from((1, 1, 10)),
    ),
    max_size=12,
).map(lambda told: [patient for patient, copies in told for _ in range(copies)])


@settings(deadline=None, max_examples=30)
@given(PATIENTS)
def test_identities_hold_whatever_the_patients(patients):
    from datetime import date

    from blin_pipeline.outcomes import OutcomeContext
    from blin_pipeline.registry.parameters import load_parameters

    context = OutcomeContext(load_parameters(), "hash", "cut", date(2026, 6, 30))
    frames = frames_of(patients)
    rows = overall_survival.compute(frames, context)
    found = check_identities(rows, frames)
    assert {result.name for result in found if not result.passed} == set()
    # The table under the curve, counted afresh from the definition.
    times = [0.5 if days == 0 else float(days) for days, _, _ in patients]
    for row in rows:
        if row.method == PLAIN and row.statistic == "os_at_risk_n":
            assert row.value == sum(1 for time in times if time >= row.time_days)
    backwards = {name: frame.iloc[::-1] for name, frame in frames.items()}
    assert to_arrow(overall_survival.compute(backwards, context)).equals(to_arrow(rows))
    assert not any(
        math.isnan(number) for row in rows for number in (row.value, row.lower, row.upper) if number is not None
    )

"""Endpoints of patients entered late: with delayed entry, and how far the two estimates lie apart."""

from __future__ import annotations

import hand_made
import pandas as pd
import pytest
from test_survival_curves import brute_force

from blin_pipeline.outcomes import ascertainment, competing_risks, survival_endpoints
from blin_pipeline.outcomes.identities import check_identities

MONTH = 30.4375
PLAIN, DELAYED = "kaplan_meier", "kaplan_meier_delayed_entry"
#: Days to the end, event, day of registration (None: entered because of death), all from time zero.
PATIENTS = [
    *((300 + 10 * number, True, 250) for number in range(6)),
    *((800, False, 250) for _ in range(6)),
    *((100 + number, True, 0) for number in range(6)),
    *((800, False, 0) for _ in range(6)),
    *((40 + number, True, None) for number in range(4)),
    (200, True, 200),
]


def frames_of(param, patients):
    rows = [
        {"patient_key": f"k{number:03d}", "site_id": "S01", "param_cd": param, "aval_days": days, "cnsr": int(not event),
         "event_code": int(event), "aval_lo_days": days, "aval_hi_days": days, "delayed_entry_day": entry}
        for number, (days, event, entry) in enumerate(patients)
    ]  # fmt: skip
    whole = ("aval_days", "cnsr", "event_code", "aval_lo_days", "aval_hi_days", "delayed_entry_day")
    return hand_made.frames() | {"marts.time_to_event": pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))}


def found(rows, statistic, method=None, label="all", day=None):
    (row,) = (
        row
        for row in rows
        if row.statistic == statistic
        and row.group_label == label
        and (method is None or row.method == method)
        and (day is None or row.time_days == day)
    )
    return row


@pytest.mark.parametrize("param", ["OSCR", "OSBLIN", "RFS", "EFS"])
def test_every_endpoint_stands_with_delayed_entry(context, param):
    frames = frames_of(param, PATIENTS)
    rows, name = survival_endpoints.compute(frames, context), param.lower()
    day = 12 * MONTH
    entered = [(entry, days, event) for days, event, entry in PATIENTS if entry is not None and entry < days]
    late = found(rows, f"{name}_survival", DELAYED, day=day)
    assert late.value == pytest.approx(brute_force(entered, day)[0])
    plain = found(rows, f"{name}_survival", PLAIN, day=day)
    assert plain.value == pytest.approx(brute_force([(0, *each[:2]) for each in PATIENTS], day)[0])
    gap = found(rows, f"{name}_estimator_difference")
    assert gap.value == pytest.approx(abs(plain.value - late.value))
    assert gap.population == plain.population == late.population
    left = {
        row.group_label: row.value for row in rows if row.statistic == f"{name}_left_out_n" and row.method == DELAYED
    }
    assert left == {
        "ENTRY_NOT_BEFORE_TIME": 1, "BEFORE_CONDITIONAL_START": 0, "TOO_FEW_AT_RISK": 0, "NOT_REGISTERED_ALIVE": 4,
    }  # fmt: skip
    assert all(each.passed for each in check_identities(rows, frames))


def test_a_sensitivity_analysis_has_one_curve(context):
    rows = survival_endpoints.compute(frames_of("RFS_HSCTC", PATIENTS), context)
    assert not [row for row in rows if row.statistic.startswith("rfs_hsctc") and row.method == DELAYED]


def test_partial_dates_move_an_incidence(context):
    """Ten of forty relapse in a month around one year, ten died before: Aalen-Johansen without censoring is a share."""
    frames = frames_of("CIR", [(360, True, 0)] * 10 + [(90, True, 0)] * 10 + [(900, False, 0)] * 20)
    times = frames["marts.time_to_event"]
    times.loc[10:19, ["cnsr", "event_code"]] = [2, 2]
    times.loc[:9, "aval_hi_days"] = 380
    rows = competing_risks.compute(frames, context)
    assert found(rows, "cir_date_sensitivity", label="earliest").value == pytest.approx(10 / 40)
    moved = found(rows, "cir_date_sensitivity", label="latest")
    assert (moved.value, moved.reason) == (0.0, "warn")
    assert found(rows, "nrm_date_sensitivity", label="latest").value == pytest.approx(10 / 40)
    few = frames | {"marts.time_to_event": times.drop(index=range(14, 20))}
    assert found(competing_risks.compute(few, context), "nrm_date_sensitivity", label="latest").state == "too_few"


#: Of ``test_recent_patients_do_not_inflate_early_deaths``.
R_EARLY = (0.054871794871795, 0.018805570180283, 0.154443740510984)


def early_deaths(context, patients):
    frames = frames_of("OS", patients)
    subject = hand_made.subject()
    rows = [subject.iloc[0].to_dict() | {"patient_key": f"k{number:03d}"} for number in range(len(patients))]
    rows = ascertainment.compute(frames | {"marts.subject": pd.DataFrame(rows)}, context)
    return found(rows, "early_deaths", label="all")


def test_recent_patients_do_not_inflate_early_deaths(context):
    """Forty followed through, two dead; sixty diagnosed lately, two dead so far: 4 of 42 would be twice the truth."""
    patients = [
        (60, True, 0),
        (120, True, 0),
        *[(400, False, 0)] * 38,
        (30, True, 0),
        (90, True, 0),
        *[(90, False, 0)] * 58,
    ]
    row = early_deaths(context, patients)
    expected = 1 - brute_force([(0, days, event) for days, event, _ in patients], 182)[0]
    # survfit(Surv(time, event) ~ 1, conf.type = "log-log") at 182 of R 4.2.2, survival 3.5-3.
    assert row.value == pytest.approx(expected) == pytest.approx(R_EARLY[0], abs=1e-9)
    assert (row.lower, row.upper) == (pytest.approx(R_EARLY[1], abs=1e-9), pytest.approx(R_EARLY[2], abs=1e-9))
    assert (row.n, row.n_event, row.method) == (100, 4, "one_minus_kaplan_meier")


def test_no_early_death_at_all_is_still_judged(context):
    row = early_deaths(context, [(400, False, 0)] * 150 + [(20, False, 0)] * 50)
    # binom.test(0, 150): the upper limit of those followed through.
    assert (row.value, row.lower, row.upper) == (0.0, 0.0, pytest.approx(0.0242925971661, abs=1e-12))
    assert row.reason.startswith("warn: below")
    assert early_deaths(context, [(400, False, 0)] * 4 + [(20, False, 0)] * 50).state == "too_few"

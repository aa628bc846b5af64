"""MRD by timepoint and conversion: cases that mislead, and any set of samples counted afresh, patient by patient."""

from __future__ import annotations

import random
from datetime import timedelta

import hand_made
import pandas as pd
import pytest
from hand_made import DIAGNOSIS

from blin_pipeline.outcomes import complete_remission, mrd

pytestmark = pytest.mark.slow

START = DIAGNOSIS + timedelta(days=100)
KEYS = [hand_made.key(number) for number in range(1, 13)]


def sample(key, day, code, *, specimen="MARROW", point="1", frontline=True, method="FLOW", seq=1, **more):
    """A result ``day`` days from the first cycle; remission was 50 days before it."""
    return {
        "patient_key": key, "method_cd": method, "mrd_cd": code, "sample_cd": specimen, "timepoint_cd": point,
        "mrd_seq": seq, "sample_date": START + timedelta(days=day), "days_from_cr1": 50 + day, "is_in_frontline": frontline,
        "is_under_1e_4": None, "is_under_1e_5": None, "is_under_1e_6": None, "is_low_bcr_abl1": False,
    } | more  # fmt: skip


def cycle(key, day=0, line="FRONTLINE", number=1):
    whole = hand_made.blin_cycle_exposure().iloc[0].to_dict()
    return whole | {
        "patient_key": key, "cycle_overall_no": number, "cycle_start_date": START + timedelta(days=day), "line_cd": line,
    }  # fmt: skip


def frames_of(samples, cycles, transplants=(), courses=()):
    def dated(rows, column):
        return pd.DataFrame(
            [{"patient_key": key, column: START + timedelta(days=day)} for key, day in rows],
            columns=["patient_key", column],
        )

    return hand_made.frames() | {
        "marts.mrd_result": pd.DataFrame(samples, columns=list(sample("", 0, ""))),
        "marts.blin_cycle_exposure": pd.DataFrame(cycles, columns=list(cycle(""))),
        "marts.hsct": dated(transplants, "hsct_date"),
        "marts.regimen_course": dated(courses, "start_date"),
    }


def found(rows, statistic, label):
    (row,) = (row for row in rows if (row.statistic, row.group_label) == (statistic, label))
    return row


def counts(rows, statistic, label):
    row = found(rows, statistic, label)
    return row.n_event, row.n


def test_marrow_beats_the_blood_of_its_day_whatever_was_entered_first(context):
    samples = [
        row
        for key in KEYS
        for row in (
            sample(key, -5, "POS", seq=1),
            sample(key, -5, "NEG", specimen="BLOOD", seq=2),
            sample(key, 28, "NEG", specimen="BLOOD", point="4", seq=3),
            sample(key, 28, "POS", point="4", seq=4),
        )
    ]
    frames = frames_of(samples, [cycle(key) for key in KEYS])
    rows = mrd.compute(frames, context)
    assert counts(rows, "mrd_negative", "FLOW:1") == counts(rows, "mrd_negative", "FLOW:4") == (0, 12)
    assert counts(rows, "mrd_conversion", "FLOW") == (0, 12)
    # p01 to p12 are responders: negative in blood alone, on days on which their marrow was positive.
    remission = complete_remission.compute(frames, context)
    (row,) = (each for each in remission if each.result_id == "complete_remission/cr_mrd_negative/ELIGIBLE/D1/wilson")
    assert row.n_event == 0


def test_blood_counts_where_the_marrow_of_its_day_failed(context):
    samples = [sample(key, -5, code, specimen=at) for key in KEYS for at, code in (("MARROW", "NE"), ("BLOOD", "NEG"))]
    rows = mrd.compute(frames_of(samples, []), context)
    assert counts(rows, "mrd_negative", "FLOW:1") == (12, 12)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (12, 12)),
        ({"transplants": [(key, 30) for key in KEYS]}, (0, 0)),
        ({"transplants": [(key, 50) for key in KEYS]}, (12, 12)),
        ({"transplants": [(key, -20) for key in KEYS] + [(key, 30) for key in KEYS]}, (0, 0)),
        ({"courses": [(key, 30) for key in KEYS[:5]]}, (7, 7)),
    ],
)
def test_a_transplant_ends_the_window_of_conversion(context, more, expected):
    samples = [row for key in KEYS for row in (sample(key, -5, "POS"), sample(key, 50, "NEG", point="4"))]
    rows = mrd.compute(frames_of(samples, [cycle(key) for key in KEYS], **more), context)
    assert counts(rows, "mrd_conversion", "FLOW") == expected


def test_a_cycle_of_a_later_line_ends_the_window_too(context):
    samples = [row for key in KEYS for row in (sample(key, -5, "POS"), sample(key, 50, "NEG", point="4"))]
    later = [cycle(key, 30, "RELAPSED_REFRACTORY", 2) for key in KEYS]
    rows = mrd.compute(frames_of(samples, [cycle(key) for key in KEYS] + later), context)
    assert counts(rows, "mrd_conversion", "FLOW") == (0, 0)


def test_a_result_after_frontline_is_not_one_of_its_timepoints(context):
    samples = [
        row
        for key in KEYS
        for row in (sample(key, 28, "NEG", point="2"), sample(key, 300, "POS", point="2", frontline=False))
    ]
    rows = mrd.compute(frames_of(samples, []), context)
    assert counts(rows, "mrd_negative", "FLOW:2") == (12, 12)
    left = found(rows, "mrd_outside_frontline_n", "FLOW")
    assert (left.value, left.n) == (12, 24)


def test_tiers_of_ngs_and_low_transcripts(context):
    """Of twelve, the level is under 1e-4 in eleven and not in one; under 1e-5 in nine of ten known; 1e-6 unknown in all."""
    samples = [
        sample(key, 28, "POS" if place else "NEG", method="NGS", is_under_1e_4=place != 11,
               is_under_1e_5=None if place in (1, 2) else place != 11)
        for place, key in enumerate(KEYS)
    ]  # fmt: skip
    samples += [
        sample(key, 28, "POS", method="PCR_BCRABL1", is_low_bcr_abl1=place < 4) for place, key in enumerate(KEYS)
    ]
    rows = mrd.compute(frames_of(samples, []), context)
    assert counts(rows, "mrd_under_tier", "NGS:1:1e-4") == (11, 12)
    assert counts(rows, "mrd_under_tier", "NGS:1:1e-5") == (9, 10)
    assert found(rows, "mrd_tier_unknown_n", "NGS:1:1e-5").value == 2
    assert found(rows, "mrd_under_tier", "NGS:1:1e-6").state == "nothing_yet"
    assert found(rows, "mrd_tier_unknown_n", "NGS:1:1e-6").value == 12
    low = found(rows, "mrd_low_bcr_abl1_n", "PCR_BCRABL1:1")
    assert (low.value, low.n) == (4, 12)
    assert counts(rows, "mrd_negative", "PCR_BCRABL1:1") == (0, 12)


def afresh(samples, starts, others):
    """Conversion by flow, one patient after the other: tested before, after, both; positive before, of these negative."""
    seen = {"before": 0, "after": 0, "both": 0, "positive": 0, "converted": 0}
    for key, start in starts.items():
        days: dict[int, list] = {}
        for row in samples:
            if row["patient_key"] == key and row["method_cd"] == "FLOW" and row["mrd_cd"] != "NE":
                days.setdefault((row["sample_date"] - START).days - start, []).append(row)
        rank = {"MARROW": 0, "BLOOD": 1}
        reading = {
            day: min(rows, key=lambda row: (rank.get(row["sample_cd"], 2), row["mrd_seq"]))["mrd_cd"]
            for day, rows in days.items()
        }
        end = min([56, *(day - start for who, day in others if who == key and day > start)])
        before = [day for day in reading if -42 <= day <= 0 and day + start >= -50]
        after = [day for day in reading if 21 <= day <= end]
        seen["before"] += bool(before)
        seen["after"] += bool(after)
        if before and after:
            seen["both"] += 1
            if reading[max(before)] in ("POS", "POS_BELOW_LOQ"):
                seen["positive"] += 1
                seen["converted"] += reading[min(after)] == "NEG"
    return seen


@pytest.mark.parametrize("seed", range(20))
def test_any_samples_counted_afresh(context, seed):
    chance = random.Random(seed)
    starts = {key: chance.choice((0, 10, 60)) for key in KEYS}
    samples = [
        sample(
            key, chance.choice((-60, -42, -30, 0, 21, 25, 40, 56, 57, 81)),
            chance.choice(("NEG", "POS", "NE", "NEG_UNVERIFIED", "POS_BELOW_LOQ")),
            specimen=chance.choice(("MARROW", "BLOOD", None)), method=chance.choice(("FLOW", "FLOW", "NGS")), seq=seq,
        )
        for key in KEYS for seq in range(1, chance.randint(2, 8))
    ]  # fmt: skip
    transplants = [(key, chance.randint(-5, 120)) for key in KEYS if chance.random() < 0.3]
    courses = [(key, chance.randint(-5, 120)) for key in KEYS if chance.random() < 0.3]
    later = [(key, starts[key] + chance.randint(25, 90)) for key in KEYS if chance.random() < 0.3]
    cycles = [cycle(key, day) for key, day in starts.items()]
    cycles += [cycle(key, day, chance.choice(("FRONTLINE", "RELAPSED_REFRACTORY")), 2) for key, day in later]
    rows = mrd.compute(frames_of(samples, cycles, transplants, courses), context)
    expected = afresh(samples, starts, [*transplants, *courses, *later])
    assert counts(rows, "mrd_conversion", "FLOW") == (expected["converted"], expected["positive"])
    for name in ("before", "after", "both"):
        assert found(rows, f"mrd_tested_{name}_n", "FLOW").value == expected[name]

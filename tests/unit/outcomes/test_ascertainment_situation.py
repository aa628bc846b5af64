"""What a site states about itself decides which survival estimate is given for it.

In the hand-made registry S01 holds the odd, S02 the even numbers of p01 to p30; p26 to p28 entered because they had died.
"""

from __future__ import annotations

import hand_made
import pandas as pd
import pytest

from blin_pipeline.outcomes import ascertainment
from blin_pipeline.outcomes.ascertainment_situation import VALID, situation

YEAR = 12 * 30.4375
PLAIN, DELAYED = "kaplan_meier", "kaplan_meier_delayed_entry"


def rows_with(context, first, second, change=lambda frames: None):
    frames = hand_made.frames()
    frames["raw.site"] = pd.DataFrame(
        {"site_id": ["S01", "S02"], "activated_date": None, "complete_ascertainment": [first, second]}
    )
    change(frames)
    return ascertainment.compute(frames, context)


def situations(rows):
    return {row.group_label: (row.value, row.reason) for row in rows if row.statistic == "site_situation_n"}


def year(rows):
    return {
        (row.group_label, row.method): row
        for row in rows
        if row.statistic == "situation_os_survival" and row.time_days == YEAR
    }


@pytest.mark.parametrize(
    ("stated", "deceased", "expected"),
    [
        (True, 3, "COMPLETE"),
        (True, 0, "COMPLETE"),
        (False, 0, "LIVING_ONLY"),
        (False, 1, "MIXED_OR_UNKNOWN"),
        (None, 0, "MIXED_OR_UNKNOWN"),
        (None, 3, "MIXED_OR_UNKNOWN"),
    ],
)
def test_the_table_of_situations(stated, deceased, expected):
    assert situation(stated, deceased) == expected


def test_a_site_that_says_nothing_is_shown_by_both(context):
    rows = rows_with(context, None, None)
    assert situations(rows) == {
        "S01:MIXED_OR_UNKNOWN": (15, "no statement: taken as mixed or unknown"),
        "S02:MIXED_OR_UNKNOWN": (15, "no statement: taken as mixed or unknown"),
    }
    assert {method for name, method in year(rows) if name == "MIXED_OR_UNKNOWN"} == {PLAIN, DELAYED}
    assert year(rows)["COMPLETE", PLAIN].state == "nothing_yet"


def test_a_file_without_the_column_says_nothing(context):
    frames = hand_made.frames()
    assert "complete_ascertainment" not in frames["raw.site"].columns
    assert all(label.endswith("MIXED_OR_UNKNOWN") for label in situations(ascertainment.compute(frames, context)))


def test_stated_complete_counts_from_diagnosis_alone(context):
    rows = rows_with(context, True, False)
    found = year(rows)
    assert {name: methods for name, methods in VALID.items() if name == "COMPLETE"} == {"COMPLETE": (PLAIN,)}
    assert ("COMPLETE", DELAYED) not in found
    # S01: p01, p03, p05 die on days 50, 150, 250, p29 is last known on day 0: 14 at risk on day 50, 13 on 150, 12 on 250.
    assert found["COMPLETE", PLAIN].value == pytest.approx(11 / 14)
    assert found["COMPLETE", PLAIN].n == 11
    # S02 has p26 and p28, entered because they had died: not complete and not the living alone.
    assert situations(rows)["S02:MIXED_OR_UNKNOWN"] == (15, "stated not complete")


def test_only_the_living_count_from_registration(context):
    def alive(frames):
        subject = frames["marts.subject"]
        subject.loc[subject["ascertainment_cd"] == "RETRO_DECEASED", "ascertainment_cd"] = "RETRO_ALIVE"

    rows = rows_with(context, False, False, alive)
    assert {label.split(":")[1] for label in situations(rows)} == {"LIVING_ONLY"}
    found = year(rows)
    assert ("LIVING_ONLY", PLAIN) not in found
    # One more is registered every five days from day 5 on, and p01 dies on day 50: p02 to p11 are ten on day 55.
    begin = [row for row in rows if row.statistic == "situation_os_conditional_start"]
    assert [row.value for row in begin] == [55]
    assert "conditional on being alive" in begin[0].reason
    everybody = [
        row for row in ascertainment_free_overall(context, alive) if (row.time_days, row.method) == (YEAR, DELAYED)
    ]
    assert found["LIVING_ONLY", DELAYED].value == pytest.approx(everybody[0].value)


def ascertainment_free_overall(context, change):
    from blin_pipeline.outcomes import overall_survival

    frames = hand_made.frames()
    change(frames)
    return [row for row in overall_survival.compute(frames, context) if row.statistic == "os_survival"]


def test_a_statement_that_early_deaths_contradict_is_marked(context):
    def nobody_dies_early(frames):
        many = pd.concat([frames["marts.subject"].head(30).assign(patient_key=lambda one, i=i: one["patient_key"] + f"_{i}")
                          for i in range(10)])  # fmt: skip
        times = frames["marts.time_to_event"]
        times = times[(times["param_cd"] == "OS") & (times["patient_key"] <= "p30")]
        times = times.assign(aval_days=800, cnsr=1, event_code=0, aval_lo_days=800, aval_hi_days=800)
        frames["marts.subject"] = many
        frames["marts.time_to_event"] = pd.concat(
            [times.assign(patient_key=times["patient_key"] + f"_{i}") for i in range(10)]
        )

    marked = situations(rows_with(context, True, False, nobody_dies_early))
    assert marked["S01:COMPLETE"][1].startswith("warn: stated complete")
    assert marked["S02:MIXED_OR_UNKNOWN"][1] == "stated not complete"

"""Data model 3.3, rule by rule: where each row that contradicts itself or lacks something goes, and the situation that shows it.

A situation is a unit test of a model (``_*_situations.yml``), a test function of this folder, or a case worked by hand
(``cycles_by_hand.yml``). The list is checked against them, and each destination against the text of the test: a rule whose test is
renamed, or no longer shows the destination, fails here. ``docs/tables.md`` says the same in words.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SEGMENTS = "every_segment_is_kept_or_has_one_reason"
CYCLES = "a_cycle_form_whose_own_dates_cannot_be_used_says_why"
STOPS = "a_stop_that_was_not_recorded_is_inferred_only_as_stated"
OVERLAPS = "overlapping_segments_count_once_at_the_later_rate"


class Rule(NamedTuple):
    """A situation of the data model, what the test of it must show, and the test's name."""

    situation: str
    shows: str
    test: str


RULES = [
    Rule("segment: start missing", "INF_START_MISSING", SEGMENTS),
    Rule("cycle: start missing", "CYC_START_MISSING", CYCLES),
    Rule("cycle planned and never started is no fault", "NOT_STARTED", "a_cycle_row_brings_its_facts_together"),
    Rule("stop missing, alive, latest segment: open to the cut", "patient_key: running", STOPS),
    Rule("stop missing, a later segment exists: its start", "patient_key: step_up", STOPS),
    Rule("stop missing, patient died: the end of that day", "patient_key: died_open", STOPS),
    Rule("stop at or before the start", "INF_NEGATIVE_OR_ZERO", SEGMENTS),
    Rule("cycle: stop at or before the start", "CYC_NEGATIVE_OR_ZERO", CYCLES),
    Rule("start after the cut", "INF_START_AFTER_CUT", SEGMENTS),
    Rule("stop after the cut: clipped", "patient_key: past_cut", STOPS),
    Rule("segment after death", "INF_AFTER_DEATH", SEGMENTS),
    Rule("segment after withdrawal", "INF_AFTER_WITHDRAWAL", SEGMENTS),
    Rule("therapy before diagnosis: kept, finding", "before_dx", "d02_diagnosis_then_plan_then_first_therapy"),
    Rule("exact duplicate: the first stays, and is named", "INF_EXACT_DUPLICATE", SEGMENTS),
    Rule("overlap, same rate: union once", "is_overlap: true", OVERLAPS),
    Rule("overlap, other rate: the later begun sets it", "is_rate_conflict: true", OVERLAPS),
    Rule("rate missing", "INF_RATE_MISSING", SEGMENTS),
    Rule("rate by surface without the surface", "INF_BSA_MISSING", SEGMENTS),
    Rule("rate outside the limits: kept, finding", "is_violated: true", "d10_rates_within_limits_and_caps"),
    Rule(
        "gap of up to an hour: no interruption",
        "n_short_breaks",
        "breaks_are_classed_at_4_hours_24_hours_and_168_hours",
    ),
    Rule("gap over 7 days in one cycle: stays one, finding", "D08W", "d08_segments_fit_each_other_and_their_cycle"),
    Rule(
        "one segment of more than 35 days: kept, finding",
        "instance_no: 2, is_violated: true",
        "q04_an_infusion_of_more_than_35_days_without_a_stop",
    ),
    Rule("clock time of exactly 00:00: kept, info", "check_id: Q05", "q05_a_clock_time_of_exactly_midnight"),
    Rule("numbers skip: kept, finding", "is_violated: true", "d11_cycles_follow_each_other"),
    Rule(
        "number of the site against the order",
        "cycle_number_source_cd: DISAGREE",
        "a_course_of_blinatumomab_begins_with_a_line_a_restarted_count_or_a_transplant",
    ),
    Rule(
        "two rows say one cycle number: the latest begun", "cycle", "one_number_used_twice_means_the_latest_cycle_begun"
    ),
    Rule(
        "one person at two sites: kept twice, finding",
        "patient_key: q",
        "d19_the_same_event_twice_and_the_same_person_at_two_sites",
    ),
    Rule(
        "blinatumomab in a trial: not eligible, stays",
        "trial_before",
        "blinatumomab_in_a_trial_is_judged_at_registration",
    ),
    Rule(
        "death reported, later contact: death stands",
        "2025-03-01",
        "the_last_contact_is_the_latest_proof_of_life_up_to_the_death",
    ),
    Rule("death reported by a contact only: finding", "contact_only", "d04_death_form_and_contacts_agree"),
    Rule(
        "registry remission and conventional response stand apart",
        "is_cr_registry: true",
        "remission_and_response_at_their_boundaries",
    ),
    Rule("site call against blasts: finding", "is_violated: true", "d12_remission_called_despite_blasts"),
    Rule(
        "event before time zero: left out, flagged",
        "has_event_before_origin: true",
        "the_earliest_event_ends_the_time_and_relapse_comes_before_death",
    ),
    Rule(
        "code outside the list, text in a number: none, finding",
        "rejected",
        "test_what_is_no_value_is_not_known_and_named",
    ),
    Rule(
        "missing-data code: an answer, no value",
        "patient_key: p",
        "a_missing_data_code_is_an_answer_a_blank_and_a_wrong_value_are_none",
    ),
    Rule("date of a row missing or after the cut", "DATE_AFTER_CUT", "every_dated_row_is_kept_or_has_one_reason"),
    Rule("change of clocks: hours that passed", "patient_key: chicago", "clocks_change_elapsed_hours_do_not"),
]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Name of a situation -> its text."""
    found = {}
    for path in sorted((ROOT / "dbt_project" / "models").rglob("_*situations.yml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]:
            found[case["name"]] = yaml.safe_dump(case, default_flow_style=True, width=10**9)
    functions = re.compile(r"^def (test_\w+)(.*?)(?=^def |\Z)", re.MULTILINE | re.DOTALL)
    for path in sorted(Path(__file__).parent.glob("test_dbt_*.py")):
        found |= dict(functions.findall(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("rule", RULES, ids=[rule.situation for rule in RULES])
def test_every_rule_has_its_situation(texts: dict[str, str], rule: Rule) -> None:
    assert rule.test in texts, "no such test"
    assert rule.shows in texts[rule.test], f"{rule.test} does not show {rule.shows}"

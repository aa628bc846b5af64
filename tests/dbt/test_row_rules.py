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
ORDER = "d02_diagnosis_then_plan_then_first_therapy"
OVERLAPS = "overlapping_segments_count_once_at_the_later_rate"


class Rule(NamedTuple):
    """A situation of the data model, columns of a row that its test must expect, and the test's name."""

    situation: str
    shows: str
    test: str


RULES = [
    Rule("segment: start missing", "reason_cd: INF_START_MISSING", SEGMENTS),
    Rule("cycle: start missing", "header_reason_cd: CYC_START_MISSING", CYCLES),
    Rule(
        "cycle planned and never started is no fault",
        "cycle_overall_no: 2, started: false, delivered_days: 0",
        "a_cycle_row_brings_its_facts_together",
    ),
    Rule(
        "stop missing, alive, latest segment: open to the cut",
        "patient_key: running, end_basis_cd: CUT, is_open: true",
        STOPS,
    ),
    Rule("stop missing, a later segment exists: its start", "patient_key: step_up, end_basis_cd: NEXT_SEGMENT", STOPS),
    Rule(
        "stop missing, patient died: the end of that day",
        "patient_key: died_open, end_basis_cd: DEATH, is_open: true",
        STOPS,
    ),
    Rule(
        "stop missing, the infusion is over: not known",
        "patient_key: reason, end_basis_cd: MISSING, stop_clock: null",
        STOPS,
    ),
    Rule(
        "stop missing, the infusion is over: finding",
        "instance_no: 8, is_violated: true",
        "q06_an_infusion_that_is_over_has_no_stop",
    ),
    Rule("stop at or before the start", "reason_cd: INF_NEGATIVE_OR_ZERO", SEGMENTS),
    Rule("cycle: stop at or before the start", "header_reason_cd: CYC_NEGATIVE_OR_ZERO", CYCLES),
    Rule("start after the cut", "reason_cd: INF_START_AFTER_CUT", SEGMENTS),
    Rule("stop after the cut: clipped", "patient_key: past_cut, end_basis_cd: CUT", STOPS),
    Rule("segment after death", "reason_cd: INF_AFTER_DEATH", SEGMENTS),
    Rule("segment after withdrawal", "reason_cd: INF_AFTER_WITHDRAWAL", SEGMENTS),
    Rule(
        "segment before diagnosis: kept, finding",
        "patient_key: segment, field_name: sg_start, is_violated: true",
        ORDER,
    ),
    Rule(
        "segment before diagnosis: the diagnosis is in doubt",
        "patient_key: segment, field_name: dx_date, is_violated: true",
        ORDER,
    ),
    Rule(
        "therapy before diagnosis: kept, finding",
        "patient_key: before_dx, field_name: dx_date, is_violated: true",
        ORDER,
    ),
    Rule(
        "segment before its cycle: kept, the cycle's day stays",
        "patient_key: day_before, start_local: 2025-05-01 00:30:00, delivered_days: 28",
        "a_segment_of_a_day_before_the_form_does_not_place_the_cycle",
    ),
    Rule(
        "exact duplicate: the first stays, and is named",
        "reason_cd: INF_EXACT_DUPLICATE, kept_instance_no: 1",
        SEGMENTS,
    ),
    Rule(
        "overlap, same rate: union once", "patient_key: same_rate, is_overlap: true, is_rate_conflict: false", OVERLAPS
    ),
    Rule(
        "overlap, other rate: the later begun sets it",
        "patient_key: inside, rate_mcg_day: 9, is_rate_conflict: true",
        OVERLAPS,
    ),
    Rule("rate missing", "reason_cd: INF_RATE_MISSING", SEGMENTS),
    Rule("rate by surface without the surface", "reason_cd: INF_BSA_MISSING", SEGMENTS),
    Rule(
        "rate outside the limits: kept, finding",
        "field_name: sg_rate, is_violated: true",
        "d10_rates_within_limits_and_caps",
    ),
    Rule(
        "gap of up to an hour: no interruption",
        "patient_key: thirds, off_min: 1, n_short_breaks: 1, n_interrupt_4h: 0",
        "breaks_are_classed_at_4_hours_24_hours_and_168_hours",
    ),
    Rule(
        "gap over 7 days in one cycle: stays one, finding",
        "check_id: D08W, instance_no: 2, is_violated: true",
        "d08_segments_fit_each_other_and_their_cycle",
    ),
    Rule(
        "one segment of more than 35 days: kept, finding",
        "instance_no: 2, is_violated: true",
        "q04_an_infusion_of_more_than_35_days_without_a_stop",
    ),
    Rule(
        "clock time of exactly 00:00: kept, info",
        "check_id: Q05, is_violated: true",
        "q05_a_clock_time_of_exactly_midnight",
    ),
    Rule("numbers skip: kept, finding", "field_name: bc_number, is_violated: true", "d11_cycles_follow_each_other"),
    Rule(
        "number of the site against the order",
        "cycle_number_source_cd: DISAGREE",
        "a_course_of_blinatumomab_begins_with_a_line_a_restarted_count_or_a_transplant",
    ),
    Rule(
        "two rows say one cycle number: the latest begun",
        "instance_no: 2, cycle_instance_no: 2, reason_cd: null",
        "one_number_used_twice_means_the_latest_cycle_begun",
    ),
    Rule(
        "one person at two sites: kept twice, finding",
        "patient_key: q, form: registration, is_violated: true",
        "d19_the_same_event_twice_and_the_same_person_at_two_sites",
    ),
    Rule(
        "blinatumomab in a trial: not eligible, stays",
        "patient_key: trial_before, e4: 'N:E4_TRIAL_BLINATUMOMAB'",
        "blinatumomab_in_a_trial_is_judged_at_registration",
    ),
    Rule(
        "death reported, later contact: death stands",
        "patient_key: dead, contact_date: 2025-04-10",
        "a_contact_is_a_proof_of_life_up_to_the_death",
    ),
    Rule(
        "death reported by a contact only: finding",
        "patient_key: contact_only, field_name: fu_vital, is_violated: true",
        "d04_death_form_and_contacts_agree",
    ),
    Rule(
        "registry remission and conventional response stand apart",
        "patient_key: emd_present, is_cr_registry: true, response_derived_cd: NR",
        "remission_and_response_at_their_boundaries",
    ),
    Rule(
        "registry remission against call or conventional response: finding",
        "instance_no: 3, field_name: ra_site_call, is_violated: true",
        "q08_what_is_said_of_one_assessment_fits_together",
    ),
    Rule(
        "site call against blasts: finding",
        "is_violated: true",
        "d12_remission_called_despite_blasts",
    ),
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
        "instance_no: 1, n_required: 3, n_answered: 3",
        "a_missing_data_code_is_an_answer_a_blank_and_a_wrong_value_are_none",
    ),
    Rule(
        "required field blank on a complete form: finding",
        "form: hct, field_name: hc_type, is_violated: true",
        "q07_what_must_be_entered_is_asked_for",
    ),
    Rule(
        "date of a row missing or after the cut",
        "reason_cd: DATE_AFTER_CUT",
        "every_dated_row_is_kept_or_has_one_reason",
    ),
    Rule(
        "change of clocks: hours that passed",
        "patient_key: chicago, start_clock: 2025-03-09 07:00:00, end_clock: 2025-03-09 10:30:00",
        "clocks_change_elapsed_hours_do_not",
    ),
]


@pytest.fixture(scope="module")
def situations() -> dict[str, list[dict[str, object]] | str]:
    """Name of a situation -> the rows that its test expects, of a test function its text."""
    found: dict[str, list[dict[str, object]] | str] = {}
    for path in sorted((ROOT / "dbt_project" / "models").rglob("_*situations.yml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]:
            found[case["name"]] = case["expect"]["rows"]
    functions = re.compile(r"^def (test_\w+)(.*?)(?=^def |\Z)", re.MULTILINE | re.DOTALL)
    for path in sorted(Path(__file__).parent.glob("test_dbt_*.py")):
        found |= dict(functions.findall(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("rule", RULES, ids=[rule.situation for rule in RULES])
def test_every_rule_has_its_situation(situations: dict[str, list[dict[str, object]] | str], rule: Rule) -> None:
    assert rule.test in situations, "no such test"
    shown = situations[rule.test]
    if isinstance(shown, str):
        assert rule.shows in shown
        return
    wanted = {name: str(value) for name, value in yaml.safe_load(f"{{{rule.shows}}}").items()}
    told = [{name: str(row[name]) for name in wanted} for row in shown if wanted.keys() <= row.keys()]
    assert wanted in told, f"{rule.test} does not expect {rule.shows}"

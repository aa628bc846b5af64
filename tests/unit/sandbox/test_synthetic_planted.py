"""Traps, edge cases and faults are all there, each on a patient of its own, and the truth says where."""

from __future__ import annotations

import pytest
from synthetic_reading import registry

from blin_pipeline.sandbox.synthetic import SyntheticPlan, generate

SEEDS = [20240614, 1, 2, 3]
CHECKS = {f"D{number:02d}" for number in range(1, 21)}
#: Every eligibility trap of the clinical specification, section 1.
TRAPS = {
    *("age_17_at_diagnosis", "age_unknown", "age_from_birth_date", "t_all", "disease_unknown", "month_december_2023"),
    *("year_2023", "year_2024", "precision_unknown_2023", "before_cutoff", "month_november_2023", "dx_date_unknown"),
    *(
        "trial_before",
        "trial_after",
        "trial_start_missing",
        "trial_start_unknown",
        "trial_unknown",
        "trial_on_registration_day",
    ),
    *(
        "consent_pending",
        "consent_declined",
        "consent_blank",
        "consent_date_missing",
        "consent_conflict",
        "died_before_consent",
    ),
    *("withdrawn_keep", "withdrawn_remove", "withdrawn_scope_missing", "withdrawn_keep_died_later", "held_and_failing"),
    *("deceased_path", "deceased_path_late_death", "deceased_path_no_date", "duplicate", "entered_in_error"),
    *("two_failures", "fail_beats_unknown"),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_case_is_planted_in_a_registry_of_the_usual_size(seed: int) -> None:
    truth = registry(seed).truth
    assert truth.not_planted == []
    assert {case.name for _, case in truth.planted("trap")} == TRAPS
    assert {case.check_id for _, case in truth.planted("fault") if case.check_id} == CHECKS


@pytest.mark.parametrize("seed", SEEDS)
def test_a_patient_carries_one_case_and_most_carry_none(seed: int) -> None:
    records = registry(seed).truth.records
    for record in records:
        names = {case.name.removesuffix("_twin") for case in record.planted if case.kind in ("trap", "edge")}
        assert len(names) <= 1, record.planted
    clean = [record for record in records if all(case.kind == "ordinary" for case in record.planted)]
    assert len(clean) > 0.5 * len(records)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_listed_points_at_a_stored_row_and_cell(seed: int) -> None:
    made = registry(seed)
    places = {(row.record_id, row.form, row.instance): row for row in made.project.rows}
    for record_id, case in made.truth.planted():
        if case.form is not None:
            assert (record_id, case.form, case.instance) in places, case
    for record in made.truth.records:
        for cell in record.unusable:
            row = places[record.record_id, cell.form, cell.instance]
            assert cell.stored in (
                row.values.get(cell.field),
                next((n for n in row.values if n.endswith("___" + cell.stored.lower())), None),
            )


@pytest.mark.parametrize("seed", SEEDS)
def test_recorded_values_are_the_stored_text(seed: int) -> None:
    made = registry(seed)
    places = {(row.record_id, row.form, row.instance): row.values for row in made.project.rows}
    compared = 0
    for record in made.truth.records:
        for form, rows in record.recorded.items():
            for row in rows:
                stored = places.pop((record.record_id, form, row.instance))
                ticked = {name for name in stored if "___" in name}
                for name, value in row.values.items():
                    if isinstance(value, list):
                        assert {f"{name}___{code}" for code in value} <= ticked
                    elif isinstance(value, str):
                        assert stored[name] == value
                    else:
                        assert float(stored[name]) == pytest.approx(value, abs=5e-7)
                    compared += 1
    assert not places, "every stored row is in the truth"
    assert compared > 40_000


def test_missing_data_codes_stand_in_date_number_and_coded_fields() -> None:
    truth, dictionary = registry().truth, registry().project.dictionary
    kinds: dict[str, set[str]] = {}
    for record in truth.records:
        for cell in record.unusable:
            field = dictionary.field(cell.field)
            assert field is not None
            if cell.stored in registry().project.missing_data_codes:
                kinds.setdefault(field.validation or field.field_type, set()).add(cell.stored)
    assert {"date_ymd", "number", "radio"} <= set(kinds)
    assert set.union(*kinds.values()) == {"UNK", "NA", "NASK", "NAVU"}


def test_wrong_values_of_each_kind_are_listed() -> None:
    reasons = {
        cell.reason
        for record in registry().truth.records
        for cell in record.unusable
        if cell.reason != "missing-data code"
    }
    assert {"text in a number field", "impossible date", "code outside the choice list"} <= reasons
    assert any("maximum" in reason for reason in reasons)


def test_a_clean_plan_plants_nothing() -> None:
    truth = registry(planted=False).truth
    assert {case.kind for _, case in truth.planted()} <= {"ordinary"}
    assert not [cell for record in truth.records for cell in record.unusable]


def test_a_small_registry_says_what_it_leaves_out() -> None:
    truth = generate(SyntheticPlan(patients=40)).truth
    planted = {case.name for _, case in truth.planted() if case.kind != "ordinary"}
    assert planted
    assert TRAPS - planted <= set(truth.not_planted)

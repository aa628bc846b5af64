"""What is typed obeys the dictionary: fields, branching, required fields, choices, limits, spelling of dates and numbers."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from synthetic_reading import MISSING, by_record, cells, filled, registry, shown

from blin_pipeline.registry.dictionary import Field
from blin_pipeline.sandbox.rows import FormRow

#: Required fields that have no value in these situations: a cycle that never started, a segment that still runs.
_NO_VALUE = {"bc_start": ("bc_status", "4"), "sg_end_reason": ("sg_end", "")}
_SPELLING = {
    "date_ymd": r"\d{4}-\d{2}-\d{2}",
    "datetime_ymd": r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}",
    "integer": r"\d+",
    "number": r"\d+(\.\d*[1-9])?",
}


def unusable(seed: int) -> set[tuple[str, str, int | None, str]]:
    """(record, form, instance, field) of cells that the truth says hold no value."""
    truth = registry(seed).truth
    return {
        (record.record_id, cell.form, cell.instance, cell.field) for record in truth.records for cell in record.unusable
    }


def broken(field: Field, row: FormRow, first: date, last: date) -> str | None:
    """Why the text stored in a field is not a proper value of it, or None."""
    text = row.values.get(field.field_name, "")
    if text == "":
        return None
    pattern = _SPELLING.get(field.validation, r".*")
    if not re.fullmatch(pattern, text):
        return "spelling"
    if field.choices and field.field_type != "checkbox" and text not in field.choices:
        return "choice"
    if field.validation in ("integer", "number"):
        low, high = field.text_validation_min, field.text_validation_max
        if (low and float(text) < float(low)) or (high and float(text) > float(high)):
            return "limit"
    if field.validation.startswith("date") and field.field_name != "birth_date":
        try:
            at = datetime.fromisoformat(text).date()
        except ValueError:
            return "no such day"
        if not first <= at <= last:
            return "date"
    return None


@pytest.mark.parametrize("seed", [20240614, 77])
def test_a_clean_registry_breaks_no_rule_of_the_dictionary(seed: int) -> None:
    project = registry(seed, planted=False).project
    faults: Counter[tuple[str, str]] = Counter()
    for row, field, values in cells(project.dictionary, project):
        visible = shown(field, values)
        if not visible and filled(field, row):
            faults["hidden but filled", field.field_name] += 1
        waived = (
            field.field_name in _NO_VALUE
            and row.values.get(_NO_VALUE[field.field_name][0], "") == _NO_VALUE[field.field_name][1]
        )
        if visible and field.is_required and not filled(field, row) and not waived:
            faults["required but blank", field.field_name] += 1
        reason = broken(field, row, date(2023, 12, 1), date(2026, 6, 30))
        if reason:
            faults[reason, field.field_name] += 1
    assert not faults


@pytest.mark.parametrize("seed", [20240614, 77])
def test_whatever_is_no_value_is_listed_in_the_truth(seed: int) -> None:
    project, listed = registry(seed).project, unusable(seed)
    dated = {
        (record, case.form, case.instance, case.field)
        for record, case in registry(seed).truth.planted()
        if case.check_id == "D01"
    }
    early = {(record, case.form, case.instance, case.field) for record, case in registry(seed).truth.planted("trap")}
    for row, field, _ in cells(project.dictionary, project):
        place = (row.record_id, row.form, row.instance, field.field_name)
        text = row.values.get(field.field_name, "")
        reason = "missing" if text in MISSING else broken(field, row, date(2023, 11, 1), date(2026, 6, 30))
        if reason == "date":
            assert place in dated | early, place
        else:
            assert (reason is not None) == (place in listed), (place, text)


def test_fields_and_instances_are_those_of_the_project() -> None:
    project = registry().project
    allowed = {form: set(project.dictionary.export_columns(form)) for form in project.dictionary.forms}
    instances: dict[tuple[str, str], list[int | None]] = {}
    for row in project.rows:
        assert set(row.values) <= allowed[row.form]
        assert row.values[f"{row.form}_complete"] in {"0", "1", "2"}
        instances.setdefault((row.record_id, row.form), []).append(row.instance)
    for (_, form), numbers in instances.items():
        expected = [*range(1, len(numbers) + 1)] if form in project.repeating_instruments else [None]
        assert numbers == expected


def test_body_mass_index_is_what_the_form_computes() -> None:
    seen = 0
    for row in registry().project.rows:
        height, weight = row.values.get("height_cm", ""), row.values.get("weight_kg", "")
        if row.form != "demographics":
            continue
        if not height or not weight or height in MISSING or weight in MISSING:
            assert "bmi" not in row.values
            continue
        exact = Decimal(weight) / (Decimal(height) / 100) ** 2
        assert Decimal(row.values["bmi"]) == exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
        seen += 1
    assert seen > 150


def test_data_entry_is_untidy_but_not_much() -> None:
    rows = registry().project.rows
    states = Counter(value for row in rows for name, value in row.values.items() if name.endswith("_complete"))
    assert 0.85 < states["2"] / states.total() < 0.97
    assert states["0"] > 0
    assert states["1"] > 0
    opened = Counter(row.form for row in rows)
    assert opened["data_review"] < 0.8 * opened["registration"], "some forms are never opened"
    order = [
        row.values["tc_start"]
        for rows in by_record(registry().project).values()
        for row in rows
        if row.form == "treatment_course"
    ]
    assert order, "courses exist"
    shuffled = 0
    for rows_of_record in by_record(registry().project).values():
        starts = [row.values["tc_start"] for row in rows_of_record if row.form == "treatment_course"]
        shuffled += starts != sorted(starts)
    assert 0 < shuffled < 60, "instances out of date order occur, and stay the exception"


def test_nothing_looks_like_a_real_person_or_place() -> None:
    made = registry()
    assert all(re.fullmatch(r"SYN[A-Z]+-\d{4}", row.record_id) for row in made.project.rows)
    assert all(label.startswith("Synthetic ") for label, _ in made.project.data_access_groups)
    assert "SYNTHETIC" in made.project.title
    free_text = {"blin_trial_id", "plan_backbone_oth", "ae_other", "consent_version"}
    texts = {value for row in made.project.rows for name, value in row.values.items() if name in free_text}
    assert all("SYNTHETIC" in text or text == "NCT00000000" for text in texts)

"""Calculated fields: worked out on save, stale until then, followed through events, instances and each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from recorded_projects import RECORDED, needs_recordings
from visit_sample import BASE, CHOICES, OTHER, PROJECT, RIGHTS, VISIT, changes_logged

from blin_pipeline.sandbox.calculation import calculations
from blin_pipeline.sandbox.odm.reading import project_from_xml
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.records.importing import ImportOptions, import_records
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.structure import RowKey


class Clock:
    """Server time that the test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 15, 12, 0)

    def __call__(self) -> datetime:
        return self.now


def with_formulas(**formulas: str) -> SourceProject:
    """The sample with other calculations."""
    fields = tuple(
        item.model_copy(update={CHOICES: formulas[item.field_name]}) if item.field_name in formulas else item
        for item in PROJECT.dictionary.fields
    )
    return replace(PROJECT, dictionary=PROJECT.dictionary.model_copy(update={"fields": fields}))


def put(project: ProjectState, **row: str) -> None:
    import_records(project, RIGHTS, [row], ImportOptions())


def test_body_mass_index_from_a_decimal_comma() -> None:
    project = ProjectState(PROJECT)
    since = len(project.log)
    put(project, record_id="2", redcap_event_name=OTHER, weight="71,5", height="180")
    assert project.records["2"].rows[RowKey(OTHER)]["bmi"] == "22.1"  # 71.5 / 1.8 ** 2 = 22.07
    assert changes_logged(project, since)[1] == (
        "Update record (Auto calculation) 2 (Base (Arm 2: Control))",
        "bmi = '22.1'",
        "2",
    )
    put(project, record_id="2", redcap_event_name=OTHER, height="UNK")
    assert "bmi" not in project.records["2"].rows[RowKey(OTHER)]


def test_age_is_as_old_as_the_last_save_of_its_form() -> None:
    clock = Clock()
    project = ProjectState(PROJECT, clock)
    put(project, record_id="2", redcap_event_name=OTHER, born="1970-06-16")
    row = project.records["2"].rows[RowKey(OTHER)]
    assert row["age"] == "55"
    clock.now = datetime(2027, 6, 18, 12, 0)
    put(project, record_id="2", redcap_event_name=OTHER, born="1970-06-16")
    assert row["age"] == "55"
    put(project, record_id="2", redcap_event_name=OTHER, sex="1")
    assert row["age"] == "57"


def test_dates_and_texts_can_be_calculated() -> None:
    project = ProjectState(PROJECT)
    put(project, record_id="2", redcap_event_name=OTHER, born="1970-06-16")
    assert project.records["2"].rows[RowKey(OTHER)]["due"] == "1988-06-16"
    project.save("1", "medicine", 2, {"dose": "1.00"}, event=BASE)
    assert project.records["1"].rows[RowKey(BASE, "medicine", 2)]["words"] == "Aspirin (1.00)"


def test_a_value_of_another_event_reaches_every_instance() -> None:
    project = ProjectState(PROJECT)
    put(project, record_id="1", redcap_event_name=BASE, height="200")
    rows = project.records["1"].rows
    assert [rows[RowKey(VISIT, "", number)]["score_sum"] for number in (1, 2)] == ["203", "204"]


def test_a_result_reaches_the_results_that_read_it() -> None:
    project = ProjectState(with_formulas(score_sum="[base_arm_1][bmi] + [age]", age="[bmi] * 10"))
    put(project, record_id="1", redcap_event_name=BASE, height="200", weight="80,0")
    rows = project.records["1"].rows
    assert (rows[RowKey(BASE)]["bmi"], rows[RowKey(BASE)]["age"]) == ("20", "200")
    assert "score_sum" not in rows[RowKey(VISIT, "", 1)]  # there is no age in that event
    project = ProjectState(with_formulas(score_sum="[base_arm_1][age] + 1", age="[bmi] * 10"))
    put(project, record_id="1", redcap_event_name=BASE, height="200", weight="80,0")
    assert project.records["1"].rows[RowKey(VISIT, "", 2)]["score_sum"] == "201"


def test_saving_one_instance_leaves_the_others_stale() -> None:
    project = ProjectState(PROJECT)
    project.save("1", "check", 2, {"score": "5"}, event=VISIT)
    rows = project.records["1"].rows
    assert rows[RowKey(VISIT, "", 2)]["score_sum"] == "185"
    assert "score_sum" not in rows[RowKey(VISIT, "", 1)]


def test_a_broken_formula_stays_blank_and_a_circle_ends() -> None:
    project = ProjectState(with_formulas(bmi="[age] + 1", age="[bmi] + 1", score_sum="[nix"))
    put(project, record_id="1", redcap_event_name=BASE, height="200")
    assert not {"bmi", "age"} & set(project.records["1"].rows[RowKey(BASE)])


@needs_recordings
def test_stored_results_of_real_servers_come_out_again(proof: Callable[[str], None]) -> None:
    """Every recorded calculation that does not count from today, worked out anew from the recorded values."""
    compared = 0
    for folder in sorted(RECORDED.iterdir()):
        project = ProjectState(project_from_xml(folder / "project.xml"))
        for item in calculations(project.dictionary):
            assert item.expression is not None, (folder.name, item.field.field_name)
            if "today" in item.field.select_choices_or_calculations:
                continue
            for record_id, record in project.records.items():
                for key, stored in record.rows.items():
                    name = item.field.field_name
                    if name in stored:
                        before = stored.pop(name)
                        project.calculate(
                            record_id, {key: project.dictionary.export_columns(item.field.form_name)}, "test"
                        )
                        assert stored.get(name) == before, (folder.name, name, record_id)
                        compared += 1
    proof(f"recorded calculations worked out again: {compared} equal")
    assert compared == 16

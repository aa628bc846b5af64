"""Record export of a longitudinal project with arms, a repeating instrument and a repeating event."""

from __future__ import annotations

from dataclasses import replace

import pytest
from visit_sample import BASE, OTHER, PROJECT, RIGHTS, VISIT, request

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.records.export import export_records, export_table
from blin_pipeline.sandbox.records.flat import ServerHabits
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.records.report import export_report
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.setup import StoredFile

KEYS = ["record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"]


@pytest.fixture
def project() -> ProjectState:
    return ProjectState(PROJECT)


def rows(project: ProjectState, query: RecordQuery, **habits: object) -> list[tuple[object, ...]]:
    return [tuple(row) for row in export_table(project, RIGHTS, query, ServerHabits(**habits)).rows]


def test_base_rows_by_event_come_before_instances(project: ProjectState) -> None:
    table = export_table(project, RIGHTS, RecordQuery(fields=("record_id",), forms=("person", "check", "medicine")))
    assert table.columns[:4] == KEYS
    assert [tuple(row[:4]) for row in table.rows] == [
        ("1", BASE, "", ""),
        ("1", BASE, "medicine", 2),
        ("1", VISIT, "", 1),
        ("1", VISIT, "", 2),
        ("2", OTHER, "", ""),
        ("3", BASE, "", ""),
        ("3", OTHER, "", ""),
    ]


def test_cells_of_forms_that_cannot_stand_on_a_row_are_blank(project: ProjectState) -> None:
    query = RecordQuery(
        fields=("record_id", "signs", "person_complete", "score", "check_complete", "dose"), records=("1",)
    )
    assert [row[4:] for row in rows(project, query)] == [
        ("1", "0", "0", "0", "2", "", "", ""),
        ("", "", "", "", "", "", "", "0.50"),
        ("", "", "", "", "", "3", "1", ""),
        ("", "", "", "", "", "4", "0", ""),
    ]


def test_events_can_be_picked_and_unknown_ones_are_refused(project: ProjectState) -> None:
    table = export_records(project, RIGHTS, request(format="json", fields=["record_id"], events=[OTHER]))
    assert [row[:2] for row in table.rows] == [["2", OTHER], ["3", OTHER]]
    with pytest.raises(ApiError, match="\"events\" are not valid: 'x_arm_9'"):
        export_records(project, RIGHTS, request(format="json", events=["x_arm_9"]))


def test_without_the_record_id_only_rows_with_such_a_form_come(project: ProjectState) -> None:
    table = export_table(project, RIGHTS, RecordQuery(fields=("sex",)))
    assert (table.columns, table.rows) == (["sex"], [["1"], ["2"], ["2"], ["1"]])


def test_labels_name_events_with_their_arm(project: ProjectState) -> None:
    query = RecordQuery(fields=("record_id", "sex", "drug"), records=("1",), labels=True, groups=True)
    assert [row[1:3] + row[4:] for row in rows(project, query)] == [
        ("Base (Arm 1: Drug)", "", "Site A", "Male", ""),
        ("Base (Arm 1: Drug)", "Medicine", "Site A", "", "Aspirin"),
        ("Visit (Arm 1: Drug)", "", "Site A", "", ""),
        ("Visit (Arm 1: Drug)", "", "Site A", "", ""),
    ]


def test_a_filter_picks_record_events(project: ProjectState) -> None:
    query = RecordQuery(fields=("record_id",), filter_logic="[sex] = '2'")
    assert [row[:2] for row in rows(project, query)] == [("2", OTHER), ("3", BASE)]
    across = RecordQuery(
        fields=("record_id",), filter_logic="[base_arm_1][height] > 100 and [event-name] = 'visit_arm_1'"
    )
    assert [row[1:4] for row in rows(project, across)] == [(VISIT, "", 1), (VISIT, "", 2)]


def test_options_can_be_combined(project: ProjectState) -> None:
    project.save("1", "person", None, {"signs____98": "1"}, event=BASE)
    query = RecordQuery(fields=("signs",), records=("1",), events=(BASE,), combined_checkboxes=True)
    assert export_table(project, RIGHTS, query).columns == ["signs"]
    assert rows(project, query) == [("1,-98",)]
    assert rows(project, replace(query, labels=True)) == [("Fever,Other",)]


def test_decimal_marks_are_changed_in_numbers_alone(project: ProjectState) -> None:
    project.save("1", "person", None, {"weight": "71,5", "note": "a,b"}, event=BASE)
    query = RecordQuery(fields=("weight", "note"), records=("1",), events=(BASE,), decimal_mark=".")
    assert rows(project, query) == [("71.5", "a,b")]
    assert rows(project, replace(query, decimal_mark="")) == [("71,5", "a,b")]


def test_a_file_is_its_name_or_the_old_word(project: ProjectState) -> None:
    number = project.keep_file(StoredFile("scan 1.pdf", b"%PDF"))
    project.save("1", "person", None, {"scan": str(number)}, event=BASE)
    query = RecordQuery(fields=("scan",), records=("1",), events=(BASE,))
    assert rows(project, query) == [("scan 1.pdf",)]
    assert rows(project, query, file_value="document") == [("[document]",)]


def test_the_old_server_shows_a_status_where_the_form_cannot_stand(project: ProjectState) -> None:
    query = RecordQuery(fields=("record_id", "person_complete"), records=("1",), events=(VISIT,))
    assert [row[3:] for row in rows(project, query)] == [(1, ""), (2, "")]
    assert [row[3:] for row in rows(project, query, old_status_quirk=True)] == [(1, "0"), (2, "")]


def test_eav_names_event_and_instance_and_skips_blanks(project: ProjectState) -> None:
    table = export_table(project, RIGHTS, RecordQuery(kind="eav", records=("1",)))
    assert table.columns == ["record", *KEYS[1:], "field_name", "value"]
    assert [tuple(row[1:]) for row in table.rows] == [
        (BASE, "", "", "record_id", "1"),
        (BASE, "", "", "height", "180"),
        (BASE, "", "", "sex", "1"),
        (BASE, "", "", "signs", "1"),
        (BASE, "", "", "person_complete", "2"),
        (BASE, "medicine", 2, "drug", "Aspirin"),
        (BASE, "medicine", 2, "dose", "0.50"),
        (BASE, "medicine", 2, "medicine_complete", "2"),
        (VISIT, "", 1, "record_id", "1"),
        (VISIT, "", 1, "score", "3"),
        (VISIT, "", 1, "check_complete", "1"),
        (VISIT, "", 2, "record_id", "1"),
        (VISIT, "", 2, "score", "4"),
        (VISIT, "", 2, "check_complete", "0"),
    ]


def test_an_option_that_was_unticked_is_stored_as_nothing(project: ProjectState) -> None:
    project.save("1", "person", None, {"signs___1": "0", "signs___a": "0"}, event=BASE)
    query = RecordQuery(fields=("signs",), records=("1",), events=(BASE,))
    assert rows(project, replace(query, kind="eav")) == []
    assert rows(project, query) == [("0", "0", "0", "0")]


def test_a_report_has_its_own_columns_order_filter_and_shape(project: ProjectState) -> None:
    project.save("1", "person", None, {"note": "line 1\r\nline 2", "height": "UNK"}, event=BASE)
    project.reports[5] = Report(
        5,
        "Synthetic",
        ("record_id", "note", "sex", "height"),
        advanced_logic="[sex] = '1'",
        filter_type="RECORD",
        order_by=(("person_complete", "ASC"), ("record_id", "DESC")),
        includes_repeating_fields=False,
    )
    table = export_report(project, RIGHTS, request(format="csv", report_id="5", rawOrLabel="label"))
    assert table.columns == ["record_id", "redcap_event_name", "note", "sex", "height"]
    assert [tuple(row) for row in table.rows] == [
        ("1", "Visit (Arm 1: Drug)", "", "", ""),
        ("1", "Visit (Arm 1: Drug)", "", "", ""),
        ("3", "Base (Arm 1: Drug)", "", "Female", ""),
        ("3", "Base (Arm 2: Control)", "", "Male", ""),
        ("1", "Base (Arm 1: Drug)", "line 1  line 2", "Male", ""),
    ]


def test_a_report_of_another_project_is_refused(project: ProjectState) -> None:
    with pytest.raises(ApiError, match="report_id=9 does not belong to this project") as caught:
        export_report(project, RIGHTS, request(format="csv", report_id="9"))
    assert caught.value.status == 403

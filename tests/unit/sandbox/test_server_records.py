"""Record export: columns, rows, blanks, labels, typing, exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from server_sample import OTHER_TOKEN, PROJECT, TOKEN, post, record_request

from blin_pipeline.sandbox.contents.call import ServerSettings
from blin_pipeline.sandbox.records.flat import ServerHabits
from blin_pipeline.sandbox.serve import RunningSandbox, serving

HEADER = (
    "record_id,redcap_repeat_instrument,redcap_repeat_instance,birth,weight,sex,race___1,race____98,race___unk,scan,remark,"
    "baseline_complete,visit_date,score,double_score,visit_complete,mood,free,feedback_complete,drug,medication_complete\n"
)


def csv_of(sandbox: RunningSandbox, token: str = TOKEN, **request: Any) -> str:
    answer = post(sandbox.url, token, **record_request(**request))
    assert answer.status_code == 200, answer.text
    return answer.content.decode()


def test_the_whole_project(sandbox: RunningSandbox) -> None:
    assert csv_of(sandbox) == HEADER + (
        "1,,,,,1,1,0,1,,,0,,,,,,,0,,\n"
        "2,,,,,,0,0,0,,,0,,,,,1,,2,,\n"
        '10,,,1970-01-02,70.50,2,0,1,0,"scan 1.pdf","line 1\r\nline ""2"", é",2,,,,,,,0,,\n'
        "10,visit,1,,,,,,,,,,UNK,5,10,2,,,,,\n"
        "10,visit,2,,,,,,,,,,2026-02-01,7,,1,,,,,\n"
        "10,medication,1,,,,,,,,,,,,,,,,,Aspirin,2\n"
    )


def test_gray_statuses_are_blank_on_request_and_checkboxes_still_zero(sandbox: RunningSandbox) -> None:
    lines = csv_of(sandbox, forms=["baseline", "feedback"], exportBlankForGrayFormStatus="True").splitlines()
    assert lines[1:3] == ["1,,,,,1,1,0,1,,,0,,,", "2,,,,,,0,0,0,,,,1,,2"]


def test_columns_follow_the_project_however_they_are_asked_for(sandbox: RunningSandbox) -> None:
    request = {"fields": ["free", "weight", "record_id", "hint"], "forms": ["medication"]}
    assert csv_of(sandbox, **request).splitlines()[0] == (
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,weight,free,drug,medication_complete"
    )


def test_without_the_record_id_there_are_no_key_columns(sandbox: RunningSandbox) -> None:
    assert csv_of(sandbox, forms=["visit"]) == (
        "visit_date,score,double_score,visit_complete\nUNK,5,10,2\n2026-02-01,7,,1\n"
    )


def test_the_census_of_keys_and_statuses(sandbox: RunningSandbox) -> None:
    fields = ["record_id", *(f"{form}_complete" for form in PROJECT.dictionary.forms)]
    assert csv_of(sandbox, fields=fields, exportBlankForGrayFormStatus="1", exportDataAccessGroups="1") == (
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,"
        "baseline_complete,visit_complete,feedback_complete,medication_complete\n"
        "1,,,,0,,,\n2,,,site_b,,,2,\n10,,,site_a,2,,,\n10,visit,1,site_a,,2,,\n10,visit,2,site_a,,1,,\n"
        "10,medication,1,site_a,,,,2\n"
    )


def test_ids_alone_are_one_row_per_record(sandbox: RunningSandbox) -> None:
    assert csv_of(sandbox, fields=["record_id"]) == (
        "record_id,redcap_repeat_instrument,redcap_repeat_instance\n1,,\n2,,\n10,,\n"
    )


def test_a_repeating_form_comes_with_base_rows_or_without() -> None:
    request = record_request(fields=["record_id"], forms=["medication"])
    header = b"record_id,redcap_repeat_instrument,redcap_repeat_instance,drug,medication_complete\n"
    for always, base in ((True, b"1,,,,\n2,,,,\n10,,,,\n"), (False, b"")):
        with serving(
            {TOKEN: PROJECT}, settings=ServerSettings(habits=ServerHabits(base_rows_always=always))
        ) as running:
            assert post(running.url, **request).content == header + base + b"10,medication,1,Aspirin,2\n"


def test_a_classic_project_without_repeats_has_no_repeat_columns(sandbox: RunningSandbox) -> None:
    assert csv_of(sandbox, OTHER_TOKEN, fields=["record_id", "sex"]) == "record_id,sex\n1,1\n10,2\n"


def test_survey_and_group_columns_stand_where_they_belong(sandbox: RunningSandbox) -> None:
    request = {"fields": ["record_id", "mood", "sex"], "records": ["2"]}
    assert csv_of(sandbox, exportSurveyFields="true", exportDataAccessGroups="true", **request) == (
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,redcap_survey_identifier,"
        'sex,feedback_timestamp,mood\n2,,,site_b,,,"2026-03-04 05:06:07",1\n'
    )


@pytest.mark.parametrize("wanted", ["csv", "json"])
def test_no_row_is_no_header(sandbox: RunningSandbox, wanted: str) -> None:
    answer = post(sandbox.url, **{**record_request(records=["404"]), "format": wanted})
    assert (answer.status_code, answer.content) == (200, {"csv": b"\n", "json": b"[]"}[wanted])


def test_json_values_are_text_but_instances_are_numbers(sandbox: RunningSandbox) -> None:
    answer = post(
        sandbox.url, **{**record_request(records=["10"], forms=["visit"], fields=["record_id"]), "format": "json"}
    )
    assert answer.json()[1] == {
        "record_id": "10",
        "redcap_repeat_instrument": "visit",
        "redcap_repeat_instance": 1,
        "visit_date": "UNK",
        "score": "5",
        "double_score": "10",
        "visit_complete": "2",
    }
    assert answer.json()[0]["redcap_repeat_instance"] == ""
    assert list(answer.json()[0]) == list(answer.json()[1])


def test_xml_records(sandbox: RunningSandbox) -> None:
    request = record_request(records=["10"], fields=["record_id", "remark"])
    body = post(sandbox.url, **{**request, "format": "xml"}).content.decode()
    assert "<records>\n<item><record_id>10</record_id>" in body
    assert '<remark>line 1\r\nline "2", é</remark></item>' in body


def test_labels(sandbox: RunningSandbox) -> None:
    request = {"records": ["1", "10"], "fields": ["record_id", "sex", "race", "visit_date", "baseline_complete"]}
    assert csv_of(sandbox, rawOrLabel="label", exportDataAccessGroups="true", **request).splitlines()[1:] == [
        "1,,,,Male,Checked,Unchecked,Checked,Incomplete,",
        '10,,,"Site A",Female,Unchecked,Checked,Unchecked,Complete,',
        '10,Visit/control,1,"Site A",,,,,,"Unknown (UNK)"',
        '10,Visit/control,2,"Site A",,,,,,2026-02-01',
    ]
    lines = csv_of(sandbox, rawOrLabel="label", exportCheckboxLabel="true", **request).splitlines()
    assert lines[1:3] == ["1,,,Male,Asian,,Unknown,Incomplete,", '10,,,Female,,"Other, not listed",,Complete,']


def test_label_headers(sandbox: RunningSandbox) -> None:
    request = {"fields": ["record_id", "race", "baseline_complete"], "rawOrLabelHeaders": "label"}
    assert csv_of(sandbox, exportDataAccessGroups="1", **request).splitlines()[0] == (
        '"Study ID","Repeat Instrument","Repeat Instance","Data Access Group","Race (choice=Asian)",'
        '"Race (choice=Other, not listed)","Race (choice=Unknown)",Complete?'
    )


def test_delimiter_and_decimal_mark(sandbox: RunningSandbox) -> None:
    request = {"records": ["10"], "fields": ["record_id", "weight"]}
    assert csv_of(sandbox, csvDelimiter="tab", decimalCharacter=",", **request).splitlines()[1] == "10\t\t\t70,50"
    assert post(sandbox.url, **record_request(csvDelimiter="x")).status_code == 400


def test_eav_lists_stored_values_only(sandbox: RunningSandbox) -> None:
    assert csv_of(sandbox, type="eav", records=["1", "2"]).splitlines() == [
        "record,redcap_repeat_instrument,redcap_repeat_instance,field_name,value",
        "1,,,record_id,1",
        "1,,,sex,1",
        "1,,,race,1",
        "1,,,race,UNK",
        "1,,,baseline_complete,0",
        "2,,,record_id,2",
        "2,,,mood,1",
        "2,,,feedback_complete,2",
    ]
    visits = csv_of(sandbox, type="eav", records=["10"], forms=["visit"]).splitlines()
    assert visits[1] == "10,visit,1,visit_date,UNK"


@pytest.mark.parametrize(
    ("logic", "ids"),
    [
        ("[sex] = '1'", ["1"]),
        ("[sex] <> ''", ["1", "10"]),
        ('[race(-98)] = "1" or [mood] = 1', ["2", "10"]),
        ("not ([weight] > 70 and [weight] <= 70.5)", ["1", "2"]),
        ("[score] >= 6", ["10"]),
        ("[sex]*2 + 1 = 5", ["10"]),
        ('datediff([birth], "1970-01-12", "d") = 10', ["10"]),
        ('[sex] = "2" and [baseline_complete] = "2"', ["10"]),
    ],
)
def test_a_filter_selects_records(sandbox: RunningSandbox, logic: str, ids: list[str]) -> None:
    lines = csv_of(sandbox, fields=["record_id"], filterLogic=logic).splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ids


@pytest.mark.parametrize("logic", ["[sex] = ", "[nix] = 1", "sex = 1", "[sex] = '1' '2'", "[a][sex] = 1"])
def test_a_filter_that_is_none_is_refused(sandbox: RunningSandbox, logic: str) -> None:
    assert post(sandbox.url, **record_request(filterLogic=logic)).status_code == 400


def test_text_ids_sort_naturally_after_numbers() -> None:
    ids = ["MCW-0010", "MCW-0002", "b", "a", "10", "9", "331-2", "331-10"]
    project = replace(PROJECT, rows=(), record_groups=dict.fromkeys(ids, ""))
    with serving({TOKEN: project}) as running:
        body = post(running.url, **record_request(fields=["record_id"])).text
    found = [line.split(",")[0] for line in body.splitlines()[1:]]
    assert found == ["9", "10", "331-2", "331-10", "a", "b", "MCW-0002", "MCW-0010"]

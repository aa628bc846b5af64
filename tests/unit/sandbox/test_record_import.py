"""Record import: what is stored, what is answered, what is refused, and what the log says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from server_sample import OTHER_TOKEN, TOKEN, post
from server_sample import PROJECT as CLASSIC
from visit_sample import BASE, OTHER, PROJECT, RIGHTS, VISIT, changes_logged, send

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.records.importing import ImportOptions, import_records
from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, TokenRights
from blin_pipeline.sandbox.serve import serving
from blin_pipeline.sandbox.structure import RowKey

BAD_FORMAT = (
    "The value you provided could not be validated because it does not follow the expected format. Please try again."
)
OVERWRITE = ImportOptions(overwrites=True)


@pytest.fixture
def project() -> ProjectState:
    return ProjectState(PROJECT)


def put(project: ProjectState, *rows: Mapping[str, str], **options: object) -> list[tuple[str, str]]:
    return [tuple(item) for item in import_records(project, RIGHTS, rows, ImportOptions(**options))]


def refused(
    project: ProjectState, *rows: Mapping[str, str], rights: TokenRights = RIGHTS, **options: object
) -> list[str]:
    before = {name: {key: dict(row) for key, row in record.rows.items()} for name, record in project.records.items()}
    with pytest.raises(ApiError) as caught:
        import_records(project, rights, rows, ImportOptions(**options))
    assert caught.value.status == 400
    assert {name: record.rows for name, record in project.records.items()} == before
    return caught.value.message.splitlines()


def stored(project: ProjectState, record: str, *key: object) -> dict[str, str]:
    return project.records[record].rows[RowKey(*key)]


def test_a_new_record_is_created_in_its_event_and_logged(project: ProjectState) -> None:
    since = len(project.log)
    row = {"record_id": "9", "redcap_event_name": BASE, "sex": "1", "signs___a": "1", "signs____98": "0", "height": ""}
    assert put(project, row) == [("9", "9")]
    assert project.records["9"].rows == {RowKey(BASE): {"sex": "1", "signs___a": "1", "person_complete": "0"}}
    assert changes_logged(project, since) == [
        (
            "Create record (API) 9 (Base (Arm 1: Drug))",
            "record_id = '9', sex = '1', signs(A) = checked, person_complete = '0'",
            "9",
        )
    ]


def test_only_what_changes_is_stored_and_logged(project: ProjectState) -> None:
    since = len(project.log)
    put(project, {"record_id": "1", "redcap_event_name": BASE, "sex": "1", "height": "181", "signs___1": "0"})
    put(project, {"record_id": "1", "redcap_event_name": BASE, "sex": "1", "height": "181", "signs___1": "0"})
    assert changes_logged(project, since) == [
        ("Update record (API) 1 (Base (Arm 1: Drug))", "height = '181', signs(1) = unchecked", "1"),
        ("Update record (Auto calculation) 1 (Visit (Arm 1: Drug))", "[instance = 1], score_sum = '184'", "1"),
        ("Update record (Auto calculation) 1 (Visit (Arm 1: Drug))", "[instance = 2], score_sum = '185'", "1"),
    ]
    assert "signs___1" not in stored(project, "1", BASE)


def test_blanks_are_left_out_or_erase(project: ProjectState) -> None:
    row = {"record_id": "1", "redcap_event_name": BASE, "height": "", "signs___1": "", "score": ""}
    put(project, row)
    assert stored(project, "1", BASE) == {"height": "180", "sex": "1", "signs___1": "1", "person_complete": "2"}
    put(project, row, overwrites=True)
    assert stored(project, "1", BASE) == {"sex": "1", "person_complete": "2"}


def test_instances_are_named_or_numbered(project: ProjectState) -> None:
    common = {"record_id": "1", "redcap_event_name": BASE, "redcap_repeat_instrument": "medicine"}
    put(
        project,
        {**common, "redcap_repeat_instance": "new", "drug": "B"},
        {**common, "redcap_repeat_instance": "new", "drug": "C"},
        {**common, "redcap_repeat_instance": "1", "drug": "A"},
        {"record_id": "1", "redcap_event_name": VISIT, "redcap_repeat_instance": "new", "score": "5"},
    )
    drugs = {key: row["drug"] for key, row in project.records["1"].rows.items() if key.instrument}
    assert drugs == {
        RowKey(BASE, "medicine", 1): "A",
        RowKey(BASE, "medicine", 2): "Aspirin",
        RowKey(BASE, "medicine", 3): "B",
        RowKey(BASE, "medicine", 4): "C",
    }
    assert stored(project, "1", VISIT, "", 3)["score"] == "5"


def test_a_row_of_nothing_but_keys_creates_the_record_and_its_event(project: ProjectState) -> None:
    since = len(project.log)
    put(project, {"record_id": "7"}, {"record_id": "1", "redcap_event_name": OTHER})
    assert project.records["7"].rows == {RowKey(BASE): {}}
    assert stored(project, "1", OTHER) == {}
    assert changes_logged(project, since) == [
        ("Create record (API) 7 (Base (Arm 1: Drug))", "record_id = '7'", "7"),
        ("Update record (API) 1 (Base (Arm 2: Control))", "", "1"),
    ]


def test_an_empty_instance_is_none_but_its_record_and_group_are_taken(project: ProjectState) -> None:
    since = len(project.log)
    place = {
        "redcap_event_name": BASE,
        "redcap_repeat_instrument": "medicine",
        "redcap_repeat_instance": "9",
        "drug": "",
    }
    put(project, {"record_id": "1", **place, "redcap_data_access_group": "site_b"}, {"record_id": "8", **place})
    assert RowKey(BASE, "medicine", 9) not in project.records["1"].rows
    assert (project.records["1"].group, project.records["8"].rows) == ("site_b", {RowKey(BASE): {}})
    assert [action for action, _, _ in changes_logged(project, since)] == [
        "Update record 1",
        "Create record (API) 8 (Base (Arm 1: Drug))",
    ]


def test_without_an_event_the_first_one_is_meant(project: ProjectState) -> None:
    assert refused(project, {"record_id": "1", "score": "3"}) == [
        '"1","score","3","This field (\'score\') exists on an instrument that is not designated for the event named '
        "'Base (Arm 1: Drug)'. You are not allowed to import data for this field into this event.\""
    ]


def test_every_bad_cell_has_a_line_and_nothing_is_stored(project: ProjectState) -> None:
    place = {"record_id": "1", "redcap_event_name": BASE}
    lines = refused(
        project,
        {
            **place,
            "born": "1970-13-01",
            "height": "1,80",
            "weight": "71",
            "sex": "Male",
            "signs___1": "yes",
            "note": "ok",
        },
        {**place, "person_complete": "3", "redcap_data_access_group": "site_x", "scan": "a.pdf"},
        {**place, "redcap_repeat_instrument": "person", "redcap_repeat_instance": "1"},
        {**place, "redcap_repeat_instance": "1", "sex": "1"},
        {**place, "redcap_repeat_instrument": "medicine", "redcap_repeat_instance": "0", "drug": 'a "b"'},
        {**place, "drug": "A"},
    )
    assert lines[:3] == [
        f'"1","{name}","{value}","{BAD_FORMAT}"'
        for name, value in (("born", "1970-13-01"), ("height", "1,80"), ("weight", "71"))
    ]
    assert lines[3] == '"1","sex","Male","The value is not a valid category for sex"'
    assert [line.split(",")[1] for line in lines[4:]] == [
        '"signs___1"',
        '"person_complete"',
        '"scan"',
        '"redcap_data_access_group"',
        '"redcap_repeat_instrument"',
        '"redcap_repeat_instance"',
        '"redcap_repeat_instance"',
        '"drug"',
    ]
    assert "must be the unique form name of a Repeating Instrument" in lines[8]
    assert "must be left blank for this row of data." in lines[9]


def test_unknown_columns_are_named(project: ProjectState) -> None:
    assert refused(project, {"record_id": "1", "nix": "1", "sex": "1", "nada": ""}) == [
        "The following fields were not found in the project as real data fields: nix, nada"
    ]


def test_dates_are_read_in_the_order_named_and_missing_codes_stand_anywhere(project: ProjectState) -> None:
    place = {"record_id": "2", "redcap_event_name": OTHER}
    put(project, {**place, "born": "31/12/1970", "seen_at": "01-02-2024 09:05", "height": "UNK"}, date_format="DMY")
    assert {name: stored(project, "2", OTHER)[name] for name in ("born", "seen_at", "height")} == {
        "born": "1970-12-31",
        "seen_at": "2024-02-01 09:05",
        "height": "UNK",
    }
    assert refused(project, {**place, "born": "31/12/1970"})
    assert refused(project, {**place, "seen_at": "2024-02-01"})


def test_calculated_and_survey_values_are_not_taken(project: ProjectState) -> None:
    put(
        project,
        {"record_id": "2", "redcap_event_name": OTHER, "bmi": "99", "due": "2000-01-01", "person_timestamp": "x"},
    )
    assert stored(project, "2", OTHER) == {"sex": "2", "person_complete": "0"}


def test_records_can_be_numbered(project: ProjectState) -> None:
    rows = [{"record_id": name, "redcap_event_name": BASE, "sex": "1"} for name in ("a", "b", "a")]
    assert put(project, *rows, auto_numbers=True) == [("4", "a"), ("5", "b")]
    assert {"4", "5"} <= set(project.records)
    assert not {"a", "b"} & set(project.records)


def test_a_user_in_a_group_works_inside_it() -> None:
    project = ProjectState(PROJECT)
    rights = TokenRights.of(EVERY_PRIVILEGE, "nurse", "site_b")
    import_records(project, rights, [{"record_id": "x", "sex": "1"}], ImportOptions())
    assert project.records["x"].group == "site_b"
    assert refused(project, {"record_id": "1", "sex": "2"}, rights=rights)[0].startswith('"1","record_id","1",')
    assert refused(project, {"record_id": "x", "redcap_data_access_group": "site_a"}, rights=rights) == [
        "Illegal use of 'redcap_data_access_group' field!"
    ]


def test_groups_are_assigned_and_taken_away(project: ProjectState) -> None:
    since = len(project.log)
    put(project, {"record_id": "2", "redcap_event_name": OTHER, "redcap_data_access_group": "site_b"})
    put(project, {"record_id": "1", "redcap_event_name": BASE, "redcap_data_access_group": ""})
    assert (project.records["2"].group, project.records["1"].group) == ("site_b", "site_a")
    put(project, {"record_id": "1", "redcap_event_name": BASE, "redcap_data_access_group": ""}, overwrites=True)
    assert project.records["1"].group == ""
    assert changes_logged(project, since) == [
        ("Update record 2", "Assign record to Data Access Group (redcap_data_access_group = 'site_b')", "2"),
        ("Update record 1", "Remove record from Data Access Group (redcap_data_access_group = '')", "1"),
    ]


@pytest.mark.parametrize(
    ("content", "as_json", "as_csv", "as_xml"),
    [
        ("count", b'{"count":2}', b"2", b'<?xml version="1.0" encoding="UTF-8" ?><count>2</count>'),
        (
            "ids",
            b'["21","22"]',
            b"id\n21\n22\n",
            b'<?xml version="1.0" encoding="UTF-8" ?><ids><id>21</id><id>22</id></ids>',
        ),
        ("nothing", b"", b"", b""),
    ],
)
def test_answers_by_format(content: str, as_json: bytes, as_csv: bytes, as_xml: bytes) -> None:
    rows = [{"record_id": name, "sex": "1"} for name in ("21", "22", "21")]
    with serving({TOKEN: CLASSIC}, rights={TOKEN: RIGHTS}) as running:
        bodies = [
            send(running.url, rows, returnContent=content, returnFormat=wanted) for wanted in ("json", "csv", "xml")
        ]
    assert [answer.content for answer in bodies] == [as_json, as_csv, as_xml]


def test_pairs_of_new_and_provided_ids() -> None:
    rows = [{"record_id": "a", "sex": "1"}]
    with serving({TOKEN: CLASSIC}, rights={TOKEN: RIGHTS}) as running:
        answers = [
            send(running.url, rows, forceAutoNumber="true", returnContent="auto_ids", returnFormat=wanted).text
            for wanted in ("json", "csv")
        ]
    assert answers == ['["11,a"]', "12,a\n"]


def test_csv_xml_and_eav_say_the_same() -> None:
    eav = [
        {"record": "30", "field_name": "sex", "value": "2"},
        {"record": "30", "field_name": "race___1", "value": "1"},
        {
            "record": "30",
            "redcap_repeat_instrument": "visit",
            "redcap_repeat_instance": "4",
            "field_name": "score",
            "value": "8",
        },
    ]
    flat = "record_id;redcap_repeat_instrument;redcap_repeat_instance;sex;race___1;score\n30;;;2;1;\n30;visit;4;;;8\n"
    xml = (
        "<records><item><record_id>30</record_id><sex>2</sex><race___1>1</race___1></item><item><record_id>30</record_id>"
        "<redcap_repeat_instrument>visit</redcap_repeat_instrument><redcap_repeat_instance>4</redcap_repeat_instance>"
        "<score>8</score></item></records>"
    )
    ways: Sequence[dict[str, str]] = [
        {"format": "json", "type": "eav", "data": json.dumps(eav)},
        {"format": "csv", "csvDelimiter": ";", "data": flat},
        {"format": "xml", "data": xml},
    ]
    results = []
    for way in ways:
        with serving({TOKEN: CLASSIC}, rights={TOKEN: RIGHTS}) as running:
            assert post(running.url, content="record", returnFormat="csv", **way).text == "1"
            results.append(running.project(TOKEN).records["30"])
    assert results[0] == results[1] == results[2]
    assert results[0].rows[RowKey("", "visit", 4)]["double_score"] == "16"


def test_a_bare_object_is_no_row_and_bad_data_are_406() -> None:
    with serving({TOKEN: CLASSIC}, rights={TOKEN: RIGHTS}) as running:
        bare = post(running.url, content="record", format="json", data='{"record_id": "50"}')
        broken = post(running.url, content="record", format="json", data="[{")
        assert "50" not in running.project(TOKEN).records
    assert bare.text == '{"count":0}'
    assert broken.status_code == 406


def test_an_import_needs_the_right() -> None:
    with serving({TOKEN: CLASSIC, OTHER_TOKEN: CLASSIC}, rights={OTHER_TOKEN: RIGHTS}) as running:
        assert send(running.url, [{"record_id": "1", "sex": "1"}]).status_code == 403
        assert send(running.url, [{"record_id": "1", "sex": "1"}], token=OTHER_TOKEN).status_code == 200


def test_the_next_record_name() -> None:
    in_group = TokenRights.of(EVERY_PRIVILEGE, "nurse", "site_b")
    with serving({TOKEN: CLASSIC, OTHER_TOKEN: CLASSIC}, rights={TOKEN: RIGHTS, OTHER_TOKEN: in_group}) as running:
        assert post(running.url, content="generateNextRecordName", format="csv").text == "11"
        running.project(OTHER_TOKEN).save("331-4", "baseline", None, {"sex": "1"})
        assert post(running.url, OTHER_TOKEN, content="generateNextRecordName").text == "332-5"

"""Records deleted in whole and in part, and renamed."""

from __future__ import annotations

import pytest
from server_sample import PROJECT as CLASSIC
from server_sample import TOKEN, post
from visit_sample import BASE, OTHER, PROJECT, RIGHTS, VISIT, changes_logged, request

from blin_pipeline.sandbox.log import FORGOTTEN, LogFilter
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.records.removing import delete_records, rename_record
from blin_pipeline.sandbox.rights import EVERY_PRIVILEGE, TokenRights
from blin_pipeline.sandbox.serve import serving
from blin_pipeline.sandbox.structure import RowKey


@pytest.fixture
def project() -> ProjectState:
    return ProjectState(PROJECT)


def delete(project: ProjectState, *records: str, rights: TokenRights = RIGHTS, **where: str) -> int:
    return delete_records(project, rights, request(action="delete", records=records, **where))


def rows(project: ProjectState, record: str) -> set[RowKey]:
    return set(project.records[record].rows)


def test_whole_records_go(project: ProjectState) -> None:
    since = len(project.log)
    assert delete(project, "1", "2", "1") == 2
    assert set(project.records) == {"3"}
    assert changes_logged(project, since) == [
        ("Delete record 1", "record_id = '1'", "1"),
        ("Delete record 2", "record_id = '2'", "2"),
    ]


def test_nothing_goes_when_one_does_not_exist(project: ProjectState) -> None:
    for rights in (RIGHTS, TokenRights.of(EVERY_PRIVILEGE, "nurse", "site_a")):
        with pytest.raises(ApiError, match="The following records do not exist: ") as caught:
            delete(project, "1", "2", "99", rights=rights)
        assert caught.value.status == 400
    assert set(project.records) == {"1", "2", "3"}


def test_an_arm_takes_its_own_rows_only(project: ProjectState) -> None:
    assert delete(project, "3", arm="2") == 1
    assert rows(project, "3") == {RowKey(BASE)}
    with pytest.raises(ApiError, match="do not exist: 3"):
        delete(project, "3", arm="2")
    with pytest.raises(ApiError, match='"arm" is not valid'):
        delete(project, "3", arm="9")


def test_an_instrument_is_cleared_as_an_update_with_blanks(project: ProjectState) -> None:
    since = len(project.log)
    assert delete(project, "1", instrument="person", event=BASE) == 1
    assert project.records["1"].rows[RowKey(BASE)] == {}
    assert changes_logged(project, since)[:1] == [
        (
            "Update record 1 (Base (Arm 1: Drug))",
            "height = '', sex = '', signs(1) = unchecked, person_complete = ''",
            "1",
        )
    ]
    with pytest.raises(ApiError, match="event parameter is missing"):
        delete(project, "1", instrument="person")


def test_an_instance_goes_alone_and_must_be_named(project: ProjectState) -> None:
    since = len(project.log)
    with pytest.raises(ApiError, match="repeat_instance parameter is missing"):
        delete(project, "1", instrument="medicine", event=BASE)
    assert delete(project, "1", instrument="medicine", event=BASE, repeat_instance="2") == 1
    assert delete(project, "1", event=VISIT, repeat_instance="1") == 1
    assert rows(project, "1") == {RowKey(BASE), RowKey(VISIT, "", 2)}
    assert changes_logged(project, since) == [
        ("Update record 1 (Base (Arm 1: Drug))", "[instance = 2], drug = '', dose = '', medicine_complete = ''", "1"),
        ("Update record 1 (Visit (Arm 1: Drug))", "[instance = 1], score = '', check_complete = ''", "1"),
    ]


def test_an_event_goes_with_all_its_rows_and_the_last_one_with_its_record(project: ProjectState) -> None:
    delete(project, "1", event=BASE)
    assert rows(project, "1") == {RowKey(VISIT, "", 1), RowKey(VISIT, "", 2)}
    delete(project, "2", event=OTHER)
    assert "2" not in project.records


def test_what_depends_on_a_cleared_value_is_calculated_again(project: ProjectState) -> None:
    project.save("1", "check", 1, {"score": "3"}, event=VISIT)
    assert project.records["1"].rows[RowKey(VISIT, "", 1)]["score_sum"] == "183"
    delete(project, "1", instrument="person", event=BASE)
    assert project.records["1"].rows[RowKey(VISIT, "", 1)]["score_sum"] == "3"


def test_logging_can_be_deleted_with_the_record(project: ProjectState) -> None:
    project.save("1", "person", None, {"note": "private"}, event=BASE)
    delete(project, "1", delete_logging="1")
    details = [entry.details for entry in project.log.newest_first(LogFilter(record="1"))]
    assert set(details) == {FORGOTTEN}


def test_renaming_moves_everything(project: ProjectState) -> None:
    before = project.records["1"].rows
    since = len(project.log)
    assert rename_record(project, RIGHTS, request(action="rename", record="1", new_record_name="1.A")) == 1
    assert "1" not in project.records
    assert project.records["1.A"].rows == before
    assert changes_logged(project, since) == [("Update record 1.A", "record_id = '1.A'", "1.A")]


def test_renaming_in_one_arm_splits_the_record(project: ProjectState) -> None:
    rename_record(project, RIGHTS, request(action="rename", record="3", new_record_name="30", arm="2"))
    assert (rows(project, "3"), rows(project, "30")) == ({RowKey(BASE)}, {RowKey(OTHER)})


@pytest.mark.parametrize(("old", "new"), [("1", "2"), ("1", " "), ("99", "100")])
def test_a_taken_blank_or_unknown_name_is_refused(project: ProjectState, old: str, new: str) -> None:
    with pytest.raises(ApiError) as caught:
        rename_record(project, RIGHTS, request(action="rename", record=old, new_record_name=new))
    assert caught.value.status == 400
    assert set(project.records) == {"1", "2", "3"}


def test_over_http_the_answer_is_a_bare_number() -> None:
    with serving({TOKEN: CLASSIC}, rights={TOKEN: RIGHTS}) as running:
        delete_two = {"content": "record", "action": "delete", "records[0]": "1", "records[1]": "2"}
        assert post(running.url, returnFormat="json", **delete_two).text == "2"
        rename = {"content": "record", "action": "rename", "record": "10", "new_record_name": "12"}
        assert post(running.url, **rename).text == "1"
        assert set(running.project(TOKEN).records) == {"12"}

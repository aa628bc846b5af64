"""The live project: edits, what they leave in the log, and what an incremental reader sees of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from server_sample import CREATED, DICTIONARY, PROJECT, TOKEN, post, record_request

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.log import SandboxClock
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rows import FormRow
from blin_pipeline.sandbox.serve import RunningSandbox, serving


def log_of(sandbox: RunningSandbox, **parameters: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = post(sandbox.url, content="log", format="json", **parameters).json()
    return rows


def ids_of(sandbox: RunningSandbox, **parameters: str) -> list[str]:
    lines = post(sandbox.url, **record_request(fields=["record_id"], **parameters)).text.splitlines()[1:]
    return [line.split(",")[0] for line in lines]


def test_the_log_starts_with_the_project_and_its_records(sandbox: RunningSandbox) -> None:
    rows = log_of(sandbox, endTime="2026-06-01 09:00:59")
    assert list(rows[-1].items()) == [
        ("timestamp", "2026-06-01 09:00"),
        ("username", "sandbox_data_entry"),
        ("action", "Manage/Design "),
        ("details", "Create project Synthetic sample"),
        ("record", ""),
    ]
    assert [(row["action"], row["details"], row["record"]) for row in rows[-2::-1]] == [
        ("Create record 1", "record_id = '1'", "1"),
        ("Create record 2", "record_id = '2'", "2"),
        ("Create record 10", "record_id = '10'", "10"),
    ]


def test_every_export_leaves_a_line_newest_first(fresh_sandbox: RunningSandbox) -> None:
    post(fresh_sandbox.url, content="version")
    post(fresh_sandbox.url, content="instrument", format="csv")
    post(fresh_sandbox.url, **record_request(forms=["visit"]))
    post(fresh_sandbox.url, **record_request(forms=["nix"]))
    log_of(fresh_sandbox)
    rows = [row for row in log_of(fresh_sandbox) if row["username"] == "sandbox_api"]
    assert [(row["action"], row["details"]) for row in rows] == [
        ("Manage/Design", "Export Logging (API)"),
        ("Data export (API)", "Export data (API)"),
        ("Manage/Design", "Export instruments (API)"),
    ]


def test_edits_are_stored_and_logged_in_redcaps_grammar(fresh_sandbox: RunningSandbox) -> None:
    project = fresh_sandbox.project(TOKEN)
    project.save("2", "visit", 3, {"score": "9", "visit_complete": "1"}, user="nurse")
    project.save("11", "baseline", None, {"sex": "1", "race___1": "1", "race____98": "0"}, user="nurse")
    project.save("10", "baseline", None, {"sex": "", "weight": "71"}, user="nurse")
    project.assign_group("11", "site_b", user="nurse")
    project.rename_record("11", "11.A", user="nurse")
    project.clear_form("10", "visit", 1, user="nurse")
    project.delete_record("1", user="nurse")
    rows = log_of(fresh_sandbox, user="nurse")
    assert [(row["action"], row["details"], row["record"]) for row in reversed(rows)] == [
        ("Update record 2", "[instance = 3], score = '9', visit_complete = '1'", "2"),
        ("Update record (Auto calculation) 2", "[instance = 3], double_score = '18'", "2"),
        ("Create record 11", "sex = '1', race(1) = checked, race(-98) = unchecked", "11"),
        ("Update record 10", "sex = '', weight = '71'", "10"),
        ("Update record 11", "Assign record to Data Access Group (redcap_data_access_group = 'site_b')", "11"),
        ("Update record 11.A", "record_id = '11.A'", "11.A"),
        (
            "Update record 10",
            "[instance = 1], visit_date = '', score = '', double_score = '', visit_complete = ''",
            "10",
        ),
        ("Delete record 1", "record_id = '1'", "1"),
    ]
    request = record_request(fields=["record_id", "sex", "weight", "score"], exportDataAccessGroups="true")
    assert post(fresh_sandbox.url, **request).text.splitlines()[1:] == [
        "2,,,site_b,,,",
        "2,visit,3,site_b,,,9",
        "10,,,site_a,71,,",
        "10,visit,2,site_a,,,7",
        "11.A,,,site_b,,1,",
    ]


def test_a_form_saved_without_status_is_incomplete_and_a_cleared_one_gray_again(fresh_sandbox: RunningSandbox) -> None:
    request = record_request(records=["1"], fields=["feedback_complete"], exportBlankForGrayFormStatus="true")
    fresh_sandbox.project(TOKEN).save("1", "feedback", None, {"free": "x"})
    assert post(fresh_sandbox.url, **request).text == "feedback_complete\n0\n"
    fresh_sandbox.project(TOKEN).clear_form("1", "feedback")
    assert post(fresh_sandbox.url, **request).text == "feedback_complete\n\n"


def test_changed_records_come_whole_and_deleted_ones_not(fresh_sandbox: RunningSandbox) -> None:
    project = fresh_sandbox.project(TOKEN)
    project.save("10", "feedback", None, {"mood": "1"}, when=datetime(2026, 6, 5, 10, 0, 30))
    project.save("2", "feedback", None, {"mood": "0"}, when=datetime(2026, 6, 6, 10, 0))
    project.save("1", "feedback", None, {"mood": "0"}, when=datetime(2026, 6, 6, 11, 0))
    project.delete_record("1", when=datetime(2026, 6, 7))
    assert ids_of(fresh_sandbox, dateRangeBegin="2026-06-05 10:00:30") == ["2", "10"]
    assert ids_of(fresh_sandbox, dateRangeBegin="2026-06-05 10:00:31") == ["2"]
    assert ids_of(fresh_sandbox, dateRangeBegin="2026-06-05", dateRangeEnd="2026-06-06 09:59:59") == ["10"]
    whole = record_request(
        fields=["record_id", "score"], dateRangeBegin="2026-06-05", dateRangeEnd="2026-06-05 23:00:00"
    )
    assert post(fresh_sandbox.url, **whole).text.splitlines()[1:] == ["10,,,", "10,visit,1,5", "10,visit,2,7"]


@pytest.mark.parametrize("moment", ["2026-13-01 00:00:00", "yesterday", "2026-06-05T10:00:00"])
def test_a_moment_that_is_none_is_refused(sandbox: RunningSandbox, moment: str) -> None:
    assert post(sandbox.url, **record_request(dateRangeBegin=moment)).status_code == 400


def test_log_filters(fresh_sandbox: RunningSandbox) -> None:
    project = fresh_sandbox.project(TOKEN)
    project.save("2", "feedback", None, {"mood": "1"}, user="nurse", when=datetime(2026, 6, 8, 12, 30, 45))
    project.delete_record("1", when=datetime(2026, 6, 9))
    assert [row["timestamp"] for row in log_of(fresh_sandbox, logtype="record_edit")] == ["2026-06-08 12:30"]
    assert [row["record"] for row in log_of(fresh_sandbox, logtype="record_delete")] == ["1"]
    assert [row["record"] for row in log_of(fresh_sandbox, logtype="record")] == ["1", "2", "10", "2", "1"]
    assert [row["action"] for row in log_of(fresh_sandbox, record="2")] == ["Update record 2", "Create record 2"]
    assert [row["record"] for row in log_of(fresh_sandbox, dag="331")] == ["10"]
    assert log_of(fresh_sandbox, beginTime="2026-06-08 12:31", endTime="2026-06-08 23:00") == []
    assert [row["action"] for row in log_of(fresh_sandbox, logtype="export")] == []
    assert post(fresh_sandbox.url, content="log", format="json", logtype="nonsense").status_code == 400


def test_time_moves_by_requests_and_on_command_only() -> None:
    clock = SandboxClock(datetime(2030, 1, 1, 12, 0))
    with serving({TOKEN: PROJECT}, clock=clock) as running:
        post(running.url, content="instrument")
        clock.advance(timedelta(hours=3))
        post(running.url, content="metadata")
        rows = log_of(running)
    assert [row["timestamp"] for row in rows[:2]] == ["2030-01-01 15:00", "2030-01-01 12:00"]
    assert clock() == datetime(2030, 1, 1, 15, 0, 3)


def test_two_servers_of_one_source_write_the_same_log() -> None:
    logs = []
    for _ in range(2):
        with serving({TOKEN: PROJECT}) as running:
            running.project(TOKEN).save("2", "feedback", None, {"mood": "1"})
            logs.append(log_of(running))
    assert logs[0] == logs[1]
    assert logs[0][0]["timestamp"] >= CREATED.strftime("%Y-%m-%d %H:%M")


def test_a_changed_dictionary_is_served_at_once(fresh_sandbox: RunningSandbox) -> None:
    shorter = Dictionary(fields=tuple(field for field in DICTIONARY.fields if field.field_name != "weight"))
    fresh_sandbox.project(TOKEN).replace_dictionary(shorter)
    names = [row["field_name"] for row in post(fresh_sandbox.url, content="metadata", format="json").json()]
    assert "weight" not in names
    assert "weight" not in post(fresh_sandbox.url, **record_request()).text.splitlines()[0]
    assert log_of(fresh_sandbox, logtype="manage")[1]["details"] == "Upload data dictionary"


@pytest.mark.parametrize(
    "row",
    [
        FormRow("1", "nix", None, {}),
        FormRow("1", "baseline", None, {"score": "1"}),
        FormRow("1", "baseline", 1, {"sex": "1"}),
        FormRow("1", "visit", None, {"score": "1"}),
        FormRow("1", "visit", 0, {"score": "1"}),
    ],
)
def test_a_row_that_does_not_fit_the_project_is_refused_without_its_values(row: FormRow) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ProjectState(replace(PROJECT, rows=(row,)))
    assert caught.value.code == "E_SANDBOX_PROJECT"


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        ProjectState(replace(PROJECT, record_groups={"1": "site_z"}))

"""Arms, events, designations and repeating set-up: what is answered, refused, moved and logged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from longitudinal_sample import EVERYTHING, LONGITUDINAL, MONTH, OTHER, START
from server_sample import PROJECT, TOKEN, post

from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.sandbox.structure import RowKey

pytestmark = pytest.mark.slow


@pytest.fixture
def longitudinal() -> Iterator[RunningSandbox]:
    with serving({TOKEN: LONGITUDINAL}, rights={TOKEN: EVERYTHING}) as running:
        yield running


def exported(running: RunningSandbox, content: str, **parameters: str) -> Any:
    return post(running.url, content=content, format="json", **parameters).json()


def imported(running: RunningSandbox, content: str, rows: object, **parameters: str) -> tuple[int, str]:
    data = rows if isinstance(rows, str) else json.dumps(rows)
    answer = post(running.url, **{"content": content, "action": "import", "format": "json", "data": data, **parameters})
    return answer.status_code, answer.text


def newest(running: RunningSandbox) -> tuple[str, str]:
    entry = running.project(TOKEN).log.entries()[-1]
    return entry.action, entry.details


def test_exports_of_a_longitudinal_project(longitudinal: RunningSandbox) -> None:
    assert exported(longitudinal, "arm") == [{"arm_num": 1, "name": "Drug A"}, {"arm_num": 2, "name": "Drug B"}]
    assert post(longitudinal.url, content="event", format="csv").text == (
        "event_name,arm_num,unique_event_name,custom_event_label,event_id\n"
        'Start,1,start_arm_1,,501\n"Month 1",1,month_1_arm_1,,502\nStart,2,start_arm_2,,503\n'
    )
    assert exported(longitudinal, "event", **{"arms[0]": "2"})[0]["event_id"] == 503
    assert exported(longitudinal, "formEventMapping", **{"arms[0]": "2"}) == [
        {"arm_num": 2, "unique_event_name": OTHER, "form": "baseline"},
        {"arm_num": 2, "unique_event_name": OTHER, "form": "visit"},
    ]
    assert exported(longitudinal, "repeatingFormsEvents") == [
        {"event_name": MONTH, "form_name": "", "custom_form_label": ""},
        {"event_name": OTHER, "form_name": "visit", "custom_form_label": "Visit [score]"},
    ]
    info = exported(longitudinal, "project")
    assert (info["is_longitudinal"], info["has_repeating_instruments_or_events"]) == (1, 1)


def test_day_columns_appear_with_scheduling(longitudinal: RunningSandbox) -> None:
    assert imported(longitudinal, "project_settings", {"scheduling_enabled": 1}) == (200, "1")
    assert list(exported(longitudinal, "event")[0]) == [
        *("event_name", "arm_num", "day_offset", "offset_min", "offset_max"),
        *("unique_event_name", "custom_event_label", "event_id"),
    ]


def test_an_arm_is_added_renamed_and_shown_only_with_an_event(longitudinal: RunningSandbox) -> None:
    rows = [{"arm_num": "1", "name": "Drug Alpha"}, {"arm_num": 3, "name": "Drug C"}]
    assert imported(longitudinal, "arm", rows) == (200, "2")
    assert newest(longitudinal) == ("Manage/Design", "Import arms (API)")
    assert [arm["name"] for arm in exported(longitudinal, "arm")] == ["Drug Alpha", "Drug B"]
    assert imported(longitudinal, "event", "event_name,arm_num\nnew_event,3\n", format="csv") == (200, "1")
    assert [arm["arm_num"] for arm in exported(longitudinal, "arm")] == [1, 2, 3]


def test_override_deletes_arms_events_mappings_and_what_was_entered(longitudinal: RunningSandbox) -> None:
    kept = exported(longitudinal, "event"), exported(longitudinal, "formEventMapping")
    assert imported(longitudinal, "arm", [{"arm_num": 1, "name": "Only"}], override="1") == (200, "1")
    assert exported(longitudinal, "project")["is_longitudinal"] == 0
    assert exported(longitudinal, "event") == {"error": "You cannot export events for classic projects"}
    assert longitudinal.project(TOKEN).records == {}
    assert imported(longitudinal, "event", kept[0])[0] == 400
    assert imported(longitudinal, "arm", [{"arm_num": 2, "name": "Second"}]) == (200, "1")
    assert imported(longitudinal, "event", kept[0]) == (200, "3")
    assert imported(longitudinal, "formEventMapping", kept[1]) == (200, str(len(kept[1])))
    assert [event["unique_event_name"] for event in exported(longitudinal, "event")] == [START, MONTH, OTHER]
    assert {event["event_id"] for event in exported(longitudinal, "event")}.isdisjoint({501, 502, 503})


def test_deleting_an_arm_deletes_its_events_and_their_data(longitudinal: RunningSandbox) -> None:
    answer = post(longitudinal.url, content="arm", action="delete", format="json", **{"arms[0]": "2"})
    assert (answer.status_code, answer.text) == (200, "1")
    assert [event["event_id"] for event in exported(longitudinal, "event")] == [501, 502]
    assert list(longitudinal.project(TOKEN).records) == ["1"]


def test_an_event_of_known_label_is_added_beside_and_one_named_is_edited(longitudinal: RunningSandbox) -> None:
    assert imported(longitudinal, "event", [{"event_name": "Start", "arm_num": 1}]) == (200, "1")
    assert exported(longitudinal, "event")[2]["unique_event_name"] == "start_arm_1b"
    row = {"event_name": "Screening & enrollment", "arm_num": 1, "unique_event_name": START}
    assert imported(longitudinal, "event", [row]) == (200, "1")
    first = exported(longitudinal, "event")[0]
    assert (first["unique_event_name"], first["event_id"]) == ("screening___enroll_arm_1", 501)
    assert set(longitudinal.project(TOKEN).records["1"].rows) == {
        RowKey("screening___enroll_arm_1"),
        RowKey(MONTH, "", 1),
        RowKey(MONTH, "", 2),
    }
    assert exported(longitudinal, "formEventMapping")[0]["unique_event_name"] == "screening___enroll_arm_1"


def test_deleting_an_event(longitudinal: RunningSandbox) -> None:
    answer = post(longitudinal.url, content="event", action="delete", format="csv", **{"events[0]": MONTH})
    assert answer.text == "1"
    assert set(longitudinal.project(TOKEN).records["1"].rows) == {RowKey(START)}
    assert [row["event_name"] for row in exported(longitudinal, "repeatingFormsEvents")] == [OTHER]


def test_mappings_are_replaced_as_a_whole(longitudinal: RunningSandbox) -> None:
    row = {"arm_num": "1", "unique_event_name": START, "form": "baseline"}
    assert imported(longitudinal, "formEventMapping", [row]) == (200, "1")
    assert exported(longitudinal, "formEventMapping") == [{**row, "arm_num": 1}]


@pytest.mark.parametrize(
    ("content", "rows", "message"),
    [
        ("arm", [{"arm_num": "x", "name": "A"}], "Each arm_num must be a positive number"),
        ("arm", [{"arm_num": 4}], "Each arm must have a name"),
        ("event", [{"arm_num": 1}], "Each event must have an event_name"),
        ("event", [{"event_name": "E", "arm_num": 9}], "not valid: '9'"),
        ("formEventMapping", [{"unique_event_name": "nix", "form": "visit"}], "not valid: 'nix'"),
        ("formEventMapping", [{"arm_num": 2, "unique_event_name": START, "form": "visit"}], "not valid: '2'"),
        ("formEventMapping", [{"unique_event_name": START, "form": "nix"}], "not valid: 'nix'"),
        ("repeatingFormsEvents", [{"event_name": START, "form_name": "visit"}], "not valid: 'visit'"),
    ],
)
def test_a_refused_import_changes_nothing(
    longitudinal: RunningSandbox, content: str, rows: object, message: str
) -> None:
    before = [exported(longitudinal, name) for name in ("arm", "event", "formEventMapping", "repeatingFormsEvents")]
    status, text = imported(longitudinal, content, rows)
    assert status == 400
    assert message in text
    after = [exported(longitudinal, name) for name in ("arm", "event", "formEventMapping", "repeatingFormsEvents")]
    assert after == before


def test_values_follow_an_instrument_that_begins_and_ceases_to_repeat() -> None:
    with serving({TOKEN: PROJECT}, rights={TOKEN: EVERYTHING}) as running:
        rows = running.project(TOKEN).records["10"].rows
        assert imported(running, "repeatingFormsEvents", [{"form_name": "baseline"}, {"form_name": "visit"}]) == (
            200,
            "2",
        )
        rows = running.project(TOKEN).records["10"].rows
        assert rows[RowKey("", "baseline", 1)]["weight"] == "70.50"
        assert rows[RowKey()] == {"drug": "Aspirin", "medication_complete": "2"}
        assert rows[RowKey("", "visit", 2)]["score"] == "7"
        assert imported(running, "repeatingFormsEvents", "", format="csv") == (200, "0")
        assert exported(running, "repeatingFormsEvents")["error"].startswith("You cannot export repeating instruments")
        rows = running.project(TOKEN).records["10"].rows
        assert (rows[RowKey()]["weight"], rows[RowKey()]["score"]) == ("70.50", "5")


def test_a_repeating_event_keeps_all_instances_when_its_instrument_repeats_instead(
    longitudinal: RunningSandbox,
) -> None:
    rows = [{"event_name": MONTH, "form_name": form, "custom_form_label": ""} for form in ("visit", "medication")]
    assert imported(longitudinal, "repeatingFormsEvents", rows) == (200, "2")
    stored = longitudinal.project(TOKEN).records["1"].rows
    assert stored[RowKey(MONTH, "visit", 1)]["score"] == "3"
    assert stored[RowKey(MONTH, "medication", 2)]["drug"] == "Aspirin"


def test_a_project_becomes_longitudinal_and_classic_again_without_losing_a_value() -> None:
    with serving({TOKEN: PROJECT}, rights={TOKEN: EVERYTHING}) as running:
        before = {key: dict(values) for key, values in running.project(TOKEN).records["10"].rows.items()}
        assert imported(running, "project_settings", {"is_longitudinal": 1}) == (200, "1")
        assert [event["unique_event_name"] for event in exported(running, "event")] == ["event_1_arm_1"]
        assert len(exported(running, "formEventMapping")) == 4
        assert [row["event_name"] for row in exported(running, "repeatingFormsEvents")] == ["event_1_arm_1"] * 2
        assert set(running.project(TOKEN).records["10"].rows) == {key._replace(event="event_1_arm_1") for key in before}
        assert imported(running, "project_settings", {"is_longitudinal": 0}) == (200, "1")
        assert running.project(TOKEN).records["10"].rows == before


@pytest.mark.parametrize("content", ["arm", "event", "formEventMapping"])
def test_a_classic_project_refuses_events(fresh_sandbox: RunningSandbox, content: str) -> None:
    assert post(fresh_sandbox.url, content=content, format="json").status_code == 400

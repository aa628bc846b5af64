"""Creating projects with a super token, and several projects at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import requests
from pycap_sample import PROJECT_XML, SUPER_TOKEN
from server_sample import PROJECT, TOKEN, post, record_request

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.sandbox.contents.call import ServerSettings
from blin_pipeline.sandbox.rate import RateLimit
from blin_pipeline.sandbox.serve import RunningSandbox, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[RunningSandbox]:
    with serving({TOKEN: PROJECT}, super_tokens=[SUPER_TOKEN]) as running:
        yield running


def create(running: RunningSandbox, odm: str = "", **given: object) -> requests.Response:
    parameters = {"content": "project", "format": "json", "data": json.dumps([given]), **({"odm": odm} if odm else {})}
    return post(running.url, SUPER_TOKEN, **parameters)


def test_a_created_project_is_empty_and_its_own(server: RunningSandbox) -> None:
    answer = create(server, project_title="Second", purpose=4, project_notes="n", surveys_enabled=1)
    assert answer.status_code == 200
    token = answer.text
    assert re.fullmatch("[0-9A-F]{32}", token)
    info = post(server.url, token, content="project", format="json").json()
    assert (info["project_id"], info["project_title"], info["purpose"]) == (78, "Second", 4)
    assert (info["project_notes"], info["surveys_enabled"], info["is_longitudinal"]) == ("n", 1, 0)
    assert post(server.url, token, **record_request()).text == "\n"
    assert [row["field_name"] for row in post(server.url, token, content="metadata", format="json").json()] == [
        "record_id"
    ]
    assert post(server.url, content="project", format="json").json()["project_id"] == 77


def test_the_creator_may_do_everything_but_delete_rename_and_lock_until_granted(server: RunningSandbox) -> None:
    token = create(server, project_title="Rights", purpose=0).text
    (user,) = post(server.url, token, content="user", format="json").json()
    lacking = {name for name, value in user.items() if value == 0}
    assert lacking == {"record_delete", "record_rename", "lock_records_all_forms", "lock_records"}
    imported = post(server.url, token, content="record", format="json", data='[{"record_id": "1"}]')
    assert imported.json() == {"count": 1}
    delete = {"content": "record", "action": "delete", "format": "json", "records[0]": "1"}
    assert post(server.url, token, **delete).json() == {"error": "You do not have Delete Record privileges"}
    granted = json.dumps([{"username": user["username"], "record_delete": 1}])
    assert post(server.url, token, content="user", format="json", data=granted).text == "1"
    assert post(server.url, token, **delete).text == "1"


def test_a_longitudinal_project_begins_with_one_event(server: RunningSandbox) -> None:
    token = create(server, project_title="L", purpose=0, is_longitudinal=1).text
    events = post(server.url, token, content="event", format="json").json()
    assert [event["unique_event_name"] for event in events] == ["event_1_arm_1"]


def test_a_project_from_xml_keeps_records_and_takes_title_and_purpose_from_the_form(server: RunningSandbox) -> None:
    token = create(server, PROJECT_XML, project_title="From XML", purpose=1).text
    info = post(server.url, token, content="project", format="json").json()
    assert (info["project_title"], info["purpose"], info["is_longitudinal"]) == ("From XML", 1, 1)
    rows = post(server.url, token, content="record", format="json", **{"fields[0]": "record_id"}).json()
    assert [(row["record_id"], row["redcap_repeat_instance"]) for row in rows] == [("1", 1), ("2", 1)]
    log = post(server.url, token, content="log", format="json").json()
    assert [row["action"] for row in log[-3:]] == ["Manage/Design ", "Create record 2", "Create record 1"]


def test_a_large_project_xml_may_come_as_a_part_of_a_multipart_body(server: RunningSandbox) -> None:
    odm = PROJECT_XML.replace("</GlobalVariables>", f"<!-- {'x' * 3_000_000} --></GlobalVariables>")
    parts = {"token": SUPER_TOKEN, "content": "project", "format": "json", "odm": odm}
    parts["data"] = '[{"project_title": "Large", "purpose": 0}]'
    answer = requests.post(server.url, files={name: (None, value) for name, value in parts.items()}, timeout=30)
    assert re.fullmatch("[0-9A-F]{32}", answer.text)


@pytest.mark.parametrize(
    ("given", "odm"),
    [
        ({"purpose": 0}, ""),
        ({"project_title": "T"}, ""),
        ({"project_title": "T", "purpose": 5}, ""),
        ({"project_title": "T", "purpose": 0, "is_longitudinal": "yes"}, ""),
        ({"project_title": "T", "purpose": 0}, "<ODM/>"),
        ({"project_title": "T", "purpose": 0}, "<!DOCTYPE ODM><ODM/>"),
    ],
)
def test_form_data_that_make_no_project_are_refused(server: RunningSandbox, given: dict[str, object], odm: str) -> None:
    answer = create(server, odm, **given)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_a_super_token_opens_no_data_and_a_token_creates_nothing(server: RunningSandbox) -> None:
    assert post(server.url, SUPER_TOKEN, **record_request()).status_code == 400
    answer = post(server.url, content="project", format="json", data='{"project_title": "T", "purpose": 0}')
    assert answer.status_code == 403
    with pytest.raises(ConfigurationError) as caught, serving({}, super_tokens=["short"]):
        pass
    assert caught.value.code == "E_SANDBOX_PROJECT"


def test_an_address_that_asks_too_often_is_banned_for_good() -> None:
    moments = iter([0.0, 1.0, 2.0, 61.0, 61.5, 61.9, 1000.0])
    limit = RateLimit(3, now=lambda: next(moments))
    assert [limit.refuses("a") for _ in range(8)] == [False] * 5 + [True] * 3
    assert not limit.refuses("b")


def test_a_ban_is_a_page_and_stays() -> None:
    with serving({TOKEN: PROJECT}, settings=ServerSettings(requests_per_minute=2)) as running:
        assert [post(running.url, content="version").status_code for _ in range(4)] == [200, 200, 403, 403]
        assert "banned" in post(running.url, content="version").text


def test_more_rows_than_the_server_bears_end_in_its_sentence_with_status_200() -> None:
    with serving({TOKEN: PROJECT}, settings=ServerSettings(max_rows=6)) as running:
        assert post(running.url, **record_request()).text.startswith("record_id,")
        running.project(TOKEN).save("3", "baseline", None, {"sex": "1"})
        answer = post(running.url, **record_request())
        assert (answer.status_code, answer.text[:26]) == (200, "ERROR: REDCap ran out of s")
        assert post(running.url, **record_request(records=["10"])).text.startswith("record_id,")


def test_server_time_of_a_zone_and_an_unknown_zone() -> None:
    with serving({TOKEN: PROJECT}, settings=ServerSettings(time_zone="Asia/Tokyo")) as running:
        there = running.project(TOKEN).clock()
    with serving({TOKEN: PROJECT}, settings=ServerSettings(time_zone="UTC")) as running:
        here = running.project(TOKEN).clock()
    assert 32000 < (there - here).total_seconds() <= 32400
    with pytest.raises(ConfigurationError), serving({TOKEN: PROJECT}, settings=ServerSettings(time_zone="Nowhere")):
        pass

"""Groups, users and roles: what is answered, refused and logged, and what their changes do to a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from longitudinal_sample import EVERYTHING
from server_sample import OTHER_TOKEN, PROJECT, TOKEN, post, record_request

from blin_pipeline.sandbox.contents.call import ServerSettings
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.serve import RunningSandbox, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def project() -> Iterator[RunningSandbox]:
    """The sample, under a token that may do everything and one that may only read."""
    rights = {TOKEN: EVERYTHING, OTHER_TOKEN: TokenRights(username="reader")}
    with serving({TOKEN: PROJECT, OTHER_TOKEN: PROJECT}, rights=rights) as running:
        yield running


def exported(running: RunningSandbox, content: str) -> Any:
    return post(running.url, content=content, format="json").json()


def imported(running: RunningSandbox, content: str, *rows: dict[str, object], **parameters: str) -> tuple[int, str]:
    answer = post(
        running.url,
        **{"content": content, "action": "import", "format": "json", "data": json.dumps(rows), **parameters},
    )
    return answer.status_code, answer.text


def deleted(running: RunningSandbox, content: str, name: str, *values: str) -> tuple[int, str]:
    named = {f"{name}[{place}]": value for place, value in enumerate(values)}
    answer = post(running.url, content=content, action="delete", format="json", **named)
    return answer.status_code, answer.text


def test_groups_are_added_relabelled_and_deleted(project: RunningSandbox) -> None:
    new = {"data_access_group_name": "dag-a 1", "unique_group_name": ""}
    renamed = {"data_access_group_name": "Site Berlin", "unique_group_name": "site_a"}
    assert imported(project, "dag", new, renamed) == (200, "2")
    assert exported(project, "dag") == [
        {"data_access_group_name": "Site Berlin", "unique_group_name": "site_berlin", "data_access_group_id": 331},
        {"data_access_group_name": "Site B", "unique_group_name": "site_b", "data_access_group_id": 332},
        {"data_access_group_name": "dag-a 1", "unique_group_name": "daga_1", "data_access_group_id": 333},
    ]
    assert project.project(TOKEN).records["10"].group == "site_berlin"
    assert deleted(project, "dag", "dags", "site_berlin", "daga_1") == (200, "2")
    assert project.project(TOKEN).records["10"].group == ""
    assert imported(project, "dag", {"data_access_group_name": "Next", "unique_group_name": ""}) == (200, "1")
    assert exported(project, "dag")[-1]["data_access_group_id"] == 334
    assert post(project.url, **record_request(fields=["record_id"], records=["10"])).text.endswith("10,,\n")


def test_an_unknown_group_is_refused_and_nothing_is_deleted(project: RunningSandbox) -> None:
    status, text = deleted(project, "dag", "dags", "site_a", "nix")
    assert (status, "'nix'" in text) == (400, True)
    assert imported(project, "dag", {"data_access_group_name": "X", "unique_group_name": "nix"})[0] == 400
    assert len(exported(project, "dag")) == 2


def test_a_user_who_is_put_into_a_group_sees_that_group_alone(project: RunningSandbox) -> None:
    assert imported(project, "userDagMapping", {"username": "reader", "redcap_data_access_group": "site_b"}) == (
        200,
        "1",
    )
    assert exported(project, "userDagMapping") == [
        {"username": "manager", "redcap_data_access_group": ""},
        {"username": "reader", "redcap_data_access_group": "site_b"},
    ]
    lines = post(project.url, OTHER_TOKEN, **record_request(fields=["record_id"])).text.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["2"]
    assert imported(project, "userDagMapping", {"username": "nobody", "redcap_data_access_group": ""})[0] == 400
    assert imported(project, "userDagMapping", {"username": "reader", "redcap_data_access_group": "nix"})[0] == 400


def test_a_user_switches_groups(project: RunningSandbox) -> None:
    assert post(project.url, content="dag", action="switch", dag="site_a", format="json").text == "1"
    lines = post(project.url, **record_request(fields=["record_id"])).text.splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {"10"}
    assert post(project.url, content="dag", action="switch", dag="nix", format="json").status_code == 400
    assert post(project.url, content="dag", action="switch", dag="", format="json").text == "1"


def test_a_new_user_starts_without_rights_and_is_changed_by_what_is_sent(project: RunningSandbox) -> None:
    assert imported(project, "user", {"username": "nurse"}) == (200, "1")
    nurse = next(user for user in exported(project, "user") if user["username"] == "nurse")
    assert set(nurse["forms"].values()) == set(nurse["forms_export"].values()) == {0}
    assert not any(value for name, value in nurse.items() if isinstance(value, int))
    change = {"username": "nurse", "email": "n@example.org", "user_rights": 2, "forms": {"visit": 3}}
    assert imported(project, "user", {**change, "forms_export": {"visit": 2}}) == (200, "1")
    nurse = next(user for user in exported(project, "user") if user["username"] == "nurse")
    assert (nurse["email"], nurse["user_rights"], nurse["logging"]) == ("n@example.org", 2, 0)
    assert nurse["forms"] == {"baseline": 0, "visit": 3, "feedback": 0, "medication": 0}
    assert nurse["forms_export"]["visit"] == 2
    actions = [entry.action for entry in project.project(TOKEN).log.entries() if entry.kind == "user"]
    assert actions == ["Add user nurse", "Edit user nurse"]


def test_what_is_exported_can_be_imported_in_every_format(project: RunningSandbox) -> None:
    imported(project, "userRole", {"role_label": "Blind & <quiet>", "forms": {"visit": 2}})
    for wanted in ("json", "csv", "xml"):
        for content in ("user", "userRole", "userRoleMapping", "userDagMapping", "dag"):
            before = post(project.url, content=content, format=wanted).text
            answer = post(project.url, content=content, action="import", format=wanted, data=before)
            assert answer.status_code == 200, (content, wanted, answer.text)
            assert post(project.url, content=content, format=wanted).text == before


def test_a_deleted_user_has_no_token_any_more(project: RunningSandbox) -> None:
    assert post(project.url, OTHER_TOKEN, content="version").status_code == 200
    assert deleted(project, "user", "users", "reader") == (200, "1")
    answer = post(project.url, OTHER_TOKEN, content="version", format="json")
    assert (answer.status_code, answer.json()) == (403, {"error": "You do not have permissions to use the API"})
    assert deleted(project, "user", "users", "reader")[0] == 400


def test_a_role_rules_in_place_of_the_users_own_rights(project: RunningSandbox) -> None:
    role = {"role_label": "Blind", "api_export": 1, "forms_export": {"baseline": 1}}
    assert imported(project, "userRole", role) == (200, "1")
    (found,) = exported(project, "userRole")
    assert (found["role_label"], found["api_export"], found["logging"]) == ("Blind", "1", "0")
    assert found["unique_role_name"].startswith("U-")
    assert len(found["unique_role_name"]) == 12
    mapping = {"username": "reader", "unique_role_name": found["unique_role_name"]}
    assert imported(project, "userRoleMapping", mapping) == (200, "1")
    assert exported(project, "userRoleMapping")[1] == {**mapping, "data_access_group": ""}
    header = post(project.url, OTHER_TOKEN, **record_request()).text.splitlines()[0]
    assert "weight" in header
    assert "score" not in header
    assert post(project.url, OTHER_TOKEN, content="log", format="json").status_code == 403
    assert deleted(project, "userRole", "roles", found["unique_role_name"]) == (200, "1")
    assert exported(project, "userRoleMapping")[1]["unique_role_name"] == ""
    assert "score" in post(project.url, OTHER_TOKEN, **record_request()).text.splitlines()[0]


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("user", {"email": "x"}),
        ("user", {"username": "u", "design": "yes"}),
        ("user", {"username": "u", "forms": {"nix": 1}}),
        ("user", {"username": "u", "forms": {"visit": 7}}),
        ("user", {"username": "u", "forms_export": {"visit": 4}}),
        ("user", {"username": "u", "data_access_group": "nix"}),
        ("userRole", {}),
        ("userRole", {"unique_role_name": "U-NIX"}),
        ("userRoleMapping", {"username": "reader", "unique_role_name": "U-NIX"}),
        ("userRoleMapping", {"username": "nobody", "unique_role_name": ""}),
    ],
)
def test_a_refused_import_changes_nobody(project: RunningSandbox, content: str, row: dict[str, object]) -> None:
    before = exported(project, "user"), exported(project, "userRole"), exported(project, "userRoleMapping")
    assert imported(project, content, row)[0] == 400
    assert (exported(project, "user"), exported(project, "userRole"), exported(project, "userRoleMapping")) == before


def test_form_rights_are_written_in_the_codes_of_the_version() -> None:
    settings = ServerSettings(version="15.6.0")
    with serving({TOKEN: PROJECT}, rights={TOKEN: EVERYTHING}, settings=settings) as running:
        assert exported(running, "user")[0]["forms"]["visit"] == 130
        assert imported(running, "user", {"username": "manager", "forms": {"visit": 129, "baseline": 146}}) == (
            200,
            "1",
        )
        assert exported(running, "user")[0]["forms"] == {
            "baseline": 130,
            "visit": 129,
            "feedback": 130,
            "medication": 130,
        }


_PRIVILEGES = {
    "design": ["metadata", "project_settings", "arm", "event", "formEventMapping", "repeatingFormsEvents"],
    "user_rights": ["user", "userRole", "userRoleMapping"],
    "data_access_groups": ["dag", "userDagMapping"],
    "file_repository": ["fileRepository"],
}


@pytest.mark.parametrize(("privilege", "contents"), _PRIVILEGES.items())
def test_every_change_needs_its_privilege(privilege: str, contents: list[str]) -> None:
    lacking = TokenRights.of(EVERYTHING.privileges, "lacking")
    without = TokenRights(**{**vars(lacking), privilege: 0})
    reader = TokenRights(username="reader")
    with serving({TOKEN: PROJECT, OTHER_TOKEN: PROJECT}, rights={TOKEN: without, OTHER_TOKEN: reader}) as running:
        touched = running.project(TOKEN).touched
        touched.nothing()
        for content in contents:
            answer = post(running.url, content=content, action="import", format="json", data="[]")
            assert answer.status_code in {400, 403}
            assert "Insufficient user privileges" in answer.text
            answer = post(running.url, OTHER_TOKEN, content=content, action="import", format="json", data="[]")
            assert (answer.status_code, answer.json()) == (
                403,
                {"error": "You do not have API Import/Update privileges"},
            )
        assert not touched.set_up
        assert touched.records(running.project(TOKEN).records) == set()

"""What a token may see: export rights per form, de-identification, Data Access Groups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from server_sample import DICTIONARY, OTHER_TOKEN, PROJECT, TOKEN, post, record_request

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.rights import ExportRight, TokenRights
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.serve import RunningSandbox, serving


def served(rights: TokenRights, project: SourceProject = PROJECT) -> AbstractContextManager[RunningSandbox]:
    return serving({TOKEN: project}, rights={TOKEN: rights})


def header(running: RunningSandbox, **parameters: str) -> list[str]:
    return post(running.url, **record_request(**parameters)).text.splitlines()[0].split(",")


@pytest.mark.parametrize(
    ("rights", "content", "status", "message"),
    [
        (TokenRights(api_export=False), "record", 403, "You do not have permissions to use the API"),
        (TokenRights(api_export=False, api_import=True), "record", 403, "You do not have API Export privileges"),
        (TokenRights(export_right=ExportRight.NONE), "record", 403, "You do not have API Export privileges"),
        (
            TokenRights(data_access_groups=False),
            "dag",
            400,
            "Insufficient user privileges: You must have 'API Export' privileges and 'Data Access Groups' privileges "
            "in the project.",
        ),
        (
            TokenRights(data_access_groups=False),
            "userDagMapping",
            400,
            "Insufficient user privileges: You must have 'API Export' privileges and 'Data Access Groups' privileges "
            "in the project.",
        ),
        (
            TokenRights(logging=False),
            "log",
            403,
            "Insufficient user privileges: You must have 'API Export' privileges and 'Logging' privileges "
            "in the project.",
        ),
    ],
)
def test_a_missing_right_is_refused(rights: TokenRights, content: str, status: int, message: str) -> None:
    with served(rights) as running:
        answer = post(running.url, content=content, format="csv")
    assert (answer.status_code, answer.text) == (status, f"ERROR: {message}")


def test_a_form_without_export_right_vanishes_silently() -> None:
    rights = TokenRights(form_export_rights={"baseline": ExportRight.NONE, "visit": ExportRight.NONE})
    with served(rights) as running:
        answer = post(running.url, **record_request(fields=["record_id", "sex", "free"], forms=["visit", "medication"]))
    assert answer.status_code == 200
    assert answer.text.splitlines() == [
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,free,drug,medication_complete",
        "1,,,,,",
        "2,,,,,",
        "10,,,,,",
        "10,medication,1,,Aspirin,2",
    ]


def test_without_identifiers_only_flagged_fields_go() -> None:
    with served(TokenRights(export_right=ExportRight.WITHOUT_IDENTIFIERS)) as running:
        names = header(running, exportSurveyFields="true")
    assert {"birth", "drug", "redcap_survey_identifier"}.isdisjoint(names)
    assert {"record_id", "remark", "visit_date", "free", "feedback_timestamp"} <= set(names)


def test_deidentified_also_loses_free_text_notes_and_dates() -> None:
    with served(TokenRights(export_right=ExportRight.DEIDENTIFIED)) as running:
        names = header(running, exportSurveyFields="true")
    assert {
        "birth",
        "drug",
        "remark",
        "free",
        "visit_date",
        "feedback_timestamp",
        "redcap_survey_identifier",
    }.isdisjoint(names)
    assert {"record_id", "weight", "sex", "score", "double_score", "scan", "mood"} <= set(names)


def test_an_identifying_record_id_is_hashed_for_a_deidentified_reader() -> None:
    first, *others = DICTIONARY.fields
    project = replace(PROJECT, dictionary=Dictionary(fields=(first.model_copy(update={"identifier": "y"}), *others)))
    with served(TokenRights(export_right=ExportRight.DEIDENTIFIED), project) as running:
        lines = post(running.url, **record_request(fields=["record_id"], forms=["visit"])).text.splitlines()[1:]
    ids = [line.split(",")[0] for line in lines]
    assert len(set(ids)) == 3
    assert len(ids) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", found) for found in ids)


def test_a_user_in_a_group_sees_that_group_only() -> None:
    with served(TokenRights(data_access_group="site_a")) as running:
        request = record_request(fields=["record_id"], records=["1", "2", "10"], exportDataAccessGroups="true")
        assert post(running.url, **request).text == (
            "record_id,redcap_repeat_instrument,redcap_repeat_instance\n10,,\n"
        )
        log = post(running.url, content="log", format="json", logtype="record").json()
        mapping = post(running.url, content="userDagMapping", format="json").json()
    assert [line["record"] for line in log] == ["10"]
    assert mapping == [{"username": "sandbox_api", "redcap_data_access_group": "site_a"}]


def test_two_tokens_of_one_source_share_the_live_project() -> None:
    rights: Mapping[str, TokenRights] = {OTHER_TOKEN: TokenRights(username="second", data_access_group="site_b")}
    with serving({TOKEN: PROJECT, OTHER_TOKEN: PROJECT}, rights=rights) as running:
        assert running.project(TOKEN) is running.project(OTHER_TOKEN)
        running.project(TOKEN).assign_group("1", "site_b")
        lines = post(running.url, OTHER_TOKEN, **record_request(fields=["record_id"])).text.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]


@pytest.mark.parametrize("token", ["short", "G" * 32, "A" * 64])
def test_a_token_of_the_wrong_form_is_not_served(token: str) -> None:
    with pytest.raises(ConfigurationError) as caught, serving({token: PROJECT}):
        pass
    assert caught.value.code == "E_SANDBOX_PROJECT"
    assert token not in str(caught.value)

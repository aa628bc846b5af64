"""The small content types, as a client reads them."""

from __future__ import annotations

import pytest
from server_sample import OTHER_TOKEN, PROJECT, TOKEN, post

from blin_pipeline.registry.dictionary import COLUMNS
from blin_pipeline.sandbox.contents.call import ServerSettings
from blin_pipeline.sandbox.serve import RunningSandbox, serving

PROJECT_KEYS = [
    *("project_id", "project_title", "creation_time", "production_time", "in_production", "project_language"),
    *("purpose", "purpose_other", "project_notes", "custom_record_label", "secondary_unique_field"),
    *("is_longitudinal", "has_repeating_instruments_or_events", "surveys_enabled", "scheduling_enabled"),
    *("record_autonumbering_enabled", "randomization_enabled", "ddp_enabled", "project_irb_number"),
    *("project_grant_number", "project_pi_firstname", "project_pi_lastname", "project_pi_email"),
    *("display_today_now_button", "missing_data_codes", "external_modules", "bypass_branching_erase_field_prompt"),
]


def test_version_is_bare_text(sandbox: RunningSandbox) -> None:
    assert post(sandbox.url, content="version").content == b"15.5.2"


def test_project_is_one_object_with_its_keys_in_order_and_integer_flags(sandbox: RunningSandbox) -> None:
    answer = post(sandbox.url, content="project", format="json").json()
    assert list(answer) == [key for key in PROJECT_KEYS if key != "project_pi_email"]
    assert answer["project_id"] == 77
    assert answer["creation_time"] == "2026-06-01 09:00:00"
    assert answer["missing_data_codes"] == "UNK, Unknown"
    flags = {name for name, value in answer.items() if isinstance(value, int)}
    assert flags == {
        "project_id",
        "in_production",
        "purpose",
        "is_longitudinal",
        "has_repeating_instruments_or_events",
        "surveys_enabled",
        "scheduling_enabled",
        "record_autonumbering_enabled",
        "randomization_enabled",
        "ddp_enabled",
        "display_today_now_button",
        "bypass_branching_erase_field_prompt",
    }
    assert (answer["is_longitudinal"], answer["has_repeating_instruments_or_events"], answer["surveys_enabled"]) == (
        0,
        1,
        1,
    )


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        (ServerSettings.of_version("15.8.2"), PROJECT_KEYS),
        (
            ServerSettings.of_version("9.1.3"),
            [*PROJECT_KEYS[:12], *PROJECT_KEYS[13:22], "display_today_now_button", PROJECT_KEYS[12]],
        ),
    ],
)
def test_project_keys_follow_the_version(settings: ServerSettings, keys: list[str]) -> None:
    with serving({TOKEN: PROJECT}, settings=settings) as running:
        answer = post(running.url, content="project", format="json").json()
    assert list(answer) == keys
    assert len(keys) in {23, 27}


def test_project_as_csv_is_one_row(sandbox: RunningSandbox) -> None:
    header, row, rest = post(sandbox.url, OTHER_TOKEN, content="project", format="csv").text.split("\n")
    assert header == ",".join(key for key in PROJECT_KEYS if key != "project_pi_email")
    assert row.startswith('77,"Synthetic sample","2026-06-01 09:00:00",,0,English,2,')
    assert rest == ""


def test_metadata_has_18_text_keys_and_no_status_fields(sandbox: RunningSandbox) -> None:
    answer = post(sandbox.url, content="metadata", format="json").json()
    assert [list(row) for row in answer] == [list(COLUMNS)] * 14
    assert {type(value) for row in answer for value in row.values()} == {str}
    assert answer[0]["field_name"] == "record_id"
    assert answer[4] == {**dict.fromkeys(COLUMNS, ""), "field_name": "hint", "form_name": "baseline"} | {
        "field_type": "descriptive",
        "field_label": "Hint",
    }


@pytest.mark.parametrize(
    ("parameter", "name"), [("fields", "nope"), ("fields", "baseline_complete"), ("forms", "nope")]
)
def test_a_dictionary_of_what_is_not_there_is_refused(sandbox: RunningSandbox, parameter: str, name: str) -> None:
    answer = post(sandbox.url, content="metadata", format="json", **{f"{parameter}[0]": name})
    assert answer.status_code == 400
    assert answer.json() == {"error": f"The following values in the parameter \"{parameter}\" are not valid: '{name}'"}


def test_a_forms_filter_does_not_add_the_record_id(sandbox: RunningSandbox) -> None:
    answer = post(sandbox.url, content="metadata", format="json", **{"forms[0]": "visit"}).json()
    assert [row["field_name"] for row in answer] == ["visit_date", "score", "double_score"]


def test_instruments_in_project_order_with_a_label_made_where_none_is_given(sandbox: RunningSandbox) -> None:
    assert post(sandbox.url, content="instrument", format="csv").content == (
        b"instrument_name,instrument_label\nbaseline,Baseline\nvisit,Visit/control\nfeedback,Feedback\n"
        b"medication,Medication\n"
    )
    assert b'"Visit\\/control"' in post(sandbox.url, content="instrument", format="json").content


def test_an_xml_table(sandbox: RunningSandbox) -> None:
    body = post(sandbox.url, OTHER_TOKEN, content="metadata", **{"fields[0]": "sex"}).text
    assert body.startswith('<?xml version="1.0" encoding="UTF-8" ?>\n<items>\n<item><field_name>sex</field_name>')
    assert body.endswith("</item>\n</items>\n")


def test_repeating_set_up_of_a_classic_project_has_no_event_column(sandbox: RunningSandbox) -> None:
    assert post(sandbox.url, content="repeatingFormsEvents", format="json").json() == [
        {"form_name": "visit", "custom_form_label": ""},
        {"form_name": "medication", "custom_form_label": ""},
    ]


def test_data_access_groups(sandbox: RunningSandbox) -> None:
    assert post(sandbox.url, content="dag", format="json").json() == [
        {"data_access_group_name": "Site A", "unique_group_name": "site_a", "data_access_group_id": 331},
        {"data_access_group_name": "Site B", "unique_group_name": "site_b", "data_access_group_id": 332},
    ]
    assert post(sandbox.url, OTHER_TOKEN, content="dag", format="json").json() == []


def test_field_names_hold_calc_and_status_but_neither_file_nor_descriptive(sandbox: RunningSandbox) -> None:
    assert post(sandbox.url, content="exportFieldNames", format="csv").text.splitlines() == [
        "original_field_name,choice_value,export_field_name",
        "record_id,,record_id",
        "birth,,birth",
        "weight,,weight",
        "sex,,sex",
        "race,1,race___1",
        "race,-98,race____98",
        "race,UNK,race___unk",
        "remark,,remark",
        "baseline_complete,,baseline_complete",
        "visit_date,,visit_date",
        "score,,score",
        "double_score,,double_score",
        "visit_complete,,visit_complete",
        "mood,,mood",
        "free,,free",
        "feedback_complete,,feedback_complete",
        "drug,,drug",
        "medication_complete,,medication_complete",
    ]


def test_field_names_of_one_field(sandbox: RunningSandbox) -> None:
    answer = post(sandbox.url, content="exportFieldNames", format="json", field="race").json()
    assert [row["export_field_name"] for row in answer] == ["race___1", "race____98", "race___unk"]


def test_the_user_behind_the_token(sandbox: RunningSandbox) -> None:
    (user,) = post(sandbox.url, content="user", format="json").json()
    assert (user["username"], user["api_export"], user["api_import"]) == ("sandbox_api", 1, 0)
    assert user["forms_export"] == {"baseline": 1, "visit": 1, "feedback": 1, "medication": 1}
    body = post(sandbox.url, content="user", format="csv").text
    assert '"baseline:1,visit:1,feedback:1,medication:1"' in body

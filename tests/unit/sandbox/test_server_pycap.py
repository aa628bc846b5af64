"""PyCap, unchanged, against the server."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Literal

import pytest
import semantic_version
from redcap.project import Project
from redcap.request import RedcapError
from server_sample import OTHER_TOKEN, PROJECT, TOKEN

from blin_pipeline.sandbox.serve import RunningSandbox


@pytest.fixture(scope="module")
def project(sandbox: RunningSandbox) -> Project:
    return Project(sandbox.url, TOKEN, timeout=20)


def test_set_up(project: Project) -> None:
    assert project.export_version() == semantic_version.Version("15.5.2")
    assert project.def_field == "record_id"
    assert project.is_longitudinal is False
    assert project.export_project_info()["project_title"] == "Synthetic sample"
    assert [row["instrument_name"] for row in project.export_instruments()] == PROJECT.dictionary.forms
    assert [row["form_name"] for row in project.export_repeating_instruments_events()] == ["visit", "medication"]
    assert [row["unique_group_name"] for row in project.export_dags()] == ["site_a", "site_b"]
    assert project.export_users()[0]["username"] == "sandbox_api"
    assert project.export_user_dag_assignment() == [{"username": "sandbox_api", "redcap_data_access_group": ""}]


def test_metadata_and_field_names(project: Project) -> None:
    assert [row["field_name"] for row in project.export_metadata()] == [f.field_name for f in PROJECT.dictionary.fields]
    assert project.export_metadata(format_type="csv").startswith("field_name,form_name,section_header,")
    assert list(project.export_metadata(format_type="df", fields=["sex"]).index) == ["sex"]
    assert project.export_field_names(field="race")[1]["export_field_name"] == "race____98"


def test_records_in_json_and_csv_hold_the_same_cells(project: Project) -> None:
    rows = project.export_records(export_data_access_groups=True, export_blank_for_gray_form_status=True)
    text = project.export_records(
        format_type="csv", export_data_access_groups=True, export_blank_for_gray_form_status=True
    )
    assert [{k: str(v) for k, v in row.items()} for row in rows] == list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 6
    assert next(row for row in rows if row["record_id"] == "10")["remark"] == 'line 1\r\nline "2", é'


def test_one_form_brings_the_keys_along(project: Project) -> None:
    rows = project.export_records(forms=["medication"], records=["10"])
    assert list(rows[0]) == [
        "record_id",
        "redcap_repeat_instrument",
        "redcap_repeat_instance",
        "drug",
        "medication_complete",
    ]


def test_eav_labels_filter_and_xml(project: Project) -> None:
    eav = project.export_records(record_type="eav", records=["2"])
    assert {row["field_name"]: row["value"] for row in eav} == {"record_id": "2", "mood": "1", "feedback_complete": "2"}
    assert (
        project.export_records(raw_or_label="label", filter_logic="[mood] = '1'", fields=["mood"])[0]["mood"] == "Yes"
    )
    assert project.export_records(format_type="xml", records=["404"]).endswith("<records>\n</records>\n")


def test_a_frame_of_records(sandbox: RunningSandbox) -> None:
    frame = Project(sandbox.url, OTHER_TOKEN).export_records(format_type="df")
    assert frame.loc[10, "weight"] == 70.5


def test_the_log(project: Project) -> None:
    rows = project.export_logging(log_type="record_add", end_time=datetime(2026, 6, 2))
    assert [row["record"] for row in rows] == ["10", "2", "1"]


@pytest.mark.parametrize("wanted", ["json", "csv", "xml"])
def test_a_refusal_is_an_exception(sandbox: RunningSandbox, wanted: Literal["json", "csv", "xml"]) -> None:
    stranger = Project(sandbox.url, "F" * 32)
    with pytest.raises(RedcapError, match="You do not have permissions to use the API"):
        stranger.export_instruments(format_type=wanted)


def test_classic_projects_have_no_arms(project: Project) -> None:
    with pytest.raises(RedcapError, match="You cannot export arms for classic projects"):
        project.export_arms()

"""PyCap's workflows beyond its documentation: every format, the answers that its own tests expect of a real server.

The long workflow runs on a recorded public project of two arms where it is present.
"""

from __future__ import annotations

import csv
import inspect
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from longitudinal_sample import EVERYTHING, LONGITUDINAL, MONTH, START
from recorded_projects import needs_recordings, recorded_file
from redcap.project import Project
from redcap.request import RedcapError
from server_sample import PROJECT, TOKEN

from blin_pipeline.sandbox.odm.reading import read_project_xml
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.serve import serving

pytestmark = pytest.mark.slow

Export = Callable[..., Any]


@pytest.fixture
def project() -> Iterator[Project]:
    source = replace(LONGITUDINAL, reports=(Report(9, "Scores", ("record_id", "score")),))
    with serving({TOKEN: source}, rights={TOKEN: EVERYTHING}) as running:
        yield Project(running.url, TOKEN, timeout=20)


TABLES: dict[str, dict[str, str]] = {
    "export_arms": {},
    "export_dags": {},
    "export_events": {},
    "export_field_names": {},
    "export_file_repository": {},
    "export_instrument_event_mappings": {},
    "export_instruments": {},
    "export_logging": {},
    "export_metadata": {},
    "export_project_info": {},
    "export_records": {},
    "export_repeating_instruments_events": {},
    "export_report": {"report_id": "9"},
    "export_survey_participant_list": {"instrument": "feedback", "event": START},
    "export_user_dag_assignment": {},
    "export_user_role_assignment": {},
    "export_user_roles": {},
    "export_users": {},
}


def test_every_export_with_a_format_is_listed() -> None:
    exports = {name: value for name, value in vars_of(Project).items() if name.startswith("export_")}
    assert {name for name, value in exports.items() if "format_type" in inspect.signature(value).parameters} == set(
        TABLES
    )


def vars_of(kind: type) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in dir(kind)}


def as_text(value: object) -> str:
    """A json value as the csv cell that says the same."""
    if isinstance(value, dict):
        return ",".join(f"{name}:{code}" for name, code in value.items())
    return str(value)


@pytest.mark.parametrize(("name", "arguments"), TABLES.items())
def test_json_csv_and_xml_of_one_table_hold_the_same_cells(
    project: Project, name: str, arguments: dict[str, str]
) -> None:
    project.create_folder_in_repository("Folder")
    project.import_user_roles([{"role_label": "Reader & <writer>"}])
    export: Export = getattr(project, name)

    def answers(wanted: str) -> dict[str, str]:
        # Of the file repository PyCap reads every answer as returnFormat says, which it sets to json.
        return {"return_format_type": wanted} if name == "export_file_repository" else {}

    found = export(format_type="json", **arguments)
    rows = [found] if isinstance(found, dict) else found
    from_json = [{key: as_text(value) for key, value in row.items()} for row in rows]
    assert from_json
    from_csv = list(
        csv.DictReader(io.StringIO(export(format_type="csv", **{**arguments, **answers("csv")}), newline=""))
    )
    root = ET.fromstring(export(format_type="xml", **{**arguments, **answers("xml")}))
    from_xml = [{cell.tag: _xml_text(cell) for cell in item} for item in ([root] if root.tag == "item" else root)]
    if name == "export_logging":
        assert from_csv[-len(from_json) :] == from_json == from_xml[-len(from_json) :]
    elif name == "export_file_repository":
        assert from_csv == from_xml
        assert [{key: row[key] for key in ("folder_id", "name")} for row in from_csv] == from_json
    else:
        assert from_csv == from_json == from_xml


def _xml_text(cell: ET.Element) -> str:
    if len(cell):
        return ",".join(f"{inner.tag}:{inner.text}" for inner in cell)
    return cell.text or ""


def test_frames(project: Project) -> None:
    assert project.export_users(format_type="df", df_kwargs={"index_col": "email"}).index.name == "email"
    assert list(project.export_field_names(format_type="df").columns) == ["choice_value", "export_field_name"]
    assert project.export_records(format_type="df").index.names == ["record_id", "redcap_event_name"]
    assert "email" in project.export_survey_participant_list("feedback", "df", START).columns
    assert len(project.export_dags(format_type="df")) == 2


def test_a_frame_goes_back_where_it_came_from(project: Project) -> None:
    for wanted in ("json", "csv", "xml", "df"):
        rows = project.export_repeating_instruments_events(format_type=wanted)
        if isinstance(rows, pd.DataFrame):
            rows = rows.fillna("")
        assert project.import_repeating_instruments_events(rows, import_format=wanted) == 2
    mapping = project.export_instrument_event_mappings(format_type="df")
    assert project.import_instrument_event_mappings(mapping.set_index("arm_num"), import_format="df") == 6
    assert project.import_metadata(project.export_metadata(format_type="csv"), import_format="csv") == 14
    assert project.import_metadata(project.export_metadata(format_type="xml"), import_format="xml") == 14
    shorter = project.export_metadata()[:13]
    assert project.import_metadata(shorter) == 13


def test_numbers_come_as_text_in_csv_and_xml(project: Project) -> None:
    dag = [{"data_access_group_name": "New DAG", "unique_group_name": ""}]
    assert project.import_dags(dag, return_format_type="csv") == "1"
    assert project.delete_dags(["new_dag"], return_format_type="xml") == "1"
    assert project.import_users([{"username": "x"}], return_format_type="csv") == "1"
    assert project.delete_users(["x"]) == 1
    assert project.switch_dag("site_a") == "1"


def test_records_by_form_and_by_field_bring_the_id_and_their_own_status_only(project: Project) -> None:
    frame = project.export_records(forms=["visit", "medication"], format_type="df")
    assert [name for name in frame.columns if name.endswith("_complete")] == ["visit_complete", "medication_complete"]
    assert "record_id" in frame.index.names
    frame = project.export_records(forms=["visit"], fields=["drug"], format_type="df")
    assert [name for name in frame.columns if name.endswith("_complete")] == ["visit_complete"]
    assert "drug" in frame.columns


def test_a_file_of_an_instance(project: Project) -> None:
    metadata = project.export_metadata()
    upload = {**metadata[6], "field_name": "image", "form_name": "visit"}
    assert project.import_metadata([*metadata[:11], upload, *metadata[11:]]) == 15
    project = Project(project.url, project.token)
    arguments: dict[str, Any] = {"record": "1", "field": "image", "event": MONTH}
    assert project.import_file(file_name="two.txt", file_object=io.BytesIO(b"two"), repeat_instance=2, **arguments) == [
        {}
    ]
    assert project.export_file(repeat_instance=2, **arguments)[0] == b"two"
    with pytest.raises(RedcapError, match="There is no file to download"):
        project.export_file(**arguments)
    with pytest.raises(ValueError, match="not a field or not a 'file' field"):
        project.export_file("1", "score", MONTH)


def test_a_report_in_every_shape(project: Project) -> None:
    rows = project.export_report("9")
    assert {row["record_id"] for row in rows} == {"1", "2"}
    assert project.export_report("9", format_type="csv", csv_delimiter="tab").count("\t") >= len(rows)
    with pytest.raises(RedcapError, match="does not belong to this project"):
        project.export_report("10")


@needs_recordings
def test_the_arms_and_events_of_a_real_project_are_rebuilt() -> None:
    source = read_project_xml(recorded_file("longitudinal", "project.xml"))
    real = list(csv.DictReader(io.StringIO(recorded_file("longitudinal", "event.csv").decode())))
    with serving({TOKEN: source}, rights={TOKEN: EVERYTHING}) as running:
        project = Project(running.url, TOKEN, timeout=20)
        assert project.is_longitudinal
        assert [arm["name"] for arm in project.export_arms()] == ["Drug A", "Drug B"]
        events, mappings = project.export_events(), project.export_instrument_event_mappings()
        assert [event["unique_event_name"] for event in events] == [row["unique_event_name"] for row in real]
        assert len(project.export_instruments()) == 9
        assert project.import_arms([{"arm_num": 3, "name": "Drug C"}]) == 1
        assert len(project.export_arms()) == 2
        assert project.import_events([{"event_name": "new_event", "arm_num": "3"}]) == 1
        assert [arm["arm_num"] for arm in project.export_arms()] == [1, 2, 3]
        assert project.import_arms([{"arm_num": 1, "name": "Drug Alpha"}]) == 1
        assert project.delete_arms(["3"]) == 1
        assert [arm["name"] for arm in project.export_arms()] == ["Drug Alpha", "Drug B"]
        both = [{"arm_num": 1, "name": "Drug A"}, {"arm_num": 2, "name": "Drug B"}]
        assert project.import_arms(both, override=1) == 2
        assert project.import_events(events) == len(real)
        assert project.import_instrument_event_mappings(mappings) == len(mappings) > 16
        assert project.import_events([{"event_name": "XYZ", "arm_num": "2"}]) == 1
        assert project.delete_events(["xyz_arm_2"]) == 1
        rebuilt = project.export_events()
        assert [event["unique_event_name"] for event in rebuilt] == [event["unique_event_name"] for event in events]
        assert project.export_instrument_event_mappings() == mappings
        content, _ = project.export_pdf()
        assert content.startswith(b"%PDF-")
        one = [{"arm_num": "1", "unique_event_name": events[0]["unique_event_name"], "form": "demographics"}]
        assert project.import_instrument_event_mappings(one) == 1
        assert len(project.export_instrument_event_mappings()) == 1


def test_a_classic_project_refuses_arms_events_and_mappings() -> None:
    with serving({TOKEN: PROJECT}, rights={TOKEN: EVERYTHING}) as running:
        project = Project(running.url, TOKEN)
        assert not project.is_longitudinal
        for export in (project.export_arms, project.export_events, project.export_instrument_event_mappings):
            with pytest.raises(RedcapError, match="classic projects"):
                export()
        with pytest.raises(ValueError, match="unsupported"):
            project.export_repeating_instruments_events(format_type="unsupported")  # type: ignore[arg-type]

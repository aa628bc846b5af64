"""A project read back from its own export files is the same project to whoever exports it again."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from longitudinal_sample import EVERYTHING, LONGITUDINAL
from server_sample import DICTIONARY, PROJECT, TOKEN, post, record_request

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import COLUMNS
from blin_pipeline.sandbox.load import project_from_export
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.serve import serving

WHOLE = record_request(exportDataAccessGroups="true", exportSurveyFields="true", exportBlankForGrayFormStatus="true")


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "dictionary.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({name: getattr(field, name) for name in COLUMNS} for field in DICTIONARY.fields)
    return path


def exported(source: SourceProject, content: str = "record") -> bytes:
    with serving({TOKEN: source}, rights={TOKEN: EVERYTHING}) as running:
        return post(running.url, **{**WHOLE, "content": content}).content


@pytest.mark.parametrize("source", [PROJECT, LONGITUDINAL], ids=["classic", "longitudinal"])
def test_an_export_read_back_is_exported_the_same(source: SourceProject, dictionary: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_bytes(exported(source))
    again = project_from_export(dictionary, data, missing_data_codes=source.missing_data_codes)
    assert exported(again) == data.read_bytes()
    repeats = [line.split(b",")[:2] for line in exported(source, "repeatingFormsEvents").splitlines()[1:]]
    assert [line.split(b",")[:2] for line in exported(again, "repeatingFormsEvents").splitlines()[1:]] == repeats


def test_events_and_arms_are_those_of_the_rows(dictionary: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    lines = ["1,start_arm_1,1", "1,end_arm_1,", "2,start_arm_1,1", "2,middle_arm_1,", "2,end_arm_1,", "3,start_arm_2,2"]
    data.write_text("\n".join(["record_id,redcap_event_name,sex", *lines, ""]), encoding="utf-8")
    source = project_from_export(dictionary, data)
    assert [(event.unique_name, event.name, event.arm) for event in source.events] == [
        ("start_arm_1", "Start", 1),
        ("middle_arm_1", "Middle", 1),
        ("end_arm_1", "End", 1),
        ("start_arm_2", "Start", 2),
    ]
    assert source.event_forms == (("start_arm_1", "baseline"), ("start_arm_2", "baseline"))
    assert [arm.number for arm in source.arms] == [1, 2]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("record_id,height\n1,1\n", "columns that dictionary.csv does not define: height"),
        ("sex\n1\n", "no column record_id, the record id"),
        ("record_id,redcap_event_name,sex\n1,Start,1\n", "an event that is no unique event name"),
        (
            "record_id,redcap_repeat_instrument,redcap_repeat_instance,sex\n1,nix,1,1\n",
            "a repeat instrument that the dictionary does not define",
        ),
        (
            "record_id,redcap_repeat_instrument,redcap_repeat_instance,sex\n1,visit,x,1\n",
            "a repeat instance that is no positive number",
        ),
        (
            "record_id,redcap_repeat_instrument,redcap_repeat_instance,sex\n1,visit,,1\n",
            "a repeat instance that is no positive number",
        ),
        (
            "record_id,redcap_repeat_instrument,redcap_repeat_instance,sex\n1,,2,1\n",
            "a repeat instance without an instrument, in a classic project",
        ),
    ],
)
def test_a_file_of_another_shape_is_refused(dictionary: Path, tmp_path: Path, text: str, what: str) -> None:
    data = tmp_path / "data.csv"
    data.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=what) as caught:
        project_from_export(dictionary, data)
    assert caught.value.code == "E_SANDBOX_EXPORT"

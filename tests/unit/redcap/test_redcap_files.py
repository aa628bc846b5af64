"""Export files of a person: the same project as from the API, and a clear word where the file is not what it must be."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
import requests
from redcap_sample import DICTIONARY, TOKEN, client

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.write import land
from blin_pipeline.redcap.export import export_project
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.fates import Fate
from blin_pipeline.redcap.files import export_from_files
from blin_pipeline.redcap.rows import read_form
from blin_pipeline.registry.dictionary import COLUMNS, Dictionary
from blin_pipeline.sandbox.serve import RunningSandbox

HEADER = "record_id,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,code,drug,course_complete"


def _write_dictionary(path: Path, dictionary: Dictionary = DICTIONARY) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS.values())
        writer.writerows([getattr(field, name) for name in COLUMNS] for field in dictionary.fields)
    return path


def _landed(export: ProjectExport) -> dict[str, Counter[tuple[str, ...]]]:
    return {
        file.form: Counter(
            (*row.key, row.group, *row.cells) for row in read_form(file, export.setup) if row.fate is Fate.LANDED
        )
        for file in export.forms
    }


def _export(tmp_path: Path, data: str | bytes, *, name: str = "data.csv", allow_empty: bool = False) -> ProjectExport:
    source = tmp_path / name
    source.write_bytes(data if isinstance(data, bytes) else data.encode())
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    dictionary = _write_dictionary(tmp_path / "dictionary.csv")
    return export_from_files(source, dictionary, workspace, allow_empty=allow_empty)


def _flat_export(url: str, gray_blank: str) -> bytes:
    parameters = {
        "token": TOKEN,
        "content": "record",
        "format": "csv",
        "type": "flat",
        "exportDataAccessGroups": "true",
        "exportBlankForGrayFormStatus": gray_blank,
    }
    return requests.post(url, data=parameters, timeout=30).content


@pytest.mark.parametrize("gray_blank", ["true", "false"])
def test_file_and_api_give_the_same_rows(gray_blank: str, sandbox: RunningSandbox, tmp_path: Path) -> None:
    """Also where the file says 0 for forms that nobody opened, as a download does by default."""
    api = tmp_path / "api"
    api.mkdir()
    from_api = export_project(client(sandbox.url), api)
    from_files = _export(tmp_path, _flat_export(sandbox.url, gray_blank))

    assert _landed(from_files) == _landed(from_api)
    assert from_files.census.groups == from_api.census.groups
    assert [entry.form_name for entry in from_files.setup.repeating] == ["course"]


def test_forms_and_columns_that_the_file_lacks_stay_absent(tmp_path: Path) -> None:
    export = _export(tmp_path, f"{HEADER}\n1,,,site_1,007,,\n1,course,1,site_1,,NA,2\n")
    assert {file.form: file.columns for file in export.forms} == {
        "baseline": ("code",),
        "course": ("drug", "course_complete"),
    }
    assert _landed(export)["baseline"] == Counter({("1", "", "", "", "site_1", "007"): 1})


def test_survey_columns_are_landed_with_their_form(tmp_path: Path) -> None:
    export = _export(
        tmp_path,
        "record_id,redcap_survey_identifier,code,diary_timestamp,feeling,diary_complete\n"
        "1,person,007,[not completed],fine,1\n",
    )
    assert {file.form: file.columns for file in export.forms} == {
        "baseline": ("code",),
        "diary": ("redcap_survey_identifier", "diary_timestamp", "feeling", "diary_complete"),
    }


def test_checkbox_column_of_a_missing_data_code(tmp_path: Path) -> None:
    export = _export(tmp_path, "record_id,race___1,race____98,race___unk,baseline_complete\n1,0,0,1,0\n2,0,0,0,0\n")
    assert _landed(export)["baseline"] == Counter({("1", "", "", "", "", "0", "0", "1", "0"): 1})


@pytest.mark.parametrize(("other", "landed"), [("", 1), ("0", 0)])
def test_status_zero_counts_where_the_file_leaves_unopened_forms_blank(other: str, landed: int, tmp_path: Path) -> None:
    export = _export(tmp_path, f"record_id,feeling,diary_complete\n1,,0\n2,,{other}\n")
    assert sum(_landed(export)["diary"].values()) == landed


def test_an_instance_is_proof_enough_that_its_form_was_saved(tmp_path: Path) -> None:
    """Saved as incomplete and blank: the row would not be there otherwise. A form of the base row may never have been seen."""
    export = _export(tmp_path, f"{HEADER},baseline_complete\n1,,,site_1,007,,,0\n1,course,4,site_1,,,0,\n2,,,,,,,0\n")
    assert _landed(export) == {
        "baseline": Counter({("1", "", "", "", "site_1", "007", "0"): 1}),
        "course": Counter({("1", "", "course", "4", "site_1", "", "0"): 1}),
    }


def test_time_in_the_name_of_the_file(tmp_path: Path) -> None:
    export = _export(tmp_path, "record_id,code\n1,x\n", name="Registry_DATA_2026-06-30_1745.csv")
    assert export.exported_at == "2026-06-30T17:45"


@pytest.mark.parametrize("blank", ["\n", "\r\n", "record_id,code\n"])
def test_empty_file_needs_a_word(blank: str, tmp_path: Path) -> None:
    (tmp_path / "asked").mkdir()
    with pytest.raises(BlinError) as caught:
        _export(tmp_path / "asked", blank)
    assert caught.value.code == "E_EMPTY_PROJECT"
    assert _export(tmp_path, blank, allow_empty=True).census.groups == {}


@pytest.mark.parametrize(
    ("data", "code", "names"),
    [
        ("record_id,code,surprise\n1,x,y\n", "E_SCHEMA", "'surprise'"),
        ("record_id,code,Jane Doe\n1,x,y\n", "E_SCHEMA", "column number 3"),
        ("record_id,code,race___7\n1,x,1\n", "E_SCHEMA", "'race___7'"),
        ("record_id,hint\n1,x\n", "E_SCHEMA", "'hint'"),
        ("Study ID,Code\n1,x\n", "E_SCHEMA", "labels"),
        ("record_id;code\n1;x\n", "E_SCHEMA", "commas"),
        ("record_id,code\n1\n", "E_SCHEMA", "line 2"),
        ('record_id,code\n1,"x\n', "E_SCHEMA", "quote"),
        ("record_id,code\n,x\n", "E_SCHEMA", "record id"),
        ("record_id,code\n1,x\n1,y\n", "E_DUPLICATE_KEY", ""),
        ("record_id,redcap_repeat_instrument,redcap_repeat_instance,code\n1,Course,1,x\n", "E_SCHEMA", "label"),
        ("record_id,redcap_repeat_instrument,redcap_repeat_instance,drug\n1,course,one,x\n", "E_SCHEMA", "number"),
        ("record_id,redcap_repeat_instrument,redcap_repeat_instance,drug\n1,course,,x\n", "E_SCHEMA", "instance"),
        (b"record_id,code\n1,Ren\xe9e\n", "E_ENCODING", ""),
        (b"PK\x03\x04\x14\x00binary", "E_ENCODING", ""),
        (b"", "E_EMPTY", ""),
    ],
)
def test_file_that_is_not_what_it_must_be(data: str | bytes, code: str, names: str, tmp_path: Path) -> None:
    with pytest.raises(BlinError) as caught:
        _export(tmp_path, data)
    assert caught.value.code == code
    assert names in caught.value.what
    assert "Ren" not in str(caught.value)
    assert caught.value.what.startswith("The file of records ")
    assert "Export again" in caught.value.fix


def test_file_that_is_no_dictionary(workspace: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("record_id\n1\n")
    with pytest.raises(BlinError) as caught:
        export_from_files(data, data, workspace)
    assert caught.value.code == "E_METADATA"


def test_missing_file_is_named(tmp_path: Path) -> None:
    dictionary = _write_dictionary(tmp_path / "dictionary.csv")
    with pytest.raises(BlinError) as caught:
        export_from_files(tmp_path / "nowhere.csv", dictionary, tmp_path)
    assert caught.value.code == "E_FILE_MISSING"
    assert "nowhere.csv" in caught.value.what


def test_file_of_record_ids_alone_is_landed(tmp_path: Path) -> None:
    pull = land(_export(tmp_path, "record_id\n1\n2\n"), tmp_path / "pulls")
    assert (pull.manifest.n_records, pull.manifest.forms) == (2, {})

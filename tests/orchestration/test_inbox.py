"""The folder of exports: only new content, only complete files, never one that is still being written."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from blin_pipeline.errors import BlinError
from blin_pipeline.orchestration.automation import exported_files
from blin_pipeline.orchestration.inbox import find_export, refuse_changed, state_of, watch
from blin_pipeline.settings import load_settings


def _drop(folder: Path, name: str, content: str, second: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content, encoding="utf-8")
    os.utime(path, ns=(second * 10**9, second * 10**9))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), ()),
        (("Reg_DATA_2026-06-30_1745.csv",), ()),
        (("Reg_DataDictionary_2026-06-30.csv",), ()),
        (("notes.txt", "Reg_DATA.csv.part", ".Reg_DATA.csv", "Reg_DataDictionary.csv"), ()),
        (
            ("Reg_DATA_1.csv", "Reg_DataDictionary_1.csv", "Reg_DataDictionary_2.csv", "Reg_DATA_2.csv"),
            ("Reg_DATA_2.csv", "Reg_DataDictionary_2.csv"),
        ),
        (("Reg_DATA.csv", "Reg_DataDictionary.csv", "Reg.REDCap.xml"), ("Reg.REDCap.xml",)),
        (("Reg.REDCap.xml", "Reg_DataDictionary.csv", "Reg_DATA.csv"), ("Reg_DATA.csv", "Reg_DataDictionary.csv")),
    ],
)
def test_the_newest_whole_export(names: tuple[str, ...], found: tuple[str, ...], folder: Path) -> None:
    for second, name in enumerate(names, 1):
        _drop(folder, name, name, second)
    assert tuple(path.name for path in find_export(folder)) == found


def test_content_decides_and_two_equal_looks_are_needed(folder: Path) -> None:
    cursor = watch(folder, None).cursor
    _drop(folder, "Reg.xml", "one", 1)
    first = watch(folder, cursor)
    assert (first.content_sha256, first.why_not) == ("", "an export is new or still being written")
    _drop(folder, "Reg.xml", "one and more", 2)
    still = watch(folder, first.cursor)
    assert still.content_sha256 == ""
    done = watch(folder, still.cursor)
    assert len(done.content_sha256) == 64
    assert watch(folder, done.cursor).why_not == "the export is the one that was refreshed last"
    _drop(folder, "Reg_again.xml", "one and more", 3)
    same = watch(folder, watch(folder, done.cursor).cursor)
    assert same.content_sha256 == "", "another name for the same content"
    _drop(folder, "Reg_again.xml", "two", 4)
    again = watch(folder, watch(folder, same.cursor).cursor)
    assert again.content_sha256 not in {"", done.content_sha256}


def test_a_file_that_changes_under_the_reader_is_refused(folder: Path) -> None:
    files = (_drop(folder, "Reg.xml", "one", 1),)
    before = state_of(files)
    refuse_changed(files, before)
    _drop(folder, "Reg.xml", "other", 2)
    with pytest.raises(BlinError) as caught:
        refuse_changed(files, before)
    assert caught.value.code == "E_FILE_CHANGING"


def test_the_sensor_asks_for_one_run_per_content(tmp_path: Path, folder: Path) -> None:
    settings = load_settings(tmp_path, source={"kind": "inbox"}, inbox="inbox")
    sensor = exported_files(settings)
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    _drop(folder, "Reg.xml", "one", 1)
    keys: list[str | None] = []
    cursor = None
    for _ in range(4):
        result = sensor(dg.build_sensor_context(cursor=cursor))
        assert isinstance(result, dg.SensorResult)
        keys += [request.run_key for request in result.run_requests or []]
        cursor = result.cursor
    assert len(keys) == 1


def test_the_sensor_does_nothing_for_another_source(tmp_path: Path) -> None:
    result = exported_files(load_settings(tmp_path))(dg.build_sensor_context())
    assert isinstance(result, dg.SkipReason)


def test_an_empty_inbox_is_said(tmp_path: Path) -> None:
    from blin_pipeline.orchestration.inputs import export_source

    with pytest.raises(BlinError) as caught:
        export_source(load_settings(tmp_path, source={"kind": "inbox"}), tmp_path, None)
    assert caught.value.code == "E_INBOX_EMPTY"

"""Bytes of a failed pull stay for a person, with the reason; a work folder never stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blin_pipeline.errors import SourceError, StorageError
from blin_pipeline.landing.inspection import REASON_FILE, keep_for_inspection, workspace

ERROR = SourceError("E_TRUNCATED", "The request broke off.", fix="Try again.")


def test_work_folder_is_private_and_goes(tmp_path: Path) -> None:
    def fail_inside() -> None:
        with workspace(tmp_path / "restricted") as folder:
            (folder / "x.csv").write_text("x")
            assert folder.stat().st_mode & 0o777 == 0o700
            raise ERROR

    with pytest.raises(SourceError):
        fail_inside()
    assert list((tmp_path / "restricted").iterdir()) == []


def test_bytes_are_kept_with_their_reason(tmp_path: Path) -> None:
    with workspace(tmp_path) as folder:
        (folder / "record_x.csv").write_bytes(b"half a ro")
        kept = keep_for_inspection(folder, tmp_path / "quarantine", "run 1/../x", ERROR)
    assert kept == tmp_path / "quarantine" / "run_1_.._x"
    assert (kept / "record_x.csv").read_bytes() == b"half a ro"
    assert json.loads((kept / REASON_FILE).read_text())["code"] == "E_TRUNCATED"
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o400}
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_same_label_twice_keeps_both(tmp_path: Path) -> None:
    kept = []
    for _ in range(2):
        with workspace(tmp_path) as folder:
            kept.append(keep_for_inspection(folder, tmp_path / "quarantine", "run", ERROR))
    assert [path.name for path in kept if path] == ["run", "run-2"]


@pytest.mark.parametrize("label", ["..", "/", "", "../../etc"])
def test_label_cannot_leave_the_folder(label: str, tmp_path: Path) -> None:
    with workspace(tmp_path) as folder:
        kept = keep_for_inspection(folder, tmp_path / "quarantine", label, ERROR)
    assert kept is not None
    assert kept.resolve().parent == (tmp_path / "quarantine").resolve()
    assert not kept.name.startswith((".", "-")), "a name that is seen and no option of a command"


def test_full_disk_keeps_nothing(tmp_path: Path) -> None:
    with workspace(tmp_path) as folder:
        full = StorageError("E_DISK", "No space.", fix="Free some.")
        assert keep_for_inspection(folder, tmp_path / "quarantine", "run", full) is None
        assert not folder.exists()
    assert not (tmp_path / "quarantine").exists()

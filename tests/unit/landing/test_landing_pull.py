"""A pull on disk: named by its content, written whole or not at all, and untouched ever after."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
import textwrap
from datetime import datetime
from pathlib import Path

import pytest
from filelock import FileLock
from landing_sample import HEADER, ROWS, csv_text, dictionary_text, landed, landed_cells

from blin_pipeline.errors import DataError, LockedError
from blin_pipeline.landing.ledger import readings
from blin_pipeline.landing.parquet import read_rows
from blin_pipeline.landing.pull import Pull, open_pull

pytestmark = pytest.mark.slow


def _snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "pulls.jsonl"
    }


def test_rows_are_landed_as_text_in_the_order_people_count(pull: Pull) -> None:
    assert list(read_rows(pull.form_path("course"))) == [
        ("9", "", "site_1", "course", "1", "asparaginase", "2", "2"),
        ("10", "", "site_1", "course", "2", "vincristine", "1.70", "2"),
        ("10", "", "site_1", "course", "10", "NA", "", "1"),
    ]
    assert list(read_rows(pull.form_path("baseline"))) == [
        ("9", "", "site_1", "", "", " ", "Zoë ≥ 5", "0", "0", "0"),
        ("10", "", "site_1", "", "", "007", 'two\r\nlines, "quoted", NA', "1", "0", "2"),
    ]
    assert list(read_rows(pull.setup_path("records"))) == [("9", "site_1"), ("10", "site_1"), ("11", "site_2")]


def test_record_without_an_opened_form_is_counted(pull: Pull) -> None:
    baseline = pull.manifest.forms["baseline"]
    assert (baseline.landed.rows, baseline.unopened.rows, baseline.unopened.cells) == (2, 1, 3)
    statuses = [row for row in read_rows(pull.setup_path("census")) if row[0] == "11"]
    assert statuses == [("11", "", "site_2", "", "", "baseline", "")]


def test_reopened_pull_is_the_same(pull: Pull) -> None:
    again = open_pull(pull.path)
    assert again.manifest == pull.manifest
    assert again.forms == ("baseline", "course")
    assert again.payload("data") == csv_text([HEADER, *ROWS]).encode()
    again.verify()


def test_order_of_rows_and_hour_of_the_day_change_nothing(pull: Pull, pulls_dir: Path) -> None:
    before = _snapshot(pull.path)
    shuffled = list(ROWS)
    random.Random(7).shuffle(shuffled)
    later = landed(pulls_dir, shuffled, pulled_at=datetime(2027, 1, 1))

    assert later.path == pull.path
    assert _snapshot(pull.path) == before
    assert [(line.pull_id, line.pulled_at_utc) for line in readings(pulls_dir)] == [
        (pull.pull_id, datetime(2026, 7, 1, 6, 0)),
        (pull.pull_id, datetime(2027, 1, 1)),
    ]


@pytest.mark.parametrize("row", range(len(ROWS)))
@pytest.mark.parametrize("column", range(len(HEADER)))
def test_any_other_cell_is_another_pull(row: int, column: int, pull: Pull, pulls_dir: Path) -> None:
    """Also a cell that was blank, a key, the group; only zeros of a form that nobody opened say nothing."""
    changed = [list(cells) for cells in ROWS]
    name, old = HEADER[column], changed[row][column]
    changed[row][column] = {"redcap_repeat_instance": "77", "redcap_repeat_instrument": "course"}.get(name, f"{old}x")
    if name == "redcap_repeat_instrument" and not changed[row][2]:
        changed[row][2] = "77"
    if name == "redcap_repeat_instrument" and old == "course":
        changed[row][1:3] = ["", ""]
        changed[row][0] += "new"
    if name == "redcap_data_access_group":
        changed = [
            [*cells[:3], f"{cells[3]}x" if cells[0] == changed[row][0] else cells[3], *cells[4:]] for cells in ROWS
        ]
    assert landed(pulls_dir, changed).pull_id != pull.pull_id


def test_a_changed_dictionary_is_another_pull(pull: Pull, pulls_dir: Path) -> None:
    from landing_sample import FIELDS

    relabelled = [(*field[:3], field[3].replace("Other", "Another")) for field in FIELDS]
    assert landed(pulls_dir, fields=relabelled).pull_id != pull.pull_id


def test_value_on_a_row_of_another_instrument_is_quarantined_with_its_key(pulls_dir: Path) -> None:
    stray = [list(cells) for cells in ROWS]
    stray[0][9] = "stray"
    pull = landed(pulls_dir, stray)
    assert list(read_rows(pull.setup_path("quarantine"))) == [("course", "10", "", "", "NOT_ON_THIS_ROW")]
    assert pull.manifest.forms["course"].misplaced.rows == 1
    assert not any(cell[-1] == "stray" for cell in landed_cells(pull))


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_may_read_a_pull_whatever_the_umask(mask: int, pulls_dir: Path) -> None:
    before = os.umask(mask)
    try:
        pull = landed(pulls_dir)
    finally:
        os.umask(before)
    modes = {
        path.relative_to(pulls_dir).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in [pulls_dir, *pulls_dir.rglob("*")]
    }
    folders = {name for name in modes if (pulls_dir / name).is_dir()}
    assert {modes[name] for name in folders} == {0o700}
    inside = {modes[name] for name in modes.keys() - folders if name.startswith(pull.pull_id)}
    assert inside == {0o400}
    assert modes["pulls.jsonl"] & 0o077 == 0


@pytest.mark.parametrize("damage", ["flip", "append", "cut", "remove"])
def test_touched_file_is_named(damage: str, pull: Pull) -> None:
    for path in [path for path in pull.path.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        path.chmod(0o600)
        if damage == "flip":
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        elif damage == "append":
            path.write_bytes(content + b" ")
        elif damage == "cut":
            path.write_bytes(content[:-1])
        else:
            path.unlink()
        with pytest.raises(DataError) as caught:
            open_pull(pull.path).verify()
        assert caught.value.code == "E_PULL_TAMPERED"
        assert path.name in caught.value.what
        path.write_bytes(content)
    open_pull(pull.path).verify()


def test_added_file_and_other_name_are_noticed(pull: Pull) -> None:
    extra = pull.path / "notes.txt"
    extra.write_text("hello")
    with pytest.raises(DataError, match=r"notes\.txt does not belong"):
        pull.verify()
    extra.unlink()
    moved = pull.path.rename(pull.path.with_name("0" * 16))
    with pytest.raises(DataError, match="does not fit the rows"):
        open_pull(moved).verify()


def test_rows_exchanged_together_with_their_hashes_are_noticed(pull: Pull, pulls_dir: Path) -> None:
    """Who edits the manifest as well still cannot keep the pull's name."""
    other = landed(pulls_dir, [*ROWS[:1], *ROWS[3:]])
    manifest = json.loads((pull.path / "manifest.json").read_bytes())
    theirs = json.loads((other.path / "manifest.json").read_bytes())
    manifest["forms"]["course"] = theirs["forms"]["course"]
    for name, content in (
        ("manifest.json", (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()),
        ("course.parquet", other.form_path("course").read_bytes()),
    ):
        (pull.path / name).chmod(0o600)
        (pull.path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_pull(pull.path).verify()
    assert caught.value.code == "E_PULL_TAMPERED"


def test_second_landing_at_the_same_time_is_refused(pulls_dir: Path) -> None:
    landed(pulls_dir)
    with FileLock(pulls_dir / ".landing.lock"), pytest.raises(LockedError) as caught:
        landed(pulls_dir)
    assert caught.value.code == "E_LOCKED"


def _run(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    script = "import sys\nsys.path.insert(0, sys.argv[1])\n" + textwrap.dedent(code)
    command = [sys.executable, "-c", script, str(Path(__file__).parent), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("limit", [0, 1_000, 2_600, 3_500])
def test_full_disk_leaves_nothing_behind(limit: int, pulls_dir: Path) -> None:
    """A file size limit stands for a full disk: the write fails with the same kind of error."""
    landed(pulls_dir)
    before = _snapshot(pulls_dir)
    done = _run(
        """
        import resource
        from pathlib import Path
        from blin_pipeline.errors import StorageError
        from blin_pipeline.landing import write
        from landing_sample import ROWS, landed
        landing = write._Landing.write
        def limited(self):
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
            return landing(self)
        write._Landing.write = limited
        try:
            landed(Path(sys.argv[2]), ROWS[:-1])
        except StorageError as error:
            sys.exit(error.code)
        """,
        pulls_dir,
        str(limit),
    )
    assert done.stderr.strip() == "E_DISK"
    assert _snapshot(pulls_dir) == before
    assert sorted(path.name for path in pulls_dir.iterdir() if path.is_dir()) == [readings(pulls_dir)[0].pull_id]


def test_killed_landing_is_cleared_by_the_next(pulls_dir: Path) -> None:
    done = _run(
        """
        import os, signal
        from pathlib import Path
        from blin_pipeline.landing import write
        from landing_sample import landed
        write.settle = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        landed(Path(sys.argv[2]))
        """,
        pulls_dir,
    )
    assert done.returncode == -9
    assert [path for path in pulls_dir.iterdir() if path.is_dir()], "something was left behind"
    assert readings(pulls_dir) == []

    pull = landed(pulls_dir)
    pull.verify()
    assert [path for path in pulls_dir.iterdir() if path.is_dir()] == [pull.path]


def test_empty_project_can_be_landed(pulls_dir: Path) -> None:
    pull = landed(pulls_dir, [], allow_empty=True)
    pull.verify()
    assert pull.manifest.n_records == 0
    assert pull.forms == ("baseline", "course")


def test_forms_that_the_source_lacks_have_no_file(pulls_dir: Path) -> None:
    pull = landed(pulls_dir, [("1", "x")], ["record_id", "code"])
    assert pull.forms == ("baseline",)
    assert dictionary_text().encode() == pull.payload("dictionary")
    assert len(list(read_rows(pull.setup_path("dictionary")))) == 6


def test_field_named_like_a_key_column_is_refused(pulls_dir: Path) -> None:
    fields = (("subject", "baseline", "text", ""), ("record_id", "baseline", "text", ""))
    with pytest.raises(Exception, match="E_SCHEMA") as caught:
        landed(pulls_dir, [("1", "x")], ["subject", "record_id"], fields=fields)
    assert "'record_id'" in str(caught.value)
    assert not [path for path in pulls_dir.iterdir() if path.is_dir()]

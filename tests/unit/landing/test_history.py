"""The history of pulls: the chained list, what changed between two, what may go."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from landing_sample import FIELDS, HEADER, PULLED_AT, ROWS, landed

from blin_pipeline.errors import DataError
from blin_pipeline.landing.difference import FormDifference, PullDifference, compare_pulls, value_file
from blin_pipeline.landing.ledger import LEDGER, readings
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import accept, accepted_pull, checked_pull
from blin_pipeline.landing.retention import Retention, removable, remove, stored_pulls

pytestmark = pytest.mark.slow


def _row(number: int, **cells: str) -> tuple[str, ...]:
    return tuple(cells.get(name, old) for name, old in zip(HEADER, ROWS[number], strict=True))


@pytest.fixture
def four(pulls_dir: Path) -> list[Pull]:
    """Four pulls, a day apart."""
    return [
        landed(pulls_dir, [_row(0, code=f"day {day}"), *ROWS[1:]], pulled_at=PULLED_AT + timedelta(days=day))
        for day in range(4)
    ]


def test_each_line_holds_the_hash_of_the_one_before(four: list[Pull], pulls_dir: Path) -> None:
    found = readings(pulls_dir)
    assert [reading.pull_id for reading in found] == [pull.pull_id for pull in four]
    assert [reading.previous for reading in found] == ["", *(reading.sha256 for reading in found[:-1])]


@pytest.mark.parametrize("damage", ["edit", "remove", "swap", "add"])
def test_list_that_was_edited_is_refused(damage: str, four: list[Pull], pulls_dir: Path) -> None:
    lines = (pulls_dir / LEDGER).read_bytes().splitlines(keepends=True)
    if damage == "edit":
        lines[1] = lines[1].replace(b'"n_records":3', b'"n_records":4')
    elif damage == "remove":
        del lines[1]
    elif damage == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    else:
        lines.insert(1, lines[0])
    (pulls_dir / LEDGER).write_bytes(b"".join(lines))
    with pytest.raises(DataError) as caught:
        readings(pulls_dir)
    assert caught.value.code == "E_PULL_TAMPERED"


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_line_that_a_kill_left_unfinished_is_cut_off(cut: int, four: list[Pull], pulls_dir: Path) -> None:
    content = (pulls_dir / LEDGER).read_bytes()
    (pulls_dir / LEDGER).write_bytes(content[:-cut])
    assert len(readings(pulls_dir)) == 3
    again = landed(pulls_dir, [_row(0, code="day 3"), *ROWS[1:]], pulled_at=PULLED_AT + timedelta(days=9))
    assert [reading.pull_id for reading in readings(pulls_dir)] == [pull.pull_id for pull in four]
    assert again.path == four[3].path


def test_manifest_that_the_list_does_not_name_is_refused(four: list[Pull], pulls_dir: Path) -> None:
    """A manifest rewritten so that it fits itself still is not the one of the list."""
    path = four[1].path / "manifest.json"
    path.chmod(0o600)
    manifest = four[1].manifest.model_copy(update={"notes": ("nothing to see",)})
    path.write_bytes(manifest.canonical())
    with pytest.raises(DataError) as caught:
        checked_pull(pulls_dir, four[1].pull_id)
    assert caught.value.code == "E_PULL_TAMPERED"
    checked_pull(pulls_dir, four[2].pull_id)


def test_touched_pull_feeds_nothing(four: list[Pull], pulls_dir: Path) -> None:
    accept(pulls_dir, four[3])
    assert accepted_pull(pulls_dir).pull_id == four[3].pull_id
    path = four[3].form_path("course")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DataError) as caught:
        accepted_pull(pulls_dir)
    assert caught.value.code == "E_PULL_TAMPERED"


def test_difference_counts_records_rows_and_cells(pulls_dir: Path) -> None:
    before = landed(pulls_dir)
    after = landed(
        pulls_dir,
        [
            _row(0, code="08", remark=""),
            # Instance 2 of record 10 is gone, instance 10 is as it was.
            _row(2),
            _row(3, redcap_data_access_group="site_2"),
            _row(4, redcap_data_access_group="site_2"),
            # Record 11 is gone, record 12 is new, with an instance.
            ("12", "", "", "site_1", "new", "", "0", "0", "2", "", "", ""),
            ("12", "course", "1", "site_1", "", "", "", "", "", "x", "", "0"),
        ],
    )
    found = compare_pulls(before, after)
    assert found == PullDifference(
        records_added=1,
        records_removed=1,
        records_moved=1,
        records_changed=2,
        forms={
            "baseline": FormDifference(
                added=1,
                changed=1,
                cells={"code": 2, "remark": 1, "race___1": 1, "race___2": 1, "baseline_complete": 1},  # type: ignore[arg-type]
            ),
            "course": FormDifference(
                added=1,
                removed=1,
                cells={"drug": 2, "dose": 1, "course_complete": 2},  # type: ignore[arg-type]
            ),
        },
    )


def test_difference_of_a_pull_and_itself_is_nothing(pulls_dir: Path) -> None:
    pull = landed(pulls_dir)
    assert compare_pulls(pull, pull) == PullDifference()


def test_difference_names_fields(pulls_dir: Path) -> None:
    before = landed(pulls_dir)
    fields = [
        ("record_id", "baseline", "text", ""),
        *FIELDS[1:3],
        ("race", "baseline", "checkbox", "1, Asian | 2, Any"),
    ]
    after = landed(
        pulls_dir,
        fields=[*fields, *FIELDS[4:5], ("dosage", "course", "text", "")],
        header=[*HEADER[:10], "dosage", HEADER[11]],
    )
    found = compare_pulls(before, after)
    assert (found.fields_added, found.fields_removed, found.fields_changed) == (("dosage",), ("dose",), ("race",))
    assert found.forms["course"].cells == {"dose": 2, "dosage": 2}


def test_values_go_into_a_file_of_the_owner(pulls_dir: Path, tmp_path: Path) -> None:
    before = landed(pulls_dir)
    after = landed(pulls_dir, [_row(0, remark='new\r\n"text"'), *ROWS[1:]])
    path = tmp_path / "differences" / "x.csv"
    with value_file(path) as listen:
        compare_pulls(before, after, listen)
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [["baseline", "10", "", "", "remark", 'two\r\nlines, "quoted", NA', 'new\r\n"text"']]


NOW = PULLED_AT + timedelta(days=10)


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (Retention(), [0, 1, 2, 3]),
        (Retention(newest=2), [2, 3]),
        (Retention(days=8), [2, 3]),
        (Retention(days=0), [3]),
        (Retention(newest=3, days=9), [1, 2, 3]),
        (Retention(newest=1, days=100), [0, 1, 2, 3]),
    ],
)
def test_policy_lets_go_what_every_bound_lets_go(
    policy: Retention, left: list[int], four: list[Pull], pulls_dir: Path
) -> None:
    going = removable(pulls_dir, policy, set(), NOW)
    assert {pull.pull_id for pull in four} - {pull.pull_id for pull in going} == {four[n].pull_id for n in left}
    remove(pulls_dir, going)
    assert [pull.pull_id for pull in stored_pulls(pulls_dir)] == [four[n].pull_id for n in reversed(left)]
    assert len(readings(pulls_dir)) == 4, "the list keeps every line"


def test_pull_in_use_never_goes(four: list[Pull], pulls_dir: Path) -> None:
    accept(pulls_dir, four[0])
    going = removable(pulls_dir, Retention(newest=1), {four[1].pull_id}, NOW)
    assert [pull.pull_id for pull in going] == [four[2].pull_id]


def test_removal_that_was_killed_is_finished(four: list[Pull], pulls_dir: Path) -> None:
    four[0].path.rename(pulls_dir / f".pruned-{four[0].pull_id}")
    remove(pulls_dir, [])
    assert not list(pulls_dir.glob(".pruned-*"))


def test_content_read_again_counts_from_its_last_reading(four: list[Pull], pulls_dir: Path) -> None:
    landed(pulls_dir, [_row(0, code="day 0"), *ROWS[1:]], pulled_at=NOW)
    going = removable(pulls_dir, Retention(newest=2), set(), NOW)
    assert {pull.pull_id for pull in going} == {four[1].pull_id, four[2].pull_id}


def test_readings_of_one_second_are_told_apart(pulls_dir: Path) -> None:
    found = [landed(pulls_dir, [_row(0, code=f"take {take}"), *ROWS[1:]]) for take in range(6)]
    assert [pull.pull_id for pull in stored_pulls(pulls_dir)] == [pull.pull_id for pull in reversed(found)]


def test_reading_says_how_it_was_read(four: list[Pull], pulls_dir: Path) -> None:
    line = json.loads((pulls_dir / LEDGER).read_text().splitlines()[0])
    assert (line["source_kind"], line["mode"], line["n_changed"]) == ("files", "full", None)
    assert datetime.fromisoformat(line["pulled_at_utc"]) == PULLED_AT

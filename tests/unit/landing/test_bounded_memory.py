"""Keys and tables larger than what may be held in memory: same answers, and what is held stays bounded."""

from __future__ import annotations

import hashlib
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blin_pipeline.landing.compare import only_in_first
from blin_pipeline.landing.order import row_order
from blin_pipeline.landing.parquet import content_of, read_rows, write_table
from blin_pipeline.landing.sorting import sorted_rows
from blin_pipeline.redcap.key_set import KeySet

COLUMNS = ("record_id", "event", "instrument", "instance", "value")


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


@pytest.mark.parametrize("in_memory", [16, 160, 1 << 20])
@given(keys=st.lists(st.text(alphabet="abc", max_size=3), max_size=60))
@settings(max_examples=60, deadline=None)
def test_repeated_key_is_found_wherever_it_lies(
    in_memory: int, keys: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with KeySet(tmp_path_factory.getbasetemp(), in_memory) as found:
        for key in keys:
            found.add(_digest(key))
        assert found.repeats() == (len({*keys}) != len(keys))


def test_keys_held_are_bounded_and_nothing_stays_on_the_disk(tmp_path: Path) -> None:
    def peak(n_keys: int) -> int:
        tracemalloc.start()
        with KeySet(tmp_path, in_memory=1 << 16) as found:
            for number in range(n_keys):
                found.add(_digest(str(number)))
            assert not found.repeats()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(20_000), peak(160_000)
    # A partition is an eighth of a megabyte more; a set of all keys would be ten times larger.
    assert many < 3 * few
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("run_cells", [5, 50, 1_000_000])
def test_sorting_on_the_disk_is_sorting(run_cells: int, tmp_path: Path) -> None:
    choose = random.Random(3)
    rows = [(str(record), "", "course", str(n), f"é {record} {n}\n") for record in range(1, 12) for n in range(1, 12)]
    shuffled = choose.sample(rows, len(rows))
    path = tmp_path / "t.parquet"
    write_table(path, COLUMNS, shuffled)
    runs = tmp_path / "runs"
    runs.mkdir()
    found = list(sorted_rows(path, lambda row: row_order(*row[:4]), runs, run_cells))
    assert found == rows


def test_table_that_arrives_out_of_order_is_the_same_table(tmp_path: Path) -> None:
    rows = [(str(record), "", "", "", "x") for record in range(1, 3000)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    in_order = write_table(tmp_path / "a" / "t.parquet", COLUMNS, rows, lambda row: row_order(*row[:4]))
    out_of_order = write_table(tmp_path / "b" / "t.parquet", COLUMNS, rows[::-1], lambda row: row_order(*row[:4]))
    assert out_of_order == in_order
    assert content_of(tmp_path / "b" / "t.parquet") == in_order.content_sha256
    assert list(read_rows(tmp_path / "b" / "t.parquet")) == rows
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["t.parquet"]


@given(first=st.sets(st.integers(0, 30)), second=st.sets(st.integers(0, 30)))
@settings(deadline=None)
def test_rows_of_one_side_only(first: set[int], second: set[int]) -> None:
    def rows(numbers: set[int]) -> list[tuple[str, ...]]:
        return [(str(number),) for number in sorted(numbers)]

    found = only_in_first(rows(first), rows(second), lambda row: int(row[0]))
    assert [int(row[0]) for row in found] == sorted(first - second)

"""Keys and tables larger than what may be held in memory: same answers, and what is held stays bounded."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blin_pipeline.landing.compare import only_in_first
from blin_pipeline.landing.order import RowOrder, row_order
from blin_pipeline.landing.parquet import content_of, read_rows, write_blocks, write_table
from blin_pipeline.landing.sorting import OrderCheck, SortColumns, sorted_blocks, sorted_within_records
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.key_set import KeySet
from blin_pipeline.redcap.text_arrays import text_batch

pytestmark = pytest.mark.slow

COLUMNS = ("record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "value")


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


def _order(rows: list[tuple[str, ...]]) -> SortColumns:
    return RowOrder(row[0] for row in rows).columns


@pytest.mark.parametrize("share_cells", [5, 50, 300, 1_000_000])
def test_sorting_on_the_disk_is_sorting(share_cells: int, tmp_path: Path) -> None:
    choose = random.Random(3)
    rows = [(str(record), "", "course", str(n), f"é {record} {n}\n") for record in range(1, 12) for n in range(1, 12)]
    shuffled = choose.sample(rows, len(rows))
    path = tmp_path / "t.parquet"
    write_table(path, COLUMNS, shuffled)
    blocks = [found for found, _ in sorted_blocks(path, _order(rows), COLUMNS, share_cells)]
    assert [tuple(row.values()) for block in blocks for row in block.to_pylist()] == rows
    # A record's rows stay together, and a share holds no more than it may unless one record alone is larger.
    assert max(len(block) for block in blocks) == max(11, min(121, share_cells // 5 // 11 * 11))


def test_table_that_arrives_out_of_order_is_the_same_table(tmp_path: Path) -> None:
    rows = [(str(record), "", "", "", "x") for record in range(1, 40_000)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    in_order = write_blocks(tmp_path / "a" / "t.parquet", COLUMNS, [text_batch(COLUMNS, rows)], _order(rows))
    backwards = [text_batch(COLUMNS, rows[begin : begin + 999][::-1]) for begin in range(0, len(rows), 999)][::-1]
    out_of_order = write_blocks(tmp_path / "b" / "t.parquet", COLUMNS, backwards, _order(rows))
    assert out_of_order == in_order
    assert content_of(tmp_path / "b" / "t.parquet") == in_order.content_sha256
    assert list(read_rows(tmp_path / "b" / "t.parquet")) == rows
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["t.parquet"]


_KEYS = st.tuples(
    st.sampled_from(["1", "2", "10", "09", "B-2", "B-10"]),
    st.sampled_from(["", "a_arm_1", "b_arm_1"]),
    st.sampled_from(["", "course", "relapse"]),
    st.sampled_from(["", "0", "1", "01", "2", "10", "9", "123456789012345678901234567890"]),
)


@given(keys=st.lists(_KEYS, unique=True, max_size=12), cuts=st.sets(st.integers(1, 11)))
@settings(deadline=None)
def test_columns_order_rows_as_their_keys_do(keys: list[tuple[str, str, str, str]], cuts: set[int]) -> None:
    """Within records rows are put in order; whether that is the order of all is seen."""
    check = OrderCheck()
    found = [row[:4] for row in _passed(check, [(*key, "") for key in keys], cuts)]
    in_order = sorted(keys, key=lambda key: row_order(*key))
    assert sorted(found) == sorted(keys)
    assert check.holds == (found == in_order)
    records = [key[0] for key in keys]
    if [key[0] for key in in_order] == records:
        assert check.holds


@given(
    keys=st.lists(_KEYS, unique=True, min_size=1, max_size=8), place=st.integers(0, 7), cuts=st.sets(st.integers(1, 8))
)
@settings(deadline=None)
def test_rows_that_tie_are_not_in_order(keys: list[tuple[str, str, str, str]], place: int, cuts: set[int]) -> None:
    in_order = sorted([*keys, keys[place % len(keys)]], key=lambda key: row_order(*key))
    check = OrderCheck()
    assert len([*_passed(check, [(*key, "") for key in in_order], cuts)]) == len(in_order)
    assert not check.holds


def _passed(check: OrderCheck, rows: list[tuple[str, ...]], cuts: set[int]) -> Iterator[tuple[str, ...]]:
    places = [0, *sorted(cuts), len(rows)]
    blocks = [text_batch(COLUMNS, rows[begin:end]) for begin, end in pairwise(places)]
    for block in check.watched(sorted_within_records(blocks, _order(rows))):
        yield from (tuple(row.values()) for row in block.to_pylist())


def test_rows_pass_by_while_they_come() -> None:
    """One record in each block, and yet no more than two are held."""
    rows = [(str(n), "", "", "", "") for n in range(1, 50)]
    came = 0

    def blocks() -> Iterator[pa.RecordBatch]:
        nonlocal came
        for row in rows:
            came += 1
            yield text_batch(COLUMNS, [row])

    for gone, _ in enumerate(sorted_within_records(blocks(), _order(rows)), start=1):
        assert came <= gone + 1


def test_row_that_came_twice_is_refused(tmp_path: Path) -> None:
    rows = [("2", "", "", "", "x"), ("1", "", "", "", "x"), ("2", "", "", "", "y")]
    with pytest.raises(RedcapReadError) as caught:
        write_blocks(tmp_path / "t.parquet", COLUMNS, [text_batch(COLUMNS, rows)], _order(rows))
    assert caught.value.code == "E_DUPLICATE_KEY"


@given(first=st.sets(st.integers(0, 30)), second=st.sets(st.integers(0, 30)))
@settings(deadline=None)
def test_rows_of_one_side_only(first: set[int], second: set[int]) -> None:
    def rows(numbers: set[int]) -> list[tuple[str, ...]]:
        return [(str(number),) for number in sorted(numbers)]

    found = only_in_first(rows(first), rows(second), lambda row: int(row[0]))
    assert [int(row[0]) for row in found] == sorted(first - second)


def test_a_full_disk_while_keys_are_spilled_is_said_so(tmp_path: Path) -> None:
    """A file size limit stands for a full disk, in a process of its own: it cannot be raised again."""
    code = """
import resource, sys
from pathlib import Path
from blin_pipeline.errors import StorageError
from blin_pipeline.redcap.key_set import KeySet
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    with KeySet(Path(sys.argv[1]), in_memory=4096) as found:
        for number in range(60_000):
            found.add(number.to_bytes(16, "little"))
except StorageError as error:
    print(error.code)
"""
    for limit in ("0", "100"):
        command = [sys.executable, "-c", code, str(tmp_path), limit]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("E_DISK\n", "")
    assert list(tmp_path.iterdir()) == []

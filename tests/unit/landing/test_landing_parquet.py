"""Tables of text: order, content hash, and a reader that gives back what went in."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blin_pipeline.landing import parquet
from blin_pipeline.landing.order import RowOrder, row_order
from blin_pipeline.landing.parquet import content_of, read_rows, write_blocks, write_table
from blin_pipeline.redcap.project_setup import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from blin_pipeline.redcap.text_arrays import text_batch

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ROWS = st.lists(st.tuples(TEXT, TEXT), max_size=12)


def _fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=ROWS)
def test_rows_come_back(rows: list[tuple[str, str]], tmp_path: Path) -> None:
    entry = write_table(_fresh(tmp_path / "t.parquet"), ["a", "b"], rows)
    assert list(read_rows(tmp_path / "t.parquet")) == rows
    assert content_of(tmp_path / "t.parquet") == entry.content_sha256


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=ROWS, other=ROWS)
def test_content_hash_is_equal_exactly_for_equal_rows(
    rows: list[tuple[str, str]], other: list[tuple[str, str]], tmp_path: Path
) -> None:
    first = write_table(_fresh(tmp_path / "a.parquet"), ["a", "b"], rows)
    second = write_table(_fresh(tmp_path / "b.parquet"), ["a", "b"], other)
    assert (first.content_sha256 == second.content_sha256) == (rows == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("ab", "c")], [("a", "bc")]),
        ([("a", "b"), ("c", "d")], [("a", "c"), ("b", "d")]),
        ([("", "")], []),
        ([("a", ""), ("", "")], [("", ""), ("a", "")]),
    ],
)
def test_content_hash_tells_where_a_cell_ends(
    one: list[tuple[str, str]], other: list[tuple[str, str]], tmp_path: Path
) -> None:
    hashes = {
        write_table(tmp_path / f"{i}.parquet", ["a", "b"], rows).content_sha256 for i, rows in enumerate([one, other])
    }
    assert len(hashes) == 2


def test_content_hash_knows_columns(tmp_path: Path) -> None:
    names = [["a", "b"], ["b", "a"], ["ab", ""]]
    hashes = {
        write_table(tmp_path / f"{i}.parquet", columns, [("1", "2")]).content_sha256 for i, columns in enumerate(names)
    }
    assert len(hashes) == 3


def test_content_hash_does_not_see_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"x{i}", "y" * (i % 5)) for i in range(50)]
    whole = write_table(tmp_path / "whole.parquet", ["a", "b"], rows)
    monkeypatch.setattr(parquet, "BATCH_ROWS", 7)
    pieces = write_table(tmp_path / "pieces.parquet", ["a", "b"], rows)
    assert pq.ParquetFile(tmp_path / "pieces.parquet").num_row_groups == 8
    assert pieces.content_sha256 == whole.content_sha256
    assert pieces.sha256 != whole.sha256


def test_cells_are_text_without_null(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", ["a"], [("",), ("NA",)])
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert schema.field("a") == pa.field("a", pa.string(), nullable=False)


def test_rows_that_arrive_in_disorder_are_sorted_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 3)
    ids = ["10", "9", "S-2", "S-10", "1", "09", "100"]
    columns = ["record_id", EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE]
    blocks = [text_batch(columns, [(i, "", "", "") for i in some]) for some in (ids[:5], ids[5:])]
    entry = write_blocks(tmp_path / "t.parquet", columns, blocks, RowOrder(ids).columns)
    assert [row[0] for row in read_rows(tmp_path / "t.parquet")] == ["1", "09", "9", "10", "100", "S-2", "S-10"]
    ordered = write_table(tmp_path / "o.parquet", columns, read_rows(tmp_path / "t.parquet"))
    assert ordered.content_sha256 == entry.content_sha256
    assert ordered.sha256 == entry.sha256


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, st.integers(0, 10**30).map(str) | st.just("")), unique=True))
def test_order_of_rows_is_total(keys: list[tuple[str, str, str, str]]) -> None:
    """Any two different identities differ in order too, so that equal content has one order."""
    assert len({row_order(*key) for key in keys}) == len(keys)

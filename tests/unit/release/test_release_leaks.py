"""The search for identifiers: what it finds, what it can not tell apart and says so."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from blin_pipeline.release.leaks import count_anywhere, count_in_file, identifiers


def test_values_are_sorted_by_how_they_can_be_searched() -> None:
    wanted = identifiers(["MCW-0001", "mayo", "12", "20240101", " ", "", "a-b", "ab", "MCW-0001", "Renée Łuk"])
    assert wanted.anywhere == (b"MCW-0001", "Renée Łuk".encode())
    assert wanted.words == {b"mayo"}
    assert wanted.unsearchable == 4


@given(
    needles=st.lists(st.binary(min_size=6, max_size=20), min_size=1, max_size=8, unique=True),
    around=st.lists(st.binary(max_size=40), min_size=9, max_size=9),
    cut=st.integers(1, 17),
    planted=st.lists(st.integers(0, 7), max_size=8, unique=True),
)
def test_every_needle_is_found_wherever_blocks_are_cut(
    needles: list[bytes], around: list[bytes], cut: int, planted: list[int]
) -> None:
    data = b""
    for number, filler in enumerate(around):
        data += filler + (needles[number] if number in planted and number < len(needles) else b"")
    blocks = [data[start : start + cut] for start in range(0, len(data), cut)]
    assert count_anywhere(blocks, tuple(sorted(needles))) == sum(needle in data for needle in needles)


def test_short_words_count_only_as_words_in_texts(tmp_path: Path) -> None:
    wanted = identifiers(["mayo", "site_north"])
    page = tmp_path / "report.html"
    page.write_text("<td>mayonnaise mayo_1 nomayo</td>", encoding="utf-8")
    assert count_in_file(page, wanted) == 0
    page.write_text("<td>mayo</td><td>xsite_north1</td>", encoding="utf-8")
    assert count_in_file(page, wanted) == 2
    packed = tmp_path / "table.parquet"
    packed.write_bytes(b"\0mayo\0")
    assert count_in_file(packed, wanted) == 0

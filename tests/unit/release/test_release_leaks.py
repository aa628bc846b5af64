"""The search for identifiers: what it finds, what it can not tell apart and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blin_pipeline.release.leaks import count_anywhere, count_in_file, identifiers


def test_values_are_sorted_by_how_they_can_be_searched() -> None:
    wanted = identifiers(["MCW-0001", "mayo", "12", "20240101", " ", "", "a-b", "ab", "MCW-0001", "Renée Łuk"])
    assert wanted.anywhere == (b"MCW-0001", "Renée Łuk".encode())
    assert wanted.words == {b"mayo"}
    assert wanted.unsearchable == 4
    assert wanted.searched == 3


def test_record_names_that_redcap_gives_at_a_site_are_searched() -> None:
    names = ["101-23", "12-345", "2024_17", "S1-42", "12-34", "2024-03", "a-1", "4711", "320-333", "101.23"]
    wanted = identifiers(names)
    assert wanted.tokens == {b"101-23", b"12-345", b"2024_17", b"S1-42"}
    # Pages of a published paper (external_reference.csv), a month, an age band, and what is too short or a plain number.
    assert wanted.unsearchable == 6


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("<td>101-23</td>", 1),
        ("record 101-23, then 2024_17.", 2),
        ('{"a": "101-23"}', 1),
        ("101-234 2101-23 x101-23 101-23-4 101-23_", 0),
        ("0.836-0.95 12.101-23 101-23.5", 0),
        ("-101-23 101-23-", 0),
        ("101-23", 1),
    ],
)
def test_tokens_are_found_whole_and_not_in_decimals(text: str, n: int, tmp_path: Path) -> None:
    wanted = identifiers(["101-23", "2024_17"])
    assert wanted.in_text(text.encode()) == n
    page = tmp_path / "report.html"
    page.write_text(text, encoding="utf-8")
    assert count_in_file(page, wanted) == n


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

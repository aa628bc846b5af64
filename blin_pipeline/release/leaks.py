"""Search for identifiers in the bytes and texts of a candidate. It reports where and how many, never what."""

# ruff: noqa: S608 (names cannot be bound as parameters; each goes through a quoting function)
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from duckdb import DuckDBPyConnection

from blin_pipeline.landing.database import Warehouse
from blin_pipeline.registry.files import STUDY_DIR
from blin_pipeline.release.content import qualified, scalar_int
from blin_pipeline.release.transforms import name

_PREFIX = 6
_CHUNK = 1 << 22
_WORD = re.compile(rb"[0-9A-Za-z_]+")
#: A whole token with its hyphens, not the digits around the point of a decimal ("0.836-0.95" is no "836-0").
_TOKEN = re.compile(rb"(?<![0-9A-Za-z_-])(?<![0-9]\.)[0-9A-Za-z_-]++(?!\.[0-9])")
#: REDCap's record names at a site ("101-23") and their like: parts of letters and digits with a separator between.
_JOINED = re.compile(r"[0-9A-Za-z]+(?:[_-][0-9A-Za-z]+)+")
_JOINED_AT_LEAST = 5
#: What ordinary text holds: months ("2024-03") and ranges of two digits ("18-39", an age band).
_ORDINARY = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])|\d\d-\d\d")


class Identifiers(NamedTuple):
    """Values that must not appear, sorted by how they can be searched.

    Attributes:
        anywhere: 6 bytes or more with a letter: searched in every byte of every file and in every text.
        words: 3 to 5 characters with a letter: searched as whole words, in texts only.
        tokens: 5 characters or more with a separator between digits: searched as whole tokens, in texts only.
        unsearchable: How many are too short, digits only, or words of the study's own files (a page range of a published
            paper), so that they cannot be told from ordinary numbers and codes.
    """

    anywhere: tuple[bytes, ...]
    words: frozenset[bytes]
    tokens: frozenset[bytes]
    unsearchable: int

    @property
    def searched(self) -> int:
        """How many are searched."""
        return len(self.anywhere) + len(self.words) + len(self.tokens)

    def in_text(self, data: bytes) -> int:
        """How many of those that are only searched in texts stand in one."""
        n = len(self.words.intersection(_WORD.findall(data))) if self.words else 0
        return n + (len(self.tokens.intersection(_TOKEN.findall(data))) if self.tokens else 0)


def identifiers(values: Iterable[str]) -> Identifiers:
    """Sort identifying values by how they can be searched."""
    anywhere, words, tokens, unsearchable = set(), set(), set(), 0
    for value in {value.strip() for value in values} - {""}:
        needle, has_letter = value.encode(), any(character.isalpha() for character in value)
        if has_letter and len(needle) >= _PREFIX:
            anywhere.add(needle)
        elif has_letter and len(needle) >= 3 and _WORD.fullmatch(needle):
            words.add(needle)
        elif len(needle) >= _JOINED_AT_LEAST and _JOINED.fullmatch(value) and not _ORDINARY.fullmatch(value):
            tokens.add(needle)
        else:
            unsearchable += 1
    own = tokens & _own_tokens() if tokens else set()
    return Identifiers(tuple(sorted(anywhere)), frozenset(words), frozenset(tokens - own), unsearchable + len(own))


def _own_tokens() -> set[bytes]:
    """Tokens of the study's own files, which a release may repeat."""
    files = sorted(path for path in STUDY_DIR.rglob("*") if path.is_file())
    return {token for path in files for token in _TOKEN.findall(path.read_bytes())}


def warehouse_identifiers(warehouse: Warehouse) -> set[str]:
    """Record ids and unique names of data access groups of the presented pull (``raw.record``): never in a release."""
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute("select record_id, redcap_data_access_group from raw.record").fetchall()
    return {str(value) for row in rows for value in row if value}


def _keys(data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The 6 bytes at each position as one number."""
    width = len(data) - _PREFIX + 1
    keys = np.zeros(width, dtype=np.uint64)
    for offset in range(_PREFIX):
        keys |= data[offset : offset + width].astype(np.uint64) << np.uint64(8 * offset)
    return keys


def count_anywhere(blocks: Iterable[bytes], needles: tuple[bytes, ...]) -> int:
    """How many of the needles stand in a stream of bytes, given in blocks.

    One pass whatever the number of needles: positions whose first 6 bytes start a needle are found by binary search,
    then compared in full.
    """
    if not needles:
        return 0
    by_prefix: dict[int, list[bytes]] = {}
    for needle in needles:
        by_prefix.setdefault(int.from_bytes(needle[:_PREFIX], "little"), []).append(needle)
    starts = np.array(sorted(by_prefix), dtype=np.uint64)
    overlap = max(map(len, needles)) - 1
    found: set[bytes] = set()
    tail = b""
    for block in blocks:
        data = tail + block
        if len(data) >= _PREFIX:
            keys = _keys(np.frombuffer(data, dtype=np.uint8))
            nearest = np.minimum(np.searchsorted(starts, keys), len(starts) - 1)
            for position in np.flatnonzero(starts[nearest] == keys).tolist():
                at = by_prefix[int(keys[position])]
                found.update(needle for needle in at if data.startswith(needle, position))
        tail = data[-overlap:]
    return len(found)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            yield block


def count_in_file(path: Path, wanted: Identifiers) -> int:
    """How many identifiers stand in a file's bytes; in texts (html, json, csv ...) short ones count as words."""
    n = count_anywhere(_blocks(path), wanted.anywhere)
    if path.suffix in {".html", ".json", ".csv", ".txt", ".svg", ".md"}:
        n += wanted.in_text(path.read_bytes())
    return n


def count_in_column(connection: DuckDBPyConnection, table: str, column: str, wanted: Identifiers) -> int:
    """How many identifiers stand in the values of a text column."""
    cursor = connection.execute(
        f"select distinct {name(column)} from {qualified(table)} where {name(column)} is not null order by 1"
    )
    n = 0
    while rows := cursor.fetchmany(50_000):
        data = "\n".join(str(row[0]) for row in rows).encode()
        n += count_anywhere([data], wanted.anywhere) + wanted.in_text(data)
    return n


def count_dates(connection: DuckDBPyConnection, table: str, column: str) -> int:
    """How many values of a text column hold a full calendar date."""
    pattern = r"(19|20)\d{2}-\d{2}-\d{2}"
    return scalar_int(
        connection, f"select count(*) from {qualified(table)} where regexp_matches({name(column)}, '{pattern}')"
    )

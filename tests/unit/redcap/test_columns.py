"""Columns in place of rows: the same cells, keys, fates and counts as row by row, whatever the bytes are."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof import proof_count
from redcap_sample import DICTIONARY, TOKEN, client, project
from row_reference import plain_rows

from blin_pipeline.landing.write import land
from blin_pipeline.redcap import blocks as blocks_module
from blin_pipeline.redcap import keys as keys_module
from blin_pipeline.redcap.blocks import Blocks, canonical_cuts
from blin_pipeline.redcap.census import take_census
from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.export import export_project
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.fates import FormFile
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.keys import KeyColumns, KeyReader
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.proof import judge
from blin_pipeline.redcap.records_reading import FormsRead, tally_form
from blin_pipeline.redcap.rows import read_form
from blin_pipeline.redcap.setup_rows import ExportName, Instrument, ProjectInfo, RepeatingForm
from blin_pipeline.redcap.tallies import FormTally
from blin_pipeline.redcap.text_arrays import text_batch
from blin_pipeline.sandbox.serve import serving

pytestmark = pytest.mark.slow

_T = TypeVar("_T")

#: What matters to a reader of CSV, and a little that does not.
CSV_TEXT = st.lists(st.sampled_from([*'a,"\n\r', '""', ",\n", '"\n', "é", "\0", "b,c\n", '"x,y"\n']), max_size=24)


@pytest.fixture(params=[(1 << 20, 2 << 20), (7, 64), (1, 16)], ids=["whole", "pieces", "tiny"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are looked at in pieces of so many bytes and parsed in blocks of so many."""
    chunk, block = request.param
    monkeypatch.setattr(blocks_module, "_CHUNK", chunk)
    monkeypatch.setattr(blocks_module, "_BLOCK", block)
    monkeypatch.setattr(blocks_module, "_GATHERED", 5)


def _either(read: Callable[[], Iterable[_T]]) -> list[_T] | str:
    """Everything that was read, or the code of the fault."""
    try:
        return list(read())
    except RedcapReadError as error:
        return error.code


def _by_blocks(path: Path, *, from_server: bool, last_only: bool = False) -> Iterator[list[str]]:
    rows = Blocks(path, "records", from_server=from_server)
    columns = rows.header[-1:] if last_only else rows.header
    if columns:
        yield list(columns)
    for block in rows.read(columns):
        yield from ([*row] for row in zip(*(column.to_pylist() for column in block.columns), strict=True))


def _is_canonical(path: Path) -> bool:
    with path.open("rb") as raw:
        return canonical_cuts(raw, raw.readline()) is not None


def _same(path: Path, *, from_server: bool = True) -> list[list[str]] | str:
    found = _either(lambda: _by_blocks(path, from_server=from_server))
    assert found == _either(lambda: read_rows(path, "records", from_server=from_server))
    last = _either(lambda: _by_blocks(path, from_server=from_server, last_only=True))
    assert last == (found if isinstance(found, str) else [row[-1:] for row in found])
    return found


@pytest.mark.usefixtures("pieces")
@given(parts=CSV_TEXT, from_server=st.booleans())
@settings(max_examples=proof_count(400, 20_000), deadline=None)
def test_blocks_hold_the_cells_that_rows_hold(parts: list[str], *, from_server: bool) -> None:
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        path.write_bytes("".join(parts).encode())
        _same(path, from_server=from_server)


_CELL = st.sampled_from(
    ["", "x", "é", '""', '"x"', '"x""y"', '"a,b"', '"a\nb"', '""""', "\ufeff"] * 3
    + ['"x"y', 'x"y', 'x""', '"x" ', ' "x"', '"x', "a\nb", '"a\r\nb"', "a\rb", '"x""', "\udcff", "a,b"]
)


@pytest.mark.usefixtures("pieces")
@given(
    rows=st.lists(st.tuples(_CELL, _CELL).map(",".join) | st.just("\n"), max_size=5),
    end=st.sampled_from(["\n", "\n", ""]),
    from_server=st.booleans(),
)
@settings(max_examples=proof_count(400, 20_000), deadline=None)
def test_answers_that_are_nearly_right(rows: list[str], end: str, *, from_server: bool) -> None:
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        path.write_bytes(("\n".join(["a,b", *rows]) + end).encode(errors="surrogateescape"))
        _same(path, from_server=from_server)


@pytest.mark.parametrize(
    "body",
    [b"a\n\nx\n", b"a\nx\n\n", b'a\n""\nx\n', b"a\nx\n", b"\na\nx\n", b"\n\n", b"a,b\n\n1,2\n", b'a,b\n1, "\n\n2, "\n'],
)
def test_blank_lines(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(body)
    _same(tmp_path / "rows.csv")
    _same(tmp_path / "rows.csv", from_server=False)


@pytest.mark.usefixtures("pieces")
@given(rows=st.lists(st.tuples(*[st.text(alphabet='a,"\n\ré 0', max_size=4)] * 3), max_size=9), quoted=st.booleans())
@settings(deadline=None)
def test_what_a_writer_wrote_is_read_by_arrow_and_comes_back(rows: list[tuple[str, str, str]], *, quoted: bool) -> None:
    out = io.StringIO(newline="")
    style = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(out, lineterminator="\n", quoting=style).writerows([("x", "y", "z"), *rows])
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(out.getvalue().encode())
        found = _same(Path(file.name))
        # A writer that quotes no more than it must leaves a carriage return bare.
        if quoted or all("\r" not in cell for row in rows for cell in row):
            assert _is_canonical(Path(file.name))
            assert found == [["x", "y", "z"], *map(list, rows)]


@pytest.mark.slow
@pytest.mark.usefixtures("pieces")
def test_recorded_answers_with_bytes_changed(
    recorded: Path, tmp_path: Path, proof: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    choose = random.Random(11)
    n_canonical, n_faults, n_files = 0, 0, 0
    path = tmp_path / "answer.csv"
    for source in sorted(recorded.rglob("*.csv")):
        body = source.read_bytes()
        if not 100 < len(body) < 300_000:
            continue
        n_files += 1
        for change in range(proof_count(6, 60)):
            changed = bytearray(body)
            for _ in range(min(change, 3)):
                place = choose.randrange(len(changed))
                changed[place : place + choose.randrange(2)] = choose.choice(
                    [b'"', b"\n", b",", b"\r", b"", b"\xff", b'""']
                )
            path.write_bytes(changed)
            n_canonical += _is_canonical(path)
            n_faults += isinstance(_same(path), str)
    assert n_files > 20
    assert n_canonical > n_files
    proof(f"{n_files} recorded files, changed: {n_canonical} read by Arrow, {n_faults} refused, all as row by row")


def test_bad_bytes_far_from_the_beginning_of_a_column_that_nobody_asked_for(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a,b\n" + b"x,y\n" * 50_000 + b"x\xff,y\n" + b"x,y\n" * 50_000)
    assert _same(tmp_path / "rows.csv") == "E_ENCODING"


def _longest(path: Path) -> int:
    return max(block.nbytes for block in Blocks(path, "rows", from_server=False).read())


def test_blocks_are_short_whatever_the_notes_hold(tmp_path: Path) -> None:
    note = "a line of a note that goes on\n" * 400
    path = tmp_path / "rows.csv"
    path.write_bytes(b"id,note\n" + "".join(f'{n},"{note}"\n' for n in range(1_000)).encode())
    assert path.stat().st_size > 10 << 20
    assert _longest(path) < 4 << 20
    # A file that a person saved, for the row reader.
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert _longest(path) < 4 << 20


def test_a_cell_that_the_row_reader_refuses_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "_LARGEST_BLOCK", 1 << 20)
    before = csv.field_size_limit(1 << 20)
    try:
        (tmp_path / "rows.csv").write_bytes(b"a,b\nx,y\n" + b"x" * (1 << 21) + b",y\n")
        assert _same(tmp_path / "rows.csv") == "E_SCHEMA"
    finally:
        csv.field_size_limit(before)


SETUP = ProjectSetup(
    info=ProjectInfo(project_id="42", is_longitudinal=True, has_repeating_instruments_or_events=True),
    dictionary=DICTIONARY,
    instruments=tuple(Instrument(instrument_name=form) for form in DICTIONARY.forms),
    export_names=(
        *(ExportName(original_field_name="race", export_field_name=name) for name in ("race___1", "race____98")),
        *(ExportName(original_field_name=name, export_field_name=name) for name in ("code", "remark", "drug", "dose")),
    ),
    repeating=(
        RepeatingForm(event_name="visit_arm_1", form_name="course"),
        RepeatingForm(event_name="again_arm_1", form_name=""),
    ),
    groups=(),
)
FORMS = {
    "baseline": ("code", "race___1", "race____98", "baseline_complete"),
    "course": ("drug", "dose", "course_complete"),
    "diary": ("feeling", "diary_complete"),
}
SYSTEM = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group")
_GROUP = st.sampled_from(["", "site_1"])
_RECORD = st.sampled_from(["1", "2", "3", "10"])
_EVENT = st.sampled_from(["visit_arm_1", "again_arm_1", "once_arm_1"])
_NUMBER = st.sampled_from(["1", "2", "3", "4", "10", "01"])
_KEY = st.tuples(_RECORD, _EVENT, st.just(""), _NUMBER | st.just(""), _GROUP) | st.tuples(
    _RECORD, _EVENT, st.sampled_from(["course", "diary"]), _NUMBER, _GROUP
)
_BAD_KEY = st.sampled_from(
    [
        ("", "visit_arm_1", "", "", ""),
        ("1", "visit_arm_1", "course", "", ""),
        *(("1", "visit_arm_1", "course", number, "") for number in ("x", "٣", "1.0", "-1", " 1")),
    ]
)
_CELLS = st.sampled_from(["", "", "", "0", "1", "2", "x y"])
_ROWS = st.lists(st.tuples(_KEY, st.tuples(*[_CELLS] * 4)), max_size=14, unique_by=lambda row: row[0][:4])


@given(
    form=st.sampled_from(sorted(FORMS)),
    rows=_ROWS,
    wrong=st.none() | st.tuples(_BAD_KEY, st.tuples(*[_CELLS] * 4)) | st.integers(0, 13),
    in_order=st.booleans(),
    zero=st.booleans(),
    cuts=st.sets(st.integers(1, 13)),
)
@settings(deadline=None, max_examples=proof_count(400, 20_000))
def test_fates_and_keys_are_those_of_a_row_alone(
    form: str,
    rows: list[tuple[tuple[str, ...], tuple[str, ...]]],
    *,
    wrong: tuple[tuple[str, ...], tuple[str, ...]] | int | None,
    in_order: bool,
    zero: bool,
    cuts: set[int],
) -> None:
    if isinstance(wrong, tuple):
        rows = [*rows, wrong]
    elif wrong is not None and rows:
        rows = [*rows, rows[wrong % len(rows)]]
    with tempfile.TemporaryDirectory() as folder:
        columns = FORMS[form]
        header = ("record_id", *SYSTEM, *columns)
        # Records together, as servers send them, or scattered.
        lines = [(*key, *cells[: len(columns)]) for key, cells in (sorted(rows) if in_order else rows)]
        file = FormFile(form, Path(folder) / "rows.csv", columns, from_server=True, zero_status_is_opened=zero)
        with file.path.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows([header, *lines])
        expected = plain_rows(header, lines, file, SETUP)
        found = _either(lambda: ((row.key, row.group, row.cells, row.fate) for row in read_form(file, SETUP)))
        assert found == (expected if isinstance(expected, str) else [tuple(row) for row in expected])
        _watched_in_parts(
            header, lines, cuts, file, duplicated=expected == "E_DUPLICATE_KEY", ok=expected != "E_SCHEMA"
        )


def _watched_in_parts(
    header: tuple[str, ...],
    lines: list[tuple[str, ...]],
    cuts: set[int],
    file: FormFile,
    *,
    duplicated: bool,
    ok: bool,
) -> None:
    """A key that comes twice is found wherever the blocks end."""
    if not ok:
        return
    reader = KeyReader(Blocks(file.path, "rows", from_server=True), "record_id", "rows", file.path.parent)
    for begin, end in pairwise([0, *sorted(cuts), len(lines)]):
        reader.read(text_batch(header, lines[begin:end]))
    if duplicated:
        with pytest.raises(RedcapReadError) as caught:
            reader.check_unique()
        assert caught.value.code == "E_DUPLICATE_KEY"
    else:
        reader.check_unique()


@given(rows=_ROWS, changed=_ROWS, statuses=st.lists(st.sampled_from(["", "0", "2"]), min_size=28, max_size=28))
@settings(deadline=None, max_examples=proof_count(400, 20_000))
def test_tallies_agree_exactly_when_what_must_be_there_is_the_same(
    rows: list[tuple[tuple[str, ...], tuple[str, ...]]],
    changed: list[tuple[tuple[str, ...], tuple[str, ...]]],
    statuses: list[str],
) -> None:
    """Some rows against the same with some left out, added or changed, in another order."""
    one = [(*key[:4], status) for (key, _), status in zip(rows, statuses, strict=False)]
    other = [
        *one[: len(changed)],
        *[(*key[:4], status) for (key, _), status in zip(changed, statuses[14:], strict=False)],
    ]
    other = list({row[:4]: row for row in other}.values())[::-1]

    def counted(found: list[tuple[str, ...]], *, in_any_order: bool) -> FormTally:
        tally = FormTally(in_any_order=in_any_order)
        for part in (found[:3], found[3:]):
            block = text_batch(("record", "event", "instrument", "instance", "status"), part)
            keys = KeyColumns(*block.columns[:4], block.column("record"))
            tally.add(keys, block.column("status"), pc.equal(block.column("event"), "visit_arm_1"))
        return tally

    def must_be(found: list[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
        here = [row for row in found if row[1] == "visit_arm_1"]
        return [[row for row in here if row[2] or not row[3]], [row for row in here if row[4]]]

    same = [sorted(part) for part in must_be(one)] == [sorted(part) for part in must_be(other)]
    assert counted(one, in_any_order=True).agrees(counted(other, in_any_order=True)) == same
    in_order = must_be(one) == must_be(other)
    assert counted(one, in_any_order=False).agrees(counted(other, in_any_order=False)) == in_order
    assert counted(one, in_any_order=False).n_rows == len([row for row in one if row[1] == "visit_arm_1"])


def test_record_that_comes_back_at_the_end_of_a_block_is_watched(tmp_path: Path) -> None:
    header = ("record_id", *SYSTEM)
    lines = [("1", "", "", "7", ""), ("2", "", "", "1", ""), ("1", "", "", "8", ""), ("1", "", "", "7", "")]
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *lines])
    reader = KeyReader(Blocks(path, "rows", from_server=True), "record_id", "rows", tmp_path)
    for part in (lines[:3], lines[3:]):
        reader.read(text_batch(header, part))
    with pytest.raises(RedcapReadError):
        reader.check_unique()


@pytest.fixture
def export(workspace: Path) -> ProjectExport:
    with serving({TOKEN: project()}) as running:
        return export_project(client(running.url), workspace)


def _judged(export: ProjectExport, *, after: Path | None = None) -> str:
    before = export.census
    setup = export.setup
    second = before if after is None else take_census(after, setup, from_server=True, forms=before.forms)
    forms = FormsRead(export.forms, {file.form: tally_form(file, setup) for file in export.forms})
    problem = judge(before, second, forms, setup, None, None)
    return "" if problem is None else problem.code


def _lines(path: Path) -> list[str]:
    """Rows of an answer, whose cells hold line ends with a carriage return only."""
    return [line + "\n" for line in path.read_bytes().decode().replace("\r\n", "\r").split("\n")[:-1]]


def _write(path: Path, lines: list[str]) -> None:
    path.write_bytes("".join(lines).replace("\r", "\r\n").encode())


def test_rows_in_another_order_are_the_same_rows(export: ProjectExport, tmp_path: Path) -> None:
    header, *rows = _lines(export.census.path)
    moved = tmp_path / "after.csv"
    _write(moved, [header, *rows[::-1]])
    assert _judged(export, after=moved) == ""
    for file in export.forms:
        header, *rows = _lines(file.path)
        _write(file.path, [header, *rows[::-1]])
    assert _judged(export) == ""


@pytest.mark.parametrize("in_order", [True, False])
def test_a_row_lost_or_a_status_changed_is_seen_in_any_order(
    export: ProjectExport, tmp_path: Path, *, in_order: bool
) -> None:
    step = 1 if in_order else -1
    header, *rows = _lines(export.census.path)
    moved = tmp_path / "after.csv"
    for number in range(len(rows)):
        _write(moved, [header, *(rows[:number] + rows[number + 1 :])[::step]])
        assert _judged(export, after=moved) == "E_SOURCE_MOVED"
    form = next(file for file in export.forms if file.form == "course")
    header, *rows = _lines(form.path)
    seen = 0
    for number, row in enumerate(rows):
        for changed in ([], [row.rstrip("\n") + "1\n"], [row[:-2] + "\n"]):
            if changed and changed[0].count(",") != row.count(","):
                continue
            _write(form.path, [header, *[*rows[:number], *changed, *rows[number + 1 :]][::step]])
            is_opened = row.split(",")[1] == "course"
            if changed == [row] or (changed and not is_opened):
                continue
            if is_opened:
                assert _judged(export) == "E_INCOMPLETE", (row, changed)
                seen += 1
    assert seen >= 6


def test_census_with_the_bytes_of_the_one_before_is_that_census(export: ProjectExport) -> None:
    again = take_census(export.census.path, export.setup, from_server=True, forms=export.census.forms)
    assert again.fingerprint == export.census.fingerprint
    assert replace(again, tallies={}) == replace(export.census, tallies={})
    assert all(again.tallies[form].agrees(tally) for form, tally in export.census.tallies.items())


def test_more_keys_of_one_record_than_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "_MOST_OPEN_KEYS", 3)
    header = ("record_id", *SYSTEM)
    lines = [("1", "", "", str(n), "") for n in range(1, 30)]
    path = tmp_path / "rows.csv"

    def read(rows: list[tuple[str, ...]]) -> None:
        with path.open("w", newline="") as out:
            csv.writer(out, lineterminator="\n").writerows([header, *rows])
        reader = KeyReader(Blocks(path, "rows", from_server=True), "record_id", "rows", tmp_path)
        for begin in range(0, len(rows), 2):
            reader.read(text_batch(header, rows[begin : begin + 2]))
        reader.check_unique()

    read(lines)
    with pytest.raises(RedcapReadError):
        read([*lines, lines[0]])


def test_record_that_the_census_lacks_is_refused(export: ProjectExport, tmp_path: Path) -> None:
    file = next(file for file in export.forms if file.form == "baseline")
    header, row, *rows = _lines(file.path)
    _write(file.path, [header, "S9-9" + row[row.index(",") :], *rows])
    with pytest.raises(RedcapReadError) as caught:
        land(export, tmp_path / "pulls")
    assert caught.value.code == "E_INCOMPLETE"
    assert "S9-9" not in str(caught.value)
    assert [*(tmp_path / "pulls").glob("*/manifest.json")] == []


def test_both_censuses_lie_in_one_file_of_the_archive(export: ProjectExport, tmp_path: Path) -> None:
    pull = land(export, tmp_path / "pulls")
    entries = pull.manifest.payloads
    assert entries["census_before"] == entries["census_after"]
    assert pull.payload("census_after") == export.census.path.read_bytes()
    assert len({entry.path for entry in entries.values()}) == len([*(pull.path / "payload").iterdir()]) < len(entries)
    pull.verify()

"""Reading answers: strict, total, and never louder than a code."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blin_pipeline.redcap.answers import read_json
from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.faults import RedcapReadError, Refusal, refusal_of

#: Any text that a cell can hold: what UTF-8 can carry, without NUL.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON_ROWS = st.lists(
    st.dictionaries(TEXT, TEXT | st.integers(-(10**9), 10**9) | st.none() | st.booleans(), max_size=4), max_size=4
)


def _table(columns: int) -> st.SearchStrategy[list[list[str]]]:
    row = st.lists(TEXT, min_size=columns, max_size=columns)
    return st.tuples(
        st.lists(TEXT.filter(bool), min_size=columns, max_size=columns, unique=True), st.lists(row, max_size=8)
    ).map(lambda parts: [parts[0], *parts[1]])


TABLES = st.integers(2, 5).flatmap(_table)


def _written(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def _read(body: bytes, *, from_server: bool = True) -> list[list[str]]:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(body)
        return list(read_rows(Path(file.name), "records", from_server=from_server))


def _code(body: bytes) -> str:
    with pytest.raises(RedcapReadError) as caught:
        read_json(body, "rows")
    return caught.value.code


@given(JSON_ROWS)
def test_json_is_read_as_the_standard_library_reads_it(rows: list[dict[str, object]]) -> None:
    is_error = len(rows) == 1 and rows[0].keys() == {"error"}
    for ascii_only in (True, False):
        body = json.dumps(rows, ensure_ascii=ascii_only).encode()
        assert (_code(body) == "E_REDCAP") if is_error else (read_json(body, "rows") == rows)


@given(JSON_ROWS.filter(bool), st.data())
def test_json_cut_anywhere_is_truncated(rows: list[dict[str, object]], data: st.DataObject) -> None:
    body = json.dumps(rows, ensure_ascii=False).encode()
    cut = data.draw(st.integers(1, len(body) - 1))
    assert _code(body[:cut]) == "E_TRUNCATED"


@given(st.binary(max_size=60))
def test_json_reader_takes_any_bytes(body: bytes) -> None:
    try:
        read_json(body, "rows")
    except RedcapReadError as error:
        assert error.code.startswith("E_")  # noqa: PT017 - no other exception may pass


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "E_EMPTY"),
        (b" \n", "E_EMPTY"),
        (b'[{"a":1,"a":1}]', "E_JSON_STRICT"),
        (b'[{"a":{"b":1,"b":2}}]', "E_JSON_STRICT"),
        (b'[{"a":Infinity}]', "E_JSON_STRICT"),
        (b'[{"a":-NaN}]', "E_BODY_NOT_JSON"),
        (b'[{"a":"\\ud800"}]', "E_JSON_STRICT"),
        (b"[" * 100_000, "E_BODY_NOT_JSON"),
        (b'[{"a":' + b"1" * 5000 + b"}]", "E_BODY_NOT_JSON"),
        (b'[{"a":"\xe9"}]', "E_ENCODING"),
        (b"\xef\xbb\xbf[]", "E_ENCODING"),
        (b"[] trailing", "E_BODY_NOT_JSON"),
        (b"Unknown database", "E_BODY_NOT_JSON"),
        (b"<br />\n<b>Warning</b>: x", "E_BODY_NOT_JSON"),
        (b"  <!DOCTYPE HTML><html>", "E_MAINTENANCE"),
        (b'<?xml version="1.0" encoding="UTF-8" ?><hash><error>x</error></hash>', "E_REDCAP"),
        (b'{"error":"You do not have permissions to use the API"}', "E_REDCAP"),
        (b'[{"a":"b"}\nPHP Fatal error:  Allowed memory size', "E_BODY_NOT_JSON"),
        (b'\nWarning: Undefined array key 0 in index.php on line 12\n[{"a":"b"}]', "E_BODY_NOT_JSON"),
        (b'PHP Notice:  Undefined index\n[{"a":"b"}]', "E_BODY_NOT_JSON"),
    ],
)
def test_json_fault(body: bytes, code: str) -> None:
    assert _code(body) == code


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("You do not have permissions to use the API", Refusal.UNKNOWN),
        ("You do not have API Export privileges", Refusal.UNKNOWN),
        (
            "Insufficient user privileges: You must have 'API Export' privileges and 'Data Access Groups' privileges in the "
            "project.",
            Refusal.NO_GROUP_RIGHT,
        ),
        ("You cannot export form/event mappings for classic projects", Refusal.UNKNOWN),
        (
            "You cannot export repeating instruments and events because the project does not contain any repeating "
            "instruments and events",
            Refusal.NOTHING_REPEATS,
        ),
        (
            "Insufficient user privileges: You must have 'API Export' privileges and 'Logging' privileges in the project.",
            Refusal.NO_LOG_RIGHT,
        ),
        ("Please try again after logging in", Refusal.UNKNOWN),
        ("An error occurred while logging this API request", Refusal.UNKNOWN),
        ("Something new", Refusal.UNKNOWN),
    ],
)
def test_sentence_of_redcap(sentence: str, reason: Refusal) -> None:
    assert refusal_of(sentence) is reason


@given(TABLES)
def test_csv_gives_every_cell_back(rows: list[list[str]]) -> None:
    body = _written(rows)
    assert _read(body) == rows


@given(TABLES)
def test_csv_file_with_a_mark_gives_every_cell_back(rows: list[list[str]]) -> None:
    assert _read(b"\xef\xbb\xbf" + _written(rows), from_server=False) == rows


@given(TABLES, st.data())
def test_csv_with_one_byte_changed_is_refused_or_is_another_table(rows: list[list[str]], data: st.DataObject) -> None:
    """No exception but ours, and whatever is accepted is what an independent reader makes of the same bytes."""
    body = bytearray(_written([["record_id", *rows[0][1:]], *rows[1:]]))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = _read(bytes(body))
    except RedcapReadError:
        return
    assert found == list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert len({len(row) for row in found}) <= 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "E_EMPTY"),
        (b"[]", "E_EMPTY"),
        (b"a,b\n1,2", "E_TRUNCATED"),
        (b'a,b\n1,"2', "E_TRUNCATED"),
        (b'a,b\n1,"2\n3,4\n', "E_SCHEMA"),
        (b"a,b\n1\n", "E_SCHEMA"),
        (b"a,b\n1,2,3\n", "E_SCHEMA"),
        (b"a,b\n\n1,2\n", "E_SCHEMA"),
        (b'a,b\n"1"x,2\n', "E_SCHEMA"),
        (b"a,a\n1,2\n", "E_SCHEMA"),
        (b"a,b\n1,2\r\n", "E_SCHEMA"),
        (b"a,b\n1,2\r3,4\n", "E_SCHEMA"),
        (b"a,b\n1,\xff\n", "E_ENCODING"),
        (b"a,b\n1,\0\n", "E_ENCODING"),
        (b"\xef\xbb\xbfa,b\n1,2\n", "E_ENCODING"),
        (b"a,b\n1,\xc3", "E_TRUNCATED"),
        (b"ERROR: no\n", "E_REDCAP"),
        (b"a,b\n1,2\n<br />\n<b>Fatal error</b>:  Allowed memory\n", "E_BODY_NOT_JSON"),
        (b"a,b\n1,<br />\n<b>Fatal error</b>:  Allowed memory size exhausted", "E_BODY_NOT_JSON"),
        (b"<html><body>off", "E_MAINTENANCE"),
    ],
)
def test_csv_fault(body: bytes, code: str) -> None:
    with pytest.raises(RedcapReadError) as caught:
        _read(body)
    assert caught.value.code == code


@pytest.mark.parametrize("note", ["Warning: allergic to penicillin.", "Notice: moved.", "Fatal error: in the dose."])
def test_a_note_that_reads_like_a_message_of_php_is_a_note(note: str) -> None:
    """Near the beginning of a short answer, on a line of its own, also in a label of the set-up."""
    assert _read(f'a,b\n1,"Seen today.\r\n{note}"\n'.encode())[1] == ["1", f"Seen today.\r\n{note}"]
    label = {"field_label": f"Seen?\n<b>{note.replace(':', '</b>:')}"}
    assert read_json(json.dumps([label]).encode(), "x") == [label]


@pytest.mark.parametrize("body", [b"\n", b"\r\n", b" \n"])
def test_csv_of_an_empty_project(body: bytes) -> None:
    assert _read(body) == []


def test_csv_note_longer_than_the_usual_limit() -> None:
    note = "x" * 200_000
    assert _read(f"a,b\n1,{note}\n".encode())[1] == ["1", note]


@pytest.mark.parametrize("body", [b"record_id,redcap_rep", b"record_id,", b"record_id", b"a," * 5000])
def test_answer_that_ends_within_its_header(body: bytes, tmp_path: Path) -> None:
    """Its columns are fewer because it broke off, which may pass."""
    path = tmp_path / "answer.csv"
    path.write_bytes(body)
    with pytest.raises(RedcapReadError) as caught:
        next(read_rows(path, "records", from_server=True))
    assert (caught.value.code, caught.value.transient) == ("E_TRUNCATED", True)


def test_a_sentence_is_no_cut_header(tmp_path: Path) -> None:
    """What it is then, its reader says, who knows the columns."""
    path = tmp_path / "answer.csv"
    path.write_bytes(b"Sorry, not today")
    assert next(read_rows(path, "records", from_server=True)) == ["Sorry", " not today"]

"""Random damage to good answers: each is refused with a code, or lands exactly what its bytes say to another parser.

The other parser is written here from the rules of the format, character by character, and shares nothing with ours.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from proof import proof_count
from redcap_sample import TOKEN, client, project
from replay_server import Recording, Replay, recording

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.parquet import read_rows
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.write import land
from blin_pipeline.redcap.export import export_project
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.registry.dictionary import COLUMNS
from blin_pipeline.sandbox.serve import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

NOW = datetime(2026, 7, 1, 6, 0)
#: Bytes that mean something to a parser, and some that mean nothing.
TELLING = b'",\n\r\t{}[]:\\ \x00\xff\xc3\xef\xbb\xbf0129.-=_<>abNu'
SYSTEM = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group")
Cells = Counter[tuple[str, ...]]


def _mutated(body: bytes, chance: random.Random) -> bytes:
    """One change of one byte or of one stretch."""
    at = chance.randrange(len(body)) if body else 0
    end = min(len(body), at + chance.randint(1, 40))
    other = chance.randrange(len(body) + 1)
    kinds: list[Callable[[], bytes]] = [
        lambda: body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :],
        lambda: body[:at] + bytes([chance.choice(TELLING)]) + body[at + 1 :],
        lambda: body[:at] + bytes([chance.choice(TELLING)]) + body[at:],
        lambda: body[:at] + body[at + 1 :],
        lambda: body[:at] + body[end:],
        lambda: body[:end] + body[at:],
        lambda: body[:other] + body[at:end] + body[other:],
        lambda: body[:at],
        lambda: body[at:],
        lambda: body[:at] + body[at:end][::-1] + body[end:],
    ]
    return chance.choice(kinds)()


def _parsed(body: bytes) -> list[list[str]]:
    """Rows of a CSV: cells parted by commas, rows by line feeds, a quoted cell ends at a quote that is not doubled.

    Raises:
        ValueError: Not that format, or not UTF-8.
    """
    text = body.decode("utf-8")
    if text and not text.endswith("\n"):
        raise ValueError("the last row does not end")
    rows: list[list[str]] = [[]]
    at = 0
    while at < len(text):
        if text[at] == '"':
            cell = ""
            at += 1
            while text[at : at + 1] != '"' or text[at : at + 2] == '""':
                if at >= len(text):
                    raise ValueError("an open quote")
                cell += text[at]
                at += 2 if text[at] == '"' else 1
            at += 1
        else:
            end = min(place for sign in ",\n" if (place := text.find(sign, at)) >= 0)
            cell, at = text[at:end], end
        if text[at : at + 1] not in {",", "\n"}:
            raise ValueError("text after a quoted cell")
        rows[-1].append(cell)
        if text[at] == "\n":
            rows.append([])
        at += 1
    return [row for row in rows if row]


def _cells_said(form: str, body: bytes) -> Cells:
    """What an answer says: every non-blank cell that is no key."""
    header, *rows = _parsed(body) or [[""]]
    place = {name: header.index(name) for name in SYSTEM if name in header}
    found: Cells = Counter()
    for row in rows:
        assert len(row) == len(header)
        _, instrument, instance, _ = (row[place[name]] if name in place else "" for name in SYSTEM)
        for column, cell in zip(header[1:], row[1:], strict=True):
            if cell and column not in SYSTEM:
                found[form, row[0], instrument, instance, column, cell] += 1
    return found


def _landed(pull: Pull) -> Cells:
    found: Cells = Counter()
    for form in pull.forms:
        columns = pull.manifest.forms[form].table.columns
        for row in read_rows(pull.form_path(form)):
            cells = zip(columns[5:], row[5:], strict=True)
            found.update((form, row[0], row[3], row[4], column, cell) for column, cell in cells if cell)
    return found


def _check_records(pull: Pull, form: str, said: Cells) -> None:
    """What was landed is what was said; only zeros of forms that nobody opened, and what was set apart, may be missing."""
    landed = Counter({cell: n for cell, n in _landed(pull).items() if cell[0] == form})
    assert not landed - said, "nothing was made up"
    rest = said - landed
    entry = pull.manifest.forms[form]
    assert rest.total() == entry.unopened.cells + entry.elsewhere.cells + entry.misplaced.cells
    assert sum(n for cell, n in rest.items() if cell[-1] != "0") <= entry.misplaced.cells


def _check_dictionary(export: ProjectExport, body: bytes) -> None:
    said = [[str(row.get(name, "")) for name in COLUMNS] for row in json.loads(body)]
    assert [[str(getattr(field, name)) for name in COLUMNS] for field in export.setup.dictionary.fields] == said


#: What of a small answer a reading keeps, by its content.
KEPT: dict[str, tuple[tuple[str, ...], Callable[[ProjectExport], object]]] = {
    "exportFieldNames": (
        ("original_field_name", "choice_value", "export_field_name"),
        lambda export: export.setup.export_names,
    ),
    "dag": (("data_access_group_name", "unique_group_name"), lambda export: export.setup.groups),
    "log": (("timestamp", "username", "action", "details", "record"), lambda export: export.log),
}


def _check_rows_kept(export: ProjectExport, content: str, body: bytes) -> None:
    """The rows of a small answer are those that it says."""
    names, kept = KEPT[content]
    said = [["" if row.get(name) is None else str(row[name]) for name in names] for row in json.loads(body)]
    assert [[str(getattr(row, name)) for name in names] for row in kept(export) or ()] == said  # type: ignore[attr-defined]


def _check_census(pull: Pull, body: bytes) -> None:
    """Records and groups are those that the census says, and no status is made up."""
    header, *rows = _parsed(body)
    place = {name: header.index(name) for name in SYSTEM if name in header}
    groups: dict[str, str] = {}
    statuses: Cells = Counter()
    for row in rows:
        _, instrument, instance, group = (row[place[name]] if name in place else "" for name in SYSTEM)
        groups[row[0]] = groups.get(row[0], "") or group
        for column, cell in zip(header[1:], row[1:], strict=True):
            if cell and column not in SYSTEM:
                statuses[row[0], instrument, instance, column, cell] += 1
    assert dict(read_rows(pull.setup_path("records"))) == groups
    landed: Cells = Counter(
        (record, instrument, instance, f"{form}_complete", status)
        for record, _, _, instrument, instance, form, status in read_rows(pull.setup_path("census"))
        if status
    )
    assert not landed - statuses


def _check_groups(pull: Pull) -> None:
    """A landed row stands in the group of its record, or shows none."""
    groups = dict(read_rows(pull.setup_path("records")))
    for form in pull.forms:
        for record, _, group, *_ in read_rows(pull.form_path(form)):
            assert group in {"", groups[record]}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Every answer of one good reading."""
    found: Recording = {}
    with serving({TOKEN: project()}) as running, recording(running.url, found) as url:
        export_project(client(url, attempts=1), tmp_path_factory.mktemp("recorded"), clock=lambda: NOW)
    return found


@pytest.fixture(scope="module")
def replay(recorded: Recording) -> Iterator[tuple[Replay, str]]:
    given = Replay(recorded)
    with given.serving() as url:
        yield given, url


def _read(url: str, folder: Path) -> tuple[ProjectExport, Pull]:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "work").mkdir(parents=True)
    reader = client(url, attempts=1)
    try:
        export = export_project(reader, folder / "work", clock=lambda: NOW)
    finally:
        reader.close()
    return export, land(export, folder / "pulls")


def test_the_recording_given_again_is_the_same_pull(
    recorded: Recording, replay: tuple[Replay, str], tmp_path: Path
) -> None:
    given, url = replay
    given.start(b"", bytes, always=True)
    _, pull = _read(url, tmp_path)
    for body in recorded:
        asked = parse_qs(body.decode())
        if asked["content"] == ["record"] and "forms[0]" in asked:
            _check_records(pull, asked["forms[0]"][0], _cells_said(asked["forms[0]"][0], recorded[body][0][2]))
    assert _landed(pull).total() > 15


def test_damaged_answers_are_refused_or_land_what_they_say(
    recorded: Recording, replay: tuple[Replay, str], tmp_path: Path, proof: Callable[[str], None]
) -> None:
    given, url = replay
    requests = sorted(recorded)
    outcomes: Counter[str] = Counter()
    for number in range(proof_count(60, 10_000)):
        chance = random.Random(number)
        asked = chance.choice(requests)
        damaged = _mutated(recorded[asked][0][2], chance)
        always = chance.random() < 0.7
        given.start(asked, lambda _, damaged=damaged: damaged, always=always)  # type: ignore[misc]
        what = parse_qs(asked.decode())
        try:
            export, pull = _read(url, tmp_path / "reading")
        except BlinError as error:
            outcomes[error.code] += 1
            continue
        outcomes["landed"] += 1
        _check_groups(pull)
        content = what["content"][0]
        if content == "record" and "forms[0]" in what:
            # What moved is read once more: the last answer counts.
            _check_records(pull, what["forms[0]"][0], _cells_said(what["forms[0]"][0], given.given[asked]))
        elif content == "record" and always:
            _check_census(pull, damaged)
        elif content == "metadata" and always:
            _check_dictionary(export, damaged)
        elif content in KEPT and always and (content, damaged) != ("log", b"[]"):
            # An empty slice of the log is answered by asking for the whole of it.
            _check_rows_kept(export, content, damaged)
    assert outcomes["landed"], "some damage is another value"
    codes = ", ".join(f"{code} {count}" for code, count in outcomes.most_common())
    proof(f"damaged answers: {outcomes.total()} of {len(requests)} requests; {codes}")

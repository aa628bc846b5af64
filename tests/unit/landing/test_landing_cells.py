"""No cell is lost: what a file holds is what the pull holds, plus what is counted as never opened or set apart."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from landing_sample import landed, landed_cells
from pydantic import SecretStr

from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.write import land
from blin_pipeline.redcap.client import RedcapClient
from blin_pipeline.redcap.export import export_project
from blin_pipeline.redcap.files import export_from_files
from blin_pipeline.sandbox.load import project_from_export
from blin_pipeline.sandbox.serve import serving

pytestmark = pytest.mark.slow

SYSTEM = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group")
#: Recorded projects whose data file a server wrote, with what stands in it: records, non-blank cells that are no key.
NAMED = {"repeating-instruments-sparse": (5, 40), "clinical-trial-1": (500, 6000)}


def _cells_of_file(path: Path) -> Counter[tuple[str, ...]]:
    """(record, event, instrument, instance, column, value) of every non-blank cell that is no key; read on our own."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = [row for row in csv.reader(file) if row] or [[""]]
    position = {name: header.index(name) for name in SYSTEM if name in header}

    def key(row: list[str], name: str) -> str:
        return row[position[name]] if name in position else ""

    return Counter(
        (row[0], key(row, SYSTEM[0]), key(row, SYSTEM[1]), key(row, SYSTEM[2]), column, cell)
        for row in rows
        for column, cell in zip(header[1:], row[1:], strict=True)
        if cell and column not in SYSTEM
    )


def _account(pull: Pull, found: Counter[tuple[str, ...]]) -> None:
    """Landed cells and the counted ones make up the file."""
    kept = landed_cells(pull)
    assert not kept - found, "nothing was made up"
    rest = found - kept
    counted = sum(entry.unopened.cells + entry.elsewhere.cells for entry in pull.manifest.forms.values())
    apart = sum(entry.misplaced.cells for entry in pull.manifest.forms.values())
    assert sum(rest.values()) == counted + apart
    assert sum(n for cell, n in rest.items() if cell[-1] != "0") <= apart, (
        "only zeros may be left out without quarantine"
    )


def _land_recorded(project: Path, tmp_path: Path) -> tuple[Pull, Counter[tuple[str, ...]]]:
    dictionary = next(iter(project.glob("diction*.csv")), None)
    if dictionary is None:
        pytest.skip("recorded without a dictionary")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    export = export_from_files(project / "data.csv", dictionary, workspace, allow_empty=True)
    pull = land(export, tmp_path / "pulls")
    pull.verify()
    return pull, _cells_of_file(project / "data.csv")


@pytest.mark.parametrize("name", NAMED)
def test_export_of_a_real_server_arrives_whole(name: str, recorded: Path, tmp_path: Path) -> None:
    pull, found = _land_recorded(recorded / name, tmp_path)

    assert (pull.manifest.n_records, sum(found.values())) == NAMED[name]
    assert landed_cells(pull) == found
    assert {entry.misplaced.rows for entry in pull.manifest.forms.values()} == {0}


def test_every_other_recorded_export_is_accounted_for(recorded: Path, tmp_path: Path) -> None:
    projects = sorted(path for path in recorded.iterdir() if next(iter(path.glob("diction*.csv")), None))
    assert len(projects) == 21
    for project in projects:
        folder = tmp_path / project.name
        folder.mkdir()
        _account(*_land_recorded(project, folder))


def _without_zeros(pull: Pull) -> Counter[tuple[str, ...]]:
    return Counter({cell: n for cell, n in landed_cells(pull).items() if cell[-1] != "0"})


def test_served_recordings_arrive_through_the_api_as_from_their_files(recorded: Path, tmp_path: Path) -> None:
    """The same rows under the same keys, whichever way they come; forms that nobody opened are left out on both."""
    token = "0123456789ABCDEF0123456789ABCDEF"
    for name in (
        "blank-for-gray-status",
        "checkboxes-1",
        "dag",
        "repeating-instruments-sparse",
        "vignette-repeating",
        "simple",
    ):
        folder = tmp_path / name
        folder.mkdir()
        from_file, _ = _land_recorded(recorded / name, folder)
        project = project_from_export(recorded / name / "dictionary.csv", recorded / name / "data.csv")
        (folder / "api").mkdir()
        with serving({token: project}) as running:
            export = export_project(RedcapClient(running.url, SecretStr(token)), folder / "api")
        from_api = land(export, tmp_path / "pulls")
        from_api.verify()
        # Zeros of a form with status 0 are ambiguous in a file; served, they count as stored.
        assert _without_zeros(from_api) == _without_zeros(from_file)
        assert from_api.manifest.n_records == from_file.manifest.n_records


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.sampled_from(
    [
        "",
        "",
        "0",
        "1",
        "007",
        "NA",
        "N/A",
        "null",
        "None",
        "1e5",
        "2024-02-30",
        '"',
        '""',
        "\r\n",
        "\n",
        "\r",
        "a,b",
        " x ",
        "=1+1",
    ]
)
RECORD_ID = TEXT.filter(bool)
FIELDS = (
    ("id", "first", "text", ""),
    ("a", "first", "text", ""),
    ("box", "first", "checkbox", "1, One | x-y, Two"),
    ("b", "second", "notes", ""),
    ("c", "third", "text", ""),
)
HEADER = [
    *("id", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group"),
    *("a", "box___1", "box___x_y", "first_complete", "b", "second_complete", "c", "third_complete"),
]


@st.composite
def _tables(draw: st.DrawFn) -> list[list[str]]:
    """Rows of a project with two instruments of which either may repeat, cells anywhere, also where they cannot stand."""
    ids = draw(st.lists(RECORD_ID, max_size=4, unique=True))
    rows: list[list[str]] = []
    for record_id in ids:
        group = draw(st.sampled_from(["", "site_1"]))
        places = [
            ("", ""),
            *draw(
                st.lists(st.tuples(st.sampled_from(["second", "third"]), st.integers(1, 12)), unique=True, max_size=3)
            ),
        ]
        for form, instance in places:
            cells = draw(st.lists(TEXT, min_size=8, max_size=8))
            rows.append([record_id, form, str(instance), group, *cells])
    return draw(st.permutations(rows))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=_tables())
def test_any_table_of_text_is_accounted_for(rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    pull = landed(folder / "pulls", rows, HEADER, fields=FIELDS, allow_empty=True)
    pull.verify()
    found = Counter(
        (row[0], "", row[1], row[2], column, cell)
        for row in rows
        for column, cell in zip(HEADER[4:], row[4:], strict=True)
        if cell
    )
    _account(pull, found)
    assert pull.manifest.n_records == len({row[0] for row in rows})

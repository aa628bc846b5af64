"""What is gone since the pull behind the release: refused, explained or accepted, and said where people look."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from blin_pipeline.errors import DataError
from blin_pipeline.landing.ledger import readings
from blin_pipeline.landing.loss import Loss
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import accepted_note, log_seen, repeated_keys
from blin_pipeline.orchestration import inputs, pull_run
from blin_pipeline.orchestration.assets.pull import rows_explained
from blin_pipeline.orchestration.pull_run import run_pull
from blin_pipeline.orchestration.workspace import Workspace
from blin_pipeline.registry.dictionary import COLUMNS, dictionary_from_rows
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import serving
from blin_pipeline.settings import Settings, load_settings

pytestmark = pytest.mark.slow

TOKEN = "CAFE0123456789CAFE0123456789CAFE"
FIELDS = {"record_id": "baseline", "code": "baseline", "drug": "course", "mood": "diary"}
HEADER = (
    *("record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "code", "baseline_complete"),
    *("drug", "course_complete", "mood", "diary_complete"),
)
ROWS = (
    ("1", "", "", "a", "2", "", "", "well", "2"),
    ("1", "course", "1", "", "", "x", "2", "", ""),
    ("1", "course", "2", "", "", "y", "2", "", ""),
    ("2", "", "", "b", "2", "", "", "ill", "2"),
    ("2", "course", "1", "", "", "z", "2", "", ""),
)


def _released(monkeypatch: pytest.MonkeyPatch, pull: Pull) -> None:
    for module in (inputs, pull_run):
        monkeypatch.setattr(module, "released_pull_id", lambda _: pull.pull_id)


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)


def _files(folder: Path, **source: object) -> Settings:
    files = {"kind": "files", "data": "data.csv", "dictionary": "dictionary.csv"}
    settings = load_settings(folder, synthetic=True, source={**files, **source})
    settings.prepare_home()
    return settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose release came from files with every row."""
    described = [
        {"field_name": name, "form_name": form, "field_type": "text", "field_label": name}
        for name, form in FIELDS.items()
    ]
    lines = [[row.get(name, "") for name in COLUMNS] for row in described]
    _write(tmp_path / "dictionary.csv", [list(COLUMNS.values()), *lines])
    _write(tmp_path / "data.csv", [HEADER, *ROWS])
    _released(monkeypatch, run_pull(Workspace(_files(tmp_path))))
    return tmp_path


def _without_columns(*names: str) -> list[list[str]]:
    kept = [place for place, name in enumerate(HEADER) if name not in names]
    return [[row[place] for place in kept] for row in (HEADER, *ROWS)]


CASES = {
    "one instance": ([HEADER, *(row for row in ROWS if row[2] != "2")], Loss(rows={"course": 1}, unexplained_rows=1)),
    "every row of an instrument": (
        [HEADER, *(row for row in ROWS if not row[1])],
        Loss(rows={"course": 3}, unexplained_rows=3),
    ),
    "the columns of an instrument": (
        _without_columns("mood", "diary_complete"),
        Loss(rows={"diary": 2}, unexplained_rows=2, columns={"diary": 2}),
    ),
    "one column": (_without_columns("mood"), Loss(columns={"diary": 1})),
    "a record": (
        [HEADER, *(row for row in ROWS if row[0] != "2")],
        Loss(records=1, unexplained_records=1),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_files_lack_needs_a_word(name: str, home: Path) -> None:
    rows, loss = CASES[name]
    before = accepted_note(_files(home).pulls_dir)
    _write(home / "data.csv", rows)
    with pytest.raises(DataError) as caught:
        run_pull(Workspace(_files(home)))
    assert caught.value.code == "E_UNEXPLAINED_LOSS"
    assert accepted_note(_files(home).pulls_dir) == before

    run_pull(Workspace(_files(home, accept_loss=True)))
    note = accepted_note(_files(home).pulls_dir)
    assert note is not None
    assert note.loss == loss


def test_the_same_files_lose_nothing(home: Path) -> None:
    run_pull(Workspace(_files(home)))
    note = accepted_note(_files(home).pulls_dir)
    assert note is not None
    assert note.loss == Loss()


PROJECT = SourceProject(
    title="Synthetic sample",
    project_id=42,
    dictionary=dictionary_from_rows(
        [
            {"field_name": name, "form_name": form, "field_type": "text", "field_label": name}
            for name, form in FIELDS.items()
        ],
        Path("sample.csv"),
    ),
    instrument_labels={},
    repeating_instruments=("course",),
    surveys=(),
    data_access_groups=(("Site 1", "site_1"),),
    record_groups={str(number): "site_1" for number in range(1, 4)},
    missing_data_codes={},
    rows=(
        *(FormRow(str(n), "baseline", None, {"code": f"c{n}", "baseline_complete": "2"}) for n in range(1, 4)),
        *(FormRow("1", "course", n, {"drug": "x", "course_complete": "2"}) for n in (1, 2)),
    ),
    created=datetime(2026, 6, 1, 9, 0),
)


def _drop_record(state: ProjectState) -> None:
    del state.records["3"]


def _drop_instance(state: ProjectState) -> None:
    rows = state.records["1"].rows
    del rows[next(key for key in rows if key.instance == 2)]


def _reenter(state: ProjectState) -> None:
    """A record deleted and entered again as it was; an instance edited and put back."""
    group = state.records["3"].group
    state.delete_record("3")
    state.save("3", "baseline", None, {"code": "c3", "baseline_complete": "2"})
    state.records["3"].group = group
    state.save("1", "course", 2, {"drug": "other"})
    state.save("1", "course", 2, {"drug": "x"})


@pytest.mark.parametrize("drop", [_drop_record, _drop_instance])
def test_lines_that_a_reading_of_the_same_content_had_seen_explain_nothing(
    drop: Callable[[ProjectState], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content was first landed before those lines, and read again after them."""
    now = [datetime(2026, 6, 2, 9, 0)]
    (tmp_path / "restricted" / "secrets").mkdir(parents=True)
    (tmp_path / "restricted" / "secrets" / "redcap_token").write_text(TOKEN, encoding="ascii")
    with serving({TOKEN: PROJECT}, clock=lambda: now[0]) as server:
        settings = load_settings(tmp_path, synthetic=True, source={"url": server.url, "attempts": 1})
        settings.prepare_home()
        first = run_pull(Workspace(settings))
        _released(monkeypatch, first)
        now[0] += timedelta(days=1)
        _reenter(server.project(TOKEN))
        now[0] += timedelta(days=20)
        again = run_pull(Workspace(settings))
        assert again.pull_id == first.pull_id, "the same content"
        assert log_seen(settings.pulls_dir, first.pull_id) == readings(settings.pulls_dir)[-1].log_newest

        now[0] += timedelta(days=10)
        drop(server.project(TOKEN))
        with pytest.raises(DataError) as caught:
            run_pull(Workspace(settings))
    assert caught.value.code == "E_UNEXPLAINED_LOSS"


def test_check_of_lost_rows_says_what_was_accepted() -> None:
    nothing, explained, accepted = (
        rows_explained(loss)
        for loss in (None, Loss(records=2, rows={"course": 3}), Loss(rows={"course": 1}, unexplained_rows=1))
    )
    assert [check.passed for check in (nothing, explained, accepted)] == [True, True, False]
    # A person accepted it: the run goes on.
    assert accepted.severity is dg.AssetCheckSeverity.WARN
    assert explained.metadata["gone"].value == "2 records, 3 rows of course"
    assert nothing.metadata["compared"].value is False


def test_keys_that_stand_twice_are_counted(home: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    landed = run_pull(Workspace(_files(home)))
    assert repeated_keys(landed) == 0
    path = landed.form_path("course")
    table = pq.read_table(path)
    path.chmod(0o600)
    pq.write_table(pa.concat_tables([table.slice(0, 2), table.slice(1, 2)]), path, row_group_size=2)
    assert repeated_keys(landed) == 1

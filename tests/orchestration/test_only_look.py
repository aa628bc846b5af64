"""Looking at a source (``blin doctor``, ``blin map check``) takes nothing from the pulls and leaves nothing behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from blin_pipeline.cli.doctor import _server as look_like_doctor
from blin_pipeline.orchestration.failed_runs import FAILED_RUNS, append, last
from blin_pipeline.orchestration.map_check import read_live
from blin_pipeline.orchestration.pull_run import run_pull
from blin_pipeline.orchestration.workspace import Workspace
from blin_pipeline.registry.dictionary import dictionary_from_rows
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.settings import Settings, load_settings

US, DE = "CAFE0123456789CAFE0123456789CAFE", "CAFE0123456789CAFE0123456789BEEF"
PROJECT = SourceProject(
    title="Synthetic sample",
    project_id=42,
    dictionary=dictionary_from_rows(
        [
            {"field_name": name, "form_name": "baseline", "field_type": "text", "field_label": name}
            for name in ("record_id", "code")
        ],
        Path("sample.csv"),
    ),
    instrument_labels={},
    repeating_instruments=(),
    surveys=(),
    data_access_groups=(("Site 1", "site_1"),),
    record_groups={"1": "site_1", "2": "site_1"},
    missing_data_codes={},
    rows=tuple(FormRow(n, "baseline", None, {"code": f"c{n}", "baseline_complete": "2"}) for n in ("1", "2")),
    created=datetime(2026, 6, 1, 9, 0),
)


@pytest.fixture
def server() -> Iterator[RunningSandbox]:
    with serving({US: PROJECT, DE: dataclasses.replace(PROJECT, project_id=77)}) as running:
        yield running


def _settings(folder: Path, **given: object) -> Settings:
    secrets = folder / "restricted" / "secrets"
    secrets.mkdir(parents=True)
    for name, token in {"redcap_token": US, "us_token": US, "de_token": DE}.items():
        (secrets / name).write_text(token, encoding="ascii")
    settings = load_settings(folder, synthetic=True, **given)
    settings.prepare_home()
    return settings


def _doctor(settings: Settings) -> None:
    first = next(iter(look_like_doctor(settings)))
    assert (first.level, "read completely" in first.what) == ("OK", True), first


def _map_check(settings: Settings) -> None:
    read_live(Workspace(settings))


@pytest.mark.parametrize("look", [_doctor, _map_check])
@pytest.mark.parametrize("several", [False, True])
def test_nothing_is_left_behind(
    look: Callable[[Settings], None], several: bool, tmp_path: Path, server: RunningSandbox
) -> None:
    one = {"url": server.url, "attempts": 1, "incremental": True}
    settings = _settings(tmp_path, **({"projects": {"us": one, "de": one}} if several else {"source": one}))
    run_pull(Workspace(settings))
    before = {path for path in settings.restricted.rglob("*") if path.is_file()}
    look(settings)
    assert {path for path in settings.restricted.rglob("*") if path.is_file()} == before


def test_a_half_written_line_of_the_failed_runs_is_no_line(tmp_path: Path) -> None:
    assert last(tmp_path) is None
    append(tmp_path, {"run_id": "one"})
    with (tmp_path / FAILED_RUNS).open("ab") as file:
        file.write(b'{"run_id": "tw')
    assert last(tmp_path) == {"run_id": "one"}
    append(tmp_path, {"run_id": "three"})
    assert last(tmp_path) == {"run_id": "three"}
    assert (tmp_path / FAILED_RUNS).read_bytes().splitlines()[-1] == b'{"run_id": "three"}'

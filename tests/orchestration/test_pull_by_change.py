"""The pull of the job and of the command: by change, over several projects, and against the pull behind the release."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from blin_pipeline.errors import BlinError, DataError
from blin_pipeline.landing.ledger import Reading, readings
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import accepted_note
from blin_pipeline.orchestration import inputs, pull_run
from blin_pipeline.orchestration.pull_run import progress_line, run_pull
from blin_pipeline.orchestration.workspace import Workspace
from blin_pipeline.redcap.progress import Step
from blin_pipeline.registry.dictionary import dictionary_from_rows
from blin_pipeline.sandbox.faults import Fault, FaultKind
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.settings import Settings, load_settings

pytestmark = pytest.mark.slow

US, DE = "CAFE0123456789CAFE0123456789CAFE", "CAFE0123456789CAFE0123456789BEEF"
PROJECT = SourceProject(
    title="Synthetic sample",
    project_id=42,
    dictionary=dictionary_from_rows(
        [
            {"field_name": name, "form_name": form, "field_type": "text", "field_label": name}
            for name, form in (("record_id", "baseline"), ("code", "baseline"), ("drug", "course"))
        ],
        Path("sample.csv"),
    ),
    instrument_labels={},
    repeating_instruments=("course",),
    surveys=(),
    data_access_groups=(("Site 1", "site_1"),),
    record_groups={str(number): "site_1" for number in range(1, 9)},
    missing_data_codes={},
    rows=tuple(FormRow(str(n), "baseline", None, {"code": f"c{n}", "baseline_complete": "2"}) for n in range(1, 9)),
    created=datetime(2026, 6, 1, 9, 0),
)


@pytest.fixture
def server() -> Iterator[RunningSandbox]:
    with serving({US: PROJECT, DE: dataclasses.replace(PROJECT, project_id=77)}) as running:
        yield running


def _settings(folder: Path, **given: object) -> Settings:
    secrets = folder / "restricted" / "secrets"
    secrets.mkdir(parents=True, exist_ok=True)
    for name, token in {"redcap_token": US, "us_token": US, "de_token": DE}.items():
        (secrets / name).write_text(token, encoding="ascii")
    settings = load_settings(folder, synthetic=True, **given)
    settings.prepare_home()
    return settings


def _one(folder: Path, server: RunningSandbox, **given: object) -> Settings:
    source = {"url": server.url, "attempts": 1, **given.pop("source", {})}  # type: ignore[dict-item]
    return _settings(folder, source=source, **given)


def _last(settings: Settings) -> Reading:
    return readings(settings.pulls_dir)[-1]


def test_projects_are_read_by_change_each_for_itself(tmp_path: Path, server: RunningSandbox) -> None:
    projects = {name: {"url": server.url, "incremental": True} for name in ("us", "de")}
    settings = _settings(tmp_path / "home", projects=projects)
    run_pull(Workspace(settings))
    assert (_last(settings).mode, _last(settings).why_full) == (
        "full",
        "de: there is no accepted pull yet; us: there is no accepted pull yet",
    )

    server.project(DE).save("3", "course", 2, {"drug": "new"})
    server.project(DE).delete_record("7")
    changed = run_pull(Workspace(settings))
    assert (_last(settings).mode, _last(settings).why_full, _last(settings).n_changed) == ("incremental", "", 1)
    whole = run_pull(Workspace(_settings(tmp_path / "whole", projects=projects)))
    assert changed.manifest.content_sha256 == whole.manifest.content_sha256
    assert changed.manifest.n_records == 15

    run_pull(Workspace(settings))
    assert (_last(settings).mode, _last(settings).n_changed, _last(settings).pull_id) == (
        "incremental",
        0,
        changed.pull_id,
    )


def test_interrupted_projects_go_on_where_they_stopped(tmp_path: Path, server: RunningSandbox) -> None:
    projects = {name: {"url": server.url, "attempts": 1} for name in ("us", "de")}
    settings = _settings(tmp_path / "home", projects=projects)
    server.faults.add(Fault(FaultKind.BAD_TOKEN, content="record", form="course", at=2))
    with pytest.raises(BlinError, match="Project us"):
        run_pull(Workspace(settings))
    server.requests.clear()
    run_pull(Workspace(settings))
    assert [form for content, form in server.requests if content == "record" and form] == ["course"]
    assert not settings.partial_dir.exists()


@pytest.fixture
def released(tmp_path: Path, server: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, Pull]:
    """A home with one pull, which a release was made from."""
    settings = _one(tmp_path / "home", server)
    pull = run_pull(Workspace(settings))
    for module in (inputs, pull_run):
        monkeypatch.setattr(module, "released_pull_id", lambda _: pull.pull_id)
    return settings, pull


def _touch(pull: Pull) -> None:
    path = pull.form_path("baseline")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b" ")


def _remove(pull: Pull) -> None:
    shutil.rmtree(pull.path)


@pytest.mark.parametrize(("damage", "code"), [(_touch, "E_PULL_TAMPERED"), (_remove, "E_PULL_MISSING")])
def test_without_its_measure_only_the_same_content_passes(
    damage: object, code: str, released: tuple[Settings, Pull], server: RunningSandbox
) -> None:
    settings, pull = released
    damage(pull)  # type: ignore[operator]
    again = run_pull(Workspace(settings))
    assert again.pull_id == pull.pull_id
    again.verify()

    damage(again)  # type: ignore[operator]
    server.project(US).delete_record("7")
    with pytest.raises(DataError) as caught:
        run_pull(Workspace(settings))
    assert caught.value.code == code
    accepting = _one(settings.home, server, source={"accept_loss": True})
    assert run_pull(Workspace(accepting)).manifest.n_records == 7


def test_refused_pull_is_no_ground_for_the_next(released: tuple[Settings, Pull], server: RunningSandbox) -> None:
    """Rows vanish without a line in the log: refused, and refused again, also by change."""
    settings, pull = released
    del server.project(US).records["7"]
    by_change = _one(settings.home, server, source={"incremental": True})
    for way in (settings, by_change, by_change):
        with pytest.raises(DataError) as caught:
            run_pull(Workspace(way))
        assert caught.value.code == "E_UNEXPLAINED_LOSS"
    assert (settings.pulls_dir / "accepted").read_text().count(pull.pull_id) == 1


def test_full_reading_tells_what_changed_without_a_line_in_the_log(tmp_path: Path, server: RunningSandbox) -> None:
    settings = _one(tmp_path / "home", server, source={"incremental": True})
    in_full = _one(tmp_path / "home", server, source={"incremental": True, "full_every_days": 0})
    run_pull(Workspace(settings))
    state = server.project(US)
    state.save("1", "baseline", None, {"code": "with a line"})
    for name in ("2", "3"):
        next(iter(state.records[name].rows.values()))["code"] = "in silence"

    def silent() -> int | None:
        note = accepted_note(settings.pulls_dir)
        return note.silent_changes if note is not None else None

    run_pull(Workspace(settings))
    assert (_last(settings).mode, silent()) == ("incremental", None)
    run_pull(Workspace(in_full))
    assert (_last(settings).why_full, silent()) == ("a full reading is due", 2)
    run_pull(Workspace(in_full))
    assert silent() == 0


def test_policy_is_applied_after_each_pull(tmp_path: Path, server: RunningSandbox) -> None:
    settings = _one(tmp_path / "home", server, pulls={"keep": 2})
    for number in range(4):
        server.project(US).save("1", "baseline", None, {"code": str(number)})
        run_pull(Workspace(settings))
    on_disk = {path.name for path in settings.pulls_dir.iterdir() if path.is_dir()}
    assert on_disk == {reading.pull_id for reading in readings(settings.pulls_dir)[-2:]}


def test_line_of_progress_tells_counts_and_time_left() -> None:
    step = Step("records of 'course'", 3, 12, 1200, 2_500_000, records=800, fraction=0.25)
    assert progress_line(step, 10.0) == (
        "records of 'course' (3/12, 800 records, 1200 rows, 2.5 MB, 25%, about 30 s left)"
    )
    assert progress_line(Step("project", 1, 12, 0, 900), 1.0) == "project (1/12, 0 rows, 0.0 MB)"

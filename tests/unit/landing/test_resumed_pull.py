"""A pull that was interrupted: what is proven good is not fetched again, and nothing else is believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from landing_sample import landed_cells
from pulling import SOURCE, TOKEN, Clock, PullHome, stored_cells

from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.sandbox.faults import Fault, FaultKind
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.serve import RunningSandbox, serving


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running(clock: Clock) -> Iterator[RunningSandbox]:
    with serving({TOKEN: SOURCE}, clock=clock) as served:
        yield served


@pytest.fixture
def home(tmp_path: Path, clock: Clock, running: RunningSandbox) -> PullHome:
    """A home whose first pull broke off at the last instrument."""
    found = PullHome(tmp_path / "home", clock)
    running.faults.add(Fault(FaultKind.BAD_TOKEN, content="record", form="course"))
    with pytest.raises(RedcapReadError):
        found.pull(running.url)
    running.requests.clear()
    return found


def _forms_asked(running: RunningSandbox) -> list[str]:
    return [form for content, form in running.requests if content == "record" and form is not None]


def test_only_what_is_missing_is_fetched(home: PullHome, running: RunningSandbox, tmp_path: Path, clock: Clock) -> None:
    pull, _ = home.pull(running.url)
    assert _forms_asked(running) == ["course"]
    assert pull.manifest.notes == ("2 answers of an interrupted reading were used again.",)
    assert not (home.folder / "partial").exists()
    whole, _ = PullHome(tmp_path / "whole", clock).pull(running.url)
    assert pull.pull_id == whole.pull_id
    assert pull.payload("record_baseline") == whole.payload("record_baseline")


def test_parts_are_for_the_pipelines_user_only(home: PullHome) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home.folder / "partial").iterdir()}
    assert set(modes.values()) == {0o600}
    assert (home.folder / "partial").stat().st_mode & 0o777 == 0o700


def test_parts_survive_several_interruptions(home: PullHome, running: RunningSandbox, clock: Clock) -> None:
    for _ in range(3):
        clock.move(hours=1)
        running.faults.add(Fault(FaultKind.BAD_TOKEN, content="record", form="course"))
        with pytest.raises(RedcapReadError):
            home.pull(running.url)
        running.faults.clear()
    assert set(_forms_asked(running)) == {"course"}
    home.pull(running.url)


def _value(state: ProjectState) -> None:
    """Keys and statuses stay as they are: only the log shows it."""
    state.save("S1-1", "baseline", None, {"code": "edited meanwhile"})


def _record(state: ProjectState) -> None:
    state.save("S9-9", "diary", None, {"feeling": "new"})


def _group(state: ProjectState) -> None:
    state.assign_group("S1-1", "site_2")


def _label(state: ProjectState) -> None:
    fields = list(state.dictionary.fields)
    fields[1] = fields[1].model_copy(update={"field_label": "Another meaning"})
    state.replace_dictionary(type(state.dictionary)(fields=tuple(fields)))


@pytest.mark.parametrize("change", [_value, _record, _group, _label])
@pytest.mark.parametrize("minutes", [0, 1, 600])
def test_project_that_changed_meanwhile_is_read_anew(
    change: Callable[[ProjectState], None], minutes: int, home: PullHome, running: RunningSandbox, clock: Clock
) -> None:
    clock.move(minutes=minutes)
    state = running.project(TOKEN)
    change(state)
    pull, _ = home.pull(running.url)
    assert sorted(_forms_asked(running)) == ["baseline", "course", "diary"]
    assert landed_cells(pull) == stored_cells(state)


def test_old_parts_are_dropped(home: PullHome, running: RunningSandbox, clock: Clock) -> None:
    clock.move(hours=25)
    home.pull(running.url)
    assert sorted(_forms_asked(running)) == ["baseline", "course", "diary"]


@pytest.mark.parametrize("damage", ["content", "index", "gone"])
def test_damaged_part_is_fetched_again(damage: str, home: PullHome, running: RunningSandbox) -> None:
    folder = home.folder / "partial"
    if damage == "content":
        part = folder / "record_diary.csv"
        part.write_text(part.read_text().replace("well", "ill"))
    elif damage == "gone":
        (folder / "record_diary.csv").unlink()
    else:
        index = json.loads((folder / "parts.json").read_text())
        index["parts"]["record_diary.csv"] = "0" * 64
        (folder / "parts.json").write_text(json.dumps(index))
    pull, _ = home.pull(running.url)
    assert _forms_asked(running) == ["diary", "course"]
    assert landed_cells(pull) == stored_cells(running.project(TOKEN))


def test_without_the_log_nothing_is_used_again(tmp_path: Path, clock: Clock) -> None:
    with serving({TOKEN: SOURCE}, clock=clock, rights={TOKEN: TokenRights(logging=False)}) as running:
        home = PullHome(tmp_path / "home", clock)
        running.faults.add(Fault(FaultKind.BAD_TOKEN, content="record", form="course"))
        with pytest.raises(RedcapReadError):
            home.pull(running.url)
        assert not (home.folder / "partial").exists()
        running.requests.clear()
        home.pull(running.url)
        assert sorted(_forms_asked(running)) == ["baseline", "course", "diary"]


def test_parts_of_another_project_are_dropped(home: PullHome, clock: Clock) -> None:
    import dataclasses

    with serving({TOKEN: dataclasses.replace(SOURCE, project_id=43)}, clock=clock) as other:
        home.pull(other.url)
        assert sorted(_forms_asked(other)) == ["baseline", "course", "diary"]

"""When a pull reads by change, what it asks the server for, and every doubt that makes it read in full."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from landing_sample import landed_cells
from pulling import SOURCE, TOKEN, Clock, PullHome, stored_cells

from blin_pipeline.landing.baseline import baseline_of
from blin_pipeline.landing.ledger import readings
from blin_pipeline.landing.pull import Pull
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.log import EventLog
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rights import ExportRight, TokenRights
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.sandbox.setup import Arm, Event, Repeat

pytestmark = pytest.mark.slow


class Lab:
    """A served project, a home with one accepted full pull of it, and a day gone by."""

    def __init__(self, folder: Path, running: RunningSandbox, clock: Clock) -> None:
        self.running, self.clock = running, clock
        self.state: ProjectState = running.project(TOKEN)
        self.home = PullHome(folder / "home", clock)
        self.first, _ = self.home.pull(running.url)
        clock.move(days=1)

    def asked(self) -> list[tuple[str, str | None]]:
        """Requests since the last call."""
        found = list(self.running.requests)
        self.running.requests.clear()
        return found

    def by_change(self) -> tuple[Pull, str]:
        """The pull, and why it read in full (blank: it did not)."""
        self.asked()
        pull, reading = self.home.pull(self.running.url, incremental=True)
        assert landed_cells(pull) == stored_cells(self.state), "whatever the way, the result is the project"
        assert (reading.mode == "full") == bool(reading.why_full)
        return pull, reading.why_full


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    clock = Clock()
    with serving({TOKEN: SOURCE}, clock=clock) as running:
        yield Lab(tmp_path, running, clock)


def test_no_change_costs_a_census_and_nothing_is_written(lab: Lab) -> None:
    files = {path: path.stat().st_mtime_ns for path in lab.first.path.rglob("*")}
    pull, why = lab.by_change()
    assert why == ""
    assert pull.path == lab.first.path
    assert {path: path.stat().st_mtime_ns for path in lab.first.path.rglob("*")} == files
    asked = lab.asked()
    assert [form for content, form in asked if content == "record"] == [None, None], "the census and the date range"
    assert len(asked) == 10
    assert [reading.mode for reading in readings(lab.home.pulls_dir)] == ["full", "incremental"]


@pytest.mark.parametrize(("at", "kind"), [(2, FaultKind.ERROR_CSV), (3, FaultKind.ERROR_CSV), (2, FaultKind.BAN_PAGE)])
def test_a_request_that_the_server_refuses_leads_to_a_full_reading(at: int, kind: FaultKind, lab: Lab) -> None:
    """The date range, then the changed rows: a server may refuse either, and yet give everything."""
    lab.state.save("S1-1", "baseline", None, {"code": "edited"})
    lab.running.faults.add(Fault(kind, content="record", at=at))
    _, why = lab.by_change()
    assert why.startswith("a request of the reading by change was refused (E_")


def test_only_changed_records_are_fetched(lab: Lab) -> None:
    lab.state.save("S1-1", "baseline", None, {"code": "edited"})
    lab.state.clear_form("S1-10", "course", 1)
    pull, why = lab.by_change()
    assert why == ""
    assert readings(lab.home.pulls_dir)[-1].n_changed == 2
    for form in pull.forms:
        received = pull.payload(f"changed_{form}").decode().splitlines()
        assert {line.split(",")[0] for line in received[1:]} == {"S1-1", "S1-10"}


def test_the_next_one_starts_from_this_one(lab: Lab) -> None:
    for day in range(5):
        lab.state.save("S1-1", "diary", None, {"feeling": f"day {day}"})
        assert lab.by_change()[1] == ""
        lab.clock.move(days=1)
    assert [reading.n_changed for reading in readings(lab.home.pulls_dir)] == [None, 1, 1, 1, 1, 1]


def test_full_reading_is_due_after_a_week(lab: Lab) -> None:
    lab.clock.move(days=5, hours=23)
    assert lab.by_change()[1] == ""
    lab.clock.move(hours=1)
    assert lab.by_change()[1] == "a full reading is due"
    lab.clock.move(days=1)
    assert lab.by_change()[1] == ""


def test_new_title_asks_for_one_full_reading_only(lab: Lab) -> None:
    """The content stays what it was, so the pull of before stays too; the set-up that is compared is the newest one."""
    lab.state.settings["project_title"] = "Another title"
    pull, why = lab.by_change()
    assert (pull.path, why) == (lab.first.path, "the dictionary or the set-up changed")
    lab.clock.move(days=1)
    assert lab.by_change()[1] == ""


def test_change_that_only_the_census_shows_is_fetched(lab: Lab) -> None:
    """As after an edit in the database itself: no line in the log, but another status."""
    lab.state.records["S1-1"].rows[next(iter(lab.state.records["S1-1"].rows))]["baseline_complete"] = "1"
    assert lab.by_change()[1] == ""
    assert readings(lab.home.pulls_dir)[-1].n_changed == 1


def test_change_that_nothing_shows_comes_with_the_full_reading(lab: Lab) -> None:
    """A value changed behind REDCap's back cannot be seen by change; the weekly full reading brings it."""
    next(iter(lab.state.records["S1-1"].rows.values()))["code"] = "changed in silence"
    lab.asked()
    pull, reading = lab.home.pull(lab.running.url, incremental=True)
    assert reading.mode == "incremental"
    assert landed_cells(pull) != stored_cells(lab.state)
    lab.clock.move(days=6)
    assert lab.by_change()[1] == "a full reading is due"


def _new_label(lab: Lab) -> None:
    fields = list(lab.state.dictionary.fields)
    fields[1] = fields[1].model_copy(update={"field_label": "Another meaning"})
    lab.state.replace_dictionary(type(lab.state.dictionary)(fields=tuple(fields)))


def _rights_edited(lab: Lab) -> None:
    lab.state.note("user", "Edit user blin_reader", "user = 'blin_reader'", "admin")


def _clock_back(lab: Lab) -> None:
    """The edit stays the newest line; our own clock went on."""
    real = lab.clock.utc()
    lab.clock.move(days=-2)
    lab.clock.utc = lambda: real + timedelta(days=1)  # type: ignore[method-assign]


def _log_emptied(lab: Lab) -> None:
    lab.state.log = EventLog()


def _ours_ran_ahead(lab: Lab) -> None:
    """The server's clock stood still for two hours that ours counted."""
    real = lab.clock.utc
    lab.clock.utc = lambda: real() + timedelta(hours=2)  # type: ignore[method-assign]


def _most(lab: Lab) -> None:
    for name in list(lab.state.records)[:12]:
        lab.state.save(name, "baseline", None, {"code": "all at once"})


def _line_without_record(lab: Lab) -> None:
    lab.state.note("record_edit", "Update record", "code = 'x'", "someone")


def _touched(lab: Lab) -> None:
    path = lab.first.form_path("baseline")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[::-1])


def _gone(lab: Lab) -> None:
    lab.first.path.rename(lab.first.path.with_name("elsewhere"))


def _list_edited(lab: Lab) -> None:
    ledger = lab.home.pulls_dir / "pulls.jsonl"
    ledger.write_text(ledger.read_text().replace('"n_records":18', '"n_records":19'))


def _never_accepted(lab: Lab) -> None:
    (lab.home.pulls_dir / "accepted").unlink()


@pytest.mark.parametrize(
    ("doubt", "why"),
    [
        (_new_label, "the dictionary or the set-up changed"),
        (_rights_edited, "the log shows an edit of the design, of rights or of groups"),
        (_clock_back, "the server's clock and ours ran apart"),
        (_log_emptied, "the log no longer shows where the pull before stood"),
        (_ours_ran_ahead, "the server's clock and ours ran apart"),
        (_most, "most records changed"),
        (_line_without_record, "the log names a change without its record"),
        (_touched, "the pull before, or the list of pulls, is not as it was written"),
        (_gone, "the pull before is gone"),
        (_never_accepted, "there is no accepted pull yet"),
    ],
)
def test_doubt_leads_to_a_full_reading(doubt: Callable[[Lab], None], why: str, lab: Lab) -> None:
    lab.state.save("S1-1", "baseline", None, {"code": "edited"})
    doubt(lab)
    pull, found = lab.by_change()
    assert found == why
    assert any(why in note for note in pull.manifest.notes)
    pull.verify()


def test_list_of_readings_that_was_edited_is_no_ground(lab: Lab) -> None:
    """With one line nothing follows it; the note of the accepted reading still names another line."""
    _list_edited(lab)
    baseline, why = baseline_of(lab.home.pulls_dir)
    assert baseline is None
    assert why == "the list of pulls does not know the pull before"


def test_touched_pull_is_set_aside_and_read_anew(lab: Lab) -> None:
    _touched(lab)
    pull, why = lab.by_change()
    assert why == "the pull before, or the list of pulls, is not as it was written"
    assert pull.path == lab.first.path
    pull.verify()
    assert (lab.home.pulls_dir / f"{pull.pull_id}.damaged-1").is_dir()


def test_date_range_that_misses_a_change_is_not_believed(lab: Lab) -> None:
    class Blind(FaultPlan):
        """The server answers the question for changed records with none."""

        def strike(self, request: object) -> Fault | None:
            if request.text("dateRangeBegin"):  # type: ignore[attr-defined]
                return Fault(FaultKind.CUT_AT_ROW, argument=0)
            return None

    lab.running.faults.strike = Blind().strike  # type: ignore[method-assign]
    assert lab.by_change()[1] == ""
    lab.clock.move(days=1)
    lab.state.save("S1-1", "baseline", None, {"code": "edited"})
    assert lab.by_change()[1] == "the server's date range misses records that its log shows as changed"


@pytest.mark.parametrize("at", [3, 4, 5, 6])
def test_project_that_moves_under_a_reading_by_change_is_read_in_full(at: int, lab: Lab) -> None:
    """Before each of: a form's changed records, the closing census."""
    lab.state.save("S1-1", "baseline", None, {"code": "edited"})

    def edit(state: ProjectState) -> None:
        state.save("S2-1", "course", 3, {"drug": "meanwhile"})

    lab.running.faults.add(Fault(FaultKind.MUTATE, content="record", at=at, argument=edit))
    assert lab.by_change()[1].startswith("the rows put together did not stand the proof")


def test_lost_rows_of_changed_records_end_in_a_full_reading(lab: Lab) -> None:
    lab.state.save("S1-10", "course", 1, {"drug": "edited"})
    lab.running.faults.add(Fault(FaultKind.CUT_AT_ROW, content="record", form="course", argument=1))
    assert lab.by_change()[1] == "the rows put together did not stand the proof (E_INCOMPLETE)"


@pytest.mark.parametrize(
    "rights",
    [{"logging": False}, {"form_export_rights": {"diary": ExportRight.DEIDENTIFIED}}, {"data_access_groups": False}],
)
def test_right_that_is_gone_is_never_papered_over(rights: dict, tmp_path: Path) -> None:
    clock = Clock()
    other = "CAFE0123456789CAFE0123456789BEEF"
    served = {TOKEN: SOURCE, other: SOURCE}
    with serving(served, clock=clock, rights={other: TokenRights(username="other", **rights)}) as running:
        home = PullHome(tmp_path / "home", clock)
        home.pull(running.url)
        clock.move(days=1)
        running.project(TOKEN).save("S2-1", "diary", None, {"feeling": "worse"})
        home.token = other
        if "form_export_rights" in rights:
            with pytest.raises(RedcapReadError) as caught:
                home.pull(running.url, incremental=True)
            assert caught.value.code == "E_SCHEMA"
        else:
            pull, reading = home.pull(running.url, incremental=True)
            assert reading.why_full in {"the log cannot be read", "the dictionary or the set-up changed"}
            assert landed_cells(pull) == stored_cells(running.project(TOKEN))


def test_other_project_is_never_mixed_in(lab: Lab, tmp_path: Path) -> None:
    with serving({TOKEN: dataclasses.replace(SOURCE, project_id=43)}, clock=lab.clock) as other:
        pull, reading = lab.home.pull(other.url, incremental=True)
    assert reading.why_full == "the pull before is of another project"
    assert pull.manifest.project_id == "43"


def test_faulty_server_fails_a_reading_by_change_like_a_full_one(lab: Lab) -> None:
    lab.state.save("S1-1", "baseline", None, {"code": "edited"})
    lab.running.faults.add(Fault(FaultKind.BAD_TOKEN, content="record", form="diary", times=ALWAYS))
    with pytest.raises(RedcapReadError) as caught:
        lab.home.pull(lab.running.url, incremental=True)
    assert caught.value.code == "E_AUTH"


def test_hour_of_daylight_saving_time_is_covered(tmp_path: Path) -> None:
    """01:50, pull; 01:55 becomes 00:55 again; an edit at 01:10 of the second round is found."""
    clock = Clock(datetime(2026, 11, 1, 1, 50))
    with serving({TOKEN: SOURCE}, clock=clock) as running:
        home = PullHome(tmp_path / "home", clock)
        home.pull(running.url)
        clock.move(minutes=-40)
        running.project(TOKEN).save("S1-1", "baseline", None, {"code": "second round"})
        clock.move(hours=3)
        started = clock.utc() + timedelta(hours=1)
        clock.utc = lambda: started  # type: ignore[method-assign]
        pull, reading = home.pull(running.url, incremental=True)
    assert reading.mode == "incremental"
    assert landed_cells(pull) == stored_cells(running.project(TOKEN))


BASE, VISIT = "base_arm_1", "visit_arm_1"


def _longitudinal() -> SourceProject:
    """Events, one of which repeats as a whole, and an instrument that repeats in the other."""
    return dataclasses.replace(
        SOURCE,
        repeating_instruments=(),
        settings={"is_longitudinal": 1},
        arms=(Arm(1, "Arm 1"),),
        events=(Event(1, "Base", 1, BASE), Event(2, "Visit", 1, VISIT)),
        event_forms=((BASE, "baseline"), (BASE, "course"), (VISIT, "diary"), (VISIT, "baseline")),
        repeats=(Repeat("course", BASE), Repeat("", VISIT)),
        rows=(
            FormRow("S1-1", "baseline", None, {"code": "1", "baseline_complete": "2"}, BASE),
            FormRow("S1-1", "course", 1, {"drug": "x", "course_complete": "2"}, BASE),
            FormRow("S1-1", "diary", 1, {"feeling": "well", "diary_complete": "2"}, VISIT),
            FormRow("S1-1", "diary", 2, {"feeling": "ill", "diary_complete": "2"}, VISIT),
            FormRow("S2-1", "baseline", 1, {"code": "2", "baseline_complete": "0"}, VISIT),
            *(FormRow(f"S4-{n}", "baseline", None, {"code": str(n)}, BASE) for n in range(1, 13)),
        ),
    )


def _edit_events(state: ProjectState) -> None:
    state.save("S1-1", "diary", 2, {"feeling": "better"}, event=VISIT)
    state.save("S2-1", "diary", 7, {"feeling": "new visit"}, event=VISIT)
    state.save("S2-1", "course", 2, {"drug": "y"}, event=BASE)


def _clear_events(state: ProjectState) -> None:
    state.clear_form("S1-1", "diary", 1, event=VISIT)
    state.clear_form("S1-1", "course", 1, event=BASE)
    state.delete_record("S2-1")


@pytest.mark.parametrize("edit", [_edit_events, _clear_events])
def test_longitudinal_project_is_read_by_change(edit: Callable[[ProjectState], None], tmp_path: Path) -> None:
    clock = Clock()
    with serving({TOKEN: _longitudinal()}, clock=clock) as running:
        home = PullHome(tmp_path / "home", clock)
        home.pull(running.url)
        clock.move(days=1)
        edit(running.project(TOKEN))
        found, reading = home.pull(running.url, incremental=True)
        whole, _ = PullHome(tmp_path / "whole", clock).pull(running.url)
        assert reading.mode == "incremental"
        assert found.manifest.content_sha256 == whole.manifest.content_sha256
        assert found.manifest.is_longitudinal
        assert landed_cells(found) == landed_cells(whole)
        values = {cell[-1] for cell in landed_cells(found)}
        assert ("better" in values and "new visit" in values) == (edit is _edit_events)
        assert ("well" in values) == (edit is _edit_events)

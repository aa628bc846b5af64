"""A whole reading against the sandbox: what is asked, what is proven, what a moving project leads to."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from redcap_sample import CANARY, DICTIONARY, PULLED_AT, ROWS, TOKEN, client, project, visits

from blin_pipeline.redcap.export import ReadingPlan, export_project
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.fates import Fate
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.progress import Step, Steps
from blin_pipeline.redcap.rows import read_form
from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.sandbox.faults import ALWAYS, Fault, FaultKind, FaultPlan
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.rights import ExportRight, TokenRights
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.serve import RunningSandbox, serving

pytestmark = pytest.mark.slow


def _cells(export: ProjectExport, *fates: Fate) -> Counter[tuple[str, ...]]:
    """(form, record, instance, column, value) of every non-blank cell of rows with these fates."""
    return Counter(
        (file.form, row.key.record_id, row.key.repeat_instance, column, cell)
        for file in export.forms
        for row in read_form(file, export.setup)
        if row.fate in (fates or {Fate.LANDED})
        for column, cell in zip(file.columns, row.cells, strict=True)
        if cell
    )


def _stored() -> Counter[tuple[str, ...]]:
    """The same of what the sandbox was given, with the zeros that REDCap adds for options that nobody ticked."""
    boxes = ["race___1", "race____98", "race___unk", "race___na"]
    return Counter(
        (row.form, row.record_id, str(row.instance or ""), column, cell)
        for row in ROWS
        for column, cell in ({box: "0" for box in boxes if row.form == "baseline"} | row.values).items()
    )


def test_every_stored_cell_arrives_and_no_other(sandbox: RunningSandbox, workspace: Path) -> None:
    export = export_project(client(sandbox.url), workspace, clock=lambda: PULLED_AT)

    assert _cells(export) == _stored()
    assert _cells(export, Fate.MISPLACED) == Counter()
    assert export.census.groups == {"S1-9": "site_1", "S1-10": "site_1", "S2-1": "site_2"}
    assert export.setup.info.missing_codes == {"UNK": "Unknown", "NA": "Not applicable"}
    assert export.pulled_at_utc == PULLED_AT
    assert export.redcap_version == "15.5.2"
    assert export.notes == ()


def test_one_request_per_instrument_between_two_censuses(sandbox: RunningSandbox, workspace: Path) -> None:
    export_project(client(sandbox.url), workspace)

    records = [form for content, form in sandbox.requests if content == "record"]
    assert records == [None, "baseline", "course", "diary", None]
    asked = Counter(content for content, _ in sandbox.requests)
    assert {asked[content] for content in ("project", "metadata", "instrument", "repeatingFormsEvents")} == {2}


def test_no_log_line_of_any_library_holds_token_or_value(
    sandbox: RunningSandbox, workspace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        export_project(client(sandbox.url), workspace)
    assert "POST /api/" in caplog.text, "the transport's own debug lines were seen"
    for secret in (TOKEN, TOKEN.lower(), CANARY, "S1-10", "vincristine"):
        assert secret not in caplog.text


def test_exact_bytes_are_kept(sandbox: RunningSandbox, workspace: Path) -> None:
    export = export_project(client(sandbox.url), workspace)

    payloads = {payload.name: payload.path.read_bytes() for payload in export.payloads}
    assert payloads["record_course"].splitlines()[0] == (
        b"record_id,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,drug,dose,course_complete"
    )
    assert {"project", "metadata", "census_before", "census_after", "log_before", "record_baseline"} <= payloads.keys()
    assert all(payload.n_bytes == len(payloads[payload.name]) for payload in export.payloads)


def test_progress_counts_to_its_end(sandbox: RunningSandbox, workspace: Path) -> None:
    steps: list[Step] = []
    export_project(client(sandbox.url), workspace, progress=steps.append)

    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].done == steps[-1].total
    assert steps[-1].rows == 3 + 3 + 3
    assert steps[-1].n_bytes > 0
    assert steps[-1].records == 3
    fractions = [step.fraction for step in steps if step.fraction is not None]
    assert fractions == sorted(fractions)
    # Three rows of eight, three and two columns.
    assert fractions[:3] == [24 / 39, 33 / 39, 1.0]
    assert {*fractions[3:]} == {1.0}


def test_answer_that_is_still_arriving_moves_the_bar() -> None:
    """Two instruments of equal size; of the second, half the bytes are there."""
    told: list[Step] = []
    steps = Steps(4, told.append)
    steps.expect(10, {"first": 50, "second": 50})
    steps.receive(4 << 20)
    steps.finish("first", rows=10, n_bytes=4 << 20)
    steps.receive(2 << 20)
    steps.receive(1)

    assert [(step.name, step.arriving, step.fraction) for step in told] == [
        ("receiving", True, 0.0),
        ("first", False, 0.5),
        ("receiving", True, 0.75),
    ]
    assert told[-1].n_bytes == 6 << 20
    assert told[-1].seconds_left(30.0) == 10.0
    assert told[0].seconds_left(30.0) is None


def _add_record(state: ProjectState) -> None:
    state.save(f"S1-{11 + len(state.records)}", "diary", None, {"feeling": "new", "diary_complete": "2"})


def _edit_value(state: ProjectState) -> None:
    state.save("S1-9", "baseline", None, {"code": f"edited {len(state.records)}"})


def _add_instance(state: ProjectState) -> None:
    number = sum(key.instrument == "course" for key in state.records["S1-9"].rows) + 1
    state.save("S1-9", "course", number, {"drug": "new", "course_complete": "0"})


def _delete_record(state: ProjectState) -> None:
    state.delete_record(next(iter(state.records)))


def _move_group(state: ProjectState) -> None:
    other = {"site_1": "site_2", "site_2": "site_1"}
    state.assign_group("S1-9", other[state.records["S1-9"].group])


CHANGES = [_add_record, _edit_value, _add_instance, _delete_record, _move_group]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("at", [2, 3, 4, 5])
def test_project_that_moves_once_is_read_again(
    change: Callable[[ProjectState], None], at: int, workspace: Path
) -> None:
    """The change falls before the ``at``-th record request: a form or the closing census."""
    plan = FaultPlan([Fault(FaultKind.MUTATE, content="record", at=at, argument=change)])
    with serving({TOKEN: project()}, faults=plan) as running:
        export = export_project(client(running.url), workspace)
        again = export_project(client(running.url), workspace)

    assert _cells(export) == _cells(again), "what was read is the project after the change, whole"
    assert export.notes == ("The project moved while it was read; it was read again.",)


@pytest.mark.parametrize("change", [_add_record, _edit_value, _add_instance, _move_group])
def test_project_that_will_not_hold_still(change: Callable[[ProjectState], None], workspace: Path) -> None:
    plan = FaultPlan([Fault(FaultKind.MUTATE, content="record", form="course", times=ALWAYS, argument=change)])
    with serving({TOKEN: project()}, faults=plan) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code == "E_SOURCE_MOVED"


@pytest.mark.parametrize("change", [_add_record, _add_instance, _delete_record, _move_group])
def test_without_the_log_the_two_censuses_show_the_move(
    change: Callable[[ProjectState], None], workspace: Path
) -> None:
    """The change falls before the closing census: no instrument's answer could show it."""
    plan = FaultPlan([Fault(FaultKind.MUTATE, content="record", at=5, argument=change)])
    rights = {TOKEN: TokenRights(logging=False)}
    with serving({TOKEN: project()}, faults=plan, rights=rights) as running:
        export = export_project(client(running.url), workspace)
        again = export_project(client(running.url), workspace)
    assert _cells(export) == _cells(again)
    assert "The project moved while it was read; it was read again." in export.notes


def test_lost_row_of_a_form_that_nobody_opened_is_lost_all_the_same(workspace: Path) -> None:
    rows = (
        FormRow("1", "diary", None, {"feeling": "x", "diary_complete": "2"}),
        FormRow("2", "baseline", None, {"code": "y", "baseline_complete": "2"}),
    )
    fault = Fault(FaultKind.CUT_AT_ROW, content="record", form="diary", times=ALWAYS, argument=1)
    lone = project(rows=rows, record_groups={"1": "", "2": ""})
    with serving({TOKEN: lone}, faults=FaultPlan([fault])) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code == "E_INCOMPLETE"


@pytest.mark.parametrize("longitudinal", [False, True])
def test_instance_without_status_is_refused_with_what_to_do(longitudinal: bool, workspace: Path) -> None:
    """No census can see such an instance, so nothing could prove that all of them arrived."""
    row = FormRow("1", "course", 9, {"drug": "z"}, "start_arm_1" if longitudinal else "")
    base = visits() if longitudinal else project()
    rows = (*base.rows, row) if longitudinal else (*base.rows, row._replace(record_id="S1-9"))
    with serving({TOKEN: dataclasses.replace(base, rows=rows)}) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code == "E_INCOMPLETE"
    assert "no status" in caught.value.fix


def test_longitudinal_project_stands_the_proof(workspace: Path) -> None:
    with serving({TOKEN: visits()}) as running:
        export = export_project(client(running.url), workspace)
    rows = {
        (file.form, *row.key)
        for file in export.forms
        for row in read_form(file, export.setup)
        if row.fate is Fate.LANDED
    }
    assert rows == {
        ("diary", "1", "start_arm_1", "", ""),
        ("course", "1", "start_arm_1", "course", "2"),
        ("baseline", "1", "later_arm_1", "", "1"),
        ("baseline", "2", "start_arm_1", "", ""),
        ("diary", "2", "start_arm_1", "", ""),
    }


def test_lost_row_without_status_is_noticed_in_a_longitudinal_project(workspace: Path) -> None:
    fault = Fault(FaultKind.CUT_AT_ROW, content="record", form="diary", times=ALWAYS, argument=2)
    with serving({TOKEN: visits()}, faults=FaultPlan([fault])) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code == "E_INCOMPLETE"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(FaultKind.EMPTY_LIST, content="formEventMapping", times=ALWAYS), "E_EMPTY"),
        # Half of the list, without the later event; then all but one instrument of it.
        (Fault(FaultKind.CUT_AT_ROW, content="formEventMapping", times=ALWAYS), "E_SCHEMA"),
        (Fault(FaultKind.CUT_AT_ROW, content="formEventMapping", times=ALWAYS, argument=3), "E_SCHEMA"),
        (Fault(FaultKind.CUT_AT_ROW, content="formEventMapping", times=ALWAYS, argument=4), "E_SCHEMA"),
    ],
)
def test_designation_that_lost_its_end_is_refused(fault: Fault, code: str, workspace: Path) -> None:
    """Census and instruments would agree: both are judged by the same short list."""
    with (
        serving({TOKEN: _later_only()}, faults=FaultPlan([fault])) as running,
        pytest.raises(RedcapReadError) as caught,
    ):
        export_project(client(running.url), workspace)
    assert (caught.value.code, caught.value.endpoint) == (code, "the instruments of each event")


def test_repeating_instrument_that_the_designation_lost_is_refused(workspace: Path) -> None:
    fault = Fault(FaultKind.CUT_AT_ROW, content="formEventMapping", times=ALWAYS, argument=1)
    base = visits()
    rows = tuple(row for row in base.rows if row.form == "course")
    course = dataclasses.replace(base, rows=rows)
    with serving({TOKEN: course}, faults=FaultPlan([fault])) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.endpoint == "the instruments of each event"


def test_repeating_event_that_the_set_up_lost_is_refused(workspace: Path) -> None:
    fault = Fault(FaultKind.CUT_AT_ROW, content="repeatingFormsEvents", times=ALWAYS, argument=1)
    with serving({TOKEN: visits()}, faults=FaultPlan([fault])) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert (caught.value.code, caught.value.endpoint) == ("E_SCHEMA", "the repeating set-up")


def _later_only() -> SourceProject:
    """The visits without any value that lacks a status: only the designation can be at fault."""
    base = visits()
    later = (
        *(row for row in base.rows if row.record_id == "1"),
        FormRow("1", "diary", 1, {"feeling": "z", "diary_complete": "2"}, "later_arm_1"),
    )
    return dataclasses.replace(base, rows=later)


def _regrouped(state: ProjectState) -> None:
    """A record in another group, and no word of it in the log."""
    state.records["S1-9"].group = "site_2" if state.records["S1-9"].group == "site_1" else "site_1"


def test_a_group_that_only_one_answer_shows_is_refused(workspace: Path) -> None:
    """Both censuses agree and nothing moved by the log: one instrument names another group."""
    swap = [Fault(FaultKind.MUTATE, content="record", form="diary", times=ALWAYS, argument=_regrouped)]
    back = [Fault(FaultKind.MUTATE, content="record", at=at, argument=_regrouped) for at in (5, 10)]
    with (
        serving({TOKEN: project()}, faults=FaultPlan([*swap, *back])) as running,
        pytest.raises(RedcapReadError) as caught,
    ):
        export_project(client(running.url), workspace)
    assert (caught.value.code, caught.value.endpoint) == ("E_SCHEMA", "records of 'diary'")


def _take_log_right(state: ProjectState) -> None:
    for name, user in state.users.items():
        state.users[name] = dataclasses.replace(user, privileges=dataclasses.replace(user.privileges, logging=0))


def _tear(state: ProjectState) -> None:
    """An edit of an instrument that was read and of one that was not, and the log closed."""
    state.save("S1-9", "baseline", None, {"code": "torn"})
    state.save("S2-1", "diary", None, {"feeling": "torn"})
    _take_log_right(state)


def test_log_right_that_goes_during_the_pull_ends_it(workspace: Path) -> None:
    plan = FaultPlan([Fault(FaultKind.MUTATE, content="record", form="course", argument=_tear)])
    with serving({TOKEN: project()}, faults=plan) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert (caught.value.code, caught.value.endpoint) == ("E_AUTH", "the log")


def test_log_right_that_comes_during_the_pull_ends_it(workspace: Path) -> None:
    def give(state: ProjectState) -> None:
        for name, user in state.users.items():
            state.users[name] = dataclasses.replace(user, privileges=dataclasses.replace(user.privileges, logging=1))

    plan = FaultPlan([Fault(FaultKind.MUTATE, content="record", form="course", argument=give)])
    rights = {TOKEN: TokenRights(logging=False)}
    with serving({TOKEN: project()}, faults=plan, rights=rights) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert (caught.value.code, caught.value.endpoint) == ("E_AUTH", "the log")


def _new_field(state: ProjectState) -> None:
    extra = Field(field_name="late", form_name="diary", field_type="text")
    state.replace_dictionary(Dictionary(fields=(*state.dictionary.fields, extra)))


def _new_label(state: ProjectState) -> None:
    fields = list(DICTIONARY.fields)
    fields[1] = fields[1].model_copy(update={"field_label": "Another meaning"})
    state.replace_dictionary(Dictionary(fields=tuple(fields)))


@pytest.mark.parametrize(
    ("change", "code"), [(_new_field, {"E_SOURCE_MOVED", "E_SCHEMA"}), (_new_label, {"E_SOURCE_MOVED"})]
)
@pytest.mark.parametrize("at", [1, 3, 5])
def test_dictionary_edited_during_the_pull(
    change: Callable[[ProjectState], None], code: set[str], at: int, workspace: Path
) -> None:
    plan = FaultPlan([Fault(FaultKind.MUTATE, content="record", at=at, argument=change)])
    with serving({TOKEN: project()}, faults=plan) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code in code


def test_answer_that_loses_rows_once_is_asked_again(workspace: Path) -> None:
    plan = FaultPlan([Fault(FaultKind.CUT_AT_ROW, content="record", form="course")])
    with serving({TOKEN: project()}, faults=plan) as running:
        assert _cells(export_project(client(running.url), workspace)) == _stored()


def test_empty_project_needs_a_word(workspace: Path) -> None:
    with serving({TOKEN: project(rows=(), record_groups={})}) as running:
        with pytest.raises(RedcapReadError) as caught:
            export_project(client(running.url), workspace)
        export = export_project(client(running.url), workspace, ReadingPlan(allow_empty=True))
    assert caught.value.code == "E_EMPTY_PROJECT"
    assert export.census.groups == {}
    assert _cells(export) == Counter()


def test_project_without_groups_or_repeats(workspace: Path) -> None:
    rows = tuple(row for row in ROWS if row.instance is None)
    plain = project(repeating_instruments=(), data_access_groups=(), record_groups={}, rows=rows)
    with serving({TOKEN: plain}) as running:
        export = export_project(client(running.url), workspace)
    assert export.setup.repeating == ()
    assert export.setup.groups == ()
    assert set(export.census.groups.values()) == {""}
    # The course of no repeating set-up is a form like any other: never opened here.
    assert _cells(export) == Counter({cell: n for cell, n in _stored().items() if cell[0] != "course"})


@pytest.mark.parametrize(
    ("rights", "note"),
    [
        (TokenRights(logging=False), "The token may not read the log"),
        (TokenRights(data_access_groups=False), "The token may not read the data access groups"),
    ],
)
def test_missing_right_is_noted(rights: TokenRights, note: str, workspace: Path) -> None:
    with serving({TOKEN: project()}, rights={TOKEN: rights}) as running:
        export = export_project(client(running.url), workspace)
    assert _cells(export) == _stored()
    assert [line.startswith(note) for line in export.notes] == [True]
    assert (export.log is None) == (not rights.logging)


def test_form_without_export_right_is_refused_by_name(workspace: Path) -> None:
    rights = TokenRights(form_export_rights={"diary": ExportRight.NONE})
    with serving({TOKEN: project()}, rights={TOKEN: rights}) as running, pytest.raises(RedcapReadError) as caught:
        export_project(client(running.url), workspace)
    assert caught.value.code == "E_SCHEMA"


def test_log_slice_reaches_back_to_the_last_pull(sandbox: RunningSandbox, workspace: Path) -> None:
    first = export_project(client(sandbox.url), workspace)
    assert first.log_watermark is not None
    sandbox.project(TOKEN).delete_record("S1-9")
    second = export_project(client(sandbox.url), workspace, ReadingPlan(log_since=first.log_watermark.newest))

    assert second.log is not None
    assert [entry.record for entry in second.log if entry.action.startswith("Delete record")] == ["S1-9"]


def test_value_on_a_row_of_another_instrument_is_set_apart(workspace: Path) -> None:
    """Real servers have put cells on rows where their form cannot stand; they are counted, not landed."""
    with serving({TOKEN: project()}) as running:
        export = export_project(client(running.url), workspace)
    course = next(file for file in export.forms if file.form == "course")
    lines = course.path.read_text(encoding="utf-8").splitlines()
    base_row = next(i for i, line in enumerate(lines) if line.startswith("S1-9,"))
    lines[base_row] = "S1-9,,,site_1,stray,,"
    course.path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    misplaced = [row for row in read_form(course, export.setup) if row.fate is Fate.MISPLACED]
    assert [(row.key.record_id, [*filter(None, row.cells)]) for row in misplaced] == [("S1-9", ["stray"])]


def test_only_exact_columns_are_accepted(sandbox: RunningSandbox, workspace: Path) -> None:
    """A descriptive field never appears, a file field does although the export names leave it out."""
    export = export_project(client(sandbox.url), workspace)
    baseline = export.forms[0]
    assert baseline.columns == (
        *("code", "remark", "race___1", "race____98", "race___unk", "race___na", "scan", "baseline_complete"),
    )
    assert dataclasses.replace(baseline).endpoint == "records of 'baseline'"


def test_unopened_once_only_form_is_counted_not_landed(workspace: Path) -> None:
    lone = project(
        rows=(FormRow("1", "diary", None, {"feeling": "x", "diary_complete": "0"}),), record_groups={"1": ""}
    )
    with serving({TOKEN: lone}) as running:
        export = export_project(client(running.url), workspace)
    fates = {file.form: [row.fate for row in read_form(file, export.setup)] for file in export.forms}
    assert fates == {"baseline": [Fate.UNOPENED], "course": [Fate.ELSEWHERE], "diary": [Fate.LANDED]}

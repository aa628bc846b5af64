"""Values under a changing set-up: nothing is lost, and a set-up that comes back shows again what it showed."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from longitudinal_sample import LONGITUDINAL
from server_sample import DICTIONARY, PROJECT

from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.relocation import change_places, switch_longitudinal
from blin_pipeline.sandbox.setup import Repeat
from blin_pipeline.sandbox.structure import RowKey

Cells = dict[tuple[str, str, int, str], str]


def cells(project: ProjectState) -> Cells:
    """Record, event, instance (the base row counts as 1) and name of every stored value: what a set-up may not lose."""
    return {
        (record_id, key.event, key.instance or 1, name): value
        for record_id, record in project.records.items()
        for key, stored in record.rows.items()
        for name, value in stored.items()
    }


def rows(project: ProjectState) -> dict[str, dict[RowKey, dict[str, str]]]:
    return {name: copy.deepcopy(record.rows) for name, record in project.records.items()}


def set_repeats(project: ProjectState, spots: list[tuple[str, str]]) -> None:
    change_places(project, lambda: project.set_repeats(Repeat(form, event) for event, form in spots))


def _some(places: Sequence[tuple[str, str]]) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.sampled_from(places), unique=True, max_size=6)


CLASSIC_SETUPS = _some([("", form) for form in DICTIONARY.forms])
LONGITUDINAL_SETUPS = _some([*((event.unique_name, "") for event in LONGITUDINAL.events), *LONGITUDINAL.event_forms])


@settings(max_examples=60, deadline=None)
@given(st.lists(CLASSIC_SETUPS, min_size=1, max_size=5))
def test_a_classic_project_loses_no_value_and_shows_again_what_it_showed(setups: list[list[tuple[str, str]]]) -> None:
    project = ProjectState(PROJECT)
    before, original = rows(project), cells(project)
    for spots in setups:
        set_repeats(project, spots)
        assert cells(project) == original
    set_repeats(project, [("", "visit"), ("", "medication")])
    assert rows(project) == before


@settings(max_examples=60, deadline=None)
@given(st.lists(LONGITUDINAL_SETUPS, min_size=1, max_size=5))
def test_a_longitudinal_project_loses_no_value(setups: list[list[tuple[str, str]]]) -> None:
    project = ProjectState(LONGITUDINAL)
    before, original = rows(project), cells(project)
    for spots in setups:
        set_repeats(project, spots)
        assert cells(project) == original
    set_repeats(project, [("month_1_arm_1", ""), ("start_arm_2", "visit")])
    after = rows(project)
    assert {name: {key: row for key, row in found.items() if row} for name, found in after.items()} == before


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.booleans(), CLASSIC_SETUPS), max_size=6))
def test_switching_between_classic_and_longitudinal_loses_no_value(
    steps: list[bool | list[tuple[str, str]]],
) -> None:
    project = ProjectState(PROJECT)
    before = rows(project)
    original = {(record, place, name): value for (record, _, place, name), value in cells(project).items()}
    for step in steps:
        if isinstance(step, bool):
            switch_longitudinal(project, step)
        else:
            set_repeats(project, [(project.event_names[0], form) for _, form in step])
        found = {(record, place, name): value for (record, _, place, name), value in cells(project).items()}
        assert found == original
    switch_longitudinal(project, switch=False)
    set_repeats(project, [("", "visit"), ("", "medication")])
    assert rows(project) == before


def test_a_field_that_moves_to_a_repeating_instrument_takes_its_value_along_and_back() -> None:
    project = ProjectState(PROJECT)
    before = rows(project)
    moved = [
        field.model_copy(update={"form_name": "visit"}) if field.field_name == "weight" else field
        for field in DICTIONARY.fields
    ]
    change_places(project, lambda: project.set_dictionary(Dictionary(fields=tuple(moved))))
    found = project.records["10"].rows
    assert found[RowKey("", "visit", 1)]["weight"] == "70.50"
    assert "weight" not in found[RowKey()]
    change_places(project, lambda: project.set_dictionary(DICTIONARY))
    assert rows(project) == before


def test_an_undesignated_instrument_keeps_its_values_until_it_is_designated_again() -> None:
    project = ProjectState(LONGITUDINAL)
    before = rows(project)
    change_places(project, lambda: project.set_event_forms([("start_arm_1", "feedback")]))
    change_places(project, lambda: project.set_event_forms(LONGITUDINAL.event_forms))
    assert rows(project) == before


def test_rows_that_the_set_up_does_not_show_are_not_exported() -> None:
    project = ProjectState(PROJECT)
    set_repeats(project, [])
    assert [key for key, _ in project.rows_of(project.records["10"])] == [RowKey()]
    set_repeats(project, [("", "visit")])
    assert [key for key, _ in project.rows_of(project.records["10"])] == [
        RowKey(),
        RowKey("", "visit", 1),
        RowKey("", "visit", 2),
    ]


def test_a_repeating_event_has_no_base_row() -> None:
    project = ProjectState(LONGITUDINAL)
    set_repeats(project, [("start_arm_2", "")])
    assert [key for key, _ in project.rows_of(project.records["2"])] == [
        RowKey("start_arm_2", "", 1),
        RowKey("start_arm_2", "", 3),
    ]
    assert [key for key, _ in project.rows_of(project.records["1"])] == [
        RowKey("start_arm_1"),
        RowKey("month_1_arm_1"),
    ]

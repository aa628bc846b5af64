"""What a field map means for a source: where each of the registry's instruments gets its rows and columns from."""

from __future__ import annotations

import pytest

from blin_pipeline.registry.dictionary import Dictionary, Field
from blin_pipeline.registry.field_map import FieldMap, MapEntry
from blin_pipeline.registry.source_plan import EVENT_STRIDE, FormSource, SourceShape, plan_source


def _field(name, form, kind="text", choices=""):
    return Field(field_name=name, form_name=form, field_type=kind, select_choices_or_calculations=choices)


REGISTRY = Dictionary(
    fields=(
        _field("record_id", "registration"),
        _field("dx_date", "registration"),
        _field("sex", "registration", "radio", "1, M | 2, F"),
        _field("genetics", "registration", "checkbox", "1, KMT2A | 2, iAMP21 | 90, Other"),
        _field("ra_date", "response"),
        _field("ra_blast", "response"),
    )
)
REPEATING = {"response"}


def _shape(columns, *, events=None, repeating=(("response", ""),), longitudinal=False):
    return SourceShape(
        columns={form: frozenset([*names, f"{form}_complete"]) for form, names in columns.items()},
        events=events or dict.fromkeys(columns, ("",)),
        repeating=set(repeating),
        has_groups=True,
        is_longitudinal=longitudinal,
    )


SAME = {
    "registration": ("dx_date", "sex", "genetics___1", "genetics___2", "genetics___90"),
    "response": ("ra_date", "ra_blast"),
}


def _plan(shape, *entries):
    return plan_source(FieldMap(entries=tuple(MapEntry(**entry) for entry in entries)), REGISTRY, REPEATING, shape)


def test_a_project_of_the_registrys_own_names_needs_no_plan():
    plan = _plan(_shape(SAME))
    assert plan.variables() == {}
    assert plan.problems == plan.not_collected == ()
    assert plan.collected >= {"record_id", "redcap_data_access_group", "dx_date", "genetics", "genetics___90"}


def test_what_the_source_lacks_is_not_collected_and_no_problem():
    plan = _plan(_shape({"registration": ("dx_date",)}))
    assert plan.problems == ()
    assert plan.not_collected == (
        ("registration", "sex"),
        ("registration", "genetics"),
        ("response", "ra_date"),
        ("response", "ra_blast"),
    )
    assert plan.variables() == {}, "blank columns and empty views stand for them"


def test_a_mapped_field_that_is_not_there_is_a_problem_unless_the_map_says_otherwise():
    shape = _shape(SAME)
    gone = {"concept": "dx_date", "source_field": "date_of_diagnosis"}
    assert [problem.split(":")[0] for problem in _plan(shape, gone).problems] == ["dx_date"]
    plan = _plan(shape, gone | {"on_missing": "not_collected"})
    assert plan.problems == ()
    assert plan.not_collected == (("registration", "dx_date"),)


def test_other_names_codes_and_instruments():
    shape = _shape(
        {
            "screening": ("diagnosed_on", "gender"),
            "lab": ("findings___1", "findings___2", "findings___3"),
            "marrow": ("assessed", "blast"),
        },
        repeating=[("marrow", "")],
    )
    plan = _plan(
        shape,
        {"concept": "dx_date", "source_field": "diagnosed_on", "transform": "date", "unit": "dmy"},
        {"concept": "sex", "source_field": "gender", "transform": "recode", "codes": {"M": "1", "F": "2"}},
        {
            "concept": "genetics",
            "source_field": "findings",
            "transform": "recode",
            "codes": {"1": "2", "2": "90", "3": "90"},
        },
        {"concept": "ra_date", "source_form": "marrow", "source_field": "assessed"},
        {"concept": "ra_blast", "source_field": "blast", "transform": "unit", "unit": "100"},
    )
    assert plan.problems == ()
    registration = plan.variables()["registration"]
    assert [source["form"] for source in registration["sources"]] == ["screening", "lab"]
    assert registration["columns"]["genetics___90"] == {
        "source": 1,
        "fields": ["findings___2", "findings___3"],
        "transform": "any",
        "codes": {},
        "unit": "",
        "constant": "",
    }
    assert "genetics___1" not in registration["columns"], "no option of the source means it"
    assert plan.variables()["response"]["columns"]["ra_blast"]["unit"] == "100"
    assert plan.forms["response"].sources == [FormSource("marrow", ())]


EVENTS = {"registration": ("base_arm_1",), "response": ("eoi_arm_1", "cons_arm_1")}


def test_events_of_a_repeating_instrument_tell_its_instances_apart():
    plan = _plan(_shape(SAME, events=EVENTS, repeating=(), longitudinal=True))
    assert plan.problems == ()
    variables = plan.variables()
    assert variables["registration"]["sources"][0]["events"] == {"base_arm_1": 0}
    assert variables["response"]["sources"][0]["events"] == {"eoi_arm_1": 0, "cons_arm_1": EVENT_STRIDE}


def test_a_map_may_choose_events():
    chosen = {"concept": "ra_date", "source_field": "ra_date", "source_events": ("cons_arm_1",)}
    plan = _plan(_shape(SAME, events=EVENTS, repeating=(), longitudinal=True), chosen)
    assert plan.problems == ()
    assert plan.variables()["response"]["sources"] == [
        {"form": "response", "has_status": True, "events": {"cons_arm_1": 0}, "events_chosen": True}
    ]


@pytest.mark.parametrize(
    ("changes", "entry", "problem"),
    [
        (
            {"events": {**EVENTS, "registration": ("a_arm_1", "b_arm_1")}, "longitudinal": True, "repeating": ()},
            None,
            "registration stands in 2 events: name one",
        ),
        ({"repeating": [("response", ""), ("registration", "")]}, None, "registration repeats"),
        ({}, {"concept": "dx_date", "source_field": "ra_date"}, "response repeats"),
        ({}, {"concept": "dx_date", "source_form": "response", "source_field": "sex"}, "not to response"),
        ({}, {"concept": "dx_date", "source_field": "sex", "source_events": ("x_arm_1",)}, "does not stand in event"),
        ({}, {"concept": "ra_date", "source_field": "dx_date"}, "several places"),
        ({}, {"concept": "dx_date", "source_field": "sex|ra_date", "transform": "derive"}, "several instruments"),
    ],
)
def test_what_cannot_give_the_rows_is_said(changes, entry, problem):
    plan = _plan(_shape(SAME, **changes), *([entry] if entry else []))
    assert any(problem in line for line in plan.problems), plan.problems


def test_fields_of_one_instrument_from_two_events_must_both_be_named():
    events = {**EVENTS, "registration": ("a_arm_1", "b_arm_1")}
    shape = _shape(SAME, events=events, repeating=(), longitudinal=True)
    rows = [
        {"concept": "dx_date", "source_field": "dx_date", "source_events": ("a_arm_1",)},
        {"concept": "sex", "source_field": "sex", "source_events": ("b_arm_1",)},
    ]
    plan = _plan(shape, *rows)
    assert [problem.split(":")[0] for problem in plan.problems] == ["genetics___1", "genetics___2", "genetics___90"]
    options = {"concept": "genetics", "source_field": "genetics", "source_events": ("b_arm_1",)}
    plan = _plan(shape, *rows, options)
    assert plan.problems == ()
    assert plan.forms["registration"].sources == [
        FormSource("registration", ("a_arm_1",)),
        FormSource("registration", ("b_arm_1",)),
    ]


def test_a_constant_needs_no_source():
    plan = _plan(
        _shape({"registration": ("sex",)}), {"concept": "dx_date", "transform": "constant", "source_field": "x"}
    )
    assert "dx_date" in plan.collected
    assert plan.variables()["registration"]["columns"]["dx_date"]["constant"] == "x"


def test_an_instrument_of_the_same_name_that_feeds_nothing_gives_no_rows():
    absent = [{"concept": name, "transform": "absent"} for name in ("ra_date", "ra_blast")]
    plan = _plan(_shape(SAME), *absent)
    assert plan.variables()["response"]["sources"] == []
    assert plan.not_collected == (("response", "ra_date"), ("response", "ra_blast"))

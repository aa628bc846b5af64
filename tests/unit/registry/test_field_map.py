from __future__ import annotations

import pytest

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary, Field, load_dictionary
from blin_pipeline.registry.drift import DriftKind, dictionary_changes, find_drift
from blin_pipeline.registry.field_map import (
    HEADER,
    FieldMap,
    load_field_map,
)
from blin_pipeline.registry.requirements import load_requirements, refuse_unmet, unmet_requirements


def _map(tmp_path, *rows):
    path = tmp_path / "field_map.csv"
    path.write_text("\n".join([",".join(HEADER), *rows]) + "\n", encoding="utf-8")
    return load_field_map(path)


def test_a_renamed_and_recoded_field_is_read(tmp_path):
    field_map = _map(tmp_path, "elig_ball,screening,,ball_confirmed,recode,Y=1;N=0,,error")
    entry = field_map.entry("elig_ball")
    assert (entry.source_form, entry.source_fields, entry.codes) == (
        "screening",
        ("ball_confirmed",),
        {"Y": "1", "N": "0"},
    )
    assert field_map.entry("dx_date") is None


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("no_such_concept,,,x,as_is,,,", "concept"),
        ("record_id,,,x,as_is,,,", "concept"),
        ("elig_ball,,,x,recode,,,", "recode needs codes"),
        ("elig_ball,,,x,recode,Y,,", "codes"),
        ("elig_ball,,,x,recode,Y=1;Y=0,,", "twice"),
        ("elig_ball,,,x,recode,Y=7,,", "'7'"),
        ("elig_ball,,,x,as_is,Y=1,,", "recode"),
        ("elig_ball,,,,as_is,,,", "source_field"),
        ("elig_ball,,,x|y,as_is,,,", "derive"),
        ("elig_ball,,,x,derive,,,", "several"),
        ("elig_ball,,,x,magic,,,", "row 2"),
        ("age_dx,,,x,unit,,,", "factor"),
        ("age_dx,,,x,unit,,-1,", "factor"),
        ("age_dx,,,x,unit,,1e3,", "factor"),
        ("age_dx,,,x,as_is,,2,", "unit"),
        ("dx_date,,,x,date,,dm,", "dmy"),
        ("dx_date,,,x,partial_date,,,", "dmy"),
        ("dx_date,,,x|y,partial_date,,ymd,", "three"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_with_its_place(tmp_path, row, place):
    with pytest.raises(ConfigurationError, match="E_REGISTRY_FILE") as caught:
        _map(tmp_path, row)
    assert place in caught.value.what
    assert "row 2" in caught.value.what


@pytest.mark.parametrize(
    "rows",
    [
        ("dx_date,,,x,partial_date,,ymd,",),
        ("dx_date_prec,,,x,date_precision,,ymd,",),
        ("dx_date,,,x,partial_date,,ymd,", "dx_date_prec,,,y,date_precision,,ymd,"),
        ("dx_date,,,x,partial_date,,ymd,", "dx_date_prec,,,x,date_precision,,dmy,"),
        ("dx_date,,,x,partial_date,,ymd,", "dx_date_prec,,,,constant,,,"),
        ("dx_date,,,x,date,,ymd,", "dx_date_prec,,,x,date_precision,,ymd,"),
        ("dx_date,,,x,date_precision,,ymd,", "dx_date_prec,,,x,partial_date,,ymd,"),
        ("ra_date,,,x,partial_date,,ymd,",),
        ("elig_ball,,,x,date_precision,,ymd,",),
    ],
)
def test_a_partial_date_is_never_read_as_exact(tmp_path, rows):
    """Its precision comes from the same text; a date without a precision in the registry must be whole."""
    with pytest.raises(ConfigurationError, match="E_REGISTRY_FILE"):
        _map(tmp_path, *rows)


@pytest.mark.parametrize("source", ["x", "year|month|day"])
def test_a_partial_date_is_one_text_or_three_fields(tmp_path, source):
    field_map = _map(
        tmp_path, f"dx_date,,,{source},partial_date,,ymd,", f"dx_date_prec,,,{source},date_precision,,ymd,"
    )
    entry = field_map.entry("dx_date")
    assert entry.source_fields == tuple(source.split("|"))


def test_a_draft_is_no_map(tmp_path):
    path = tmp_path / "draft.csv"
    path.write_text(",".join([*HEADER, "score", "why"]) + "\ndx_date,,,x,as_is,,,,0.9,name\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="E_MAP_DRAFT"):
        load_field_map(path)


def _collected():
    dictionary = load_dictionary()
    names = {name for field in dictionary.fields for name in (field.field_name, *field.export_names())}
    return names | {"record_id", "redcap_data_access_group"}


def test_the_shipped_dictionary_meets_every_requirement():
    assert unmet_requirements(_collected(), load_requirements()) == []


def test_one_alternative_is_enough():
    collected = _collected() - {"ra_bm_lymphoblast", "ra_site_call", "age_dx"}
    assert unmet_requirements(collected, load_requirements()) == []
    unmet = unmet_requirements(collected - {"ra_pb_lymphoblast"}, load_requirements())
    assert [item.requirement for item in unmet] == ["response"]


def test_the_refusal_lists_each_missing_concept():
    unmet = unmet_requirements(set(), load_requirements())
    with pytest.raises(ConfigurationError) as caught:
        refuse_unmet(unmet)
    assert caught.value.code == "E_REQUIRED_CONCEPTS"
    assert caught.value.exit_code == 2
    for name in ("dx_date", "redcap_data_access_group", "ra_bm_lymphoblast with ra_pb_lymphoblast"):
        assert name in caught.value.what


def _changed(dictionary, name, **cells):
    fields = [field.model_copy(update=cells) if field.field_name == name else field for field in dictionary.fields]
    return Dictionary(fields=tuple(fields))


@pytest.mark.parametrize(
    ("name", "cells", "kind", "words"),
    [
        ("dx_date", {"text_validation_type_or_show_slider_number": ""}, DriftKind.RETYPED, "text date_ymd became text"),
        (
            "elig_ball",
            {"select_choices_or_calculations": "1, No | 0, Yes | 9, Unknown"},
            DriftKind.CODES_RELABELLED,
            "1: 'Yes' became 'No', 0: 'No' became 'Yes'",
        ),
        (
            "elig_ball",
            {"select_choices_or_calculations": "1, Yes | 0, No"},
            DriftKind.CODES_CHANGED,
            "removed 9 'Unknown'",
        ),
        (
            "elig_ball",
            {"select_choices_or_calculations": "1, Yes | 0, No | 9, Unknown | 8, Pending"},
            DriftKind.CODES_CHANGED,
            "added 8 'Pending'",
        ),
        ("dx_date", {"identifier": ""}, DriftKind.IDENTIFIER_FLAG_CHANGED, "no identifier any more"),
    ],
)
def test_drift_says_what_changed(name, cells, kind, words):
    registry = load_dictionary()
    assert find_drift(registry, _changed(registry, name, **cells), FieldMap()) == [(name, kind, words)]
    assert dictionary_changes(registry, _changed(registry, name, **cells)) == [(name, kind, words)]


def test_drift_of_an_equal_dictionary_is_empty():
    assert find_drift(load_dictionary(), load_dictionary(), FieldMap()) == []
    assert dictionary_changes(load_dictionary(), load_dictionary()) == []


def test_drift_sees_missing_and_added_fields():
    registry = load_dictionary()
    extra = Field(field_name="new_field", form_name="death", field_type="text")
    live = Dictionary(fields=(*(field for field in registry.fields if field.field_name != "zip3"), extra))
    assert find_drift(registry, live, FieldMap()) == [
        ("zip3", DriftKind.MISSING, ""),
        ("new_field", DriftKind.ADDED, ""),
    ]
    changes = [(item.field_name, item.kind) for item in dictionary_changes(registry, live)]
    assert changes == [("new_field", DriftKind.ADDED), ("zip3", DriftKind.MISSING)]


def _live_with(**cells):
    registry = load_dictionary()
    foreign = Field(field_name="ball_confirmed", form_name="registration", **cells)
    return Dictionary(fields=(*(field for field in registry.fields if field.field_name != "elig_ball"), foreign))


def test_a_mapped_field_is_compared_with_its_row(tmp_path):
    field_map = _map(tmp_path, "elig_ball,,,ball_confirmed,recode,Y=1;N=0;X=9,,")
    choices = {"field_type": "radio", "select_choices_or_calculations": "Y, Yes | N, No | P, Pending"}
    unmapped, gone = find_drift(load_dictionary(), _live_with(**choices), field_map)
    assert (unmapped.kind, gone.kind) == (DriftKind.CODES_UNMAPPED, DriftKind.CODES_CHANGED)
    assert "P 'Pending'" in unmapped.detail
    assert "no code X" in gone.detail


def test_a_field_read_as_it_stands_must_be_of_the_concepts_type(tmp_path):
    field_map = _map(tmp_path, "elig_ball,,,ball_confirmed,as_is,,,")
    live = _live_with(field_type="text", text_validation_type_or_show_slider_number="date_mdy")
    assert (
        find_drift(load_dictionary(), live, field_map) == []
    )  # only date_ymd is a date to the staging; others are text
    live = _live_with(field_type="text", text_validation_type_or_show_slider_number="integer")
    assert [item.kind for item in find_drift(load_dictionary(), live, field_map)] == [DriftKind.RETYPED]

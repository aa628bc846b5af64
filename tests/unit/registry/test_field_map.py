from __future__ import annotations

import pytest

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary, Field, load_dictionary
from blin_pipeline.registry.drift import DriftKind, find_drift
from blin_pipeline.registry.field_map import (
    HEADER,
    FieldMap,
    load_field_map,
    load_requirements,
    refuse_unmet,
    unmet_requirements,
)


def _map(tmp_path, *rows):
    path = tmp_path / "field_map.csv"
    path.write_text("\n".join([",".join(HEADER), *rows]) + "\n", encoding="utf-8")
    return load_field_map(path)


def _columns(dictionary):
    return {name for form in dictionary.forms for name in dictionary.export_columns(form)} | {
        "redcap_data_access_group"
    }


def test_a_renamed_and_recoded_field_feeds_its_concept(tmp_path):
    field_map = _map(tmp_path, "elig_ball,screening,,ball_confirmed,recode,Y=1;N=0,,error")
    assert field_map.source_of("elig_ball") == "ball_confirmed"
    assert field_map.source_of("dx_date") == "dx_date"
    assert field_map.dbt_variable()["elig_ball"]["codes"] == {"Y": "1", "N": "0"}
    assert field_map.source_forms(load_dictionary()) == {"registration": "screening"}


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("no_such_concept,,,x,as_is,,,", "concept"),
        ("elig_ball,,,x,recode,,,", "recode needs codes"),
        ("elig_ball,,,x,recode,Y,,", "codes"),
        ("elig_ball,,,,as_is,,,", "source_field"),
        ("elig_ball,,,x,derive,,,", "row 2"),
        ("elig_ball,,event_1,x,as_is,,,", "source_event"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_with_its_place(tmp_path, row, place):
    with pytest.raises(ConfigurationError, match="E_REGISTRY_FILE") as caught:
        _map(tmp_path, row)
    assert place in caught.value.what
    assert "row 2" in caught.value.what


def test_the_shipped_dictionary_meets_every_requirement():
    dictionary = load_dictionary()
    assert unmet_requirements(FieldMap(), _columns(dictionary), load_requirements(), "record_id") == []


def test_one_alternative_is_enough():
    columns = _columns(load_dictionary()) - {"ra_bm_lymphoblast", "ra_site_call", "age_dx"}
    assert unmet_requirements(FieldMap(), columns, load_requirements(), "record_id") == []
    unmet = unmet_requirements(FieldMap(), columns - {"ra_pb_lymphoblast"}, load_requirements(), "record_id")
    assert [item.requirement for item in unmet] == ["response"]


def test_a_concept_declared_absent_does_not_meet_a_requirement(tmp_path):
    field_map = _map(tmp_path, "dth_date,,,,absent,,,not_collected")
    unmet = unmet_requirements(field_map, _columns(load_dictionary()), load_requirements(), "record_id")
    assert [item.requirement for item in unmet] == ["death_date"]


def test_the_refusal_lists_each_missing_concept():
    unmet = unmet_requirements(FieldMap(), set(), load_requirements(), "record_id")
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
    ("name", "cells", "kind"),
    [
        ("dx_date", {"text_validation_type_or_show_slider_number": ""}, DriftKind.RETYPED),
        ("elig_ball", {"select_choices_or_calculations": "1, No | 0, Yes | 9, Unknown"}, DriftKind.CODES_RELABELLED),
        ("elig_ball", {"select_choices_or_calculations": "1, Yes | 0, No"}, DriftKind.CODES_CHANGED),
        ("dx_date", {"identifier": ""}, DriftKind.IDENTIFIER_FLAG_CHANGED),
    ],
)
def test_drift_names_what_changed(name, cells, kind):
    registry = load_dictionary()
    assert find_drift(registry, _changed(registry, name, **cells), FieldMap()) == [(name, kind)]


def test_drift_of_an_equal_dictionary_is_empty():
    assert find_drift(load_dictionary(), load_dictionary(), FieldMap()) == []


def test_drift_sees_missing_and_added_fields():
    registry = load_dictionary()
    extra = Field(field_name="new_field", form_name="death", field_type="text")
    live = Dictionary(fields=(*(field for field in registry.fields if field.field_name != "zip3"), extra))
    assert find_drift(registry, live, FieldMap()) == [("zip3", DriftKind.MISSING), ("new_field", DriftKind.ADDED)]

"""Drafts of field maps: what is renamed, recoded and relabelled is found again, and nothing is applied without a person."""

from __future__ import annotations

import csv

import pytest

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary, Field, load_dictionary
from blin_pipeline.registry.field_map import load_field_map
from blin_pipeline.registry.map_draft import draft_map


def _foreign(**changes):
    registry = load_dictionary()
    fields = []
    for field in registry.fields:
        cells = changes.get(field.field_name)
        fields.append(field if cells is None else field.model_copy(update=cells))
    return Dictionary(fields=tuple(fields))


RENAMED = {
    "dx_date": {"field_name": "diagnosis_date", "field_label": "Date of diagnosis"},
    "plan_date": {"field_name": "start_of_therapy", "field_label": "Date first anti-leukaemia therapy began"},
    "elig_ball": {
        "field_name": "b_all_confirmed",
        "field_label": "B-cell precursor ALL confirmed?",
        "select_choices_or_calculations": "Y, Yes | N, No | U, Unknown",
    },
    "sex": {
        "field_name": "gender",
        "select_choices_or_calculations": "1, Female | 2, Male | 3, Other/intersex | 9, Unknown",
    },
    "dth_date": {"field_name": "death_dt", "field_label": "Date of death"},
    "fu_vital": {"field_name": "vital", "select_choices_or_calculations": "0, Alive | 1, Dead | 9, Unknown"},
}


def test_an_equal_dictionary_needs_no_row():
    assert draft_map(load_dictionary(), load_dictionary()) == []


def test_renamed_and_recoded_fields_are_proposed():
    proposals = {row.concept: row for row in draft_map(load_dictionary(), _foreign(**RENAMED))}
    assert {concept: row.source_field for concept, row in proposals.items()} == {
        concept: cells["field_name"] for concept, cells in RENAMED.items()
    }
    assert (proposals["elig_ball"].transform, proposals["elig_ball"].codes) == ("recode", "Y=1;N=0;U=9")
    assert proposals["sex"].codes == "1=2;2=1;3=3;9=9", "by label: the codes mean the opposite"
    assert proposals["dx_date"].transform == "as_is"
    assert all(0.45 <= row.score <= 1 for row in proposals.values())
    assert "label" in proposals["dx_date"].why


def test_what_has_no_counterpart_is_absent():
    registry = load_dictionary()
    fields = tuple(field for field in registry.fields if field.field_name != "ngs_clone")
    unlike = Field(field_name="parking", form_name="diagnosis", field_type="text", field_label="Parking lot")
    (row,) = draft_map(registry, Dictionary(fields=(*fields, unlike)))
    assert (row.concept, row.transform, row.source_field, row.score) == ("ngs_clone", "absent", "", 0.0)


def test_a_choice_without_counterpart_is_pointed_out():
    choices = "Y, Yes | N, No | U, Unknown | W, Waiting for the second pathologist"
    (row,) = draft_map(
        load_dictionary(),
        _foreign(elig_ball={"field_name": "b_all_confirmed", "select_choices_or_calculations": choices}),
    )
    assert row.codes == "Y=1;N=0;U=9"
    assert "leave out W" in row.why


def test_a_field_is_proposed_once():
    rows = draft_map(load_dictionary(), _foreign(**RENAMED))
    sources = [row.source_field for row in rows if row.source_field]
    assert len(sources) == len({*sources})


def test_a_draft_becomes_a_map_only_without_its_two_columns(tmp_path):
    from typer.testing import CliRunner

    from blin_pipeline.cli.app import app
    from blin_pipeline.registry.dictionary import COLUMNS

    dictionary, draft = tmp_path / "dictionary.csv", tmp_path / "draft.csv"
    with dictionary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS.values())
        writer.writerows([getattr(field, name) for name in COLUMNS] for field in _foreign(**RENAMED).fields)
    import blin_pipeline.cli  # noqa: F401 (it registers the command)

    arguments = ["map", "draft", str(draft), "--dictionary", str(dictionary)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    with pytest.raises(ConfigurationError, match="E_MAP_DRAFT"):
        load_field_map(draft)
    with draft.open(encoding="utf-8", newline="") as file:
        rows = [row[:-2] for row in csv.reader(file)]
    with draft.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert {entry.concept for entry in load_field_map(draft).entries} == {*RENAMED}
    assert isinstance(CliRunner().invoke(app, arguments).exception, ConfigurationError), "a file is never overwritten"

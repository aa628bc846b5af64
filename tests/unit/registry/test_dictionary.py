from __future__ import annotations

import pytest

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import COLUMNS, Field, checkbox_column, load_dictionary

HEADER = ",".join(f'"{name}"' for name in COLUMNS.values())


def _field(**cells):
    return Field(**{"field_name": "f", "form_name": "form", "field_type": "text"} | cells)


def _file(tmp_path, *rows, header=HEADER):
    path = tmp_path / "dictionary.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_the_shipped_dictionary_has_the_registrys_shape():
    dictionary = load_dictionary()
    assert len(dictionary.fields) == 187
    assert len(dictionary.forms) == 16
    assert dictionary.record_id_field == "record_id"


def test_choices_split_on_the_bar_and_then_on_the_first_comma():
    field = _field(field_type="radio", select_choices_or_calculations="1, Yes, from the start |0, No|-99, Unknown")
    assert field.choices == {"1": "Yes, from the start", "0": "No", "-99": "Unknown"}


@pytest.mark.parametrize(
    ("code", "column"), [("-98", "x____98"), ("ABC", "x___abc"), ("b1b", "x___b1b"), ("1", "x___1"), ("a.b", "x___a_b")]
)
def test_checkbox_columns_are_named_as_redcap_names_them(code, column):
    assert checkbox_column("x", code) == column


def test_missing_data_codes_add_columns_to_a_checkbox():
    field = _field(field_type="checkbox", select_choices_or_calculations="1, a | 2, b")
    assert field.export_names(["NI"]) == ["f___1", "f___2", "f___ni"]


def test_descriptive_fields_are_never_exported():
    assert _field(field_type="descriptive").export_names() == []


def test_byte_order_mark_is_accepted_and_does_not_change_the_hash(tmp_path):
    plain = _file(tmp_path, "record_id,one,,text,Id,,,,,,,,,,,,,")
    expected = load_dictionary(plain).sha256
    plain.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    assert load_dictionary(plain).sha256 == expected


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ("Record,one,,text,Id,,,,,,,,,,,,,", "row 2"),
        ("record_id,one,,texte,Id,,,,,,,,,,,,,", "Field Type"),
        ("record_id,one,,radio,Id,,,,,,,,,,,,,", "Choices"),
        ("record_id,one,,text,Id", "cells"),
    ],
)
def test_a_fault_names_file_and_place(tmp_path, row, where):
    with pytest.raises(ConfigurationError, match="E_REGISTRY_FILE") as caught:
        load_dictionary(_file(tmp_path, row))
    assert "dictionary.csv" in caught.value.what
    assert where in caught.value.what


def test_a_repeated_variable_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="row 2"):
        load_dictionary(_file(tmp_path, "a,one,,text,Id,,,,,,,,,,,,,", "a,one,,text,Id,,,,,,,,,,,,,"))

"""The report's words against the registry's own files: a code or threshold that changes there must change here."""

from __future__ import annotations

import csv
import re

import pytest

from blin_pipeline.registry.dictionary import load_dictionary
from blin_pipeline.registry.files import STUDY_DIR
from blin_pipeline.registry.parameters import load_parameters
from blin_pipeline.report import words


def seed(name: str) -> list[dict[str, str]]:
    with (STUDY_DIR / "seeds" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", words.labels("parameter"))
def test_thresholds_named_in_sentences_are_the_parameters(name: str) -> None:
    value = load_parameters().entries[name].value
    assert words.say("parameter", name) == (f"{value:g}" if isinstance(value, int | float) else str(value))


def test_no_place_for_a_threshold_is_left_open() -> None:
    for section in ("definitions", "note", "flow_step", "flow_side", "exposure"):
        assert not any(re.search(r"[{}]", label) for label in words.labels(section).values())


def test_checks_are_worded_as_in_the_registry() -> None:
    assert dict(words.labels("check")) == {row["check_id"]: row["finding"] for row in seed("check_definition.csv")}


def test_every_backbone_has_a_name_in_the_order_of_the_protocol() -> None:
    assert list(words.labels("backbone")) == [row["backbone_cd"] for row in seed("backbone.csv")]


def test_every_reason_for_stopping_has_a_name() -> None:
    choices = next(
        field.select_choices_or_calculations
        for field in load_dictionary().fields
        if field.field_name == "bc_stop_reason"
    )
    codes = [choice.split(",")[0].strip() for choice in choices.split("|")]
    assert codes
    assert set(codes) <= set(words.labels("stop_reason"))


def test_the_external_reference_names_only_values_that_may_be_shown() -> None:
    with (STUDY_DIR / "external_reference.csv").open(encoding="utf-8", newline="") as file:
        shown = {row["reference_id"]: row for row in csv.DictReader(file)}
    text = words.say("external", "e1910")
    for reference in ("X2", "X4"):
        assert shown[reference]["mark"] == "R"
        assert all(number in text for number in re.findall(r"\d\.\d\d", shown[reference]["value"]))


def test_every_published_value_has_a_name() -> None:
    with (STUDY_DIR / "external_reference.csv").open(encoding="utf-8", newline="") as file:
        values = {row["reference_id"]: len(re.findall(r"[\d.]+ ?%", row["value"])) for row in csv.DictReader(file)}
    named = {f"{reference}_{place}" for reference, n in values.items() for place in range(1, n + 1)}
    assert named == set(words.labels("reference"))


@pytest.mark.parametrize(("code", "text"), [("NEW_CODE", "New code"), ("17", "17"), ("a_method", "a_method")])
def test_a_code_without_a_name_is_shown_readably(code: str, text: str) -> None:
    assert words.say("cycle_status", code) == text

"""The report against rows that the outcomes really write, for a registry that can be counted by hand and for none."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import report_sample as sample
from html_page import Page

from blin_pipeline.outcomes import OUTCOMES
from blin_pipeline.outcomes.context import OutcomeContext
from blin_pipeline.registry.parameters import load_parameters
from blin_pipeline.report.study import render

pytestmark = pytest.mark.slow

HAND_MADE = Path(__file__).parents[1] / "outcomes" / "hand_made.py"


@pytest.fixture(scope="module")
def hand_made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hand_made_for_report", HAND_MADE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def page(frames: dict[str, Any], hand_made: ModuleType) -> Page:
    parameters = load_parameters()
    context = OutcomeContext(
        parameters=parameters, parameters_hash=parameters.sha256, cut_id=sample.CUT, data_cut=hand_made.CUT
    )
    rows = [dataclasses.asdict(row) for outcome in OUTCOMES for row in outcome.compute(frames, context)]
    return Page(render(rows, sample.META))


def test_forty_records_counted_by_hand(hand_made: ModuleType) -> None:
    found = page(hand_made.frames(), hand_made)
    flow = found.column("Patient flow", "Remaining")
    assert (flow["Records in REDCap"], flow["Analysis population"]) == ("40", "30")
    assert (
        found.column("Of these, available for (the lines do not add up)", "Patients")["Response (assessed, D2)"] == "20"
    )
    assert (
        found.column("Definitions on three denominators (95% interval)", "D1")["Remissions (registry) of patients"]
        == "16 of 27"
    )
    relapse = found.column("From first remission (95% interval)", "Relapse")
    assert relapse["12 months"].startswith("31.2%")
    ratios = found.column("Hazard ratio, exposed against not: relapse-free survival", "Hazard ratio (95% interval)")
    assert len(ratios) == 10
    assert all(cell.startswith("too few to show") for cell in ratios.values())
    cycles = found.column("Frontline cycles with an event, those without counted (95% interval)", "Cycles")
    assert cycles["Cytokine release syndrome"].startswith("3 of 12")
    assert (
        found.column("Patients at diagnosis: median (quartiles), or number and share of the known", "All")[
            "Sex: female"
        ]
        == "10 (34.5%)"
    )
    published = found.column("External reference E1910, not pooled", "Value")
    assert all(name.startswith("E1910") for name in published)
    others = found.column("Other external references, not pooled", "Value")
    assert "SWOG 1318, age 65 or older: CR (J Clin Oncol 2022)" in others
    assert not any(name.startswith("E1910") for name in others)
    assert published[
        "E1910: alive at 3 years from randomisation, with blinatumomab (FDA notice, 14 June 2024)"
    ].startswith("84.8%")
    ours = found.column("Ours, patients like those of E1910 (E1910_LIKE): alive (95% log-log interval)", "Patients")
    assert list(ours.values()) == ["11 of 14"] * 2 + ["10 of 14"] * 2 + ["9 of 14"] * 2
    assert any(line.startswith("Time zero differs: E1910 counts from randomisation") for line in found.visible)
    stated = found.column("By what the sites state: alive at 12 months (95% interval)", "From diagnosis")
    assert stated["Find only the living"] == "not valid here"
    assert stated["Both, or nothing stated"].startswith("7")
    assert len(found.drawings) == 12
    assert not any(
        "Failed in the last refresh" in line or "failed in the last refresh" in line for line in found.visible
    )
    assert not any("does not add up at" in line for line in found.visible)


def test_a_registry_without_a_patient(hand_made: ModuleType) -> None:
    found = page(hand_made.empty_frames(), hand_made)
    assert "0 of 200" in found.visible
    assert any(line.startswith("Nothing yet: ") for line in found.visible)
    assert {drawing.key for drawing in found.drawings} == {"flow-wide-t", "flow-narrow-t"}


def test_methods_are_named_in_words_and_published_measures_are_none(hand_made: ModuleType) -> None:
    named = next(line for line in page(hand_made.frames(), hand_made).visible if line.startswith("Methods named"))
    assert "_" not in named
    assert "3-year OS" not in named
    names = named.removeprefix("Methods named in the rows: ").removesuffix(".").split("; ")
    assert len(names) == len(set(names)) >= 8


def test_patients_of_a_group_without_a_column_are_named(hand_made: ModuleType) -> None:
    frames = hand_made.frames()
    groups = ("INTENSIVE_ADULT", "PAEDIATRIC_INSPIRED", "REDUCED", "PH_POSITIVE", "OTHER", "UNKNOWN")
    table = frames["marts.backbone_classification"]
    table["backbone_group_cd"] = [groups[place % 6] for place in range(len(table))]
    found = page(frames, hand_made)
    columns = found.tables["Patients at diagnosis: median (quartiles), or number and share of the known"]
    assert columns[0][1:] == ["All", "Intensive adult", "Paediatric-inspired", "Reduced", "Ph-positive", "Other"]
    left = int(columns[1][1]) - sum(int(cell) for cell in columns[1][2:])
    assert left > 0
    assert any(f"In the first column only: Unknown {left}." in line for line in found.visible)


def test_no_event_is_not_an_event_without_a_grade(hand_made: ModuleType) -> None:
    frames = hand_made.frames()
    caption, name = "Frontline cycles with an event, those without counted (95% interval)", "Cytokine release syndrome"
    some = page(frames, hand_made).column(caption, "Cycles, ASTCT 3 or more")[name]
    assert "1 of 11" in some
    assert "1 not graded" in some
    table, events = frames["marts.toxicity_at_risk"], frames["marts.toxicity"]
    events["grade_astct"] = None
    table.loc[table["tox_cd"] == "CRS", ["max_grade_astct", "max_grade_ctcae"]] = None
    assert page(frames, hand_made).column(caption, "Cycles, ASTCT 3 or more")[name] == "not graded"
    table.loc[table["tox_cd"] == "CRS", ["has_event", "n_events"]] = [False, 0]
    assert "0 of 12" in page(frames, hand_made).column(caption, "Cycles, ASTCT 3 or more")[name]

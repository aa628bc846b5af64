from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import hand_made

from blin_pipeline.outcomes import OUTCOMES, OutcomeContext
from blin_pipeline.registry.parameters import load_parameters


@pytest.fixture(scope="session")
def parameters():
    return load_parameters()


@pytest.fixture(scope="session")
def context(parameters):
    return OutcomeContext(
        parameters=parameters, parameters_hash=parameters.sha256, cut_id="made-up-cut", data_cut=hand_made.CUT
    )


@pytest.fixture(scope="session")
def compute_all(context):
    """All outcomes of the given tables, in their order."""
    return lambda frames: [row for outcome in OUTCOMES for row in outcome.compute(frames, context)]


@pytest.fixture(scope="session")
def hand_made_rows(compute_all):
    return compute_all(hand_made.frames())


@pytest.fixture(scope="session")
def by_id(hand_made_rows):
    return {row.result_id: row for row in hand_made_rows}

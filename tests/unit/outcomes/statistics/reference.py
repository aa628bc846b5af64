"""What R says about public data sets: ``data/reference.json``, made by ``data/record_in_r.R`` beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parent / "data"
RECORDED = json.loads((DATA / "reference.json").read_text(encoding="utf-8"))
#: The method is the same: only rounding may differ.
TOLERANCE = 1e-8


def cases(kind):
    return [case for case in RECORDED["cases"] if case["kind"] == kind]


def name_of(case):
    return f"{case['data']}: {case['call']}"


def data_of(case):
    frame = pd.read_csv(DATA / f"{case['data']}.csv")
    result = case["result"]
    return frame.iloc[:: result.get("every", 1)].iloc[: result.get("rows", len(frame))]


def column(case, role):
    """A column of the data by its role in the call; None when the call has none."""
    name = case["columns"].get(role)
    return None if not name else data_of(case)[name].to_numpy()


def numbers(values):
    """A column of R, where one value is a bare number and NA is null."""
    values = values if isinstance(values, list) else [values]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def agrees(ours, theirs, tolerance=TOLERANCE):
    np.testing.assert_allclose(ours, numbers(theirs), rtol=tolerance, atol=tolerance)

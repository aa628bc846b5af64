"""Exports of real REDCap servers that nobody here made: landed with every cell, refused for what they lack."""

from __future__ import annotations

import csv
from collections import Counter

import pyarrow.parquet as pq
import pytest
from homes import Home, with_parsed_project

pytestmark = pytest.mark.slow
PROJECTS = ("repeating-instruments-sparse", "clinical-trial-1")


@pytest.fixture(params=PROJECTS)
def project(request, recorded):
    return recorded / request.param


def _cells_of_the_export(project):
    with (project / "data.csv").open(encoding="utf-8", newline="") as file:
        return Counter(
            (row["record_id"], row.get("redcap_repeat_instance", ""), column, value)
            for row in csv.DictReader(file)
            for column, value in row.items()
            if value != "" and not column.startswith("redcap_") and column != "record_id"
        )


def test_every_cell_is_landed(project, tmp_path):
    home = Home(tmp_path)
    arguments = ["--data", str(project / "data.csv"), "--dictionary", str(project / "dictionary.csv")]
    pulled = home.json("pull", *arguments)
    folder = home.path / "restricted" / "pulls" / pulled["pull_id"]
    landed: Counter[tuple[str, str, str, str]] = Counter()
    for path in folder.glob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            landed.update(
                (row["record_id"], row["redcap_repeat_instance"], column, value)
                for column, value in row.items()
                if value != "" and not column.startswith("redcap_") and column != "record_id"
            )
    assert landed == _cells_of_the_export(project)
    assert sum(landed.values()) > 10


def test_a_refresh_refuses_with_the_list_of_what_is_missing(project, tmp_path):
    home = Home(with_parsed_project(tmp_path))
    arguments = ["--data", str(project / "data.csv"), "--dictionary", str(project / "dictionary.csv")]
    refused = home.blin("refresh", *arguments, check=False)
    assert refused.returncode == 2
    assert "E_REQUIRED_CONCEPTS" in refused.stderr
    for concept in ("dx_date", "elig_ball", "plan_date or tc_start", "dth_date", "redcap_data_access_group"):
        assert concept in refused.stderr
    assert not (home.path / "releases" / "current").exists()

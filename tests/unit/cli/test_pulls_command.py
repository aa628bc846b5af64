"""`blin pull` and `blin pulls` on export files: what a person sees, what a script gets, and that no value is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from homes import Home

pytestmark = pytest.mark.slow

DICTIONARY = (
    '"Variable / Field Name","Form Name","Section Header","Field Type","Field Label",'
    '"Choices, Calculations, OR Slider Labels","Field Note","Text Validation Type OR Show Slider Number",'
    '"Text Validation Min","Text Validation Max",Identifier?,"Branching Logic (Show field only if...)","Required Field?",'
    '"Custom Alignment","Question Number (surveys only)","Matrix Group Name","Matrix Ranking?","Field Annotation"\n'
    "record_id,baseline,,text,Record,,,,,,,,,,,,,\n"
    "code,baseline,,text,Code,,,,,,,,,,,,,\n"
)


def _pull(home: Home, folder: Path, rows: str) -> dict:
    data = folder / "DATA.csv"
    data.write_text(f"record_id,code,baseline_complete\n{rows}", encoding="utf-8")
    dictionary = folder / "DICTIONARY.csv"
    dictionary.write_text(DICTIONARY, encoding="utf-8")
    return home.json("pull", "--data", str(data), "--dictionary", str(dictionary), "--accept-loss")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with two pulls from files."""
    folder = tmp_path_factory.mktemp("files")
    found = Home(tmp_path_factory.mktemp("home"))
    _pull(found, folder, "1,SECRET-A,2\n2,SECRET-B,2\n")
    _pull(found, folder, "1,SECRET-C,2\n3,SECRET-D,2\n")
    return found


def test_list_has_a_line_per_reading(home: Home) -> None:
    listed = home.json("pulls")
    assert [(line["source"], line["mode"], line["records"], line["accepted"]) for line in listed] == [
        ("files", "full", 2, False),
        ("files", "full", 2, True),
    ]
    assert all(line["bytes_on_disk"] > 0 for line in listed)
    shown = home.blin("pulls").stdout
    assert all(line["pull_id"] in shown for line in listed)


def test_difference_shows_counts_and_no_value(home: Home) -> None:
    first, second = (line["pull_id"] for line in home.json("pulls"))
    found = home.json("pulls", "diff", first[:8], second)
    assert found["records"] == {"added": 1, "removed": 1, "moved": 0, "changed": 1}
    assert found["forms"]["baseline"] == {
        "rows_added": 1,
        "rows_removed": 1,
        "rows_changed": 1,
        "cells": {"baseline_complete": 2, "code": 3},
    }
    shown = home.blin("pulls", "diff", first, second)
    assert "SECRET" not in shown.stdout + shown.stderr
    assert found["values"] is None
    assert not (home.path / "restricted" / "differences").exists()


def test_values_are_written_into_the_restricted_zone_on_request(home: Home) -> None:
    first, second = (line["pull_id"] for line in home.json("pulls"))
    done = home.blin("pulls", "diff", first, second, "--values", "--json")
    path = Path(json.loads(done.stdout)["data"]["values"])
    assert "SECRET" not in done.stdout + done.stderr
    assert path.parent == home.path / "restricted" / "differences"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().count("SECRET") == 4


def test_touched_pull_is_named_and_ends_with_1(home: Home, tmp_path: Path) -> None:
    other = home.copy(tmp_path / "copy")
    assert other.json("pulls", "verify") == {"pulls": 2, "readings": 2}
    pull_id = other.json("pulls")[0]["pull_id"]
    path = other.path / "restricted" / "pulls" / pull_id / "baseline.parquet"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b" ")
    done = other.blin("pulls", "verify", "--json", check=False)
    assert done.returncode == 1
    assert [error["code"] for error in json.loads(done.stdout)["errors"]] == ["E_PULL_TAMPERED"]


def test_prune_needs_a_policy_and_keeps_the_accepted_pull(home: Home, tmp_path: Path) -> None:
    other = home.copy(tmp_path / "copy")
    done = other.blin("pulls", "prune", check=False)
    assert done.returncode == 2
    assert "E_NO_RETENTION" in done.stderr
    first, second = (line["pull_id"] for line in other.json("pulls"))
    assert [pull["pull_id"] for pull in other.json("pulls", "prune", "--keep", "1", "--dry-run")["pulls"]] == [first]
    assert other.json("pulls", "verify")["pulls"] == 2
    other.json("pulls", "prune", "--keep", "1")
    assert [line["bytes_on_disk"] is None for line in other.json("pulls")] == [True, False]
    assert other.blin("pulls", "diff", first, second, check=False).returncode == 1

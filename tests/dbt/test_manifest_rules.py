"""Rules of the house, read from dbt's manifest.

Layers, left to right: sources -> base and staging -> intermediate (checks included) -> marts and quality. Marts read intermediate
models, seeds and other marts, never staging: what a table means is decided in one intermediate model, not where it is shown.
Quality shows what staging and intermediate set aside. Operations (weeks of the calendar, history from build to build) reads all
of them and is never released.
"""

from __future__ import annotations

from ast import literal_eval
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_warehouse import PROJECT, Build
from jinja2 import Environment

from blin_pipeline.outcomes.frames import TABLE_COLUMNS
from blin_pipeline.registry.deid import load_policy
from blin_pipeline.registry.dictionary import load_dictionary

pytestmark = pytest.mark.slow

LONGEST_MODEL = 150
#: Ending of a column name -> what its description must name.
UNITS = {
    "_mcg_day": "mcg/day",
    "_mcg": "mcg",
    "_mcg_upper": "mcg",
    "_days": "day",
    "_months": "month",
    "_h": " h",
    "_frac": "fraction",
    "_pct": "percent",
    "_10e9_l": "10^9/L",
    "_utc": "UTC",
    "_years": "year",
}
#: Layers whose tables somebody outside the project reads.
FOR_READERS = ("marts", "quality", "operations")
LAYERS = ("base", "redcap", "intermediate", "marts", "quality", "operations")


def _models(build: Build, *layers: str) -> dict[str, dict[str, Any]]:
    nodes = build.manifest["nodes"].values()
    return {n["name"]: n for n in nodes if n["resource_type"] == "model" and (not layers or _layer(n) in layers)}


def _layer(node: dict[str, Any]) -> str:
    parts = Path(node["path"]).parts
    return parts[1] if parts[0] == "staging" else parts[0]


def _parents(build: Build, node: dict[str, Any]) -> list[dict[str, Any]]:
    everything = {**build.manifest["nodes"], **build.manifest["sources"]}
    return [everything[key] for key in node["depends_on"]["nodes"]]


@pytest.fixture(scope="module")
def unit_tested(build: Build) -> set[str]:
    return {test["model"] for test in build.manifest["unit_tests"].values()}


def test_marts_and_quality_have_an_enforced_contract_with_documented_columns(build: Build) -> None:
    found = _models(build, *FOR_READERS)
    assert {"subject", "time_to_event", "data_query", "blin_cycle_exposure"} <= found.keys()
    for name, node in found.items():
        assert node["contract"]["enforced"], name
        for column in node["columns"].values():
            assert column["data_type"], (name, column["name"])
            assert len(column["description"]) > 3, (name, column["name"])


def test_every_table_has_grain_owner_group_and_description(build: Build) -> None:
    for name, node in _models(build, "intermediate", *FOR_READERS).items():
        meta = node["config"]["meta"]
        assert meta.get("grain"), name
        assert meta.get("owner", "").startswith("team:"), name
        assert node["config"]["group"], name
        assert len(node["description"]) > 20, name


def test_every_table_for_readers_has_a_key_checks_and_a_test_of_them(build: Build) -> None:
    for name, node in _models(build, *FOR_READERS).items():
        kinds = [constraint["type"] for constraint in node["constraints"]]
        assert kinds.count("primary_key") == 1, name
        assert "check" in kinds, name


def test_every_table_of_ours_has_an_identity_test(build: Build) -> None:
    tested = {
        node["attached_node"]
        for node in build.manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("test_metadata", {}).get("name") == "unique_on"
    }
    for name, node in _models(build, "intermediate", *FOR_READERS).items():
        assert node["unique_id"] in tested, name


def test_every_table_for_readers_has_a_situation_worked_by_hand(build: Build, unit_tested: set[str]) -> None:
    assert _models(build, *FOR_READERS).keys() - unit_tested == set()


def test_every_derivation_has_a_situation_worked_by_hand(build: Build, unit_tested: set[str]) -> None:
    # Unions of rows and a list: covered by rows_conserved and by every model that reads them.
    carried = {"int_row__landed", "int_row__kept", "int_row__set_aside", "int_check__definition"}
    assert _models(build, "intermediate").keys() - unit_tested - carried == set()


def test_units_stand_in_the_descriptions(build: Build) -> None:
    for name, node in _models(build, *FOR_READERS).items():
        for column in node["columns"].values():
            endings = [end for end in UNITS if column["name"].endswith(end)]
            if endings and column["data_type"] != "varchar":
                unit = UNITS[max(endings, key=len)]
                assert unit.lower() in column["description"].lower(), (name, column["name"], unit)


def test_data_flow_from_left_to_right(build: Build) -> None:
    order = {layer: place for place, layer in enumerate(LAYERS)}
    for name, node in _models(build).items():
        for parent in _parents(build, node):
            if parent["resource_type"] == "source":
                assert _layer(node) in {"base", "redcap"}, name
            elif parent["resource_type"] == "model":
                found, wanted = _layer(parent), _layer(node)
                if wanted == "marts":
                    assert found in {"intermediate", "marts"}, (name, parent["name"])
                else:
                    assert order[found] <= order[wanted], (name, parent["name"])


def test_an_answer_is_bound_to_every_instrument_that_its_check_reads(
    build: Build, tables: duckdb.DuckDBPyConnection
) -> None:
    source = (PROJECT / "macros" / "derive" / "evidence.sql").read_text(encoding="utf-8")
    template = Environment(autoescape=False).from_string(source + "{{ evidence_forms() }}")
    listed: dict[str, list[str]] = literal_eval(template.render({"return": lambda value: value}).strip())
    models = _models(build, "intermediate")
    seen: set[str] = set()
    for name in [name for name in models if name.startswith("check_")]:
        read = {
            parent["name"].removeprefix("stg_redcap__")
            for parent in _parents(build, models[name])
            if parent["name"].startswith("stg_redcap__")
        } & {*load_dictionary().forms}
        places = tables.execute(f"select distinct check_id, form from intermediate.{name}").fetchall()
        for check_id in {check_id for check_id, _ in places} & listed.keys():
            seen.add(check_id)
            own = {form for found, form in places if found == check_id}
            # One model for all instruments: each finding compares fields of its own row.
            compared = set() if len(own) > 3 and not listed[check_id] else read
            assert compared <= own | {*listed[check_id]}, (name, check_id)
    assert len(seen) >= len(listed) - 3, listed.keys() - seen


def test_models_are_short_enough_to_read(build: Build) -> None:
    root = Path(build.manifest["metadata"].get("project_root") or Path(__file__).resolve().parents[2] / "dbt_project")
    for name, node in _models(build).items():
        lines = (root / node["original_file_path"]).read_text().count("\n")
        assert lines <= LONGEST_MODEL, (name, lines)


def test_exposures_name_owner_and_tables(build: Build) -> None:
    exposures = build.manifest["exposures"].values()
    assert {exposure["name"] for exposure in exposures} >= {"outcomes", "release", "site_queries"}
    for exposure in exposures:
        assert exposure["owner"]["name"]
        assert exposure["depends_on"]["nodes"]


def test_exposures_name_exactly_the_tables_that_are_read(build: Build) -> None:
    read = {
        exposure["name"]: {key.rpartition(".")[2] for key in exposure["depends_on"]["nodes"]}
        for exposure in build.manifest["exposures"].values()
    }
    assert read["outcomes"] == {name.partition(".")[2] for name in TABLE_COLUMNS}
    released = {name for name in load_policy().tables if not name.startswith("report.")}
    assert read["release"] == {name.partition(".")[2] for name in released}

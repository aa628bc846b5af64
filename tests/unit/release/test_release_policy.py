"""The shipped policy against the tables that dbt declares and the table that the outcomes fill."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from made_up_registry import CONTEXT, KEY, Home

from blin_pipeline.landing.database import Warehouse, connect_file
from blin_pipeline.registry.deid import decide_all, load_policy
from blin_pipeline.registry.dictionary import load_dictionary
from blin_pipeline.release.build import build_candidate
from blin_pipeline.release.plan import ColumnEntry, plan_release

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[3] / "dbt_project" / "models"
RESULT = {
    **dict.fromkeys(("result_id", "outcome", "statistic", "population", "denominator", "group_variable"), "VARCHAR"),
    **dict.fromkeys(("group_label", "unit", "method", "state", "reason", "parameters_hash", "cut_id"), "VARCHAR"),
    **dict.fromkeys(("time_days", "value", "lower", "upper", "se"), "DOUBLE"),
    **dict.fromkeys(("n", "n_event"), "BIGINT"),
}


def declared() -> dict[str, dict[str, str]]:
    """``schema.table`` -> column -> type, from the contracts of the dbt project, and ``report.result``."""
    tables: dict[str, dict[str, str]] = {"report.result": RESULT}
    for schema in ("marts", "quality"):
        for path in sorted((PROJECT / schema).rglob("*.yml")):
            for model in yaml.safe_load(path.read_text("utf-8")).get("models", []):
                columns = {column["name"]: column.get("data_type", "").upper() for column in model.get("columns", [])}
                if all(columns.values()) and columns:
                    tables[f"{schema}.{model['name']}"] = columns
    return tables


def test_policy_and_declared_tables_are_in_line() -> None:
    policy, tables = load_policy(), declared()
    assert set(policy.tables) <= set(tables)
    catalogue = {
        table: {name: ColumnEntry(kind, "") for name, kind in columns.items()} for table, columns in tables.items()
    }
    # Raises where the policy names a column that a table lacks.
    plan = plan_release(catalogue, policy, decide_all(policy, load_dictionary()))
    assert plan.held == ()


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """The declared tables with one row: every column null but those that decide who is in."""
    known: dict[str, object] = {
        "patient_key": KEY.patient_key("1", "A-1"),
        "site_id": "S01",
        "consent_status_cd": "1",
        "eligibility_status_cd": "ELIGIBLE",
        "dx_date": date(2024, 5, 1),
        "adt": date(2024, 6, 30),
        "aval_hi_days": 60,
        "cycle_end_date": date(2024, 6, 30),
        "delivered_days": 20.0,
        "is_open": True,
        "frontline_end_date": date(2024, 6, 30),
        "frontline_end_reason_cd": "CUT",
        "state": "not_estimable",
        "method": "",
        "denominator": "",
        "cut_id": "2024-06_0011aabb",
    }
    made = Warehouse(tmp_path / "warehouse.duckdb")
    with made.connect(read_only=False) as connection:
        connection.execute("create schema raw; create table raw.record as select 'A-1' as record_id, 'north' as d")
        for schema in ("marts", "quality", "report"):
            connection.execute(f"create schema {schema}")
        for table, columns in declared().items():
            shown = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            connection.execute(f"create table {table} ({shown})")
            values = [known.get(name) for name in columns]
            connection.execute(f"insert into {table} values ({', '.join('?' * len(values))})", values)
    return made


def test_shipped_policy_builds_and_publishes_a_release(home: Home, warehouse: Warehouse) -> None:
    policy, dictionary = load_policy(), load_dictionary()
    context = replace(CONTEXT, data_cut=date(2024, 6, 30), cut_id="2024-06_0011aabb")
    candidate = build_candidate(warehouse, home.releases, policy, dictionary, context)
    assert candidate.facts.held == ()
    assert [finding for finding in candidate.facts.findings if finding.code == "value_not_allowed"] == []
    home.policy = policy
    release = home.publish(candidate, forbidden=["A-1", "north"])
    assert {fact.table for fact in release.manifest.tables} == set(policy.tables)
    with connect_file(release.path / "analytic.duckdb") as connection:
        cut = connection.execute("select frontline_end_day, frontline_end_reason_cd from marts.subject").fetchall()
        cycle = connection.execute(
            "select cycle_end_day, delivered_days, is_open from marts.blin_cycle_exposure"
        ).fetchall()
        longest = connection.execute("select aval_hi_days from marts.time_to_event").fetchall()
        rows = connection.execute("select n_rows from quality.quarantine").fetchall()
        method = connection.execute("select method, denominator, cut_id from report.result").fetchall()
    assert cut == [(None, "CUT")]
    assert cycle == [(None, None, True)]
    assert longest == [(None,)]
    assert rows == [(1,)]
    assert method == [("", "", "2024-06_0011aabb")]


def test_no_released_column_is_a_date_or_time(home: Home, warehouse: Warehouse) -> None:
    candidate = build_candidate(warehouse, home.releases, load_policy(), load_dictionary(), CONTEXT)
    types = {column.type for table in candidate.facts.tables for column in table.columns}
    assert types == {"VARCHAR", "DOUBLE", "INTEGER", "BIGINT", "BOOLEAN"}

"""Outcomes from the tables to ``report.result`` through one connection."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blin_pipeline.errors import DataError
from blin_pipeline.landing.database import Warehouse
from blin_pipeline.orchestration.results import compute_outcomes, read_results
from blin_pipeline.outcomes import Outcome
from blin_pipeline.outcomes.builder import ResultBuilder
from blin_pipeline.registry.parameters import load_parameters

TABLES = ("marts.mrd_result", "quality.quarantine")


@pytest.fixture
def workspace(tmp_path: Path) -> Any:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    with warehouse.connect() as connection:
        for schema in ("raw", "marts", "quality"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table raw.pull as select 'a1b2c3d4e5f6' as pull_id, '1' as project_id, 'api' as source_kind, "
            "date '2026-06-30' as data_cut_date, 3 as n_records, 'hash' as dictionary_sha256"
        )
        connection.execute(
            "create table marts.mrd_result as select 'p' || i as patient_key, 'x' as unread from range(3) t(i)"
        )
        connection.execute("create table quality.quarantine as select i as anything from range(5) t(i)")
    return SimpleNamespace(warehouse=warehouse, parameters=load_parameters())


def counting(seen: list[Any]) -> Outcome:
    def compute(frames: Any, context: Any) -> Any:
        seen.append({name: (list(frame.columns), len(frame)) for name, frame in frames.items()})
        seen.append((context.cut_id, context.data_cut))
        return [ResultBuilder("counting", context).count("rows_n", len(frames[TABLES[1]]) + len(seen))]

    return Outcome("counting", "Counts.", TABLES, compute)


def test_an_outcome_sees_the_columns_it_reads_and_replaces_its_rows(workspace: Any) -> None:
    seen: list[Any] = []
    list(compute_outcomes(workspace, [counting(seen)]))
    # Of a table that is only counted every row comes along.
    assert seen[0] == {TABLES[0]: (["patient_key"], 3), TABLES[1]: (["anything"], 5)}
    assert seen[1] == ("2026-06_a1b2c3d4", datetime.date(2026, 6, 30))
    list(compute_outcomes(workspace, [counting(seen)]))
    assert read_results(workspace.warehouse)["value"].tolist() == [9.0]


def test_a_failing_outcome_leaves_the_rows_that_were_there(workspace: Any) -> None:
    list(compute_outcomes(workspace, [counting([])]))

    def fails(frames: Any, context: Any) -> Any:
        raise DataError("E_OUTCOME_TABLE", "made so", fix="none")

    with pytest.raises(DataError, match="made so"):
        list(compute_outcomes(workspace, [Outcome("counting", "Fails.", TABLES, fails)]))
    assert read_results(workspace.warehouse)["value"].tolist() == [7.0]


def test_what_was_made_before_a_failure_stays_and_is_told(workspace: Any) -> None:
    def fails(frames: Any, context: Any) -> Any:
        raise DataError("E_OUTCOME_TABLE", "made so", fix="none")

    outcomes = [counting([]), Outcome("failing", "Fails.", TABLES, fails), counting([])]
    made = compute_outcomes(workspace, outcomes)
    assert next(made)[0].name == "counting"
    with pytest.raises(DataError, match="made so"):
        next(made)
    assert read_results(workspace.warehouse)["value"].tolist() == [7.0]


def test_each_table_is_read_once_for_all_outcomes(workspace: Any) -> None:
    seen: list[Any] = []

    def same(frames: Any, context: Any) -> Any:
        seen.append([frames[name] for name in TABLES])
        return []

    list(compute_outcomes(workspace, [Outcome(name, "Looks.", TABLES, same) for name in ("first", "second")]))
    assert [one is other for one, other in zip(*seen, strict=True)] == [True, True]

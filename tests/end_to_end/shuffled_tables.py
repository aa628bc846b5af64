"""Runs the exposure models again over tables whose rows lie in another order, on another number of threads.

The SQL is the one that dbt compiled and ran. Rows of every table that the models read, and of every table that they write, are
put into an order that a number decides; what the tables then hold must be the same to the last digit.
"""

from __future__ import annotations

import json
import shutil
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

#: Folders of dbt_project/models that are run again.
EXPOSURE = ("intermediate/infusion/", "marts/exposure/")


class Model(NamedTuple):
    """A table and the query that makes it."""

    table: str
    sql: str


def exposure_models(target: Path) -> tuple[list[Model], list[str]]:
    """The exposure models in the order in which they are built, and the other tables that they read.

    Args:
        target: Folder of dbt's results.
    """
    nodes: dict[str, dict[str, Any]] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    chosen = {key: node for key, node in nodes.items() if _is_exposure(node)}
    parents = {key: set(node["depends_on"]["nodes"]) for key, node in chosen.items()}
    compiled = target / "compiled" / "blin"
    models = [
        Model(_table(nodes[key]), (compiled / nodes[key]["original_file_path"]).read_text(encoding="utf-8"))
        for key in TopologicalSorter(parents).static_order()
        if key in chosen
    ]
    read = sorted({parent for own in parents.values() for parent in own} - chosen.keys())
    return models, [_table(nodes[key]) for key in read if nodes[key]["config"]["materialized"] == "table"]


def _is_exposure(node: dict[str, Any]) -> bool:
    return node["resource_type"] == "model" and node["path"].startswith(EXPOSURE)


def _table(node: dict[str, Any]) -> str:
    return f"{node['schema']}.{node['name']}"


def content(warehouse: Path, models: list[Model]) -> dict[str, list[str]]:
    """Table -> its rows as text (all digits of a number), in one order."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {
            model.table: sorted(map(repr, connection.execute(f"select * from {model.table}").fetchall()))
            for model in models
        }


def rebuilt(warehouse: Path, folder: Path, models: list[Model], read: list[str], variant: int) -> Path:
    """A copy of the warehouse in which the exposure models ran over shuffled tables."""
    # The name of the file is the name of the database in the compiled SQL.
    copy = Path(shutil.copy(warehouse, folder / warehouse.name))
    with duckdb.connect(str(copy), config={"threads": 1 + variant % 4}) as connection:
        connection.execute("set preserve_insertion_order = false")
        for name in read:
            _shuffle(connection, name, f"select * from {name}", variant)
        for model in models:
            _shuffle(connection, model.table, model.sql, variant)
    return copy


def _shuffle(connection: duckdb.DuckDBPyConnection, table: str, query: str, variant: int) -> None:
    connection.execute(f"create table shuffled as select * from ({query}\n) as made order by hash(made, {variant})")
    connection.execute(f"drop table {table}")
    connection.execute(f"create table {table} as select * from shuffled")
    connection.execute("drop table shuffled")

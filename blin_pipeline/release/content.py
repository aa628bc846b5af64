"""Tables of a candidate: creation in a fixed order, content hashes, comments, ``meta.*``, Parquet."""

# ruff: noqa: S608 (names cannot be bound as parameters; each goes through a quoting function)
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from blin_pipeline.release.manifest import ColumnFact, TableFact, sha256_of
from blin_pipeline.release.transforms import Released, name, text

#: Column that a table of rows released as counts gets.
N_ROWS = "n_rows"
SYNTHETIC_NOTE = "SYNTHETIC DATA, no real patient."


def qualified(table: str, database: str = "") -> str:
    """Quoted ``[database.]schema.table``."""
    parts = [database, *table.split(".", 1)] if database else table.split(".", 1)
    return ".".join(name(part) for part in parts)


def parquet_name(table: str) -> str:
    """File of a table: ``subject.parquet``; tables of ``meta`` carry their schema, ``meta_release.parquet``."""
    schema, _, short = table.partition(".")
    return f"meta_{short}.parquet" if schema == "meta" else f"{short}.parquet"


def create_table(
    connection: DuckDBPyConnection, target: str, columns: Sequence[Released], source: str, *, is_counted: bool = False
) -> int:
    """Create ``target`` from columns of ``source`` (a FROM clause), rows in a fixed order; returns how many.

    With ``is_counted`` equal rows become one, with their number in ``n_rows``.
    """
    values = ", ".join(f"{column.value} as {name(column.name)}" for column in columns)
    if is_counted:
        source = f"(select {values} from {source}) group by all"
        values = f"*, count(*) as {name(N_ROWS)}"
    connection.execute(f"create table {target} as select {values} from {source} order by all")
    return scalar_int(connection, f"select count(*) from {target}")


def scalar_int(connection: DuckDBPyConnection, query: str) -> int:
    """The one whole number that a query returns."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def content_hash(connection: DuckDBPyConnection, relation: str) -> str:
    """Hash over the rows of a relation, whatever their order: SHA-256 of the sorted SHA-256 of each row as JSON."""
    query = (
        "select sha256(coalesce(string_agg(row_hash, '' order by row_hash), '')) "
        f"from (select sha256(cast(to_json(t) as varchar)) as row_hash from {relation} as t)"
    )
    row = connection.execute(query).fetchone()
    return str(row[0]) if row else ""


def release_hash(tables: Iterable[TableFact]) -> str:
    """Hash of a release: names, columns, types, counts and contents of its tables (``meta`` is not among them)."""
    return sha256_of(
        [
            [fact.table, [[column.name, column.type] for column in fact.columns], fact.row_count, fact.content_sha256]
            for fact in sorted(tables, key=lambda fact: fact.table)
        ]
    )


def comment(connection: DuckDBPyConnection, target: str, note: str, columns: Iterable[ColumnFact]) -> None:
    """Write the descriptions of a table and its columns into the database; clients show them."""
    connection.execute(f"comment on table {target} is {text(note)}")
    for column in columns:
        if column.description:
            connection.execute(f"comment on column {target}.{name(column.name)} is {text(column.description)}")


def create_meta(
    connection: DuckDBPyConnection,
    database: str,
    facts: Sequence[TableFact],
    values: Mapping[str, str],
    cut: Mapping[str, str],
    note: str,
) -> list[str]:
    """Write ``meta.release``, ``meta.table``, ``meta.column`` and ``meta.data_cut``; returns their names.

    Args:
        connection: Connection with the candidate attached.
        database: Name it is attached under.
        facts: The tables of the release.
        values: Rows of ``meta.release``.
        cut: The one row of ``meta.data_cut``.
        note: Prefix of the table comments (synthetic data).
    """
    connection.execute(f"create schema {name(database)}.meta")
    tables: dict[str, tuple[str, dict[str, str], list[tuple[object, ...]]]] = {
        "meta.release": (
            "One row per fact about this release.",
            {"key": "VARCHAR", "value": "VARCHAR"},
            [(key, value) for key, value in sorted(values.items())],
        ),
        "meta.table": (
            "One row per table of this release; content_sha256 does not depend on the order of rows.",
            {"table_name": "VARCHAR", "row_count": "BIGINT", "content_sha256": "VARCHAR", "description": "VARCHAR"},
            [(fact.table, fact.row_count, fact.content_sha256, fact.description) for fact in facts],
        ),
        "meta.column": (
            "One row per released column: its type, how it was de-identified, what it means.",
            {
                "table_name": "VARCHAR",
                "column_position": "INTEGER",
                "column_name": "VARCHAR",
                "data_type": "VARCHAR",
                "transform": "VARCHAR",
                "description": "VARCHAR",
            },
            [
                (fact.table, position, column.name, column.type, column.transform, column.description)
                for fact in facts
                for position, column in enumerate(fact.columns, start=1)
            ],
        ),
        "meta.data_cut": (
            "One row: the data cut that every number of this release belongs to; only its month is released.",
            dict.fromkeys(cut, "VARCHAR"),
            [tuple(cut.values())],
        ),
    }
    for table, (description, columns, rows) in tables.items():
        target = qualified(table, database)
        connection.execute(
            f"create table {target} ({', '.join(f'{name(key)} {kind}' for key, kind in columns.items())})"
        )
        if rows:
            connection.executemany(f"insert into {target} values ({', '.join('?' * len(columns))})", rows)
        comment(connection, target, f"{note} {description}".strip(), [])
    return list(tables)


def write_parquet(connection: DuckDBPyConnection, relation: str, path: Path, marks: Mapping[str, str]) -> None:
    """Write a relation as Parquet; equal rows in equal order give equal bytes (one thread, fixed settings).

    Args:
        connection: Connection with ``threads`` set to 1.
        relation: Table to write.
        path: New file.
        marks: Key-value metadata of the file.
    """
    shown = ", ".join(f"{name(key)}: {text(value)}" for key, value in sorted(marks.items()))
    connection.execute(
        f"copy (select * from {relation}) to {text(str(path))} "
        f"(format parquet, compression zstd, row_group_size 122880, kv_metadata {{{shown}}})"
    )

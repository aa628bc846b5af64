"""Judge a candidate by opening it as a reader would: nothing that the builder believed is taken on trust."""

# ruff: noqa: S608 (names cannot be bound as parameters; each goes through a quoting function)
from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from duckdb import DuckDBPyConnection

from blin_pipeline.errors import DataError, ReleaseError, StorageError
from blin_pipeline.landing.database import connect_file
from blin_pipeline.registry.deid import Policy
from blin_pipeline.release.candidate import FACTS, Candidate
from blin_pipeline.release.content import N_ROWS, content_hash, parquet_name, qualified, release_hash, scalar_int
from blin_pipeline.release.files import files_below
from blin_pipeline.release.leaks import Identifiers, count_dates, count_in_column, count_in_file, identifiers
from blin_pipeline.release.manifest import CandidateFacts
from blin_pipeline.release.transforms import base_type, text

_CALENDAR_TYPES = re.compile(r"^(DATE|TIME|TIMESTAMP)")
_CONTAINERS = re.compile(r"^(STRUCT|MAP|UNION|BLOB|BIT|JSON)|\[")
_NEVER = re.compile(r"^(record_id|redcap_.*|.*birth.*|zip\d?|.*_date|.*_utc|.*_local_raw|mrn|ssn)$")


def _fail(what: str) -> ReleaseError:
    return ReleaseError(
        "E_RELEASE_VERIFY",
        f"The candidate did not pass verification: {what}.",
        fix="Refresh again; report it if it stays.",
    )


def _leak(where: str, n: int, what: str) -> ReleaseError:
    return ReleaseError(
        "E_RELEASE_LEAK",
        f"{n} {what} found in {where}.",
        fix="Find the column's policy row in deid.yml (or the page's source) and close it; nothing was published.",
    )


def verify_candidate(candidate: Candidate, policy: Policy, forbidden: Collection[str] = ()) -> dict[str, int]:
    """Check a candidate as it lies on disk.

    Args:
        candidate: The candidate; further files (the report) may stand in its folder.
        policy: The policy; every released column must have a row in it.
        forbidden: Values that may appear nowhere: record ids, names of data access groups, canaries.

    Returns:
        Counts of the leak scan for the manifest: values searched, not searchable, text columns and files searched.

    Raises:
        ReleaseError: ``E_RELEASE_VERIFY``, ``E_RELEASE_LEAK``.
    """
    if leftovers := [path.name for path in files_below(candidate.path) if path.suffix in {".wal", ".tmp"}]:
        raise _fail(f"unfinished files ({', '.join(leftovers)})")
    wanted = identifiers(forbidden)
    try:
        n_texts = _check_database(candidate, policy, wanted)
    except (StorageError, DataError) as error:
        raise _fail(f"its database cannot be read back ({error.code})") from None
    files = [path for path in files_below(candidate.path) if path.name != FACTS]
    for path in files:
        if n := count_in_file(path, wanted):
            raise _leak(path.relative_to(candidate.path).as_posix(), n, "identifying value(s)")
    return {
        "values_searched": wanted.searched,
        "values_not_searchable": wanted.unsearchable,
        "text_columns": n_texts,
        "files": len(files),
    }


def _check_database(candidate: Candidate, policy: Policy, wanted: Identifiers) -> int:
    with connect_file(candidate.database.resolve()) as connection:
        columns = _columns(connection)
        _check_shape(columns, candidate.facts, policy)
        _check_content(connection, candidate.path, candidate.facts)
        texts = [(table, column) for table, column, data_type in columns if data_type == "VARCHAR"]
        for table, column in texts:
            if n := count_in_column(connection, table, column, wanted):
                raise _leak(f"{table}.{column}", n, "identifying value(s)")
            if not table.startswith("meta.") and (n := count_dates(connection, table, column)):
                raise _leak(f"{table}.{column}", n, "full date(s)")
    return len(texts)


def _columns(connection: DuckDBPyConnection) -> list[tuple[str, str, str]]:
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where not internal and database_name = current_database() order by 1, column_index"
    ).fetchall()
    return [(str(table), str(column), str(data_type)) for table, column, data_type in rows]


def _check_shape(columns: list[tuple[str, str, str]], facts: CandidateFacts, policy: Policy) -> None:
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, data_type in columns:
        if table.startswith("meta."):
            continue
        found.setdefault(table, []).append((column, data_type))
        allowed = policy.tables[table].columns if table in policy.tables else ()
        is_count = column == N_ROWS and table in policy.tables and policy.tables[table].rows == "counted"
        if not is_count and not any(row.released_name == column and row.transform.name != "drop" for row in allowed):
            raise _fail(f"{table}.{column} has no row in the policy")
        if _CALENDAR_TYPES.match(data_type) or _CONTAINERS.search(data_type) or _NEVER.match(column):
            raise _fail(f"{table}.{column} ({base_type(data_type)}) may never be released")
    expected = {fact.table: [(column.name, column.type) for column in fact.columns] for fact in facts.tables}
    if found != expected:
        raise _fail("tables or columns differ from what was built")


def _check_content(connection: DuckDBPyConnection, folder: Path, facts: CandidateFacts) -> None:
    for fact in facts.tables:
        parquet = f"read_parquet({text(str(folder / 'parquet' / parquet_name(fact.table)))})"
        for relation in (qualified(fact.table), parquet):
            if scalar_int(connection, f"select count(*) from {relation}") != fact.row_count:
                raise _fail(f"row count of {fact.table}")
            if content_hash(connection, relation) != fact.content_sha256:
                raise _fail(f"content of {fact.table}")
    if release_hash(facts.tables) != facts.content_sha256:
        raise _fail("content hash of the release")

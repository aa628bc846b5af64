"""Build a candidate release: a new, empty database file that receives allow-listed columns only, and Parquet beside it.

Nothing is ever copied whole and pruned: deleted bytes stay in a DuckDB file. The candidate lies in
``releases/.building/`` (0700) and is disposable until it is published.
"""

# ruff: noqa: S608 (names cannot be bound as parameters; each goes through a quoting function)
from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from blin_pipeline.errors import BlinError, DataError, LockedError, ReleaseError
from blin_pipeline.landing.database import Warehouse, in_memory
from blin_pipeline.registry.deid import Decision, Finding, Policy, decide_all
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.release.candidate import Candidate, ReleaseContext, clear_building, save_candidate
from blin_pipeline.release.content import (
    N_ROWS,
    SYNTHETIC_NOTE,
    comment,
    content_hash,
    create_meta,
    create_table,
    parquet_name,
    qualified,
    release_hash,
    scalar_int,
    write_parquet,
)
from blin_pipeline.release.files import disk_faults, remove_tree
from blin_pipeline.release.manifest import CandidateFacts, ColumnFact, FindingFact, TableFact
from blin_pipeline.release.plan import RELEASABLE_SCHEMAS, ColumnEntry, Plan, PlannedColumn, plan_release
from blin_pipeline.release.transforms import Released, among, name, pool_years, released, text

#: DuckDB clients from 1.0 on open it.
STORAGE_VERSION = "v1.0.0"
_YEAR_MINIMUM = 11
#: From how many values, and from which share of a column, an end on the day of the cut is no chance.
_AT_CUT_LEAST = 2
_AT_CUT_SHARE = 0.05
_WAREHOUSE = "warehouse"
_RELEASE = "release"
_KEPT = "memory.main.kept_subject"


def build_candidate(
    warehouse: Warehouse, releases_dir: Path, policy: Policy, dictionary: Dictionary, context: ReleaseContext
) -> Candidate:
    """Build a candidate from the warehouse.

    Args:
        warehouse: The private database; opened read-only.
        releases_dir: Folder of the releases; the candidate lies in its ``.building``.
        policy: What may leave, and how.
        dictionary: The project's own dictionary, in the canonical names of the registry.
        context: What the caller knows about this build.

    Raises:
        ConfigurationError: ``E_POLICY_CONFLICT``.
        DataError: ``E_SUBJECT_KEY`` when the subject table's key is empty or not unique.
        LockedError: ``E_WAREHOUSE_LOCKED``.
        ReleaseError: ``E_POLICY_COLUMN_MISSING``, ``E_POLICY_STALE``, ``E_RELEASE_BUILD``.
        StorageError: ``E_DISK``. After any error the candidate is gone.
    """
    decisions = decide_all(policy, dictionary)
    with disk_faults("building the release"):
        folder = Path(tempfile.mkdtemp(prefix="candidate-", dir=clear_building(releases_dir)))
    try:
        with disk_faults("building the release"):
            candidate = Candidate(folder, _build(warehouse, folder, policy, decisions, context), context.inputs(policy))
            save_candidate(candidate)
    except BlinError:
        remove_tree(folder)
        raise
    return candidate


@contextmanager
def _database_faults() -> Iterator[None]:
    """One error for a statement that the database refuses; its message can quote values and stops here."""
    try:
        yield
    except duckdb.IOException:
        raise
    except duckdb.Error as error:
        raise ReleaseError(
            "E_RELEASE_BUILD",
            f"The database refused to build the release ({type(error).__name__}).",
            fix="Run the refresh again; if it stays, report it with the code version and this code.",
        ) from None


def _build(
    warehouse: Warehouse, folder: Path, policy: Policy, decisions: Mapping[str, Decision], context: ReleaseContext
) -> CandidateFacts:
    with in_memory() as connection, disk_faults("building the release"), _database_faults():
        _attach(connection, warehouse)
        # One thread: rows keep their order, and Parquet files their bytes.
        connection.execute("set threads = 1")
        database = folder / "analytic.duckdb"
        connection.execute(f"attach {text(str(database))} as {_RELEASE} (storage_version {text(STORAGE_VERSION)})")
        plan = plan_release(_catalogue(connection), policy, decisions)
        left_out = _keep_subjects(connection, policy)
        findings = [decision.finding for decision in decisions.values() if decision.finding is not None]
        findings = [finding for finding in findings if finding.code != "column_not_in_policy"]
        facts = []
        # One transaction: one flush to disk, not one per statement.
        connection.execute("begin")
        for schema in sorted({table.partition(".")[0] for table in plan.tables}):
            connection.execute(f"create schema {_RELEASE}.{name(schema)}")
        for table in sorted(plan.tables):
            fact, refused = _release_table(connection, table, plan, policy, context)
            facts.append(fact)
            findings += refused
        n_kept = scalar_int(connection, f"select count(*) from {_KEPT}")
        result = _facts(context, policy, plan, decisions, facts, findings, left_out, n_kept)
        _write_meta(connection, result)
        connection.execute("commit")
        _write_parquet(connection, folder / "parquet", result)
        connection.execute(f"checkpoint {_RELEASE}")
        connection.execute(f"detach {_RELEASE}")
    return result


def _attach(connection: DuckDBPyConnection, warehouse: Warehouse) -> None:
    try:
        connection.execute(f"attach {text(str(warehouse.path))} as {_WAREHOUSE} (read_only)")
    except duckdb.IOException:
        raise LockedError(
            "E_WAREHOUSE_LOCKED",
            "The warehouse cannot be opened: another process holds it, or it is not there.",
            fix="Let the other refresh end, or close the program that has warehouse.duckdb open; then run again.",
        ) from None


def _catalogue(connection: DuckDBPyConnection) -> dict[str, dict[str, ColumnEntry]]:
    schemas = ", ".join(text(schema) for schema in RELEASABLE_SCHEMAS)
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        f"where database_name = {text(_WAREHOUSE)} and schema_name in ({schemas}) order by 1, column_index"
    ).fetchall()
    catalogue: dict[str, dict[str, ColumnEntry]] = {}
    for table, column, data_type, note in rows:
        catalogue.setdefault(table, {})[column] = ColumnEntry(data_type, note)
    return catalogue


def _table_comment(connection: DuckDBPyConnection, table: str) -> str:
    relations = " union all ".join(
        f"select database_name, schema_name || '.' || {kind}_name, comment from duckdb_{kind}s()"
        for kind in ("table", "view")
    )
    row = connection.execute(
        f"select comment from ({relations}) as t(database_name, relation, comment) "
        f"where database_name = {text(_WAREHOUSE)} and relation = {text(table)} and comment is not null"
    ).fetchone()
    return str(row[0]) if row else ""


def _condition(where: Mapping[str, Sequence[str]]) -> str:
    return " and ".join(f"coalesce({among(name(column), codes)}, false)" for column, codes in sorted(where.items()))


def _keep_subjects(connection: DuckDBPyConnection, policy: Policy) -> dict[str, int]:
    """Create the list of patients that stay (key, day 0); returns how many are left out, by reason."""
    subjects = policy.subjects
    table, key = qualified(subjects.table, _WAREHOUSE), name(subjects.key)
    doubled = scalar_int(connection, f"select count(*) - count(distinct {key}) from {table}")
    if doubled:
        raise DataError(
            "E_SUBJECT_KEY",
            f"{subjects.table} does not hold one row per patient key ({doubled} rows too many or without a key).",
            fix="Look at the uniqueness test of the subject table; nothing is released until it passes.",
        )
    cases = [f"when {_condition(rule.where)} then {text(rule.reason)}" for rule in subjects.leave_out]
    keep = " or ".join(f"({_condition(where)})" for where in subjects.keep)
    reason = f"case {' '.join(cases)} when {keep} then null else {text(subjects.otherwise)} end"
    connection.execute(
        f"create table {_KEPT} as select {key} as subject_key, cast({name(subjects.origin)} as date) as origin "
        f"from {table} where {reason} is null"
    )
    rows = connection.execute(
        f"select reason, count(*) from (select {reason} as reason from {table}) "
        "where reason is not null group by reason order by reason"
    )
    left_out = {str(row[0]): int(row[1]) for row in rows.fetchall()}
    records = qualified("raw.record", _WAREHOUSE)
    removed = scalar_int(connection, f"select (select count(*) from {records}) - (select count(*) from {table})")
    return left_out | {"not_in_subject_table": removed} if removed else left_out


def _years(connection: DuckDBPyConnection, source: str, column: PlannedColumn) -> dict[int, str]:
    if column.policy.transform.name != "year":
        return {}
    it = f"t.{name(column.policy.column)}"
    rows = connection.execute(f"select year({it}), count(*) from {source} where {it} is not null group by 1").fetchall()
    minimum = int(column.policy.transform.arguments[0]) if column.policy.transform.arguments else _YEAR_MINIMUM
    return pool_years({int(year): int(n) for year, n in rows}, minimum)


def _release_table(
    connection: DuckDBPyConnection, table: str, plan: Plan, policy: Policy, context: ReleaseContext
) -> tuple[TableFact, list[Finding]]:
    rows = policy.tables[table]
    source = f"{qualified(table, _WAREHOUSE)} as t"
    if rows.rows == "subject":
        source += f" join {_KEPT} as s on t.{name(policy.subjects.key)} = s.subject_key"
    columns = [
        released(
            column.policy,
            column.data_type,
            policy,
            years=_years(connection, source, column),
            data_cut=context.data_cut,
        )
        for column in plan.tables[table]
    ]
    findings = _refused(connection, table, columns, source)
    if rows.rows == "subject":
        lengths = [
            out
            for out, column in zip(columns, plan.tables[table], strict=True)
            if column.policy.transform.name in {"rel_day", "duration"}
        ]
        findings += _ending_at_cut(connection, table, lengths, source, context.data_cut)
    target = qualified(table, _RELEASE)
    row_count = create_table(connection, target, columns, source, is_counted=rows.rows == "counted")
    described = tuple(
        ColumnFact(name=out.name, type=out.type, transform=str(column.policy.transform), description=column.description)
        for out, column in zip(columns, plan.tables[table], strict=True)
    )
    if rows.rows == "counted":
        described += (ColumnFact(name=N_ROWS, type="BIGINT", transform="count", description="Number of rows."),)
    description = rows.description or _table_comment(connection, table)
    note = " ".join(part for part in (SYNTHETIC_NOTE if context.synthetic else "", description) if part)
    comment(connection, target, note, described)
    fact = TableFact(
        table=table,
        row_count=row_count,
        content_sha256=content_hash(connection, target),
        columns=described,
        description=description,
    )
    return fact, findings


def _refused(connection: DuckDBPyConnection, table: str, columns: Sequence[Released], source: str) -> list[Finding]:
    guarded = [column for column in columns if column.refused is not None]
    if not guarded:
        return []
    counts = ", ".join(f"count(*) filter (where {column.refused})" for column in guarded)
    row = connection.execute(f"select {counts} from {source}").fetchone() or ()
    return [
        Finding("value_not_allowed", f"{table}.{column.name}", int(n))
        for column, n in zip(guarded, row, strict=True)
        if int(n) > 0
    ]


def _ending_at_cut(
    connection: DuckDBPyConnection, table: str, lengths: Sequence[Released], source: str, data_cut: date
) -> list[Finding]:
    """Columns whose values end on the day of the cut too often to be chance: cut minus value is the diagnosis date."""
    findings = []
    for column in lengths:
        ends = f"s.origin + cast({column.value} as integer) = date {text(data_cut.isoformat())}"
        counts = f"count(*) filter (where {ends}), count({column.value})"
        at_cut, known = connection.execute(f"select {counts} from {source}").fetchone() or (0, 0)
        if at_cut >= _AT_CUT_LEAST and at_cut > _AT_CUT_SHARE * known:
            findings.append(Finding("ends_at_data_cut", f"{table}.{column.name}", int(at_cut)))
    return findings


def _facts(
    context: ReleaseContext,
    policy: Policy,
    plan: Plan,
    decisions: Mapping[str, Decision],
    tables: Sequence[TableFact],
    findings: Sequence[Finding],
    left_out: Mapping[str, int],
    n_kept: int,
) -> CandidateFacts:
    outcomes = [decision.outcome for decision in decisions.values()]
    return CandidateFacts(
        study=context.study,
        synthetic=context.synthetic,
        data_cut_month=context.data_cut.strftime("%Y-%m"),
        cut_id=context.cut_id,
        profile=context.profile,
        source_kind=context.source_kind,
        pull_id=context.pull_id,
        code_version=context.code_version,
        policy_hash=policy.sha256,
        parameters_hash=context.parameters_hash,
        field_map_hash=context.field_map_hash,
        dictionary_hash=context.dictionary_hash,
        sites_hash=context.sites_hash,
        key_id=context.key_id,
        content_sha256=release_hash(tables),
        subjects_released=n_kept,
        left_out=dict(left_out),
        tables=tuple(tables),
        held=plan.held,
        findings=tuple(FindingFact(code=code, where=where, n=n) for code, where, n in sorted(findings)),
        decisions={outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
        provenance=dict(context.provenance),
        versions={"python": platform.python_version(), "duckdb": duckdb.__version__},
    )


def _write_meta(connection: DuckDBPyConnection, facts: CandidateFacts) -> None:
    values = {
        "study": facts.study,
        "synthetic": "true" if facts.synthetic else "false",
        "data_cut_month": facts.data_cut_month,
        "cut_id": facts.cut_id,
        "code_version": facts.code_version,
        "profile": facts.profile,
        "pull_id": facts.pull_id,
        "source_kind": facts.source_kind,
        "parameters_hash": facts.parameters_hash,
        "policy_hash": facts.policy_hash,
        "field_map_hash": facts.field_map_hash,
        "dictionary_hash": facts.dictionary_hash,
        "sites_hash": facts.sites_hash,
        "key_id": facts.key_id,
        "content_sha256": facts.content_sha256,
        "subjects_released": str(facts.subjects_released),
        "subjects_left_out": str(sum(facts.left_out.values())),
    }
    shared = ("study", "code_version", "parameters_hash", "field_map_hash", "dictionary_hash", "profile")
    cut = {"cut_id": facts.cut_id, "data_cut_month": facts.data_cut_month} | {key: values[key] for key in shared}
    # No profile that hides small counts exists: what is released is shown as counted.
    cut["counts_suppressed"] = "false"
    create_meta(connection, _RELEASE, facts.tables, values, cut, SYNTHETIC_NOTE if facts.synthetic else "")


def _write_parquet(connection: DuckDBPyConnection, folder: Path, facts: CandidateFacts) -> None:
    folder.mkdir()
    marks = {"study": facts.study, "synthetic": str(facts.synthetic).lower(), "content_sha256": facts.content_sha256}
    meta = ("meta.release", "meta.table", "meta.column", "meta.data_cut")
    for table in (*(fact.table for fact in facts.tables), *meta):
        write_parquet(connection, qualified(table, _RELEASE), folder / parquet_name(table), marks)

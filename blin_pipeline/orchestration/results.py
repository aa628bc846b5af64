"""Between warehouse and outcomes: tables as data frames, rows into ``report.result``, the context of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from blin_pipeline.errors import DataError
from blin_pipeline.landing.database import Warehouse
from blin_pipeline.outcomes.context import Outcome, OutcomeContext
from blin_pipeline.outcomes.frames import TABLE_COLUMNS, Tables
from blin_pipeline.outcomes.result import ResultRow
from blin_pipeline.outcomes.result_table import to_arrow
from blin_pipeline.registry.query_answers import answers_sha256

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

    from blin_pipeline.orchestration.workspace import Workspace


class PresentedPull(NamedTuple):
    """The pull that the warehouse presents."""

    pull_id: str
    project_id: str
    source_kind: str
    data_cut: date
    n_records: int
    dictionary_sha256: str

    @property
    def cut_id(self) -> str:
        """Name of the data cut: its month and the pull, never its day (a day would give back dates of diagnosis)."""
        return f"{self.data_cut:%Y-%m}_{self.pull_id[:8]}"


def presented_pull(warehouse: Warehouse) -> PresentedPull:
    """The current pull as ``raw.pull`` states it.

    Raises:
        DataError: Code ``E_NO_PULL`` when nothing was pulled yet.
    """
    with warehouse.connect(read_only=True) as connection:
        return _pull(connection)


def presented_answers_sha256(warehouse: Warehouse) -> str:
    """Hash of the answers to data queries that the tables were made from, whatever the file says by now."""
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute(
            "select query_key, evidence_sha256, answer_cd, note_cd from raw.query_answer"
        ).fetchall()
    return answers_sha256(rows)


def outcome_context(workspace: Workspace) -> OutcomeContext:
    """Parameters and cut of the presented pull."""
    return _context(workspace, presented_pull(workspace.warehouse))


def compute_outcomes(workspace: Workspace, outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, list[ResultRow]]]:
    """Read the tables, compute one outcome after the other, replace its rows in ``report.result``; yields them.

    One connection and one reading of each table for all of them: to open and close a large file costs more time than
    most outcomes take to compute. Nothing of an outcome is written when its computation fails.
    """
    with workspace.warehouse.connect() as connection:
        names = {name for outcome in outcomes for name in outcome.tables_needed}
        tables = Tables(sorted(names), lambda name: _frame(connection, name, needed_only=True))
        context = _context(workspace, _pull(connection))
        for outcome in outcomes:
            rows = outcome.compute(tables, context)
            _store(connection, outcome.name, rows)
            yield outcome, rows


def read_frames(warehouse: Warehouse, tables: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Tables as data frames, keyed by qualified name."""
    with warehouse.connect(read_only=True) as connection:
        return {name: _frame(connection, name) for name in tables}


def read_results(warehouse: Warehouse) -> pd.DataFrame:
    """All rows of ``report.result``, in order of their id."""
    with warehouse.connect(read_only=True) as connection:
        return connection.sql("select * from report.result order by result_id").df()


def clear_results(warehouse: Warehouse) -> None:
    """Drop the results of an earlier pull: every outcome writes its own again, and none that is no longer there stays."""
    with warehouse.connect() as connection:
        connection.execute("drop table if exists report.result")


def _pull(connection: DuckDBPyConnection) -> PresentedPull:
    row = connection.execute(
        "select pull_id, project_id, source_kind, data_cut_date, n_records, dictionary_sha256 from raw.pull"
    ).fetchone()
    if row is None:
        raise DataError("E_NO_PULL", "the warehouse presents no pull", fix="Run a whole refresh.")
    return PresentedPull(*row)


def _context(workspace: Workspace, pull: PresentedPull) -> OutcomeContext:
    parameters = workspace.parameters
    return OutcomeContext(
        parameters=parameters, parameters_hash=parameters.sha256, cut_id=pull.cut_id, data_cut=pull.data_cut
    )


def _frame(connection: DuckDBPyConnection, name: str, *, needed_only: bool = False) -> pd.DataFrame:
    """A table; on request only the columns that outcomes read (all of them where they only count its rows)."""
    table = connection.table(name)
    read = {column.name for column in TABLE_COLUMNS[name]} if needed_only else set()
    columns = [column for column in table.columns if column in read]
    return (table.project(", ".join(columns)) if columns else table).df()


def _store(connection: DuckDBPyConnection, outcome: str, rows: Sequence[ResultRow]) -> None:
    """Replace the rows of one outcome in ``report.result``, in one transaction."""
    connection.register("outcome_rows", to_arrow(rows))
    connection.execute("begin")
    connection.execute("create schema if not exists report")
    connection.execute("create table if not exists report.result as select * from outcome_rows limit 0")
    connection.execute("delete from report.result where outcome = ?", [outcome])
    connection.execute("insert into report.result by name select * from outcome_rows")
    connection.execute("commit")

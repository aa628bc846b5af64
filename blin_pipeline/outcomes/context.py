"""What every outcome is told beside its tables: parameters, their hash, the cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from blin_pipeline.outcomes.result import ResultRow
    from blin_pipeline.registry.parameters import Parameters

Compute = Callable[[Mapping[str, "pd.DataFrame"], "OutcomeContext"], "list[ResultRow]"]
#: Parts of an outcome's rows by name, each computed when it is called, alone and in any order.
Parts = Mapping[str, Callable[[], "list[ResultRow]"]]
Split = Callable[[Mapping[str, "pd.DataFrame"], "OutcomeContext"], Parts]


@dataclass(frozen=True, slots=True)
class OutcomeContext:
    """Everything that shapes a result and is not data.

    Attributes:
        parameters: Numbers that the rules depend on (``registry/study/parameters.toml``).
        parameters_hash: SHA-256 of that parameter set, stored with every row.
        cut_id: Identifier of the data cut, stored with every row.
        data_cut: Last day whose data count.
    """

    parameters: Parameters
    parameters_hash: str
    cut_id: str
    data_cut: date


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scheduled outcome.

    Attributes:
        name: Value of ``report.result.outcome`` on all its rows.
        description: What it answers, for people.
        tables_needed: Qualified tables (``schema.table``); the keys of the mapping that ``compute`` reads.
        compute: Pure function from these tables and the context to rows, whatever the order of the tables' rows.
        split: The same rows in parts, for who needs one of them only; None where one part is all.
    """

    name: str
    description: str
    tables_needed: tuple[str, ...]
    compute: Compute
    split: Split | None = None

    def parts(self, frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
        """Parts that together are the rows of ``compute``."""
        if self.split is None:
            return {"all": lambda: self.compute(frames, context)}
        return self.split(frames, context)


def computed_by(module: str) -> Compute:
    """The function ``compute`` of a module of this package, imported when it is called: its libraries are heavy."""

    def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
        rows: list[ResultRow] = import_module(f"blin_pipeline.outcomes.{module}").compute(frames, context)
        return rows

    return compute


def split_by(module: str) -> Split:
    """The function ``parts`` of a module of this package, imported when it is called."""

    def split(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> Parts:
        parts: Parts = import_module(f"blin_pipeline.outcomes.{module}").parts(frames, context)
        return parts

    return split


def joined(parts: Parts) -> list[ResultRow]:
    """Rows of all parts, in their order."""
    return [row for part in parts.values() for row in part()]

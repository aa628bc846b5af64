"""From a number back to its patients: those without whom the row would be another one.

Every patient is left out once and the outcome computed again; a patient is behind a row when the row then differs in any
field, or is gone. So the answer follows from the function that made the number and cannot disagree with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blin_pipeline.errors import DataError
from blin_pipeline.outcomes.frames import KEY, Tables, Without

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import Outcome, OutcomeContext, Parts
    from blin_pipeline.outcomes.result import ResultRow


@dataclass(frozen=True, slots=True)
class Trace:
    """What is behind a row.

    Attributes:
        row: The row.
        patients: Keys of the patients behind it, sorted: numerator and denominator.
        counted: Of these, the patients in the numerator: without them ``n_event`` differs (the value, where a row has no
            ``n_event``).
        n_candidates: Patients of the outcome's tables.
        other_tables: Tables of the outcome whose rows belong to no patient; they are behind the row as a whole.
    """

    row: ResultRow
    patients: tuple[str, ...]
    counted: tuple[str, ...]
    n_candidates: int
    other_tables: tuple[str, ...]


def outcome_of(result_id: str, outcomes: tuple[Outcome, ...]) -> Outcome:
    """The outcome that makes a row.

    Raises:
        DataError: ``E_RESULT_UNKNOWN`` when none does.
    """
    name = result_id.split("/", 1)[0]
    for outcome in outcomes:
        if outcome.name == name:
            return outcome
    raise _unknown()


def trace_result(
    outcome: Outcome, result_id: str, frames: Mapping[str, pd.DataFrame], context: OutcomeContext
) -> Trace:
    """Patients behind one row of an outcome; computes the row's part of the outcome once per patient.

    Raises:
        DataError: ``E_RESULT_UNKNOWN`` when the outcome makes no such row from these tables.
    """
    tables = Tables(frames, frames.__getitem__)
    name, row = _found(outcome.parts(tables, context), result_id)
    candidates = sorted({str(key) for frame in frames.values() if KEY in frame for key in frame[KEY].dropna()})
    behind, counted = [], []
    for key in candidates:
        parts = outcome.parts(Without(tables, key), context)
        without = _row(parts[name](), result_id) if name in parts else None
        if without == row:
            continue
        behind.append(key)
        if without is None or _numerator(without) != _numerator(row):
            counted.append(key)
    others = tuple(sorted(name for name, frame in frames.items() if KEY not in frame))
    return Trace(row, tuple(behind), tuple(counted), len(candidates), others)


def _found(parts: Parts, result_id: str) -> tuple[str, ResultRow]:
    """Name of the part that makes a row, and the row."""
    for name, part in parts.items():
        row = _row(part(), result_id)
        if row is not None:
            return name, row
    raise _unknown()


def _row(rows: list[ResultRow], result_id: str) -> ResultRow | None:
    return next((row for row in rows if row.result_id == result_id), None)


def _numerator(row: ResultRow) -> float | None:
    return row.value if row.n_event is None else row.n_event


def _unknown() -> DataError:
    return DataError(
        "E_RESULT_UNKNOWN",
        "There is no result row with this id.",
        fix='Look ids up with: blin query "select result_id from report.result".',
    )

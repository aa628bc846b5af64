"""What an identity is: a statement about results, and the rows it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.populations import eligible

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.result import ResultRow

#: Tables of an identity that looks at the patients.
SUBJECT = ("marts.subject",)

Frames = Mapping[str, "pd.DataFrame"]
#: Yields one flag per comparison: whether it held.
Comparison = Callable[["Results", Frames], Iterator[bool]]


@dataclass(frozen=True, slots=True)
class Identity:
    """A statement about results that is always true.

    Attributes:
        name: Stable name of the check.
        description: The statement in words.
        outcomes: Outcomes whose rows it reads; it can be checked once all of them are there.
        tables: Tables it reads beside the rows.
        compare: The comparisons.
    """

    name: str
    description: str
    outcomes: tuple[str, ...]
    tables: tuple[str, ...]
    compare: Comparison


@dataclass(frozen=True, slots=True)
class IdentityResult:
    """How an identity fared.

    Attributes:
        name: Name of the identity.
        description: The statement in words.
        passed: Whether every comparison held.
        n_compared: Comparisons made; 0 when there was nothing to compare.
        n_failed: Comparisons that did not hold.
    """

    name: str
    description: str
    passed: bool
    n_compared: int
    n_failed: int


class Results:
    """Rows by outcome and statistic."""

    def __init__(self, rows: Sequence[ResultRow]) -> None:
        self._rows: dict[tuple[str, str], list[ResultRow]] = {}
        for row in rows:
            self._rows.setdefault((row.outcome, row.statistic), []).append(row)
        self.outcomes = {row.outcome for row in rows}

    def rows(self, outcome: str, statistic: str, group_variable: str | None = None) -> list[ResultRow]:
        """Rows of one statistic, of one grouping when given."""
        found = self._rows.get((outcome, statistic), [])
        return [row for row in found if group_variable is None or row.group_variable == group_variable]

    def total(self, outcome: str, statistic: str, group_variable: str, labels: Sequence[str] = ()) -> float:
        """Sum of the values of a statistic's groups (of the given labels)."""
        rows = self.rows(outcome, statistic, group_variable)
        return sum(row.value or 0.0 for row in rows if not labels or row.group_label in labels)


def eligible_n(frames: Frames) -> int:
    """Number of eligible patients."""
    return len(eligible(frames["marts.subject"]))

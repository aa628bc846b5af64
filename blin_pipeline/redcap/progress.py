"""How a long reading tells how far it is: counts only, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

#: Bytes between two steps of an answer that is still arriving.
_TELL_EVERY = 1 << 20


@dataclass(frozen=True)
class Step:
    """One finished step of a pull, or an answer that is still arriving.

    Attributes:
        name: What was done, for people: "records of 'registration'".
        done: Steps finished so far.
        total: Steps expected in all; grows when a moved project is read again.
        rows: Rows read so far.
        n_bytes: Bytes received so far, those of an answer that is still arriving included.
        records: Records of the project; 0 until the census is read.
        fraction: Part of the records' cells that is there, 0 to 1; None until the census tells how many there are.
        arriving: Whether the step is not finished yet.
    """

    name: str
    done: int
    total: int
    rows: int
    n_bytes: int
    records: int = 0
    fraction: float | None = None
    arriving: bool = False

    def seconds_left(self, seconds: float) -> float | None:
        """Time left at the pace so far; None while nothing tells it.

        Args:
            seconds: Time since the reading began.
        """
        return seconds / self.fraction - seconds if self.fraction else None


class Progress(Protocol):
    """Anything that takes steps: a Rich bar, a Dagster log, a list in a test."""

    def __call__(self, step: Step, /) -> None:
        """Take note of a step."""


class Steps:
    """Counts steps and passes them on."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self.done = 0
        self.rows = 0
        self.n_bytes = 0
        self._progress = progress
        self._records = 0
        self._cells: dict[str, int] = {}
        self._cells_done = 0
        self._bytes_of_cells = 0
        self._arriving = 0
        self._told = 0

    def expect(self, records: int, cells: Mapping[str, int]) -> None:
        """Say, after a census, what is to come.

        Args:
            records: Records of the project.
            cells: Name of a step to come -> cells of its rows.
        """
        self._records, self._cells = records, dict(cells)
        self._cells_done = self._bytes_of_cells = 0

    def receive(self, n_bytes: int) -> None:
        """Bytes of an answer that is not finished."""
        self._arriving += n_bytes
        if self._progress is not None and self._arriving - self._told >= _TELL_EVERY:
            self._told = self._arriving
            self._tell("receiving", arriving=True)

    def finish(self, name: str, *, rows: int = 0, n_bytes: int = 0) -> None:
        """One step more."""
        self.done += 1
        self.total = max(self.total, self.done)
        self.rows += rows
        self.n_bytes += n_bytes
        if name in self._cells:
            self._cells_done += self._cells[name]
            self._bytes_of_cells += n_bytes
        self._arriving = self._told = 0
        self._tell(name)

    def _tell(self, name: str, *, arriving: bool = False) -> None:
        if self._progress is None:
            return
        n_bytes = self.n_bytes + self._arriving
        fraction = self._fraction()
        self._progress(
            Step(name, self.done, self.total, self.rows, n_bytes, self._records, fraction, arriving=arriving)
        )

    def _fraction(self) -> float | None:
        """Cells that are there; those of an unfinished answer by the bytes that a cell took so far."""
        whole = sum(self._cells.values())
        if not whole:
            return None
        arriving = self._arriving * self._cells_done / self._bytes_of_cells if self._bytes_of_cells else 0.0
        return min(1.0, (self._cells_done + arriving) / whole)

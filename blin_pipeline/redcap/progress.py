"""How a long reading tells how far it is: counts only, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Step:
    """One finished step of a pull.

    Attributes:
        name: What was done, for people: "records of 'registration'".
        done: Steps finished so far.
        total: Steps expected in all; grows when a moved project is read again.
        rows: Rows read so far.
        n_bytes: Bytes received so far.
    """

    name: str
    done: int
    total: int
    rows: int
    n_bytes: int


class Progress(Protocol):
    """Anything that takes steps: a Rich bar, a Dagster log, a list in a test."""

    def __call__(self, step: Step) -> None:
        """Take note of a finished step."""


class Steps:
    """Counts steps and passes them on."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self.done = 0
        self.rows = 0
        self.n_bytes = 0
        self._progress = progress

    def finish(self, name: str, *, rows: int = 0, n_bytes: int = 0) -> None:
        """One step more."""
        self.done += 1
        self.total = max(self.total, self.done)
        self.rows += rows
        self.n_bytes += n_bytes
        if self._progress is not None:
            self._progress(Step(name, self.done, self.total, self.rows, self.n_bytes))

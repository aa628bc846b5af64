"""Which parts of a project may differ from what was kept of it, so that keeping a change costs no more than the change."""

from __future__ import annotations

from collections.abc import Iterable


class Touched:
    """What changed since the last time a keeper looked; everything, at the beginning.

    Attributes:
        set_up: Whether anything but records may have changed.
    """

    def __init__(self) -> None:
        self.set_up = True
        self._every_record = True
        self._records: set[str] = set()

    def record(self, name: str) -> None:
        """A record was made, changed or taken away."""
        self._records.add(name)

    def everything(self) -> None:
        """The set-up changed, and values may have moved along with it."""
        self.set_up = self._every_record = True

    def records(self, of_all: Iterable[str]) -> set[str]:
        """Names of the records that may have changed.

        Args:
            of_all: All names there are or were.
        """
        return {*of_all} if self._every_record else set(self._records)

    def nothing(self) -> None:
        """All was kept."""
        self.set_up = self._every_record = False
        self._records.clear()

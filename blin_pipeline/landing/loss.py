"""What a pull lacks of the one before it: counts, and names of instruments; no record, no value."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class Loss(BaseModel):
    """What the newer pull lacks.

    Attributes:
        records: Records gone.
        unexplained_records: Of these, without a deletion or renaming in the log.
        rows: Instrument -> rows gone from records that are still there.
        unexplained_rows: Of these, on records that the log shows no edit of; all of them where no log could be read.
        columns: Instrument -> columns that an export file no longer has although its dictionary still names them. A server
            gives every column that its set-up promises, so there are none then. Nothing explains them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: int = 0
    unexplained_records: int = 0
    rows: Mapping[str, int] = {}
    unexplained_rows: int = 0
    columns: Mapping[str, int] = {}

    @property
    def n_rows(self) -> int:
        """Rows gone, of every instrument."""
        return sum(self.rows.values())

    @property
    def n_columns(self) -> int:
        """Columns gone, of every instrument."""
        return sum(self.columns.values())

    @property
    def is_unexplained(self) -> bool:
        """Whether anything is gone that no line of the log explains."""
        return bool(self.unexplained_records or self.unexplained_rows or self.columns)

    @property
    def in_words(self) -> str:
        """All that is gone, for a person; blank when nothing is."""
        parts = {
            "records": self.records,
            **{f"rows of {form}": number for form, number in self.rows.items()},
            **{f"columns of {form}": number for form, number in self.columns.items()},
        }
        return ", ".join(f"{number} {what}" for what, number in parts.items() if number)

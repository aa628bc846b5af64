"""Counting the rows of an instrument: what a census says of it against what its own answer says."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from blin_pipeline.redcap.keys import KeyColumns
from blin_pipeline.redcap.text_arrays import cell_bytes, is_filled, joined

_WORD = 1 << 128


class Tally:
    """Count and digest of rows; equal digests are equal rows in one order.

    The digest of rows in any order costs a hash for each row. It is counted only when asked for: two answers of one server
    come in one order, and where they do not, the second look is worth its time.

    Args:
        in_any_order: Whether the digest is blind to the order.
    """

    def __init__(self, *, in_any_order: bool = False) -> None:
        self.count = 0
        self._in_any_order = in_any_order
        self._sequence = hashlib.blake2b(digest_size=16)
        self._sum = 0

    def add(self, rows: pa.StringArray) -> None:
        """Take rows in, each as one text that ends with the separator."""
        self.count += len(rows)
        if not self._in_any_order:
            self._sequence.update(cell_bytes(rows))
            return
        for row in rows.to_pylist():
            digest = hashlib.blake2b(row.encode(), digest_size=16).digest()
            self._sum = (self._sum + int.from_bytes(digest, "big")) % _WORD

    @property
    def digest(self) -> str:
        """Count and digest of all rows so far."""
        return f"{self.count}:{self._sum:032x}" if self._in_any_order else f"{self.count}:{self._sequence.hexdigest()}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.digest == other.digest

    __hash__ = None  # type: ignore[assignment]  # it changes


class FormTally:
    """What a census says of one instrument, or what the instrument's own answer says.

    Args:
        in_any_order: Whether the order of the rows is left out of account.

    Attributes:
        n_rows: Every row on which the instrument can stand.
        due: Those that its answer must have, opened or not: all but instances of a repeating event, of which an answer
            need not have one that holds nothing of the instrument.
        opened: Those with a status.
        in_other_groups: Whether a row names another data access group than the census gives its record.
    """

    def __init__(self, *, in_any_order: bool = False) -> None:
        self.n_rows = 0
        self.in_other_groups = False
        self.due = Tally(in_any_order=in_any_order)
        self.opened = Tally(in_any_order=in_any_order)

    def add(self, keys: KeyColumns, status: pa.StringArray, here: pa.BooleanArray) -> None:
        """Take rows in.

        Args:
            keys: Keys of some rows.
            status: Status of the instrument on each.
            here: Whether the instrument can stand on each.
        """
        n_here = here.true_count
        if not n_here:
            return
        self.n_rows += n_here
        columns = (keys.identity, status, keys.is_event_instance)
        identity, status, is_event_instance = columns if n_here == len(here) else (c.filter(here) for c in columns)
        rows = joined(identity, status)
        self.due.add(rows.filter(pc.invert(is_event_instance)) if is_event_instance.true_count else rows)
        self.opened.add(rows.filter(is_filled(status)))

    def agrees(self, other: FormTally) -> bool:
        """Whether both have the rows that must be there, with the same statuses."""
        return self.due == other.due and self.opened == other.opened

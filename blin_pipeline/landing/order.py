"""Order of rows in a landed table: record ids as people count them, then event, instrument, instance.

Said twice: for one row, as Python compares, and for a column of rows, as Arrow sorts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.project_setup import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from blin_pipeline.redcap.text_arrays import int_array

_NUMBERS = re.compile(r"([0-9]+)")

NaturalKey = tuple[tuple[int, int, str], ...]


@lru_cache(maxsize=4096)
def natural(text: str) -> NaturalKey:
    """Sort key under which ``2`` comes before ``10`` and ``S2-9`` before ``S2-10``; ties end by the text itself.

    >>> sorted(["10", "9", "B-2", "B-10", "09"], key=natural)
    ['09', '9', '10', 'B-2', 'B-10']
    """
    parts = tuple((0, int(part), "") if i % 2 else (1, 0, part) for i, part in enumerate(_NUMBERS.split(text)) if part)
    return (*parts, (2, 0, text))


def row_order(record_id: str, event: str, instrument: str, instance: str) -> tuple[NaturalKey, str, str, int, str]:
    """Sort key of a row's identity; two identities never tie."""
    return natural(record_id), event, instrument, int(instance or "0"), instance


class RowOrder:
    """The order of rows in columns: the same as :func:`row_order`.

    Args:
        record_ids: Every record that may come.
    """

    def __init__(self, record_ids: Iterable[str]) -> None:
        # Servers send records in this order; keys of all of them at once would be larger than the records.
        found = list(dict.fromkeys(record_ids))
        if not all(natural(first) < natural(second) for first, second in pairwise(found)):
            found.sort(key=natural)
        self._ranks = {record: rank for rank, record in enumerate(found)}

    @property
    def record_ids(self) -> tuple[str, ...]:
        """Records in their order."""
        return tuple(self._ranks)

    def columns(self, rows: pa.RecordBatch) -> list[pa.Array]:
        """Columns by which rows are to be sorted, the first of them the rank of the record.

        Args:
            rows: Columns of a landed table, its keys among them.

        Raises:
            RedcapReadError: ``E_INCOMPLETE``: a record that was not named.
        """
        encoded = rows.column("record_id").dictionary_encode()
        records = encoded.dictionary.to_pylist()
        if not self._ranks.keys() >= {*records}:
            raise RedcapReadError("E_INCOMPLETE", "the rows of a form", detail="a record that the census does not have")
        ranks = int_array(self._ranks[record] for record in records)
        instance = rows.column(REPEAT_INSTANCE)
        # A number of any length compares by its length, then as text.
        number = pc.ascii_ltrim(instance, "0")
        return [
            ranks.take(encoded.indices),
            rows.column(EVENT),
            rows.column(REPEAT_INSTRUMENT),
            pc.binary_length(number),
            number,
            instance,
        ]

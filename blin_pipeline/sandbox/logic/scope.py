"""What an expression may ask while it is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from blin_pipeline.registry.dictionary import checkbox_column

NO_MOMENT = datetime.fromisoformat("1970-01-01 00:00:00")


class Reference(NamedTuple):
    """One ``[...]`` of an expression.

    Attributes:
        name: Field, or smart variable (``record-name``).
        code: Option of a checkbox, ``""`` for none.
        event: Unique event name, or a smart variable that stands for one; ``""`` for the present event.
        instance: Instance number, or a smart variable that stands for one; ``""`` for the present instance.
    """

    name: str
    code: str = ""
    event: str = ""
    instance: str = ""

    @property
    def column(self) -> str:
        """Export name of the value."""
        return checkbox_column(self.name, self.code) if self.code else self.name


@dataclass(frozen=True)
class Scope:
    """The surroundings of one evaluation.

    Attributes:
        read: Reference -> stored text, ``""`` for none.
        now: Naive server time, for ``today`` and ``now``.
        missing_data_codes: Texts that count as no number.
    """

    read: Callable[[Reference], str]
    now: datetime = NO_MOMENT
    missing_data_codes: Collection[str] = ()


def values_scope(
    values: Mapping[str, str], now: datetime = NO_MOMENT, missing_data_codes: Collection[str] = ()
) -> Scope:
    """A scope over one row (export name -> text); options that are not there are unticked."""

    def read(reference: Reference) -> str:
        return values.get(reference.column, "0" if reference.code else "")

    return Scope(read, now, missing_data_codes)

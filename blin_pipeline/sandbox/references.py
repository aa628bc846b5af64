"""References of expressions looked up in one record: events, instances and smart variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blin_pipeline.sandbox.logic import Reference, Scope
from blin_pipeline.sandbox.structure import RowKey

if TYPE_CHECKING:
    from blin_pipeline.sandbox.project import ProjectState
    from blin_pipeline.sandbox.record_store import Record

_RELATIVE_EVENTS = {"previous-event-name": -1, "next-event-name": 1}


class RecordReader:
    """Reads one record for expressions.

    A field of a repeating instrument or event is read from the instance that the row at hand belongs to; from a row
    elsewhere, from the first one unless the reference names another. Decimal commas are read as points.

    Args:
        project: The live project.
        record_id: The record's id.
        record: The record.
    """

    def __init__(self, project: ProjectState, record_id: str, record: Record) -> None:
        self._project = project
        self._record_id = record_id
        self._record = record
        self._form_of = project.field_forms()
        self._comma_fields = {
            item.field_name for item in project.dictionary.fields if item.validation.endswith("comma_decimal")
        }

    def scope(self, key: RowKey) -> Scope:
        """The surroundings of an expression that is evaluated at one row."""
        return Scope(
            lambda reference: self._read(key, reference), self._project.clock(), self._project.missing_data_codes
        )

    def source(self, key: RowKey, reference: Reference) -> RowKey | None:
        """The row that a reference reads from, seen from a row; None for smart variables and forms that have no place."""
        form = self._form_of.get(reference.name)
        event = self._event(key.event, reference.event)
        return None if form is None else self._row(key, event, form, reference.instance)

    def _read(self, key: RowKey, reference: Reference) -> str:
        event = self._event(key.event, reference.event)
        form = self._form_of.get(reference.name)
        if form is None:
            return self._smart(key, event, reference.name)
        if reference.name == self._project.dictionary.record_id_field:
            return self._record_id
        row = self._row(key, event, form, reference.instance)
        blank = "0" if reference.code else ""
        value = self._record.rows[row].get(reference.column, blank) if row in self._record.rows else blank
        return value.replace(",", ".") if reference.name in self._comma_fields else value

    def _row(self, key: RowKey, event: str, form: str, instance: str) -> RowKey | None:
        place = self._project.place(event, form)
        if place is None:
            return None
        if place == "base":
            return RowKey(event)
        instrument = form if place == "instrument" else ""
        is_own = (event, instrument) == (key.event, key.instrument)
        return RowKey(event, instrument, self._instance(event, instrument, key.instance if is_own else 1, instance))

    def _instance(self, event: str, instrument: str, present: int, asked: str) -> int:
        if asked.isdecimal():
            return int(asked)
        numbers = [
            key.instance
            for key in self._record.rows
            if (key.event, key.instrument) == (event, instrument) and key.instance
        ]
        if asked == "first-instance":
            return min(numbers, default=0)
        if asked == "last-instance":
            return max(numbers, default=0)
        return present + {"previous-instance": -1, "next-instance": 1}.get(asked, 0)

    def _event(self, present: str, asked: str) -> str:
        names = self._project.event_names
        if asked in {"", "event-name"}:
            return present
        arm = self._arm(present)
        own = [name for name in names if self._arm(name) == arm]
        if asked == "first-event-name":
            return own[0]
        if asked == "last-event-name":
            return own[-1]
        if asked in _RELATIVE_EVENTS:
            position = own.index(present) + _RELATIVE_EVENTS[asked]
            return own[position] if 0 <= position < len(own) else "-"
        return asked

    def _arm(self, event: str) -> int:
        found = self._project.event(event)
        return found.arm if found is not None else 0

    def _smart(self, key: RowKey, event: str, name: str) -> str:
        arm = self._project.arms.get(self._arm(event))
        found = self._project.event(event)
        values = {
            "record-name": self._record_id,
            "record-dag-name": self._record.group,
            "event-label": found.name if found is not None else "",
            "arm-number": str(arm.number) if arm is not None else "",
            "arm-label": arm.name if arm is not None else "",
            "current-instance": str(key.instance or 1),
        }
        if name in values:
            return values[name]
        if name.endswith("-event-name") or name == "event-name":
            return self._event(event, name).removeprefix("-")
        return str(self._instance(key.event, key.instrument, key.instance or 1, name) or "")

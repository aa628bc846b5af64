"""Which rows of a record an export shows, and in which order. Source: ``docs/redcap.md`` section 4.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blin_pipeline.sandbox.structure import RowKey, Structure


class RowOrder:
    """Which rows of a record a set-up shows, and in which order; made once per set-up.

    Args:
        structure: The set-up.
    """

    def __init__(self, structure: Structure) -> None:
        self._events = {event: number for number, event in enumerate(structure.event_names)}
        self._forms = {form: number for number, form in enumerate(structure.dictionary.forms)}
        self._repeating_events = {event for event in self._events if structure.repeats_event(event)}
        self._repeating_forms = {
            (event, form) for event in self._events for form in self._forms if structure.repeats_form(event, form)
        }

    def shows(self, key: RowKey) -> bool:
        """Whether the row is one of the set-up's: others stay stored, unseen."""
        if key.instrument:
            return (key.event, key.instrument) in self._repeating_forms
        return key.event in self._events and (key.instance > 0) == (key.event in self._repeating_events)

    def rank(self, key: RowKey) -> tuple[bool, int, int, int]:
        """Sort key: base rows in event order, then repeating rows by event, instrument and instance."""
        return (key.instance > 0, self._events[key.event], self._forms.get(key.instrument, -1), key.instance)

"""The structure of a project: dictionary, arms, events, designations, what repeats; where a form's values are stored.

Source: ``docs/redcap.md`` sections 4.2 and 11. Reading and replacing only; who may change what, and the log, are the
business of :mod:`blin_pipeline.sandbox.contents`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary, checkbox_column
from blin_pipeline.sandbox.row_order import RowOrder
from blin_pipeline.sandbox.rows import SourceProject
from blin_pipeline.sandbox.setup import Arm, Event, Repeat, in_arm_order

Place = Literal["base", "instrument", "event"]

SURVEY_IDENTIFIER = "redcap_survey_identifier"
#: Field types whose stored value is a document number.
UPLOADS = frozenset({"file", "signature"})


class RowKey(NamedTuple):
    """Place of a row inside its record.

    Attributes:
        event: Unique event name, ``""`` in a classic project.
        instrument: Repeating instrument, ``""`` on the base row and on an instance of a repeating event.
        instance: Instance number, 0 on the base row.
    """

    event: str = ""
    instrument: str = ""
    instance: int = 0


class Structure:
    """What a project consists of.

    Args:
        source: The project as it enters.
        longitudinal: The switch; the project is longitudinal only while it has events, too.

    Attributes:
        dictionary: The data dictionary.
        instrument_labels: Instrument -> label, where one was given.
        survey_forms: Instruments enabled as surveys, whether or not surveys are enabled.
        missing_data_codes: Code -> label.
        longitudinal_switch: Whether the project is meant to be longitudinal.
        arms: Arms by number.
        events: Events by arm, in order.
        event_forms: ``(unique event name, instrument)`` of the designated instruments.
        repeats: Repeating instruments and events.
    """

    def __init__(self, source: SourceProject, *, longitudinal: bool) -> None:
        self.dictionary = source.dictionary
        self.instrument_labels = dict(source.instrument_labels)
        self.survey_forms = tuple(source.surveys)
        self.missing_data_codes = dict(source.missing_data_codes)
        self.longitudinal_switch = longitudinal
        self.arms: dict[int, Arm] = {arm.number: arm for arm in sorted(source.arms)}
        self.events: tuple[Event, ...] = tuple(in_arm_order(source.events))
        self.event_forms: frozenset[tuple[str, str]] = frozenset(source.event_forms)
        self.repeats: tuple[Repeat, ...] = tuple(source.repeats) or tuple(
            Repeat(form) for form in source.repeating_instruments
        )
        self._form_names: dict[str, frozenset[str]] = {}
        self._option_names: dict[str, str] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self._order: RowOrder | None = None

    @property
    def is_longitudinal(self) -> bool:
        """Whether the project is served as longitudinal: the switch is on and there are events."""
        return self.longitudinal_switch and bool(self.events)

    @property
    def event_names(self) -> tuple[str, ...]:
        """Unique event names in order; the one blank name of a classic project."""
        return tuple(event.unique_name for event in self.events) if self.is_longitudinal else ("",)

    def event(self, unique_name: str) -> Event | None:
        """The event of that unique name."""
        return next((event for event in self.events if event.unique_name == unique_name), None)

    def event_label(self, unique_name: str) -> str:
        """Label of an event with its arm, as messages and the log show it: ``Event 1 (Arm 1: Arm 1)``."""
        event = self.event(unique_name)
        if event is None:
            return unique_name
        return f"{event.name} (Arm {event.arm}: {self.arms[event.arm].name})"

    def forms_of(self, event: str) -> list[str]:
        """Instruments of an event in project order; all of them in a classic project."""
        if not self.is_longitudinal:
            return self.dictionary.forms
        return [form for form in self.dictionary.forms if (event, form) in self.event_forms]

    @property
    def active_repeats(self) -> tuple[Repeat, ...]:
        """What repeats in the project as it is served, in event and instrument order; a repeating event first."""
        events = {event: number for number, event in enumerate(self.event_names)}
        forms = {form: number for number, form in enumerate(self.dictionary.forms)}
        known = (
            item
            for item in self.repeats
            if item.event in events and (item.form in forms or (item.event and not item.form))
        )
        return tuple(sorted(known, key=lambda item: (events[item.event], forms.get(item.form, -1))))

    @property
    def repeating_instruments(self) -> tuple[str, ...]:
        """Instruments that repeat on their own somewhere, in project order."""
        found = {item.form for item in self.active_repeats}
        return tuple(form for form in self.dictionary.forms if form in found)

    def repeats_event(self, event: str) -> bool:
        """Whether an event repeats as a whole."""
        return any(item.event == event and not item.form for item in self.active_repeats)

    def repeats_form(self, event: str, form: str) -> bool:
        """Whether an instrument repeats on its own in an event."""
        return self.place(event, form) == "instrument"

    def place(self, event: str, form: str) -> Place | None:
        """On which kind of row a form's values stand in an event; None where it is not designated."""
        if not self._places:
            own = {(item.event, item.form) for item in self.active_repeats if item.form}
            for name in self.event_names:
                otherwise: Place = "event" if self.repeats_event(name) else "base"
                for known in self.forms_of(name):
                    self._places[name, known] = "instrument" if (name, known) in own else otherwise
        return self._places.get((event, form))

    @property
    def row_order(self) -> RowOrder:
        """Which rows are shown, and in which order."""
        if self._order is None:
            self._order = RowOrder(self)
        return self._order

    def row_key(self, form: str, instance: int | None, event: str = "") -> RowKey:
        """Where the values of a form are stored.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_PROJECT``: the event is unknown or lacks the form, or instance and
                form do not fit.
        """
        place = self.place(event, form)
        if place is None:
            where = f"event {event!r}" if event else "it"
            raise wrong(f"{where} has no instrument {form!r}")
        repeats = place != "base"
        if repeats is not (instance is not None) or (instance is not None and instance < 1):
            raise wrong(f"instrument {form!r} {'needs an instance from 1' if repeats else 'has no instances'}")
        return RowKey(event, form if place == "instrument" else "", instance or 0)

    def instrument_label(self, form: str) -> str:
        """Label of an instrument; made from its name, as the designer does, where none is known."""
        return self.instrument_labels.get(form) or form.replace("_", " ").title()

    def export_columns(self, form: str) -> list[str]:
        """Export columns of one instrument, missing-data-code options of checkboxes included."""
        return self.dictionary.export_columns(form, self.missing_data_codes)

    def stored_names(self, form: str) -> frozenset[str]:
        """Names under which values of one instrument are stored.

        Raises:
            ConfigurationError: Code ``E_SANDBOX_PROJECT``, no such instrument.
        """
        if form not in self._form_names:
            if form not in self.dictionary.forms:
                raise wrong(f"it has no instrument {form!r}")
            extra = [f"{form}_timestamp", SURVEY_IDENTIFIER] if form in self.survey_forms else []
            self._form_names[form] = frozenset([*self.export_columns(form), *extra])
        return self._form_names[form]

    def field_forms(self) -> dict[str, str]:
        """Every name that a request may ask for as a field -> its instrument: the fields, and each form's status."""
        names = {item.field_name: item.form_name for item in self.dictionary.fields}
        return {**names, **{f"{form}_complete": form for form in self.dictionary.forms}}

    def column_forms(self) -> dict[str, str]:
        """Export column -> its instrument, statuses included."""
        return {name: form for form in self.dictionary.forms for name in self.export_columns(form)}

    def option_names(self) -> Mapping[str, str]:
        """Checkbox column -> ``field(code)``, as the log and expressions write it."""
        if not self._option_names:
            self._option_names = {
                checkbox_column(item.field_name, code): f"{item.field_name}({code})"
                for item in self.dictionary.fields
                if item.field_type == "checkbox"
                for code in (*item.choices, *self.missing_data_codes)
            }
        return self._option_names

    @property
    def upload_fields(self) -> frozenset[str]:
        """Fields that hold an uploaded file."""
        return frozenset(item.field_name for item in self.dictionary.fields if item.field_type in UPLOADS)

    def set_dictionary(self, dictionary: Dictionary) -> None:
        """Put another dictionary in place."""
        self.dictionary = dictionary
        self._form_names.clear()
        self._option_names.clear()
        self._forget()

    def set_longitudinal(self, switch: bool) -> None:
        """Turn the longitudinal switch."""
        self.longitudinal_switch = switch
        self._forget()

    def set_events(self, arms: Iterable[Arm], events: Iterable[Event]) -> None:
        """Put other arms and events in place; designations and repeats of events that are gone go with them."""
        self.arms = {arm.number: arm for arm in sorted(arms)}
        self.events = tuple(in_arm_order(events))
        names = {event.unique_name for event in self.events}
        self.event_forms = frozenset(pair for pair in self.event_forms if pair[0] in names)
        self.repeats = tuple(item for item in self.repeats if not item.event or item.event in names)
        self._forget()

    def set_event_forms(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Put other designations in place: ``(unique event name, instrument)``."""
        self.event_forms = frozenset(pairs)
        self._forget()

    def set_repeats(self, repeats: Iterable[Repeat]) -> None:
        """Put other repeating instruments and events in place."""
        self.repeats = tuple(repeats)
        self._forget()

    def _forget(self) -> None:
        """Drop what was worked out from another set-up."""
        self._places.clear()
        self._order = None


def wrong(problem: str) -> ConfigurationError:
    """The refusal of an edit that does not fit the project; names things of the set-up, never a value."""
    return ConfigurationError(
        "E_SANDBOX_PROJECT",
        f"The sandbox project cannot take this: {problem}.",
        fix="Correct the call or the project's source.",
    )

"""The set-up of a project, and what follows from it: columns of an answer, place of a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.setup_rows import (
    DataAccessGroup,
    ExportName,
    FormEvent,
    Instrument,
    ProjectInfo,
    RepeatingForm,
    SetupRow,
)
from blin_pipeline.registry.dictionary import NOT_EXPORTED, Dictionary

EVENT = "redcap_event_name"
REPEAT_INSTRUMENT = "redcap_repeat_instrument"
REPEAT_INSTANCE = "redcap_repeat_instance"
GROUP = "redcap_data_access_group"
SURVEY_IDENTIFIER = "redcap_survey_identifier"
#: System columns of a flat export that follow the record id, in REDCap's order.
SYSTEM_COLUMNS = (EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE, GROUP, SURVEY_IDENTIFIER)

#: What the lists of the set-up are called in errors, and what the records may say against them.
FORM_EVENTS = "the instruments of each event"
REPEATING = "the repeating set-up"
NOT_REPEATING = "the records repeat where it says that nothing does"
NOT_DESIGNATED = "the records hold an instrument in an event that it is not designated to (taken out of it in REDCap?)"


@dataclass(frozen=True)
class ProjectSetup:
    """Everything about a project but its records.

    Attributes:
        info: Project facts.
        dictionary: Data dictionary.
        instruments: Instruments in project order.
        export_names: Columns of a flat export, in order.
        repeating: Repeating instruments and events.
        form_events: Which instrument stands in which event; empty in a classic project.
        groups: Data access groups; None when the token may not read them.
    """

    info: ProjectInfo
    dictionary: Dictionary
    instruments: tuple[Instrument, ...]
    export_names: tuple[ExportName, ...]
    repeating: tuple[RepeatingForm, ...] = ()
    form_events: tuple[FormEvent, ...] = ()
    groups: tuple[DataAccessGroup, ...] | None = None

    @property
    def record_id_field(self) -> str:
        """Name of the record id field."""
        return self.dictionary.record_id_field

    @property
    def forms(self) -> tuple[str, ...]:
        """Instruments that have fields, in dictionary order."""
        return tuple(self.dictionary.forms)

    def system_columns(self, *, with_group: bool) -> list[str]:
        """Columns that stand before the fields of every answer with the record id."""
        columns = [self.record_id_field]
        if self.info.is_longitudinal:
            columns.append(EVENT)
        if self.repeating:
            columns += [REPEAT_INSTRUMENT, REPEAT_INSTANCE]
        if with_group:
            columns.append(GROUP)
        return columns

    def form_columns(self, form: str) -> list[str]:
        """Export columns of one instrument in order, without the record id, its ``_complete`` last."""
        by_field: dict[str, list[str]] = {}
        for name in self.export_names:
            by_field.setdefault(name.original_field_name, []).append(name.export_field_name)
        columns: list[str] = []
        for field in self.dictionary.form_fields(form):
            if field.field_name == self.record_id_field or field.field_type in NOT_EXPORTED:
                continue
            # File and signature fields are exported but not among the export names.
            columns += by_field.get(field.field_name, [field.field_name])
        return [*columns, f"{form}_complete"]

    def lives_on(self, form: str, event: str, repeat_instrument: str) -> bool:
        """Whether a row with these keys can hold data of the instrument.

        Derived from the repeating set-up and the designation of forms to events, never from a cell (real servers put
        status cells on rows of other events).
        """
        if repeat_instrument:
            return repeat_instrument == form
        if any(entry.form_name == form and entry.event_name == event for entry in self.repeating):
            return False
        if not self.form_events:
            return True
        return any(entry.form == form and entry.unique_event_name == event for entry in self.form_events)

    def check_place(self, event: str, repeat_instrument: str, *, from_server: bool) -> None:
        """See that rows of the census can stand where they stand: a list of the set-up may have lost its end.

        Args:
            event: Event of rows; blank in a classic project.
            repeat_instrument: Repeating instrument of the rows, blank for others.
            from_server: Whether the designation of instruments to events was an answer of its own.

        Raises:
            RedcapReadError: ``E_SCHEMA``, naming the list.
        """
        if repeat_instrument and not any(
            entry.form_name == repeat_instrument and entry.event_name in {event, ""} for entry in self.repeating
        ):
            raise RedcapReadError("E_SCHEMA", REPEATING, detail=NOT_REPEATING)
        if not from_server or not self.form_events:
            return
        here = {entry.form for entry in self.form_events if entry.unique_event_name == event}
        if not here or (repeat_instrument and repeat_instrument not in here):
            raise RedcapReadError("E_SCHEMA", FORM_EVENTS, detail=NOT_DESIGNATED)

    def check(self) -> None:
        """Compare the parts of the set-up with each other: each was asked for alone, and one may have lost its end.

        Raises:
            RedcapReadError: ``E_SCHEMA``, naming the part that the dictionary contradicts.
        """
        labelled = {entry.instrument_name for entry in self.instruments}
        if not labelled.issuperset(self.forms):
            raise RedcapReadError("E_SCHEMA", "the instruments", detail="the dictionary has another instrument")
        fields = {field.field_name for field in self.dictionary.fields} | {f"{form}_complete" for form in labelled}
        named = {name.original_field_name for name in self.export_names}
        silent = {"file", "signature", *NOT_EXPORTED}
        wanted = {field.field_name for field in self.dictionary.fields if field.field_type not in silent}
        if not named <= fields or not wanted <= named:
            raise RedcapReadError("E_SCHEMA", "the export names", detail="they and the dictionary differ")
        for entry in self.repeating:
            if entry.form_name and entry.form_name not in labelled:
                raise RedcapReadError("E_SCHEMA", REPEATING, detail="an instrument that is not there")

    @property
    def sha256(self) -> str:
        """Hash over all of the set-up that changes what the records mean."""
        content = {
            "info": self.info.model_dump(),
            "dictionary": self.dictionary.sha256,
            "instruments": [entry.model_dump() for entry in self.instruments],
            "export_names": [entry.model_dump() for entry in self.export_names],
            "repeating": _sorted_dump(self.repeating),
            "form_events": _sorted_dump(self.form_events),
            "groups": None if self.groups is None else _sorted_dump(self.groups),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _sorted_dump(rows: Sequence[SetupRow]) -> list[Mapping[str, str]]:
    dumped: list[Mapping[str, str]] = [row.model_dump() for row in rows]
    return sorted(dumped, key=lambda row: tuple(row.values()))

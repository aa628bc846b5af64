"""The set-up of a project as its small endpoints tell it, and what follows: columns of an answer, place of a row."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.redcap.answers import Json
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.registry.dictionary import NOT_EXPORTED, Dictionary, dictionary_from_rows

EVENT = "redcap_event_name"
REPEAT_INSTRUMENT = "redcap_repeat_instrument"
REPEAT_INSTANCE = "redcap_repeat_instance"
GROUP = "redcap_data_access_group"
SURVEY_IDENTIFIER = "redcap_survey_identifier"
#: System columns of a flat export that follow the record id, in REDCap's order.
SYSTEM_COLUMNS = (EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE, GROUP, SURVEY_IDENTIFIER)


#: Instrument names become file and table names.
_FORM_NAME = re.compile(r"[a-z0-9_]{1,100}")


class _Row(BaseModel):
    """A row of an endpoint: keys of later servers are ignored, numbers are taken as text, null as blank."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_blank(cls, row: object) -> object:
        return {key: "" if cell is None else cell for key, cell in row.items()} if isinstance(row, dict) else row


class ProjectInfo(_Row):
    """Answer of ``content=project``, the keys that matter here."""

    project_id: str
    project_title: str = ""
    is_longitudinal: bool
    has_repeating_instruments_or_events: bool = False
    missing_data_codes: str = ""

    @property
    def missing_codes(self) -> dict[str, str]:
        """Code -> label of the project's missing-data codes, in order."""
        parts = (part.partition(",") for part in re.split(r"[|\n]", self.missing_data_codes) if part.strip())
        return {code.strip(): label.strip() for code, _, label in parts}


class Instrument(_Row):
    """One instrument and its label."""

    instrument_name: str = Field(min_length=1)
    instrument_label: str = ""


class RepeatingForm(_Row):
    """One repeating instrument, or a repeating event when ``form_name`` is blank; no event in a classic project."""

    event_name: str = ""
    form_name: str = ""
    custom_form_label: str = ""


class FormEvent(_Row):
    """One instrument designated to one event of a longitudinal project."""

    arm_num: str = ""
    unique_event_name: str = Field(min_length=1)
    form: str = Field(min_length=1)


class DataAccessGroup(_Row):
    """One data access group; restricted."""

    data_access_group_name: str = ""
    unique_group_name: str = Field(min_length=1)


class ExportName(_Row):
    """One column of a flat export and the field it belongs to."""

    original_field_name: str = Field(min_length=1)
    choice_value: str = ""
    export_field_name: str = Field(min_length=1)


class LogEntry(_Row):
    """One line of the project's log, as the server words it; restricted."""

    timestamp: str
    username: str = ""
    action: str = ""
    details: str = ""
    record: str = ""


class _DictionaryRow(_Row):
    field_name: str = Field(min_length=1)
    form_name: str = Field(min_length=1)
    section_header: str = ""
    field_type: str = Field(min_length=1)
    field_label: str
    select_choices_or_calculations: str
    field_note: str = ""
    text_validation_type_or_show_slider_number: str
    text_validation_min: str = ""
    text_validation_max: str = ""
    identifier: str
    branching_logic: str = ""
    required_field: str = ""
    custom_alignment: str = ""
    question_number: str = ""
    matrix_group_name: str = ""
    matrix_ranking: str = ""
    field_annotation: str = ""


_RowT = TypeVar("_RowT", bound=_Row)


def parse_rows(
    model: type[_RowT], value: Json, endpoint: str, code: str = "E_SCHEMA", *, may_repeat: bool = False
) -> tuple[_RowT, ...]:
    """Validate an answer that is a list of objects.

    Args:
        model: Shape of one object.
        value: The answer.
        endpoint: What was asked, for people.
        code: Code for a wrong shape.
        may_repeat: Whether two equal objects are no fault.

    Raises:
        RedcapReadError: ``E_EMPTY`` for a JSON null, ``E_DUPLICATE_KEY``, else ``code``: not a list of such objects. The
            answer is not quoted.
    """
    if value is None and code != "E_METADATA":
        raise RedcapReadError("E_EMPTY", endpoint)
    rows: tuple[_RowT, ...] | None = None
    with suppress(ValidationError):  # It quotes the answer; ours is raised outside and carries nothing along.
        rows = tuple(TypeAdapter(list[model]).validate_python(value))  # type: ignore[valid-type]
    if rows is None:
        raise RedcapReadError(code, endpoint, detail="not the shape that REDCap documents")
    if not may_repeat and len({*rows}) != len(rows):
        raise RedcapReadError("E_DUPLICATE_KEY", endpoint)
    return rows


def parse_project(value: Json, endpoint: str) -> ProjectInfo:
    """Validate the answer of ``content=project``, one object.

    Raises:
        RedcapReadError: ``E_EMPTY`` or ``E_SCHEMA``.
    """
    if not value:
        raise RedcapReadError("E_EMPTY", endpoint)
    info = parse_rows(ProjectInfo, [value], endpoint)[0]
    if not info.project_id:
        raise RedcapReadError("E_SCHEMA", endpoint, detail="no project id")
    return info


def parse_dictionary(value: Json, endpoint: str) -> Dictionary:
    """Validate the data dictionary that the API gave.

    Raises:
        RedcapReadError: ``E_METADATA``: empty, not rows, a row that no REDCap dictionary can hold.
    """
    rows = parse_rows(_DictionaryRow, value, endpoint, code="E_METADATA")
    problem = "no field" if not rows else "an instrument name that REDCap does not allow"
    if rows and all(_FORM_NAME.fullmatch(row.form_name) for row in rows):
        try:
            return dictionary_from_rows([row.model_dump() for row in rows], Path("data dictionary"))
        except ConfigurationError as error:
            problem = error.what.rstrip(".")
    raise RedcapReadError("E_METADATA", endpoint, detail=problem)


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
                raise RedcapReadError("E_SCHEMA", "the repeating set-up", detail="an instrument that is not there")

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


def _sorted_dump(rows: Sequence[_Row]) -> list[Mapping[str, str]]:
    dumped: list[Mapping[str, str]] = [row.model_dump() for row in rows]
    return sorted(dumped, key=lambda row: tuple(row.values()))

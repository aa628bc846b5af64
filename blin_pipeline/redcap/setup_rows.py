"""What the small endpoints answer: the shape of one object of each, and an answer read as such objects."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.redcap.answers import Json
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.registry.dictionary import Dictionary, dictionary_from_rows

#: Instrument names become file and table names.
_FORM_NAME = re.compile(r"[a-z0-9_]{1,100}")


class SetupRow(BaseModel):
    """A row of an endpoint: keys of later servers are ignored, numbers are taken as text, null as blank."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_blank(cls, row: object) -> object:
        return {key: "" if cell is None else cell for key, cell in row.items()} if isinstance(row, dict) else row


class ProjectInfo(SetupRow):
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


class Instrument(SetupRow):
    """One instrument and its label."""

    instrument_name: str = Field(min_length=1)
    instrument_label: str = ""


class RepeatingForm(SetupRow):
    """One repeating instrument, or a repeating event when ``form_name`` is blank; no event in a classic project."""

    event_name: str = ""
    form_name: str = ""
    custom_form_label: str = ""


class FormEvent(SetupRow):
    """One instrument designated to one event of a longitudinal project."""

    arm_num: str = ""
    unique_event_name: str = Field(min_length=1)
    form: str = Field(min_length=1)


class DataAccessGroup(SetupRow):
    """One data access group; restricted."""

    data_access_group_name: str = ""
    unique_group_name: str = Field(min_length=1)


class ExportName(SetupRow):
    """One column of a flat export and the field it belongs to."""

    original_field_name: str = Field(min_length=1)
    choice_value: str = ""
    export_field_name: str = Field(min_length=1)


class LogEntry(SetupRow):
    """One line of the project's log, as the server words it; restricted."""

    timestamp: str
    username: str = ""
    action: str = ""
    details: str = ""
    record: str = ""


class _DictionaryRow(SetupRow):
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


_RowT = TypeVar("_RowT", bound=SetupRow)


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

"""The plain shape in which a project enters the sandbox: form rows and the project's set-up, nothing live.

The synthetic generator writes it, :mod:`blin_pipeline.sandbox.load` reads it from export files, the server serves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from blin_pipeline.registry.dictionary import Dictionary


class FormRow(NamedTuple):
    """One instrument of one record, as stored; for a repeating instrument one instance of it.

    Attributes:
        record_id: The record's id.
        form: Instrument name.
        instance: None for a once-only instrument, 1.. for a repeating one.
        values: Export name -> stored text. A ticked checkbox option is ``"name___code": "1"``; unticked ones may be
            left out. Holds ``"<form>_complete"`` as ``"0"``, ``"1"`` or ``"2"``. A missing-data code may stand in any
            field. A survey may hold ``"<form>_timestamp"`` (``YYYY-MM-DD HH:MM:SS`` or ``[not completed]``) and
            ``"redcap_survey_identifier"``.
    """

    record_id: str
    form: str
    instance: int | None
    values: dict[str, str]


@dataclass(frozen=True)
class SourceProject:
    """A project with its data, before the server makes it live.

    Attributes:
        title: Project title.
        project_id: REDCap's number of the project.
        dictionary: The data dictionary; its first field is the record id.
        instrument_labels: Instrument name -> label; an instrument without a label gets one made from its name.
        repeating_instruments: Names of the repeating instruments.
        surveys: Names of the instruments enabled as surveys.
        data_access_groups: ``(label, unique name)`` of every Data Access Group.
        record_groups: Record id -> unique group name, ``""`` for unassigned.
        missing_data_codes: Project-level missing-data code -> label.
        rows: One entry per saved form or instance.
        created: Naive server time of the oldest log line; the log's other lines follow deterministically.
    """

    title: str
    project_id: int
    dictionary: Dictionary
    instrument_labels: dict[str, str]
    repeating_instruments: tuple[str, ...]
    surveys: tuple[str, ...]
    data_access_groups: tuple[tuple[str, str], ...]
    record_groups: dict[str, str]
    missing_data_codes: dict[str, str]
    rows: tuple[FormRow, ...]
    created: datetime

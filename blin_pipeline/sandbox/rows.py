"""The plain shape in which a project enters the sandbox: form rows and the project's set-up, nothing live.

The synthetic generator writes it, :mod:`blin_pipeline.sandbox.load` reads it from export files, the server serves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.rights import Role, User
from blin_pipeline.sandbox.setup import Arm, Event, Participant, Repeat, StoredFile

_NOTHING: Mapping[str, StoredFile] = MappingProxyType({})


class FormRow(NamedTuple):
    """One instrument of one record and event, as stored; of what repeats, one instance.

    Attributes:
        record_id: The record's id.
        form: Instrument name.
        instance: None where neither the instrument nor its event repeats, 1.. otherwise.
        values: Export name -> stored text. A ticked checkbox option is ``"name___code": "1"``; unticked ones may be
            left out. Holds ``"<form>_complete"`` as ``"0"``, ``"1"`` or ``"2"``. A missing-data code may stand in any
            field. A survey may hold ``"<form>_timestamp"`` (``YYYY-MM-DD HH:MM:SS`` or ``[not completed]``) and
            ``"redcap_survey_identifier"``. An upload field holds its file's name, or has it in ``files``.
        event: Unique event name, ``""`` in a classic project.
        files: Upload field -> its file. A name that stands in ``values`` alone is a file without content.
    """

    record_id: str
    form: str
    instance: int | None
    values: dict[str, str]
    event: str = ""
    files: Mapping[str, StoredFile] = _NOTHING


@dataclass(frozen=True)
class SourceProject:
    """A project with its data, before the server makes it live.

    Attributes:
        title: Project title.
        project_id: REDCap's number of the project.
        dictionary: The data dictionary; its first field is the record id.
        instrument_labels: Instrument name -> label; an instrument without a label gets one made from its name.
        repeating_instruments: Names of the repeating instruments of a classic project.
        surveys: Names of the instruments enabled as surveys.
        data_access_groups: ``(label, unique name)`` of every Data Access Group.
        record_groups: Record id -> unique group name, ``""`` for unassigned.
        missing_data_codes: Project-level missing-data code -> label.
        rows: One entry per saved form or instance.
        created: Naive server time of the oldest log line; the log's other lines follow deterministically.
        settings: Project information that differs from a new project's: keys of
            :data:`~blin_pipeline.sandbox.setup.PROJECT_INFO`; ``is_longitudinal`` is the switch of a longitudinal project.
        arms: Arms of a longitudinal project.
        events: Its events, inside an arm in order.
        event_forms: ``(unique event name, instrument)`` of every designated instrument.
        repeats: Repeating instruments and events, in place of ``repeating_instruments`` where that cannot tell.
        users: Users besides those behind tokens.
        roles: User roles.
        participants: Participant lists of the surveys.
        reports: Reports.
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
    settings: Mapping[str, Cell] = field(default_factory=dict)
    arms: tuple[Arm, ...] = ()
    events: tuple[Event, ...] = ()
    event_forms: tuple[tuple[str, str], ...] = ()
    repeats: tuple[Repeat, ...] = ()
    users: tuple[User, ...] = ()
    roles: tuple[Role, ...] = ()
    participants: tuple[Participant, ...] = ()
    reports: tuple[Report, ...] = ()

"""A project from the two files that any REDCap user can download: the data dictionary and a raw, flat data export.

What the set-up was is read off the data. Source: ``docs/redcap.md`` sections 4, 11 and 13.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.registry.dictionary import Dictionary, load_dictionary
from blin_pipeline.registry.files import read_csv
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.setup import Arm, Event, Repeat
from blin_pipeline.sandbox.structure import SURVEY_IDENTIFIER

Row = Mapping[str, str]

_CREATED = datetime.fromisoformat("2024-01-01 08:00:00")
_EVENT, _INSTRUMENT, _INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
_GROUP = "redcap_data_access_group"
_SYSTEM = (_EVENT, _INSTRUMENT, _INSTANCE, _GROUP, SURVEY_IDENTIFIER)
_UNIQUE_EVENT = re.compile(r"(?P<stem>.*)_arm_(?P<arm>\d+)[a-z]*")


def project_from_export(
    dictionary: Path,
    data: Path,
    *,
    title: str | None = None,
    project_id: int = 1,
    repeating_instruments: Sequence[str] | None = None,
    missing_data_codes: Mapping[str, str] | None = None,
    created: datetime = _CREATED,
) -> SourceProject:
    """Read a project.

    Longitudinal is what has ``redcap_event_name``: events and arms are those that occur, in the order of the rows, under
    labels made from their unique names; an instrument is designated in an event where any of its cells is filled (a
    checkbox that could be ticked shows ``0``). Repeating instruments are those that ``redcap_repeat_instrument`` names,
    repeating events those with an instance and no instrument, surveys those with a ``<form>_timestamp`` column, Data
    Access Groups those that a record stands in. A form with a blank status and no other content was never saved. Set-up
    that left no trace in the data is not there.

    Args:
        dictionary: Data dictionary CSV.
        data: Raw, flat CSV export; a file without a header is a project without records.
        title: Project title; the data file's name when None.
        project_id: REDCap's number of the project.
        repeating_instruments: Repeating instruments of a classic project, where the data cannot tell (no instance yet).
        missing_data_codes: Missing-data code -> label.
        created: Naive server time at which the log begins.

    Raises:
        ConfigurationError: Code ``E_REGISTRY_FILE`` (unreadable) or ``E_SANDBOX_EXPORT`` (columns that the dictionary
            lacks, or an event or instance that is none).
    """
    definitions = load_dictionary(dictionary)
    codes = dict(missing_data_codes or {})
    rows = [] if not data.read_bytes().strip() else [row for _, row in read_csv(data)]
    columns = list(rows[0]) if rows else []
    surveys = tuple(form for form in definitions.forms if f"{form}_timestamp" in columns)
    names = _names(definitions, codes, surveys)
    unknown = [name for name in columns if name not in {*_SYSTEM, *(name for some in names.values() for name in some)}]
    if unknown:
        raise _wrong(data, f"columns that {dictionary.name} does not define: {', '.join(unknown)}")
    if rows and definitions.record_id_field not in columns:
        raise _wrong(data, f"no column {definitions.record_id_field}, the record id")
    _check_places(data, definitions, rows)
    events, is_longitudinal = _events(data, rows, definitions.record_id_field), _EVENT in columns
    designated = _designated(names, rows, definitions.record_id_field)
    repeats = _repeats(rows, () if is_longitudinal else repeating_instruments or ())
    groups: dict[str, str] = {}
    for row in rows:
        groups.setdefault(row[definitions.record_id_field], row.get(_GROUP, ""))
    form_rows: list[FormRow] = []
    for row in rows:
        own = [form for form in definitions.forms if Repeat(form, row.get(_EVENT, "")) not in repeats]
        if is_longitudinal:
            own = [form for form in own if (row[_EVENT], form) in designated]
        form_rows += _form_rows(definitions, names, row, [row[_INSTRUMENT]] if row.get(_INSTRUMENT) else own)
    return SourceProject(
        title=title or data.stem,
        project_id=project_id,
        dictionary=definitions,
        instrument_labels={},
        repeating_instruments=(),
        surveys=surveys,
        data_access_groups=tuple((name, name) for name in dict.fromkeys(groups.values()) if name),
        record_groups=groups,
        missing_data_codes=codes,
        rows=tuple(form_rows),
        created=created,
        settings={"is_longitudinal": int(is_longitudinal)},
        arms=tuple(Arm(number, f"Arm {number}") for number in sorted({event.arm for event in events})),
        events=events,
        event_forms=tuple(sorted(designated)) if is_longitudinal else (),
        repeats=repeats,
    )


def _names(definitions: Dictionary, codes: Mapping[str, str], surveys: Sequence[str]) -> dict[str, set[str]]:
    """Instrument -> names of its cells."""
    names = {form: set(definitions.export_columns(form, codes)) for form in definitions.forms}
    for form in surveys:
        names[form].add(f"{form}_timestamp")
    if surveys:
        names[surveys[0]].add(SURVEY_IDENTIFIER)
    return names


def _check_places(data: Path, definitions: Dictionary, rows: Iterable[Row]) -> None:
    for row in rows:
        instrument, instance = row.get(_INSTRUMENT, ""), row.get(_INSTANCE, "")
        if instrument and instrument not in definitions.forms:
            raise _wrong(data, "a repeat instrument that the dictionary does not define")
        if (instance and not (instance.isdigit() and int(instance))) or (instrument and not instance):
            raise _wrong(data, "a repeat instance that is no positive number")
        if instance and not instrument and _EVENT not in row:
            raise _wrong(data, "a repeat instance without an instrument, in a classic project")


def _events(data: Path, rows: Iterable[Row], record_id_field: str) -> tuple[Event, ...]:
    """Events by arm, inside an arm in the order of the rows: an event follows those before it in any record."""
    ordered: list[str] = []
    before, place = None, 0
    for row in rows:
        here = row[record_id_field]
        place = 0 if here != before else place
        before, name = here, row.get(_EVENT)
        if name is None:
            return ()
        if name not in ordered:
            ordered.insert(place, name)
        place = ordered.index(name) + 1
    events = []
    for number, name in enumerate(ordered, start=1):
        parts = _UNIQUE_EVENT.fullmatch(name)
        if parts is None:
            raise _wrong(data, "an event that is no unique event name; export raw data, not labels")
        label = parts["stem"].replace("_", " ").strip().capitalize() or name
        events.append(Event(number, label, int(parts["arm"]), name))
    return tuple(sorted(events, key=lambda event: event.arm))


def _designated(names: Mapping[str, set[str]], rows: Iterable[Row], record_id_field: str) -> frozenset[tuple[str, str]]:
    """Event and instrument wherever a cell of the instrument is filled."""
    form_of = {name: form for form, own in names.items() for name in own if name != record_id_field}
    found = set()
    for row in rows:
        event, instrument = row.get(_EVENT, ""), row.get(_INSTRUMENT, "")
        if instrument:
            found.add((event, instrument))
        found.update((event, form_of[name]) for name, value in row.items() if value and name in form_of)
    return frozenset(found)


def _repeats(rows: Iterable[Row], more: Iterable[str]) -> tuple[Repeat, ...]:
    found = {Repeat(form): None for form in more}
    for row in rows:
        if row.get(_INSTANCE):
            found[Repeat(row[_INSTRUMENT], row.get(_EVENT, ""))] = None
    return tuple(found)


def _form_rows(definitions: Dictionary, names: Mapping[str, set[str]], row: Row, forms: Sequence[str]) -> list[FormRow]:
    """The saved forms of one row of the file; an empty one where the row is there and none of them was saved."""
    record_id, event = row[definitions.record_id_field], row.get(_EVENT, "")
    instance = int(row[_INSTANCE]) if row.get(_INSTANCE) else None
    found = []
    for form in forms:
        values = {
            name: value
            for name, value in row.items()
            if value and name in names[form] and name != definitions.record_id_field
        }
        if any(value != "0" or "___" not in name for name, value in values.items()):
            found.append(FormRow(record_id, form, instance, values, event))
    return found or [FormRow(record_id, form, instance, {}, event) for form in forms[:1]]


def _wrong(data: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        "E_SANDBOX_EXPORT",
        f"{data.name} has {what}.",
        fix="Export raw data of the project that the dictionary belongs to.",
    )

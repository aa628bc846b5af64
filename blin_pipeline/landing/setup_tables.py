"""Tables of a pull that hold no instrument: dictionary, census, records, missing codes, designation, quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from blin_pipeline.landing.manifest import TableEntry
from blin_pipeline.landing.order import natural, row_order
from blin_pipeline.landing.parquet import write_table
from blin_pipeline.redcap.census import read_census_rows
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.project_setup import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from blin_pipeline.registry.dictionary import COLUMNS

#: First columns of every landed instrument.
KEY_COLUMNS = ("record_id", EVENT, GROUP, REPEAT_INSTRUMENT, REPEAT_INSTANCE)
DICTIONARY_COLUMNS = (*COLUMNS, "position")
CENSUS_COLUMNS = (*KEY_COLUMNS, "form", "complete_cd")
RECORD_COLUMNS = ("record_id", GROUP)
MISSING_CODE_COLUMNS = ("code", "label")
FORM_EVENT_COLUMNS = ("form", "is_repeating", "event")
QUARANTINE_COLUMNS = ("form", "record_id", "event", "instance", "reason_cd")


def write_setup(export: ProjectExport, quarantine: Sequence[tuple[str, ...]], folder: Path) -> dict[str, TableEntry]:
    """Write the tables of the set-up into ``folder``; table name -> entry."""
    dictionary = export.setup.dictionary
    rows = [(*(str(getattr(field, name)) for name in COLUMNS), str(n)) for n, field in enumerate(dictionary.fields, 1)]
    positions = {form: n for n, form in enumerate(export.census.forms)}
    codes = list(export.setup.info.missing_codes.items())
    return {
        "dictionary": write_table(folder / "dictionary.parquet", DICTIONARY_COLUMNS, rows),
        "census": write_table(
            folder / "census.parquet",
            CENSUS_COLUMNS,
            _census(export),
            lambda row: (row_order(row[0], row[1], row[3], row[4]), positions[row[5]]),
        ),
        "records": write_table(
            folder / "records.parquet",
            RECORD_COLUMNS,
            export.census.groups.items(),
            lambda row: natural(row[0]),
        ),
        "missing_codes": write_table(folder / "missing_codes.parquet", MISSING_CODE_COLUMNS, codes),
        "form_event": write_table(folder / "form_event.parquet", FORM_EVENT_COLUMNS, sorted(_form_events(export))),
        "quarantine": write_table(folder / "quarantine.parquet", QUARANTINE_COLUMNS, sorted(quarantine)),
    }


def _census(export: ProjectExport) -> Iterator[tuple[str, ...]]:
    """One row per row of the project and instrument that can stand on it."""
    setup, census = export.setup, export.census
    places: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for key, group, statuses in read_census_rows(census.path, setup, census.forms, from_server=census.from_server):
        place = (key.event, key.repeat_instrument)
        here = places.get(place)
        if here is None:
            here = places[place] = [(n, form) for n, form in enumerate(census.forms) if setup.lives_on(form, *place)]
        known = group or census.groups[key.record_id]
        for position, form in here:
            yield (
                *(key.record_id, key.event, known, key.repeat_instrument, key.repeat_instance),
                *(form, statuses[position]),
            )


def _form_events(export: ProjectExport) -> Iterator[tuple[str, str, str]]:
    """Every instrument of the source and the event it stands in, blank in a classic project."""
    setup = export.setup
    repeating = {(entry.event_name, entry.form_name) for entry in setup.repeating}
    if setup.form_events:
        pairs = {(entry.unique_event_name, entry.form) for entry in setup.form_events}
    elif setup.info.is_longitudinal:
        # No file tells the designation: what was opened somewhere stands there.
        pairs = {(row[1], row[5]) for row in _census(export) if row[6]} | repeating
    else:
        pairs = {("", file.form) for file in export.forms}
    for event, form in pairs:
        if form:
            is_repeating = (event, form) in repeating or (event, "") in repeating
            yield form, "true" if is_repeating else "false", event

"""Tables of a pull that hold no instrument: dictionary, census, records, missing codes, designation, quarantine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from blin_pipeline.landing.manifest import TableEntry
from blin_pipeline.landing.order import RowOrder
from blin_pipeline.landing.parquet import write_blocks, write_table
from blin_pipeline.redcap.census import read_census_blocks
from blin_pipeline.redcap.exported import ProjectExport
from blin_pipeline.redcap.fates import Places
from blin_pipeline.redcap.keys import KeyColumns
from blin_pipeline.redcap.project_setup import EVENT, GROUP, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from blin_pipeline.redcap.text_arrays import is_blank, number, text_array, text_schema
from blin_pipeline.registry.dictionary import COLUMNS

#: First columns of every landed instrument.
KEY_COLUMNS = ("record_id", EVENT, GROUP, REPEAT_INSTRUMENT, REPEAT_INSTANCE)
DICTIONARY_COLUMNS = (*COLUMNS, "position")
CENSUS_COLUMNS = (*KEY_COLUMNS, "form", "complete_cd")
RECORD_COLUMNS = ("record_id", GROUP)
MISSING_CODE_COLUMNS = ("code", "label")
FORM_EVENT_COLUMNS = ("form", "is_repeating", "event")
QUARANTINE_COLUMNS = ("form", "record_id", "event", "instance", "reason_cd")


def write_setup(
    export: ProjectExport,
    quarantine: Sequence[tuple[str, ...]],
    landed_in: Collection[tuple[str, str]],
    order: RowOrder,
    folder: Path,
) -> dict[str, TableEntry]:
    """Write the tables of the set-up.

    Args:
        export: The reading.
        quarantine: Keys of rows that were set aside.
        landed_in: ``(event, instrument)`` of the rows that were landed.
        order: Order of the census's rows.
        folder: Where the tables go.

    Returns:
        Table name -> entry.
    """
    dictionary = export.setup.dictionary
    rows = [(*(str(getattr(field, name)) for name in COLUMNS), str(n)) for n, field in enumerate(dictionary.fields, 1)]
    positions = text_array(export.census.forms)
    groups = export.census.groups
    codes = list(export.setup.info.missing_codes.items())
    return {
        "dictionary": write_table(folder / "dictionary.parquet", DICTIONARY_COLUMNS, rows),
        "census": write_blocks(
            folder / "census.parquet",
            CENSUS_COLUMNS,
            _census(export),
            lambda rows: [*order.columns(rows), pc.index_in(rows.column("form"), value_set=positions)],
        ),
        "records": write_table(
            folder / "records.parquet", RECORD_COLUMNS, ((record, groups[record]) for record in order.record_ids)
        ),
        "missing_codes": write_table(folder / "missing_codes.parquet", MISSING_CODE_COLUMNS, codes),
        "form_event": write_table(
            folder / "form_event.parquet", FORM_EVENT_COLUMNS, sorted(_form_events(export, landed_in))
        ),
        "quarantine": write_table(folder / "quarantine.parquet", QUARANTINE_COLUMNS, sorted(quarantine)),
    }


def _census(export: ProjectExport) -> Iterator[pa.RecordBatch]:
    """One row per row of the project and instrument that can stand on it."""
    setup, census = export.setup, export.census
    if not census.forms:
        return
    forms = text_array(census.forms)
    n_forms = number(len(forms))
    places = Places(setup, census.forms)
    blocks = read_census_blocks(census.path, setup, census.forms, from_server=census.from_server, proven=True)
    for keys, statuses in blocks:
        where, _ = places.take(keys)
        group = _known_groups(keys, census.groups)
        here = [pc.indices_nonzero(places.here(form, where)) for form in census.forms]
        # Row after row, and within a row in the order of the instruments.
        numbers = [pc.add(pc.multiply(rows.cast(pa.int64()), n_forms), number(n)) for n, rows in enumerate(here)]
        by_form = pc.sort_indices(pa.concat_arrays(numbers))
        place = pa.concat_arrays(numbers).take(by_form)
        row = pc.divide(place, n_forms)
        status = pa.concat_arrays([statuses[form].take(rows) for form, rows in zip(census.forms, here, strict=True)])
        yield pa.RecordBatch.from_arrays(
            [
                *(column.take(row) for column in (keys.record_id, keys.event, group)),
                *(column.take(row) for column in (keys.repeat_instrument, keys.repeat_instance)),
                forms.take(pc.subtract(place, pc.multiply(row, n_forms))),
                status.take(by_form),
            ],
            schema=text_schema(CENSUS_COLUMNS),
        )


def _known_groups(keys: KeyColumns, groups: Mapping[str, str]) -> pa.StringArray:
    """Groups of rows; where a row does not show it, that of its record."""
    silent = keys.record_id.filter(is_blank(keys.group))
    if not any(groups[record] for record in pc.unique(silent).to_pylist()):
        return keys.group
    return text_array([groups[record] for record in keys.record_id.to_pylist()])


def _form_events(export: ProjectExport, landed_in: Collection[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Every instrument of the source and the event it stands in, blank in a classic project."""
    setup = export.setup
    repeating = {(entry.event_name, entry.form_name) for entry in setup.repeating}
    if setup.form_events:
        pairs = {(entry.unique_event_name, entry.form) for entry in setup.form_events}
    elif setup.info.is_longitudinal:
        # No file tells the designation: an instrument stands where a row of it does, whatever the row's status.
        pairs = {*landed_in} | repeating
    else:
        pairs = {("", file.form) for file in export.forms}
    for event, form in pairs:
        if form:
            is_repeating = (event, form) in repeating or (event, "") in repeating
            yield form, "true" if is_repeating else "false", event

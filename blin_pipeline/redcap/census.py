"""The census: keys and statuses of every row of a project in one cheap request, the yardstick of completeness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from blin_pipeline.redcap.blocks import Blocks
from blin_pipeline.redcap.disk import sha256_of
from blin_pipeline.redcap.fates import Places
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.keys import KeyColumns, KeyReader, RowKey, first_of_runs
from blin_pipeline.redcap.project_setup import (
    FORM_EVENTS,
    GROUP,
    NOT_DESIGNATED,
    NOT_REPEATING,
    REPEATING,
    ProjectSetup,
)
from blin_pipeline.redcap.tallies import FormTally, Tally
from blin_pipeline.redcap.text_arrays import joined, text_array

ENDPOINT = "the census of records"


@dataclass(frozen=True)
class Census:
    """Who and what is in the project.

    Attributes:
        path: CSV on disk: system columns, then ``<form>_complete`` of each form.
        from_server: Whether the bytes are an answer of the API.
        forms: Instruments whose status it holds, in order.
        has_groups: Whether it shows data access groups.
        groups: Record id -> unique name of its data access group, blank when unassigned.
        tallies: Instrument -> its rows.
        fingerprint: Hash of its bytes, or of its rows in any order; two censuses with the same are equal.
    """

    path: Path
    from_server: bool
    forms: tuple[str, ...]
    has_groups: bool
    groups: Mapping[str, str]
    tallies: Mapping[str, FormTally]
    fingerprint: str


class CensusRow(NamedTuple):
    """One row: key, group and the status of each instrument (blank where it cannot stand)."""

    key: RowKey
    group: str
    statuses: Sequence[str]


def expect_header(found: Sequence[str], expected: Sequence[str], endpoint: str) -> None:
    """Compare a header with what the set-up promises.

    Raises:
        RedcapReadError: ``E_BODY_NOT_JSON`` when it is no header of this project at all, ``E_SCHEMA`` naming the first
            missing or unexpected column.
    """
    if list(found) == list(expected):
        return
    if not {*found} & {*expected}:
        raise RedcapReadError("E_BODY_NOT_JSON", endpoint)
    missing = [name for name in expected if name not in found]
    extra = len(set(found) - set(expected))
    if missing:
        detail = f"column {missing[0]!r} is missing (a form or field that the token may not export?)"
    elif extra:
        detail = f"{extra} columns that the export names do not list"
    else:
        detail = "the columns stand in another order"
    raise RedcapReadError("E_SCHEMA", endpoint, detail=detail)


class CensusBlock(NamedTuple):
    """Rows of a census as columns: keys, and the status of each instrument by its name (blank where it cannot stand)."""

    keys: KeyColumns
    statuses: Mapping[str, pa.StringArray]


def read_census_blocks(
    path: Path, setup: ProjectSetup, forms: Sequence[str], *, from_server: bool, proven: bool = False
) -> Iterator[CensusBlock]:
    """Read the rows of a census whose header was checked.

    Args:
        path: The census.
        setup: Set-up of the project.
        forms: Instruments whose status it holds.
        from_server: Whether the bytes are an answer of the API.
        proven: Whether the rows were read before, and no key stood twice.

    Raises:
        RedcapReadError: As for ``csvtext.read_rows``; ``E_SCHEMA``, ``E_DUPLICATE_KEY``.
    """
    rows = Blocks(path, ENDPOINT, from_server=from_server)
    if not rows.header:
        return
    reader = KeyReader(rows, setup.record_id_field, ENDPOINT, path.parent, proven=proven)
    for block in rows.read([*reader.columns(), *(f"{form}_complete" for form in forms)]):
        yield CensusBlock(reader.read(block), {form: block.column(f"{form}_complete") for form in forms})
    reader.check_unique()


def read_census_rows(
    path: Path, setup: ProjectSetup, forms: Sequence[str], *, from_server: bool
) -> Iterator[CensusRow]:
    """As :func:`read_census_blocks`, row by row."""
    for keys, statuses in read_census_blocks(path, setup, forms, from_server=from_server):
        columns = [statuses[form].to_pylist() for form in forms]
        rows = zip(*columns, strict=True) if columns else iter([()] * len(keys.group))
        for key, group, row in zip(keys.keys(), keys.group.to_pylist(), rows, strict=True):
            yield CensusRow(key, group, row)


def take_census(
    path: Path, setup: ProjectSetup, *, from_server: bool, forms: Sequence[str], in_any_order: bool = False
) -> Census:
    """Read and check a census.

    Args:
        path: The answer.
        setup: Set-up of the project.
        from_server: False for a census that was derived from an export file.
        forms: Instruments whose status the census holds.
        in_any_order: Whether fingerprint and tallies leave the order of the rows out of account; that costs more.

    Raises:
        RedcapReadError: Header or rows other than the set-up promises; ``E_SITE_SET_SHRUNK`` when the project has data access
            groups that this token does not see.
    """
    has_groups = _check_header(path, setup, forms) if from_server else bool(setup.groups)
    groups: dict[str, str] = {}
    whole = Tally(in_any_order=True)
    tallies = {form: FormTally(in_any_order=in_any_order) for form in forms}
    places = Places(setup, forms)
    for keys, statuses in read_census_blocks(path, setup, forms, from_server=from_server):
        _take_groups(keys, groups)
        where, fresh = places.take(keys)
        for place in fresh:
            setup.check_place(*place, from_server=from_server)
        if from_server:
            _check_event_instances(keys, setup)
        for form, tally in tallies.items():
            here = places.here(form, where)
            tally.add(keys, statuses[form], here)
            if from_server and setup.form_events and _any_saved(statuses[form].filter(pc.invert(here))):
                raise RedcapReadError("E_SCHEMA", FORM_EVENTS, detail=NOT_DESIGNATED)
        if in_any_order:
            whole.add(joined(keys.identity, keys.group, *statuses.values()))
    if from_server and setup.groups is not None:
        known_groups = {group.unique_group_name for group in setup.groups}
        if not known_groups.issuperset({*groups.values()} - {""}):
            raise RedcapReadError("E_SCHEMA", "the data access groups", detail="records are in another group")
    return Census(
        path=path,
        from_server=from_server,
        forms=tuple(forms),
        has_groups=has_groups,
        groups=groups,
        tallies=tallies,
        fingerprint=whole.digest if in_any_order else sha256_of(path),
    )


def _take_groups(keys: KeyColumns, groups: dict[str, str]) -> None:
    """Note the data access group of each record."""
    rows = first_of_runs(joined(keys.record_id, keys.group))
    for record, group in zip(keys.record_id.take(rows).to_pylist(), keys.group.take(rows).to_pylist(), strict=True):
        known = groups.setdefault(record, group)
        if group and known != group:
            if known:
                raise RedcapReadError("E_SCHEMA", ENDPOINT, detail="a record in two data access groups")
            groups[record] = group


def _check_header(path: Path, setup: ProjectSetup, forms: Sequence[str]) -> bool:
    header = Blocks(path, ENDPOINT, from_server=True).header
    if not header:
        return bool(setup.groups)
    has_groups = GROUP in header
    expected = [*setup.system_columns(with_group=has_groups), *(f"{form}_complete" for form in forms)]
    expect_header(header, expected, ENDPOINT)
    if setup.groups and not has_groups:
        raise RedcapReadError("E_SITE_SET_SHRUNK", ENDPOINT)
    if has_groups and setup.groups is not None and not setup.groups:
        raise RedcapReadError("E_EMPTY", "the data access groups", detail="yet records are in groups")
    return has_groups


def _check_event_instances(keys: KeyColumns, setup: ProjectSetup) -> None:
    """See that instances of an event are of one that repeats: the set-up may have lost its end."""
    repeating = {entry.event_name for entry in setup.repeating if not entry.form_name}
    if not repeating.issuperset(pc.unique(keys.event.filter(keys.is_event_instance)).to_pylist()):
        raise RedcapReadError("E_SCHEMA", REPEATING, detail=NOT_REPEATING)


def _any_saved(status: pa.StringArray) -> bool:
    """Whether any status says that its form was saved; real servers put a 0 also where a form cannot stand."""
    return bool(pc.is_in(status, value_set=text_array(["1", "2"])).true_count)

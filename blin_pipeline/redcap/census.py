"""The census: keys and statuses of every row of a project in one cheap request, the yardstick of completeness."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.project_setup import GROUP, ProjectSetup
from blin_pipeline.redcap.rows import FormTally, KeyReader, RowKey, Tally

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
        fingerprint: Order-independent hash of all rows; two equal censuses have the same.
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
    statuses: list[str]


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


def read_census_rows(
    path: Path, setup: ProjectSetup, forms: Sequence[str], *, from_server: bool
) -> Iterator[CensusRow]:
    """Read the rows of a census whose header was checked.

    Raises:
        RedcapReadError: As for ``csvtext.read_rows``; ``E_SCHEMA``, ``E_DUPLICATE_KEY``.
    """
    rows = read_rows(path, ENDPOINT, from_server=from_server)
    header = next(rows, None)
    if header is None:
        return
    positions = [header.index(f"{form}_complete") for form in forms]
    with KeyReader(header, setup.record_id_field, ENDPOINT, path.parent) as keys:
        for row in rows:
            yield CensusRow(keys.read(row), keys.group(row), [row[i] for i in positions])
        keys.check_unique()


def take_census(path: Path, setup: ProjectSetup, *, from_server: bool, forms: Sequence[str]) -> Census:
    """Read and check a census.

    Args:
        path: The answer.
        setup: Set-up of the project.
        from_server: False for a census that was derived from an export file.
        forms: Instruments whose status the census holds.

    Raises:
        RedcapReadError: Header or rows other than the set-up promises; ``E_SITE_SET_SHRUNK`` when the project has data access
            groups that this token does not see.
    """
    has_groups = _check_header(path, setup, forms) if from_server else bool(setup.groups)
    groups: dict[str, str] = {}
    tallies = {form: FormTally() for form in forms}
    whole = Tally()
    places: dict[tuple[str, str], list[tuple[int, FormTally]]] = {}
    for row in read_census_rows(path, setup, forms, from_server=from_server):
        known = groups.setdefault(row.key.record_id, row.group)
        if row.group and known != row.group:
            if known:
                raise RedcapReadError("E_SCHEMA", ENDPOINT, detail="a record in two data access groups")
            groups[row.key.record_id] = row.group
        place = (row.key.event, row.key.repeat_instrument)
        here = places.get(place)
        if here is None:
            here = places[place] = [(n, tallies[form]) for n, form in enumerate(forms) if setup.lives_on(form, *place)]
            _known_instrument(setup, row.key)
        for position, tally in here:
            tally.add(row.key, row.statuses[position])
        whole.add(hashlib.blake2b("\0".join((*row.key, row.group, *row.statuses)).encode(), digest_size=16).digest())
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
        fingerprint=f"{whole.count}:{whole.total:032x}",
    )


def _check_header(path: Path, setup: ProjectSetup, forms: Sequence[str]) -> bool:
    header = next(read_rows(path, ENDPOINT, from_server=True), None)
    if header is None:
        return bool(setup.groups)
    has_groups = GROUP in header
    expected = [*setup.system_columns(with_group=has_groups), *(f"{form}_complete" for form in forms)]
    expect_header(header, expected, ENDPOINT)
    if setup.groups and not has_groups:
        raise RedcapReadError("E_SITE_SET_SHRUNK", ENDPOINT)
    if has_groups and setup.groups is not None and not setup.groups:
        raise RedcapReadError("E_EMPTY", "the data access groups", detail="yet records are in groups")
    return has_groups


def _known_instrument(setup: ProjectSetup, key: RowKey) -> None:
    if key.repeat_instrument and not any(
        entry.form_name == key.repeat_instrument and entry.event_name in {key.event, ""} for entry in setup.repeating
    ):
        raise RedcapReadError("E_SCHEMA", ENDPOINT, detail="a repeating row of an instrument that does not repeat")

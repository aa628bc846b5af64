"""Many generated registries in one warehouse and one dbt build, for comparison with the oracle.

One build costs nearly the same for one registry and for many, so that each registry gets record ids, sites and access groups of
its own (``SYNA0012-0003`` is record 3 of centre A in registry 12) and all are loaded side by side. Nothing that is computed for a
patient looks at another patient; what does (counts by site or over all, check D19, possible duplicates) sees the whole warehouse
and is not for comparison here.

Makers (``special_records.py``) add records that the generator would not make, to put awkward situations in front of the tables.
They stand apart from the generated ones in :class:`ManyRegistries`, so that a comparison takes those it is meant for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import duckdb
from dbt_warehouse import RawRegistry, RawSite, patient_key, run_dbt, write_raw

from blin_pipeline.registry.dictionary import checkbox_column
from blin_pipeline.sandbox.rows import FormRow
from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, generate
from blin_pipeline.sandbox.synthetic.rendering import stored_text
from blin_pipeline.sandbox.synthetic.truth import RecordTruth, Truth

CUT = date(2026, 6, 30)
#: The same moment for all centres, as a pull gives it: end of the cut's day in Chicago.
CUT_UTC = datetime(2026, 7, 1, 5)
FIRST_SEED = 52_000
PATIENTS = 20
#: Sites of a registry, in turn; the ninth has no time zone.
SITES = (2, 3, 4, 9)
#: Every so many registries one is large enough to hold all planted cases.
LARGE_EVERY, LARGE_PATIENTS = 100, 200

#: Makes records of one registry beside the generated ones: (random source, number of the registry, its sites) -> records.
Maker = Callable[[Random, int, list[RawSite]], list[RecordTruth]]


@dataclass(frozen=True)
class ManyRegistries:
    """The registries as they were made, and the warehouse that dbt built over all of them.

    Attributes:
        registries: Truth of each registry; record ids and site ids are those of the warehouse.
        special: Name of a maker -> its records, over all registries.
        cut: Last day of observation, the same for all.
        cut_utc: The moment after it (naive UTC) on which the warehouse closes, at centres with a time zone.
        warehouse: DuckDB file with schemas raw to quality.
    """

    registries: tuple[Truth, ...]
    special: Mapping[str, list[RecordTruth]]
    cut: date
    cut_utc: datetime
    warehouse: Path

    @property
    def generated(self) -> list[RecordTruth]:
        """Generated records of all registries."""
        return [record for truth in self.registries for record in truth.records]

    @cached_property
    def record_of(self) -> dict[str, str]:
        """Patient key -> record id."""
        records = [*self.generated, *(record for made in self.special.values() for record in made)]
        return {patient_key(record.record_id): record.record_id for record in records}

    @contextmanager
    def connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, read only."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            yield connection

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query by column name; ``patient_key`` becomes ``record_id``."""
        with self.connected() as connection:
            done = connection.execute(query)
            names = [column[0] for column in done.description]
            found = [dict(zip(names, row, strict=True)) for row in done.fetchall()]
        if "patient_key" not in names:
            return found
        return [{"record_id": self.record_of[row.pop("patient_key")], **row} for row in found]


def build_many(count: int, folder: Path, special: Mapping[str, Maker] | None = None) -> ManyRegistries:
    """Generate registries, load them all, and run every model once.

    Args:
        count: Number of registries; registry ``n`` is the same whatever the count.
        folder: Where the warehouse and dbt's files go.
        special: Makers of further records by name.
    """
    makers = special or {}
    truths: list[Truth] = []
    made: dict[str, list[RecordTruth]] = {name: [] for name in makers}
    rows: list[FormRow] = []
    sites: list[RawSite] = []
    groups: dict[str, str] = {}
    taken: list[str] = []
    for number in range(count):
        registry = _generated(number)
        own = _sites(number, registry)
        sites += own
        truth = _truth(number, registry.truth)
        truths.append(truth)
        taken += [record.record_id for record in truth.records]
        rows += _rows(number, registry)
        groups |= {
            _record_id(number, record): f"{group}_{number:04d}"
            for record, group in registry.project.record_groups.items()
        }
        for name, maker in makers.items():
            records = maker(Random(f"{name}/{FIRST_SEED + number}"), number, own)
            made[name] += records
            taken += [record.record_id for record in records]
            rows += [row for record in records for row in form_rows(record)]
    if len(set(taken)) < len(taken):
        raise AssertionError("two records have one id: give each maker running numbers of its own")
    warehouse = folder / "warehouse.duckdb"
    write_raw(warehouse, RawRegistry(rows, sites, groups, CUT, CUT_UTC))
    done = run_dbt(warehouse, folder, "build", "--resource-type", "model", "--resource-type", "seed")
    if done.returncode != 0:
        raise AssertionError(f"dbt failed over {count} registries\n{done.stdout[-4000:]}")
    return ManyRegistries(tuple(truths), made, CUT, CUT_UTC, warehouse)


def form_rows(record: RecordTruth) -> list[FormRow]:
    """A record's truth as stored form rows; each form saved as complete."""
    rows = []
    for form, entries in record.recorded.items():
        for entry in entries:
            values = {"record_id": record.record_id} if form == "registration" else {}
            for name, value in entry.values.items():
                if isinstance(value, list):
                    values |= {checkbox_column(name, str(code)): "1" for code in value}
                else:
                    values[name] = stored_text(value)
            rows.append(FormRow(record.record_id, form, entry.instance, {**values, f"{form}_complete": "2"}))
    return rows


def _generated(number: int) -> SyntheticRegistry:
    patients = LARGE_PATIENTS if number % LARGE_EVERY == 0 else PATIENTS
    return generate(
        SyntheticPlan(seed=FIRST_SEED + number, patients=patients, sites=SITES[number % len(SITES)], data_cut=CUT)
    )


def _sites(number: int, registry: SyntheticRegistry) -> list[RawSite]:
    return [
        RawSite(
            f"{site.site_id}R{number:04d}",
            f"{site.data_access_group}_{number:04d}",
            f"{site.record_prefix}{number:04d}",
            site.time_zone,
        )
        for site in registry.sites
    ]


def _record_id(number: int, record_id: str) -> str:
    prefix, _, running = record_id.rpartition("-")
    return f"{prefix}{number:04d}-{running}"


def _rows(number: int, registry: SyntheticRegistry) -> Iterator[FormRow]:
    for row in registry.project.rows:
        record_id = _record_id(number, row.record_id)
        values = {**row.values, "record_id": record_id} if "record_id" in row.values else row.values
        yield row._replace(record_id=record_id, values=values)


def _truth(number: int, truth: Truth) -> Truth:
    records = [
        record.model_copy(
            update={"record_id": _record_id(number, record.record_id), "site_id": f"{record.site_id}R{number:04d}"}
        )
        for record in truth.records
    ]
    return truth.model_copy(update={"records": records})

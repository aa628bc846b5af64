"""A raw schema written straight from form rows, and one dbt build over it: what the tests of the tables stand on.

The landing writes the same tables from a pull; here they come from rows a test states, so that a test of the tables does not
depend on the protocol. Synthetic patients only.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dbt_parsed
import duckdb
import pyarrow as pa

from blin_pipeline.registry.dictionary import Dictionary, load_dictionary
from blin_pipeline.sandbox.rows import FormRow
from blin_pipeline.sandbox.synthetic import SyntheticRegistry

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "dbt_project"
KEYS = (
    "record_id",
    "redcap_event_name",
    "redcap_data_access_group",
    "redcap_repeat_instrument",
    "redcap_repeat_instance",
)


@dataclass(frozen=True)
class RawSite:
    """One row of ``raw.site``."""

    site_id: str
    data_access_group: str
    record_prefix: str
    time_zone: str | None = "America/Chicago"


@dataclass(frozen=True)
class RawRegistry:
    """What a raw schema is written from."""

    rows: Sequence[FormRow]
    sites: Sequence[RawSite] = (RawSite("S01", "alpha", "AA"), RawSite("S02", "beta", "BB"))
    record_groups: dict[str, str] = field(default_factory=dict)
    cut: date = date(2026, 6, 30)
    cut_utc: datetime = datetime(2026, 7, 1, 5, 0)
    answers: Sequence[tuple[str, str, str, str]] = ()


def patient_key(record_id: str) -> str:
    """A key of the right shape; the pipeline's own comes from the secret and is not needed here."""
    return hashlib.sha256(record_id.encode()).hexdigest()[:32]


def write_raw(path: Path, registry: RawRegistry) -> None:
    """Write schema ``raw`` into the DuckDB file at ``path``."""
    dictionary = load_dictionary()
    repeating = {row.form for row in registry.rows if row.instance is not None}
    groups = _groups(registry)
    by_group = {site.data_access_group: site.site_id for site in registry.sites}
    by_form: dict[str, list[FormRow]] = {form: [] for form in dictionary.forms}
    for row in registry.rows:
        by_form[row.form].append(row)
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop schema if exists raw cascade; create schema raw")
        for form in dictionary.forms:
            columns = _form_columns(dictionary, form)
            cells = [_form_cells(row, columns, groups, repeating) for row in by_form[form]]
            _table(connection, form, {**dict.fromkeys([*KEYS, *columns, "pull_id"], "varchar")}, cells)
        cut = (registry.cut, registry.cut_utc)
        pull = ("pull-1", "1", "synthetic", "14.0.0", registry.cut_utc, *cut, len(groups), "d", "c")
        _table(connection, "pull", _PULL, [pull])
        _table(
            connection, "record", dict.fromkeys(("record_id", "redcap_data_access_group"), "varchar"), groups.items()
        )
        crosswalk = [
            (record, patient_key(record), by_group.get(group, "UNASSIGNED")) for record, group in groups.items()
        ]
        _table(
            connection,
            "patient_crosswalk",
            dict.fromkeys(("record_id", "patient_key", "site_id"), "varchar"),
            crosswalk,
        )
        status = [
            (row.record_id, "", row.form, str(row.instance or ""), row.values.get(f"{row.form}_complete", ""))
            for row in registry.rows
        ]
        _table(connection, "form_status", dict.fromkeys(_STATUS, "varchar"), status)
        codes = [(code, code) for code in ("UNK", "NA", "NASK", "NAVU")]
        _table(connection, "missing_code", dict.fromkeys(("code", "label"), "varchar"), codes)
        _table(
            connection,
            "quarantine",
            dict.fromkeys(("form", "record_id", "event", "instance", "reason_cd"), "varchar"),
            [],
        )
        _table(connection, "not_collected", dict.fromkeys(("form", "field"), "varchar"), [])
        _table(connection, "dictionary", {"field_name": "varchar"}, [])
        _table(connection, "query_answer", dict.fromkeys(_ANSWER, "varchar"), registry.answers)
        sites = [
            (s.site_id, s.data_access_group, s.record_prefix, s.time_zone, date(2024, 1, 1), None)
            for s in registry.sites
        ]
        _table(connection, "site", _SITE, sites)


_PULL = {
    "pull_id": "varchar",
    "project_id": "varchar",
    "source_kind": "varchar",
    "redcap_version": "varchar",
    "pulled_at_utc": "timestamp",
    "data_cut_date": "date",
    "data_cut_utc": "timestamp",
    "n_records": "bigint",
    "dictionary_sha256": "varchar",
    "code_version": "varchar",
}
_SITE = {
    "site_id": "varchar",
    "redcap_data_access_group": "varchar",
    "record_prefix": "varchar",
    "time_zone": "varchar",
    "activated_date": "date",
    "complete_ascertainment": "boolean",
}
ARROW_TYPES = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_ANSWER = ("query_key", "evidence_sha256", "answer_cd", "note_cd")
_STATUS = ("record_id", "redcap_event_name", "form", "redcap_repeat_instance", "complete_cd")


def _groups(registry: RawRegistry) -> dict[str, str]:
    """Record id -> access group: as stated, else that of the record's prefix."""
    by_prefix = {site.record_prefix: site.data_access_group for site in registry.sites}
    return {
        row.record_id: registry.record_groups.get(row.record_id, by_prefix.get(row.record_id.rpartition("-")[0], ""))
        for row in registry.rows
    }


def _form_columns(dictionary: Dictionary, form: str) -> list[str]:
    return [name for name in dictionary.export_columns(form) if name != dictionary.record_id_field]


def _form_cells(row: FormRow, columns: Iterable[str], groups: dict[str, str], repeating: set[str]) -> tuple[str, ...]:
    instrument = row.form if row.form in repeating else ""
    keys = (row.record_id, "", groups[row.record_id], instrument, str(row.instance or ""))
    return (*keys, *(row.values.get(name, "") for name in columns), "pull-1")


def _table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], rows: Iterable[Sequence[Any]]
) -> None:
    definition = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
    connection.execute(f'create table raw."{name}" ({definition})')
    batch = [list(cells) for cells in zip(*rows, strict=True)]
    if batch:
        arrays = pa.table(
            [pa.array(cells, type=ARROW_TYPES[kind]) for cells, kind in zip(batch, columns.values(), strict=True)],
            names=list(columns),
        )
        connection.register("batch", arrays)
        connection.execute(f'insert into raw."{name}" select * from batch')
        connection.unregister("batch")


def run_dbt(
    warehouse: Path, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run dbt in its own process, from the parse that all tests share; target and logs go to ``folder``."""
    own = {**os.environ, **(environment or {})} | {
        "BLIN_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    # dbt itself reads a changed copy (tests/mutants), and for a file of another name: that is the database's name in the parse.
    known = PROJECT == ROOT / "dbt_project" and warehouse.name == dbt_parsed.WAREHOUSE
    dbt = [sys.executable, dbt_parsed.__file__, str(dbt_parsed.parsed(PROJECT))] if known else [str(dbt_parsed.DBT)]
    place = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    command = [*dbt, "--no-use-colors", *arguments, *place]
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Build:
    """A finished build: its data, its output, its artefacts."""

    source: SyntheticRegistry
    registry: RawRegistry
    warehouse: Path
    folder: Path
    succeeded: bool
    output: str

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What dbt knows of the project."""
        loaded: dict[str, Any] = json.loads((self.folder / "target" / "manifest.json").read_text())
        return loaded

    @property
    def compiled(self) -> Path:
        """Folder of the models' SQL as it ran."""
        return self.folder / "target" / "compiled" / "blin" / "models"

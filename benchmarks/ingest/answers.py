"""Answers of a REDCap server for a registry of any size, rendered to files once.

A synthetic registry is served by the sandbox and read through the real client; its answers are then repeated, each time under
new record ids, until there are as many patients as asked for. So every byte but the ids is what the sandbox wrote.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import SecretStr

from blin_pipeline.redcap.client import RedcapClient
from blin_pipeline.redcap.export import export_project
from blin_pipeline.sandbox.serve import serving
from blin_pipeline.sandbox.synthetic import SyntheticPlan, generate

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
SEED_PATIENTS = 200
FLAT = "flat.csv"
CENSUS = "census.csv"


@dataclass(frozen=True)
class Answers:
    """Rendered answers.

    Attributes:
        folder: ``<content>.json``, ``record_<form>.csv``, the census and the flat export.
        patients: Records.
        forms: Instruments.
        rows: Rows of the census: one per record and per instance.
    """

    folder: Path
    patients: int
    forms: tuple[str, ...]
    rows: int

    def size(self, *names: str) -> int:
        return sum((self.folder / name).stat().st_size for name in names)

    @property
    def per_form(self) -> list[str]:
        return [f"record_{form}.csv" for form in self.forms]


def render(folder: Path, patients: int) -> Answers:
    """Write the answers for so many patients; an earlier rendering is used again."""
    seed = _seed(folder / "seed")
    target = folder / str(patients)
    done = target / "done.json"
    if not done.exists():
        target.mkdir(parents=True, exist_ok=True)
        for path in seed.glob("*.json"):
            (target / path.name).write_bytes(path.read_bytes())
        rows = 0
        for path in sorted(seed.glob("*.csv")):
            n_rows = _repeat(path, target / path.name, patients)
            rows = n_rows if path.name == CENSUS else rows
        forms = [path.stem.removeprefix("record_") for path in seed.glob("record_*.csv")]
        done.write_text(json.dumps({"forms": sorted(forms), "rows": rows}))
    facts = json.loads(done.read_text())
    return Answers(target, patients, tuple(facts["forms"]), facts["rows"])


def _seed(folder: Path) -> Path:
    """The answers of the sandbox for the seed registry."""
    if (folder / FLAT).exists():
        return folder
    import requests

    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    registry = generate(SyntheticPlan(seed=20240614, patients=SEED_PATIENTS, sites=9, data_cut=date(2026, 6, 30)))
    with serving({TOKEN: registry.project}) as server:
        client = RedcapClient(server.url, SecretStr(TOKEN))
        export = export_project(client, work)
        client.close()
        parameters = {
            "token": TOKEN,
            "content": "record",
            "format": "csv",
            "type": "flat",
            "exportDataAccessGroups": "true",
            "exportBlankForGrayFormStatus": "true",
        }
        flat = requests.post(server.url, data=parameters, timeout=600).content
    contents = {
        "project": "project",
        "metadata": "metadata",
        "instrument": "instrument",
        "export_field_names": "exportFieldNames",
        "repeating_forms_events": "repeatingFormsEvents",
        "dag": "dag",
        "log_before": "log",
    }
    for payload in export.payloads:
        if payload.name in contents:
            (folder / f"{contents[payload.name]}.json").write_bytes(payload.path.read_bytes())
        elif payload.name.startswith("record_"):
            (folder / f"{payload.name}.csv").write_bytes(payload.path.read_bytes())
        elif payload.name == "census_before":
            (folder / CENSUS).write_bytes(payload.path.read_bytes())
    (folder / FLAT).write_bytes(flat)
    return folder


def _repeat(source: Path, target: Path, patients: int) -> int:
    """Copy an answer record by record under running ids; returns the number of rows."""
    header, blocks = _blocks(source)
    n_rows = 0
    with target.open("wb") as out:
        out.write(header)
        batch: list[bytes] = []
        for number in range(patients):
            record = b"P-%07d," % (number + 1)
            rows = blocks[number % len(blocks)]
            n_rows += len(rows)
            batch += [record + row for row in rows]
            if len(batch) > 20_000:
                out.write(b"".join(batch))
                batch.clear()
        out.write(b"".join(batch))
    return n_rows


def _blocks(source: Path) -> tuple[bytes, list[list[bytes]]]:
    """Header, and per record its rows as bytes without the record id."""
    by_record: dict[str, list[bytes]] = {}
    rows = _raw_rows(source.read_bytes())
    header = next(rows)
    for row in rows:
        record, _, rest = row.partition(b",")
        by_record.setdefault(record.decode().strip('"'), []).append(rest)
    return header, list(by_record.values())


def _raw_rows(body: bytes) -> Iterator[bytes]:
    """Rows with their line ends; a line break inside quotes ends no row."""
    begin, is_open = 0, False
    for line_end in range(len(body)):
        byte = body[line_end]
        if byte == 34:
            is_open = not is_open
        elif byte == 10 and not is_open:
            yield body[begin : line_end + 1]
            begin = line_end + 1


def columns_of(path: Path) -> list[str]:
    """Header of an answer."""
    with path.open("rb") as file:
        return next(csv.reader(io.StringIO(file.readline().decode())))

"""How long one dbt build of all tables takes, and how much memory, by number of patients.

``python benchmarks/tables/run.py [PATIENTS ...]`` (default 2000 20000 100000) prints a table in Markdown. A registry of 1,000
synthetic patients is generated once; larger ones are copies of it under other record ids, keys and sites, made in the database.
Every build is one dbt invocation in a process of its own: models, seeds and data tests, as a refresh does it. Synthetic only.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from dbt_warehouse import RawRegistry, RawSite, run_dbt, write_raw

from blin_pipeline.sandbox.synthetic import SyntheticPlan, generate

SEED_PATIENTS = 1_000
SIZES = (2_000, 20_000, 100_000)
GIB = 1024**2
#: Columns that tell one copy from the next.
_TELLING = {"record_id", "redcap_data_access_group", "patient_key", "site_id", "record_prefix"}


def main(sizes: list[int]) -> None:
    """Measure each size and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        original = _original(folder)
        print("| Patients | Landed rows | Time, s | CPU, s | Time per 1,000 patients, s | Peak memory, GiB |")
        print("|---|---|---|---|---|---|")
        for size in sizes:
            warehouse = folder / f"{size}.duckdb"
            rows = _multiplied(original, warehouse, size // SEED_PATIENTS)
            seconds, cpu, peak = _measured(warehouse, folder / str(size))
            cells = [
                f"{size:,}",
                f"{rows:,}",
                f"{seconds:.0f}",
                f"{cpu:.0f}",
                f"{seconds * 1000 / size:.2f}",
                f"{peak:.2f}",
            ]
            print("| " + " | ".join(cells) + " |", flush=True)
            warehouse.unlink()
    load = os.getloadavg()
    print(f"\n{os.cpu_count()} cores, DuckDB {duckdb.__version__}, load at the end {load[0]:.1f}, {load[1]:.1f}")


def _original(folder: Path) -> Path:
    source = generate(SyntheticPlan(seed=11, patients=SEED_PATIENTS, sites=9))
    sites = [RawSite(s.site_id, s.data_access_group, s.record_prefix, s.time_zone) for s in source.sites]
    cut = source.truth.plan.data_cut
    moment = datetime.combine(cut, datetime.min.time()) + timedelta(days=1, hours=5)
    path = folder / "original.duckdb"
    write_raw(path, RawRegistry(source.project.rows, sites, source.project.record_groups, cut, moment))
    return path


def _multiplied(original: Path, target: Path, copies: int) -> int:
    """Copies of schema ``raw`` side by side; returns the number of landed form rows."""
    landed = 0
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"attach '{original}' as original (read_only)")
        connection.execute("create schema raw")
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'original' and schema_name = 'raw' order by 1"
        ).fetchall()
        for (table,) in tables:
            columns = [c for c, *_ in connection.execute(f'describe original.raw."{table}"').fetchall()]
            telling = [column for column in columns if column in _TELLING]
            if not telling:
                connection.execute(f'create table raw."{table}" as from original.raw."{table}"')
                continue
            chosen = ", ".join(f'{_marked(c)} as "{c}"' if c in telling else f'"{c}"' for c in columns)
            connection.execute(
                f'create table raw."{table}" as select {chosen} from original.raw."{table}" cross join range({copies}) as r(n)'
            )
            if "redcap_repeat_instrument" in columns:
                landed += connection.execute(f'select count(*) from raw."{table}"').fetchall()[0][0]
    return landed


def _marked(column: str) -> str:
    if column == "patient_key":
        return "md5(patient_key || n)"
    if column == "record_id":
        # The running number changes, the prefix stays with its site.
        return "split_part(record_id, '-', 1) || n || '-' || split_part(record_id, '-', 2)"
    return f"case when {column} = '' then '' else {column} || n end"


def _measured(warehouse: Path, folder: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak memory in GiB of one build in a child process of its own."""
    folder.mkdir()
    pid = os.fork()
    if pid == 0:
        started = time.perf_counter()
        done = run_dbt(warehouse, folder, "build", "--exclude-resource-type", "unit_test")
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        (folder / "measured").write_text(f"{seconds} {used.ru_utime + used.ru_stime} {used.ru_maxrss / GIB}")
        if done.returncode != 0:
            (folder / "failed").write_text(done.stdout[-4000:])
        os._exit(done.returncode)
    os.waitpid(pid, 0)
    if (folder / "failed").exists():
        raise SystemExit((folder / "failed").read_text())
    seconds, cpu, peak = (float(part) for part in (folder / "measured").read_text().split())
    return seconds, cpu, peak


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))

"""What is measured, each in a process of its own: ``python -m benchmarks.ingest.contestants NAME URL FOLDER FORM,FORM``.

Prints one JSON line: wall and CPU seconds of the work (libraries that it imports included, start of the interpreter not),
peak memory of the process, rows.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.ingest.answers import CENSUS, TOKEN


def _request(content: str, form: str = "", fields: Sequence[str] = ()) -> bytes:
    parameters = {"token": TOKEN, "content": content, "format": "csv", "type": "flat"}
    if form:
        parameters["forms[0]"] = form
    parameters |= {f"fields[{n}]": name for n, name in enumerate(fields)}
    return urlencode(parameters).encode()


def download(url: str, folder: Path, forms: Sequence[str]) -> int:
    """Every record answer that a pull asks for, streamed to disk one after the other; nothing is looked at."""
    import urllib3

    pool = urllib3.PoolManager()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    census = _request("record", fields=["record_id", "a_complete"])
    wanted = {"census_before.csv": census, CENSUS: census}
    wanted |= {f"record_{form}.csv": _request("record", form, ["record_id"]) for form in forms}
    for name, body in wanted.items():
        with (folder / name).open("wb") as out:
            answer = pool.request("POST", url, body=body, headers=headers, preload_content=False)
            for piece in answer.stream(1 << 20):
                out.write(piece)
            answer.release_conn()
    return 0


def scan(url: str, folder: Path, forms: Sequence[str]) -> int:
    """DuckDB reads the same bytes (per instrument, and the census twice) as text, two threads, and counts every column."""
    import duckdb

    with duckdb.connect(config={"threads": 2}) as connection:
        rows = 0
        names = [CENSUS, CENSUS, *(f"record_{form}.csv" for form in forms)]
        for name in names:
            query = (
                f"select count(*), count(columns(*)) from read_csv('{folder / name}', all_varchar = true, header = true, "
                "delim = ',', quote = '\"', escape = '\"', strict_mode = true)"
            )
            rows += connection.execute(query).fetchall()[0][0]
    return rows


def pycap(url: str, folder: Path, forms: Sequence[str]) -> int:
    """What people write: PyCap's data frame of the whole project into a DuckDB table."""
    import duckdb
    from redcap import Project

    frame = Project(url, TOKEN).export_records(format_type="df", export_data_access_groups=True)
    with duckdb.connect(str(folder / "pycap.duckdb")) as connection:
        connection.register("frame", frame.reset_index())
        connection.execute("create table records as select * from frame")
        return int(connection.execute("select count(*) from records").fetchall()[0][0])


def pull(url: str, folder: Path, forms: Sequence[str]) -> int:
    """This pull: guarded client, proof of completeness, exact bytes archived, Parquet per instrument, content hash."""
    from pydantic import SecretStr

    from blin_pipeline.landing.write import land
    from blin_pipeline.redcap.client import RedcapClient
    from blin_pipeline.redcap.export import export_project

    work = folder / "work"
    work.mkdir()
    client = RedcapClient(url, SecretStr(TOKEN))
    landed = land(export_project(client, work), folder / "pulls")
    client.close()
    return sum(entry.table.rows for entry in landed.manifest.forms.values())


CONTESTANTS: dict[str, Callable[[str, Path, Sequence[str]], int]] = {
    "download": download,
    "scan": scan,
    "pycap": pycap,
    "pull": pull,
}


def main() -> None:
    """Run one contestant and print what it took."""
    name, url, folder, forms = sys.argv[1:5]
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    rows = CONTESTANTS[name](url, Path(folder), forms.split(","))
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_mb": _peak_mb(), "rows": rows}))


def _peak_mb() -> float:
    """Largest resident size of this process; ``ru_maxrss`` would begin with that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024


if __name__ == "__main__":
    main()

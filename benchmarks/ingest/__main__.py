"""The measurement: every contestant against the same server, in turn, several rounds; medians and ratios as a table."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ingest.answers import CENSUS, FLAT, Answers, render

SLOW_RATE = 5e6
#: PyCap's data frame of 100,000 patients would need about 16 GB.
PYCAP_PATIENTS = 10_000


@dataclass(frozen=True)
class Measured:
    """Medians of one contestant over the rounds."""

    wall: float
    cpu: float
    peak_mb: float
    rows: int


@contextmanager
def server(folder: Path, rate: float = 0) -> Iterator[str]:
    """A server process; yields the address of its API."""
    command = [sys.executable, "-m", "benchmarks.ingest.server", str(folder), str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/api/"
        process.stdin.close()


def run(name: str, url: str, folder: Path, answers: Answers) -> dict[str, float]:
    """One contestant, once, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.ingest.contestants", name, url, str(folder), ",".join(answers.forms)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed\n{done.stderr}")
    return dict(json.loads(done.stdout))


def measure(answers: Answers, names: list[str], rounds: int, scratch: Path, rate: float = 0) -> dict[str, Measured]:
    """Medians of each contestant; within a round they follow each other, so that a busy machine strikes all."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with server(answers.folder, rate) as url:
        for _ in range(rounds):
            for name in names:
                folder = answers.folder if name == "scan" else Path(tempfile.mkdtemp(dir=scratch))
                found[name].append(run(name, url, folder, answers))
                if folder != answers.folder:
                    shutil.rmtree(folder)
    keys = ("wall", "cpu", "peak_mb", "rows")
    medians = {name: {key: statistics.median(one[key] for one in runs) for key in keys} for name, runs in found.items()}
    return {name: Measured(m["wall"], m["cpu"], m["peak_mb"], int(m["rows"])) for name, m in medians.items()}


def table(answers: Answers, measured: dict[str, Measured]) -> list[str]:
    """Lines of Markdown for one size."""
    n_bytes = answers.size(*answers.per_form, CENSUS, CENSUS) / 1e6
    lines = [
        f"### {answers.patients:,} patients",
        "",
        f"{answers.rows:,} rows of the project, {n_bytes:.1f} MB by instrument with two censuses, "
        f"{answers.size(FLAT) / 1e6:.1f} MB as one flat export.",
        "",
        "| contestant | wall s | CPU s | peak MB | wall / download | wall / scan | CPU / scan |",
        "|---|---|---|---|---|---|---|",
    ]
    download, scan = measured["download"], measured.get("scan")
    for name, m in measured.items():
        beside = f"{m.wall / scan.wall:.1f} | {m.cpu / scan.cpu:.1f}" if scan else " | "
        lines.append(
            f"| {name} | {m.wall:.2f} | {m.cpu:.2f} | {m.peak_mb:.0f} | {m.wall / download.wall:.1f} | {beside} |"
        )
    if "pycap" in measured:
        faster, cpu = measured["pycap"].wall / measured["pull"].wall, measured["pycap"].cpu / measured["pull"].cpu
        lines += ["", f"The pull is {faster:.1f} times as fast as PyCap's data frame ({cpu:.1f} times by CPU)."]
    return [*lines, ""]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest")
    parser.add_argument("--patients", type=int, nargs="+", default=[200, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow", type=int, default=10_000, help="patients behind a server of 5 MB/s; 0 leaves it out")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "blin-benchmark-answers")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}\n", flush=True)
    with tempfile.TemporaryDirectory(dir=options.cache) as scratch:
        for patients in options.patients:
            answers = render(options.cache, patients)
            names = ["download", "scan", *(["pycap"] if patients <= PYCAP_PATIENTS else []), "pull"]
            print("\n".join(table(answers, measure(answers, names, options.rounds, Path(scratch)))), flush=True)
        if options.slow:
            answers = render(options.cache, options.slow)
            found = measure(answers, ["download", "pull"], 1, Path(scratch), SLOW_RATE)
            print("Behind a server of 5 MB/s:\n")
            print("\n".join(table(answers, found)), flush=True)


if __name__ == "__main__":
    main()

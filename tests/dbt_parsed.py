"""The dbt project as dbt read it, once for every test run over the same files: a parse costs a third of a build.

dbt reads the project with ``dbt parse``; what it found is kept under a hash of the project's files and of dbt's version, in
pytest's own cache. A build then starts from that manifest (dbt's programmatic invocation), wherever its warehouse lies.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

CACHE = Path(__file__).resolve().parents[1] / ".pytest_cache" / "d" / "dbt"
DBT = Path(sys.executable).with_name("dbt")
MANIFEST = "manifest.json"
#: The parse fits warehouses of this name, wherever they lie.
WAREHOUSE = "warehouse.duckdb"
#: Parses that nobody used for so long are removed.
KEPT_SECONDS = 24 * 3600


def parsed(project: Path) -> Path:
    """Folder with what dbt knows of a project: its manifest, and its own record of the parse."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / _hash(project)
    with FileLock(CACHE / "lock"):
        if not folder.exists():
            _forget_old()
            _parse(project, folder)
        os.utime(folder)
    return folder


def _hash(project: Path) -> str:
    digest = hashlib.sha256("\0".join([version("dbt-core"), version("dbt-duckdb"), sys.version, str(project)]).encode())
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        digest.update(f"\0{path.relative_to(project)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def _parse(project: Path, folder: Path) -> None:
    target = folder.with_suffix(".new")
    shutil.rmtree(target, ignore_errors=True)
    environment = os.environ | {
        "BLIN_WAREHOUSE": str(target / WAREHOUSE),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    place = ["--project-dir", str(project), "--profiles-dir", str(project)]
    done = subprocess.run([DBT, "--no-use-colors", "parse", *place], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"dbt cannot read the project\n{done.stdout[-4000:]}")
    target.rename(folder)


def _forget_old() -> None:
    for old in CACHE.iterdir():
        if old.is_dir() and old.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(old)


def main() -> int:
    """Run dbt from a parse: ``python dbt_parsed.py FOLDER ARGUMENTS...``; ends as dbt does."""
    from blin_pipeline.orchestration.parsed_project import run_dbt

    folder, *arguments = sys.argv[1:]
    return run_dbt(Path(folder), arguments)


if __name__ == "__main__":
    sys.exit(main())

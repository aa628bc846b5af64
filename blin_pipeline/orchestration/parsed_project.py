"""The dbt project as dbt read it: kept in a home, and good while the project's files and dbt stay what they were.

Reading the project costs dbt a third of a build, and dbt itself reads it anew for another warehouse or other variables, on which
nothing that it reads depends. Imports neither Dagster nor, before it is needed, dbt: ``blin-dbt`` starts often.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from blin_pipeline.settings import DBT_PROJECT_DIR

#: What dbt remembers of a parsed project.
PARSED = "partial_parse.msgpack"
_STAMP = "sources.sha256"


def is_fresh(folder: Path) -> bool:
    """Whether a folder holds what dbt would read now."""
    stamp = folder / _STAMP
    return stamp.exists() and (folder / PARSED).exists() and stamp.read_text(encoding="ascii") == _sources_hash()


def mark_fresh(folder: Path) -> None:
    """Note that a folder holds what dbt has just read."""
    (folder / _STAMP).write_text(_sources_hash(), encoding="ascii")


def _sources_hash() -> str:
    digest = hashlib.sha256("\0".join(version(package) for package in ("dbt-core", "dbt-duckdb")).encode())
    for path in sorted(DBT_PROJECT_DIR.rglob("*")):
        if path.is_file() and path.suffix in {".sql", ".yml", ".csv", ".md"}:
            digest.update(str(path.relative_to(DBT_PROJECT_DIR)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def run_dbt(folder: Path, arguments: Sequence[str]) -> int:
    """Run dbt in this process, from a parsed project; returns what ``dbt`` would end with.

    Args:
        folder: Holds the parsed project; another project's files are not looked at.
        arguments: Those of the command ``dbt``.
    """
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest = Manifest.from_msgpack((folder / PARSED).read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]  # dbt gives it none
    # It stays to the end: the garbage collector need not look at it again and again.
    gc.freeze()
    done = dbtRunner(manifest=manifest).invoke([*arguments])
    if done.exception is not None:
        return 2
    return 0 if done.success else 1

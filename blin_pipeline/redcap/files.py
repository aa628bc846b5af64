"""A project from two files that a person downloaded: records (CSV, raw) and data dictionary (CSV).

The one flat file is split by streaming into one file per instrument, so that the landing meets the same shape as from the
API. What a file cannot say (title, labels of groups, designation of forms to events, missing-data codes) stays unsaid.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.redcap.census import take_census
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import ProjectExport, describe_payload, utc_now
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.flat_columns import DATA_FILE
from blin_pipeline.redcap.flat_split import FlatSplit
from blin_pipeline.redcap.progress import Progress, Steps
from blin_pipeline.registry.dictionary import Dictionary, load_dictionary

_STAMP = re.compile(r"_DATA_(\d{4}-\d{2}-\d{2})_(\d{2})(\d{2})")


def export_from_files(
    data: Path,
    dictionary: Path,
    workspace: Path,
    *,
    allow_empty: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> ProjectExport:
    """Read two downloaded files into ``workspace``.

    Args:
        data: Flat export of records with raw codes and raw headers; whole forms or columns may be absent.
        dictionary: Data dictionary as the designer or the API gives it.
        workspace: Empty private folder.
        allow_empty: A person says that a project without records is right.
        progress: Told of every finished step.
        clock: The present, naive UTC.

    Raises:
        ConfigurationError: ``E_FILE_MISSING``.
        RedcapReadError: ``E_METADATA`` (dictionary), ``E_SCHEMA`` naming the column or line, ``E_ENCODING``,
            ``E_DUPLICATE_KEY``, ``E_EMPTY_PROJECT``.
        StorageError: No space.
    """
    steps = Steps(4, progress)
    own_data = _copy(data, workspace / "data.csv")
    own_dictionary = _copy(dictionary, workspace / "dictionary.csv")
    parsed = _dictionary(own_dictionary)
    steps.finish("the data dictionary", n_bytes=own_dictionary.stat().st_size)
    split = FlatSplit(own_data, parsed, workspace)
    steps.finish("the columns", n_bytes=own_data.stat().st_size)
    n_rows = split.run()
    steps.finish("the records", rows=n_rows)
    census = take_census(split.census_path, split.setup, from_server=False, forms=[file.form for file in split.files])
    steps.finish("the census")
    if not census.groups and not allow_empty:
        raise RedcapReadError("E_EMPTY_PROJECT", DATA_FILE)
    stamp = _STAMP.search(data.name)
    return ProjectExport(
        source_kind="files",
        setup=split.setup,
        redcap_version=None,
        pulled_at_utc=clock(),
        exported_at=f"{stamp[1]}T{stamp[2]}:{stamp[3]}" if stamp else "",
        forms=tuple(split.files),
        census=census,
        payloads=(describe_payload("data", own_data), describe_payload("dictionary", own_dictionary)),
        notes=("Read from files: nothing proves that the export is complete.",),
    )


def _copy(source: Path, target: Path) -> Path:
    if not source.is_file():
        raise ConfigurationError(
            "E_FILE_MISSING", f"{source.name} is no file.", fix="Give the path of the export file."
        )
    with disk_faults("copying an export file"):
        shutil.copyfile(source, target)
    return target


def _dictionary(path: Path) -> Dictionary:
    try:
        return load_dictionary(path)
    except ConfigurationError as error:
        problem = error.what.rstrip(".")
    raise RedcapReadError("E_METADATA", "the file of the dictionary", detail=problem)

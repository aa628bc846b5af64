"""Several projects as one: each read and proven alone, then merged by one rule, so that no key of two projects can meet.

The rule: a record of project ``us`` is called ``us:<record id>``, its data access group ``us:<unique name>`` (``us`` where
the project has no groups). Instruments and fields are the union; what two projects share must mean the same in both.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from blin_pipeline.redcap.census import read_census_rows, take_census
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import LogWatermark, ProjectExport
from blin_pipeline.redcap.fates import Fate, FormFile
from blin_pipeline.redcap.keys import RowKey
from blin_pipeline.redcap.merged_setup import merged_setup, qualified
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.rows import read_form
from blin_pipeline.redcap.setup_rows import LogEntry

_Write = Callable[[Iterable[str]], object]


def merge_exports(exports: Mapping[str, ProjectExport], workspace: Path) -> ProjectExport:
    """Merge complete readings into one, lying in ``workspace``.

    Args:
        exports: Project name -> its reading, at least one; names without the separator.
        workspace: Empty private folder; the readings' own files must stay until the result is landed.

    Raises:
        ConfigurationError: ``E_PROJECTS_DIFFER``: a field, an instrument's repeating or the events contradict each other.
        RedcapReadError: As the readings themselves.
        StorageError: No space.
    """
    setup = merged_setup(exports)
    writer = _Merge(exports, setup, workspace)
    writer.write()
    first = next(iter(exports.values()))
    versions = {export.redcap_version for export in exports.values()}
    notes = [f"{name}: {note}" for name, export in exports.items() for note in export.notes]
    return ProjectExport(
        source_kind=first.source_kind,
        setup=setup,
        redcap_version=versions.pop() if len(versions) == 1 else None,
        pulled_at_utc=min(export.pulled_at_utc for export in exports.values()),
        exported_at=min(export.exported_at for export in exports.values()),
        forms=tuple(writer.files),
        census=take_census(writer.census_path, setup, from_server=False, forms=setup.forms),
        payloads=tuple(
            replace(payload, name=f"{name}.{payload.name}")
            for name, export in exports.items()
            for payload in export.payloads
        ),
        log=_merged_log(exports, setup.record_id_field),
        log_watermark=_merged_watermark(exports),
        notes=(*notes, f"Merged from {len(exports)} projects: {', '.join(exports)}."),
        mode="incremental" if any(export.mode == "incremental" for export in exports.values()) else "full",
        why_full="; ".join(f"{name}: {export.why_full}" for name, export in exports.items() if export.why_full),
        n_changed=_sum(export.n_changed for export in exports.values()),
        n_bytes=sum(export.n_bytes for export in exports.values()),
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Sum of the numbers that are there; None without any."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _merged_log(exports: Mapping[str, ProjectExport], record_id_field: str) -> tuple[LogEntry, ...] | None:
    """All logs with qualified record ids; None when one is missing, since it could explain nothing."""
    found: list[LogEntry] = []
    for name, export in exports.items():
        if export.log is None:
            return None
        own = f"{export.setup.record_id_field} = '"
        for entry in export.log:
            # A renaming gives the new id in its details.
            details = entry.details.replace(own, f"{record_id_field} = '{qualified(name, '')}", 1)
            record = qualified(name, entry.record) if entry.record else ""
            found.append(entry.model_copy(update={"record": record, "details": details}))
    return tuple(found)


def _merged_watermark(exports: Mapping[str, ProjectExport]) -> LogWatermark | None:
    """The oldest of all, so that the next reading misses nothing of any."""
    marks = [export.log_watermark for export in exports.values()]
    known = [mark for mark in marks if mark is not None]
    if len(known) < len(marks):
        return None
    digest = hashlib.sha256("\n".join(mark.sha256 for mark in known).encode()).hexdigest()
    return LogWatermark(min(mark.newest for mark in known), sum(mark.n_lines for mark in known), digest)


class _Merge:
    """Writes the rows of all projects as one: a file per instrument and a census."""

    def __init__(self, exports: Mapping[str, ProjectExport], setup: ProjectSetup, workspace: Path) -> None:
        self._exports = exports
        self._setup = setup
        self._system = setup.system_columns(with_group=True)
        self.census_path = workspace / "census.csv"
        self.files = [
            FormFile(form, workspace / f"record_{form}.csv", columns, from_server=False, zero_status_is_opened=True)
            for form in setup.forms
            if (columns := self._columns(form))
        ]

    def _columns(self, form: str) -> tuple[str, ...]:
        """Columns that any project has, in the order of the merged dictionary, the status last."""
        held = {
            column
            for export in self._exports.values()
            for file in export.forms
            if file.form == form
            for column in file.columns
        }
        known = self._setup.form_columns(form)
        stamps = sorted(held - {*known})
        return (*stamps, *(column for column in known if column in held))

    def write(self) -> None:
        """Write everything.

        Raises:
            RedcapReadError: A row that its own reading would have refused.
        """
        with disk_faults("merging the projects"), ExitStack() as stack:
            write = self._open(stack, self.census_path, [f"{form}_complete" for form in self._setup.forms])
            for name, export in self._exports.items():
                self._write_census(name, export, write)
            for file in self.files:
                write = self._open(stack, file.path, file.columns)
                for name, export in self._exports.items():
                    for row in self._rows(name, export, file):
                        write(row)

    def _write_census(self, name: str, export: ProjectExport, write: _Write) -> None:
        census = export.census
        rows = read_census_rows(census.path, export.setup, census.forms, from_server=census.from_server)
        for key, group, statuses in rows:
            status_of = dict(zip(census.forms, statuses, strict=True))
            system = self._keys(name, key, group or census.groups[key.record_id])
            write([*system, *(status_of.get(form, "") for form in self._setup.forms)])

    def _rows(self, name: str, export: ProjectExport, merged: FormFile) -> Iterator[list[str]]:
        for file in export.forms:
            if file.form != merged.form:
                continue
            status = f"{file.form}_complete"
            for row in read_form(file, export.setup):
                cells = dict(zip(file.columns, row.cells, strict=True))
                if row.fate is Fate.UNOPENED:
                    # What its own source could not mean must not come to mean it here.
                    cells[status] = ""
                group = row.group or export.census.groups.get(row.key.record_id, "")
                yield [*self._keys(name, row.key, group), *(cells.get(column, "") for column in merged.columns)]

    def _keys(self, name: str, key: RowKey, group: str) -> list[str]:
        has_groups = bool(self._exports[name].setup.groups) or any(self._exports[name].census.groups.values())
        cells = [qualified(name, key.record_id)]
        if self._setup.info.is_longitudinal:
            cells.append(key.event)
        if self._setup.repeating:
            cells += [key.repeat_instrument, key.repeat_instance]
        return [*cells, (qualified(name, group) if group else "") if has_groups else name]

    def _open(self, stack: ExitStack, path: Path, columns: Sequence[str]) -> _Write:
        out = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow([*self._system, *columns])
        return writer.writerow

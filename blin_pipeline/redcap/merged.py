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
from typing import TypeVar

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.redcap.census import read_census_rows, take_census
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import LogWatermark, ProjectExport
from blin_pipeline.redcap.project_setup import (
    DataAccessGroup,
    ExportName,
    FormEvent,
    LogEntry,
    ProjectInfo,
    ProjectSetup,
    RepeatingForm,
)
from blin_pipeline.redcap.rows import Fate, FormFile, RowKey, read_form
from blin_pipeline.registry.dictionary import Dictionary, Field

#: Stands between a project's name and what is its own; no REDCap name and no project name holds it.
SEPARATOR = ":"
_Write = Callable[[Iterable[str]], object]
_Entry = TypeVar("_Entry")


def qualified(project: str, name: str) -> str:
    """A record id or group of one project as the merged project calls it."""
    return f"{project}{SEPARATOR}{name}"


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
    setups = {name: export.setup for name, export in exports.items()}
    dictionary = _merged_dictionary(setups)
    setup = _merged_setup(setups, dictionary, exports)
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


def _differ(problem: str) -> ConfigurationError:
    return ConfigurationError(
        "E_PROJECTS_DIFFER",
        f"The projects cannot be merged: {problem}.",
        fix="Bring the projects into line in REDCap, or give each a home folder of its own.",
    )


def _merged_dictionary(setups: Mapping[str, ProjectSetup]) -> Dictionary:
    """The union of the fields, in the order of the first project that has them; the first field is the record id."""
    known: dict[str, tuple[str, Field]] = {}
    by_form: dict[str, list[Field]] = {}
    record_id = next(iter(setups.values())).dictionary.fields[0]
    for name, setup in setups.items():
        for field in setup.dictionary.fields[1:]:
            other = known.setdefault(field.field_name, (name, field))
            if other[0] == name:
                by_form.setdefault(field.form_name, []).append(field)
            elif _meaning(other[1]) != _meaning(field):
                raise _differ(f"field {field.field_name!r} means one thing in {other[0]} and another in {name}")
    by_form.setdefault(record_id.form_name, []).insert(0, record_id)
    first = by_form.pop(record_id.form_name)
    return Dictionary(fields=(*first, *(field for fields in by_form.values() for field in fields)))


def _meaning(field: Field) -> tuple[object, ...]:
    choices = tuple(field.choices.items())
    return field.form_name, field.field_type, field.validation, choices, field.is_identifier


def _merged_setup(
    setups: Mapping[str, ProjectSetup], dictionary: Dictionary, exports: Mapping[str, ProjectExport]
) -> ProjectSetup:
    infos = {name: setup.info for name, setup in setups.items()}
    if len({info.is_longitudinal for info in infos.values()}) > 1:
        raise _differ("some are longitudinal and some are not")
    codes = _merged_codes(exports)
    return ProjectSetup(
        info=ProjectInfo(
            project_id=",".join(f"{name}/{info.project_id}" for name, info in sorted(infos.items())),
            project_title=" + ".join(dict.fromkeys(info.project_title for info in infos.values())),
            is_longitudinal=any(info.is_longitudinal for info in infos.values()),
            has_repeating_instruments_or_events=any(
                info.has_repeating_instruments_or_events for info in infos.values()
            ),
            missing_data_codes=" | ".join(f"{code}, {label}" for code, label in codes.items()),
        ),
        dictionary=dictionary,
        instruments=_first_by(lambda entry: entry.instrument_name, (setup.instruments for setup in setups.values())),
        export_names=_merged_names(setups),
        repeating=_merged_repeats(exports),
        form_events=_union(setup.form_events for setup in setups.values()),
        groups=tuple(
            DataAccessGroup(unique_group_name=group)
            for name, export in exports.items()
            for group in sorted(_groups(name, export))
        ),
    )


def _merged_codes(exports: Mapping[str, ProjectExport]) -> dict[str, str]:
    """Missing-data codes, the same in all: what is missing in one project must be no value in another.

    An export file lists none, so its silence contradicts nobody.
    """
    known = {
        name: export.setup.info.missing_codes
        for name, export in exports.items()
        if export.source_kind != "files" or export.setup.info.missing_codes
    }
    first = next(iter(known), "")
    for name, codes in known.items():
        odd = sorted(code for code, _ in codes.items() ^ known[first].items())
        if odd:
            raise _differ(f"missing-data code {odd[0]!r} of {first} and {name} is not the same")
    return dict(known.get(first, {}))


def _groups(name: str, export: ProjectExport) -> set[str]:
    known = {group.unique_group_name for group in export.setup.groups or ()} | {*export.census.groups.values()} - {""}
    return {qualified(name, group) for group in known} or {name}


def _merged_names(setups: Mapping[str, ProjectSetup]) -> tuple[ExportName, ...]:
    return _first_by(lambda entry: entry.export_field_name, (setup.export_names for setup in setups.values()))


def _merged_repeats(exports: Mapping[str, ProjectExport]) -> tuple[RepeatingForm, ...]:
    """What repeats; an instrument that two projects have must repeat in both or in none.

    An export file shows repeating only where an instance exists, so its silence contradicts nobody.
    """
    keys = {
        name: {(entry.event_name, entry.form_name) for entry in export.setup.repeating}
        for name, export in exports.items()
        if export.source_kind != "files"
    }
    for name, found in keys.items():
        for other, theirs in keys.items():
            shared = {*exports[name].setup.forms} & {*exports[other].setup.forms} | {""}
            odd = sorted((event, form) for event, form in found ^ theirs if form in shared)
            if odd:
                raise _differ(f"{odd[0][1] or odd[0][0]!r} repeats in one of {name} and {other} only")
    return _first_by(
        lambda entry: (entry.event_name, entry.form_name), (export.setup.repeating for export in exports.values())
    )


def _first_by(key: Callable[[_Entry], object], groups: Iterable[Sequence[_Entry]]) -> tuple[_Entry, ...]:
    """Entries of all groups, the first of each key, in order."""
    found: dict[object, _Entry] = {}
    for group in groups:
        for entry in group:
            found.setdefault(key(entry), entry)
    return tuple(found.values())


def _union(groups: Iterable[Sequence[FormEvent]]) -> tuple[FormEvent, ...]:
    return _first_by(lambda entry: (entry.unique_event_name, entry.form), groups)


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

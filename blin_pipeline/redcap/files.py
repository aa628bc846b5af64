"""A project from two files that a person downloaded: records (CSV, raw) and data dictionary (CSV).

The one flat file is split by streaming into one file per instrument, so that the landing meets the same shape as from the
API. What a file cannot say (title, labels of groups, designation of forms to events) stays unsaid.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.redcap.census import take_census
from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import ProjectExport, describe_payload, utc_now
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.progress import Progress, Steps
from blin_pipeline.redcap.project_setup import (
    EVENT,
    GROUP,
    REPEAT_INSTANCE,
    REPEAT_INSTRUMENT,
    SURVEY_IDENTIFIER,
    DataAccessGroup,
    ExportName,
    Instrument,
    ProjectInfo,
    ProjectSetup,
    RepeatingForm,
)
from blin_pipeline.redcap.rows import Fate, FormFile, FormJudge, KeyReader
from blin_pipeline.registry.dictionary import Dictionary, checkbox_column, load_dictionary

_DATA = "the file of records"
_KEYS = (EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE, GROUP)
_STAMP = re.compile(r"_DATA_(\d{4}-\d{2}-\d{2})_(\d{2})(\d{2})")
_COLUMN = re.compile(r"[A-Za-z0-9_]{1,100}")
#: Missing-data codes that REDCap offers; a file does not list those of its project, only their checkbox columns show.
_OFFERED_CODES = (
    *("NI", "INV", "UNK", "NASK", "ASKU", "NAV", "MSK", "NA", "NAVU"),
    *("NP", "QS", "QI", "TRC", "UNC", "DER", "PINF", "NINF", "OTH"),
)


def export_from_files(
    data: Path,
    dictionary: Path,
    workspace: Path,
    *,
    allow_empty: bool = False,
    missing_data_codes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> ProjectExport:
    """Read two downloaded files into ``workspace``.

    Args:
        data: Flat export of records with raw codes and raw headers; whole forms or columns may be absent.
        dictionary: Data dictionary as the designer or the API gives it.
        workspace: Empty private folder.
        allow_empty: A person says that a project without records is right.
        missing_data_codes: Code -> label of the project's missing-data codes, which no file lists.
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
    split = _Split(own_data, parsed, dict(missing_data_codes or {}), workspace)
    steps.finish("the columns", n_bytes=own_data.stat().st_size)
    n_rows = split.run()
    steps.finish("the records", rows=n_rows)
    census = take_census(split.census_path, split.setup, from_server=False, forms=[file.form for file in split.files])
    steps.finish("the census")
    if not census.groups and not allow_empty:
        raise RedcapReadError("E_EMPTY_PROJECT", _DATA)
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


@dataclass(frozen=True)
class _Facts:
    """What the rows of a file tell about their project.

    Attributes:
        repeating: Repeating instruments and events that have an instance.
        groups: Data access groups that have a record.
        leaves_unopened_blank: Whether the status of forms that nobody opened was exported blank (a person can choose so):
            some once-only form of a classic project has a blank status in one record and a status in another. Where the
            file does not show it, a status 0 alone does not prove that a form was saved.
    """

    repeating: tuple[RepeatingForm, ...]
    groups: tuple[DataAccessGroup, ...]
    leaves_unopened_blank: bool


class _Split:
    """Splits the flat file: first the columns and the repeating set-up, then the rows."""

    def __init__(self, data: Path, dictionary: Dictionary, codes: dict[str, str], workspace: Path) -> None:
        self._data = data
        self._workspace = workspace
        self._dictionary = dictionary
        rows = read_rows(data, _DATA, from_server=False)
        self._header = next(rows, [dictionary.record_id_field])
        self._check_first_column()
        names = _export_names(dictionary, [*codes, *_OFFERED_CODES])
        by_form = self._columns_by_form(names)
        facts = self._survey(rows, [f"{form}_complete" for form in by_form])
        self.setup = ProjectSetup(
            info=ProjectInfo(
                project_id="",
                is_longitudinal=EVENT in self._header,
                has_repeating_instruments_or_events=REPEAT_INSTRUMENT in self._header,
                missing_data_codes=" | ".join(f"{code}, {label}" for code, label in codes.items()),
            ),
            dictionary=dictionary,
            instruments=tuple(Instrument(instrument_name=form) for form in dictionary.forms),
            export_names=tuple(names.values()),
            repeating=facts.repeating,
            groups=facts.groups,
        )
        self.files = [
            FormFile(
                form=form,
                path=workspace / f"record_{form}.csv",
                columns=tuple(columns),
                from_server=False,
                zero_status_is_opened=facts.leaves_unopened_blank,
            )
            for form, columns in by_form.items()
        ]
        self.census_path = workspace / "census.csv"

    def run(self) -> int:
        """Write one file per instrument and a census; return the number of rows read."""
        rows = read_rows(self._data, _DATA, from_server=False)
        next(rows, None)
        key_positions = [self._header.index(name) for name in self._key_columns()]
        wanted = [[self._header.index(name) for name in file.columns] for file in self.files]
        judges = [FormJudge(file, self.setup) for file in self.files]
        n_rows = 0
        with disk_faults("splitting the file of records"), ExitStack() as stack:
            keys = stack.enter_context(
                KeyReader(self._header, self._dictionary.record_id_field, _DATA, self._workspace)
            )
            census = self._writer(stack, self.census_path, [f"{file.form}_complete" for file in self.files])
            writers = [self._writer(stack, file.path, file.columns) for file in self.files]
            for row in rows:
                n_rows += 1
                key = keys.read(row)
                group = keys.group(row)
                system = [row[i] for i in key_positions]
                statuses: list[str] = []
                for file, positions, judge, write in zip(self.files, wanted, judges, writers, strict=True):
                    judged = judge(key, group, [row[i] for i in positions])
                    if judged.fate is not Fate.ELSEWHERE or judged.n_filled:
                        write([*system, *judged.cells])
                    has_status = judged.fate is Fate.LANDED and file.columns[-1] == f"{file.form}_complete"
                    statuses.append(judged.cells[-1] if has_status else "")
                census([*system, *statuses])
            keys.check_unique()
        return n_rows

    def _key_columns(self) -> list[str]:
        return [self._dictionary.record_id_field, *(name for name in _KEYS if name in self._header)]

    def _writer(self, stack: ExitStack, path: Path, columns: Iterable[str]) -> Callable[[Iterable[str]], object]:
        out = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        # All cells quoted: the writer would leave a bare carriage return unquoted.
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow([*self._key_columns(), *columns])
        return writer.writerow

    def _check_first_column(self) -> None:
        first = self._header[0]
        if first == self._dictionary.record_id_field:
            return
        if len(self._header) == 1 and re.search(r"[;\t|^]", first):
            detail = "the cells are not separated by commas"
        else:
            detail = f"the first column is not {self._dictionary.record_id_field!r} (an export with labels as headers?)"
        raise RedcapReadError("E_SCHEMA", _DATA, detail=detail)

    def _columns_by_form(self, names: Mapping[str, ExportName]) -> dict[str, list[str]]:
        """Columns of each instrument in the file's order, the status last; only instruments that the file holds."""
        forms = self._dictionary.forms
        form_of = {field.field_name: field.form_name for field in self._dictionary.fields}
        by_form: dict[str, list[str]] = {form: [] for form in forms}
        stamps = {f"{form}_timestamp": form for form in forms}
        for column in self._header[1:]:
            if column in _KEYS or column == SURVEY_IDENTIFIER:
                continue
            if column in names:
                field = names[column].original_field_name
                by_form[form_of[field] if field in form_of else field.removesuffix("_complete")].append(column)
            elif column in stamps:
                by_form[stamps[column]].append(column)
            else:
                # Whatever is no column name could be a cell: the number must do.
                name = repr(column) if _COLUMN.fullmatch(column) else f"number {self._header.index(column) + 1}"
                raise RedcapReadError(
                    "E_SCHEMA", _DATA, detail=f"column {name} is neither a system column nor in the dictionary"
                )
        if SURVEY_IDENTIFIER in self._header:
            host = next((form for form in forms if f"{form}_timestamp" in by_form[form]), forms[0])
            by_form[host].insert(0, SURVEY_IDENTIFIER)
        return {
            form: sorted(columns, key=lambda name, form=form: name == f"{form}_complete")  # type: ignore[misc]
            for form, columns in by_form.items()
            if columns
        }

    def _survey(self, rows: Iterable[Sequence[str]], statuses: Iterable[str]) -> _Facts:
        """What only the rows tell; the whole file is checked on the way."""
        where = {name: self._header.index(name) for name in _KEYS if name in self._header}
        status_positions = [self._header.index(name) for name in statuses if name in self._header]

        def cell(row: Sequence[str], name: str) -> str:
            return row[where[name]] if name in where else ""

        repeating: set[tuple[str, str]] = set()
        groups: set[str] = set()
        blank: set[int] = set()
        filled: set[int] = set()
        for row in rows:
            groups.add(cell(row, GROUP))
            if cell(row, REPEAT_INSTRUMENT) or cell(row, REPEAT_INSTANCE):
                repeating.add((cell(row, EVENT), cell(row, REPEAT_INSTRUMENT)))
                continue
            for position in status_positions:
                (filled if row[position] else blank).add(position)
        unknown = {form for _, form in repeating} - {"", *self._dictionary.forms}
        if unknown:
            raise RedcapReadError(
                "E_SCHEMA", _DATA, detail="a repeat instrument that the dictionary lacks (an export with labels?)"
            )
        return _Facts(
            repeating=tuple(RepeatingForm(event_name=event, form_name=form) for event, form in sorted(repeating)),
            groups=tuple(DataAccessGroup(unique_group_name=group) for group in sorted(groups - {""})),
            leaves_unopened_blank=EVENT not in self._header and bool(blank & filled),
        )


def _export_names(dictionary: Dictionary, codes: Sequence[str]) -> dict[str, ExportName]:
    """Every column that a flat export of this dictionary may have."""
    names: dict[str, ExportName] = {}
    for form in dictionary.forms:
        for field in dictionary.form_fields(form):
            if field.field_name == dictionary.record_id_field:
                continue
            options = [*field.choices, *codes] if field.field_type == "checkbox" else [""]
            for code in options:
                column = checkbox_column(field.field_name, code) if code else field.field_name
                if field.export_names(codes):
                    names.setdefault(
                        column,
                        ExportName(original_field_name=field.field_name, choice_value=code, export_field_name=column),
                    )
        status = f"{form}_complete"
        names[status] = ExportName(original_field_name=status, export_field_name=status)
    return names

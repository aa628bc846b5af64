"""A project from one file that a person downloaded: the project XML, set-up and records together.

It says more than the flat export: title, designation of instruments to events, what repeats, missing-data codes. What it does
not say (the project's number, the log) stays unsaid.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.redcap.census import take_census
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import ProjectExport, describe_payload, utc_now
from blin_pipeline.redcap.fates import FormFile
from blin_pipeline.redcap.faults import PROJECT_FILE, RedcapReadError
from blin_pipeline.redcap.odm.dictionary import read_dictionary
from blin_pipeline.redcap.odm.document import Document, open_document, survey_forms
from blin_pipeline.redcap.odm.records import OdmRecord, OdmRow, read_records
from blin_pipeline.redcap.progress import Progress, Steps
from blin_pipeline.redcap.project_setup import SURVEY_IDENTIFIER, ProjectSetup
from blin_pipeline.redcap.setup_rows import (
    DataAccessGroup,
    ExportName,
    FormEvent,
    Instrument,
    ProjectInfo,
    RepeatingForm,
)
from blin_pipeline.registry.dictionary import Dictionary

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)")


def export_from_project_xml(
    project_xml: Path,
    workspace: Path,
    *,
    allow_empty: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> ProjectExport:
    """Read a downloaded project XML into ``workspace``. The whole file is held in memory while it is read.

    Args:
        project_xml: "Metadata and data (XML)" as the project's page or the API gives it.
        workspace: Empty private folder.
        allow_empty: A person says that a project without records is right.
        progress: Told of every finished step.
        clock: The present, naive UTC.

    Raises:
        ConfigurationError: ``E_FILE_MISSING``.
        SourceError: ``E_PROJECT_XML``: not such a file, or one that contradicts itself.
        RedcapReadError: ``E_METADATA``, ``E_DUPLICATE_KEY``, ``E_SCHEMA``, ``E_EMPTY_PROJECT``.
        StorageError: No space.
    """
    if not project_xml.is_file():
        raise ConfigurationError(
            "E_FILE_MISSING", f"{project_xml.name} is no file.", fix="Give the path of the project XML."
        )
    steps = Steps(3, progress)
    own = workspace / "project.xml"
    with disk_faults("copying an export file"):
        shutil.copyfile(project_xml, own)
        document = open_document(own.read_bytes(), project_xml.name)
    dictionary, labels = _dictionary(document)
    steps.finish("the set-up", n_bytes=own.stat().st_size)
    records = list(read_records(document, dictionary))
    setup = _setup(document, dictionary, labels, {record.group for record in records} - {""})
    writer = _Writer(setup, survey_forms(document, dictionary), workspace)
    n_rows = writer.write(records)
    steps.finish("the records", rows=n_rows)
    census = take_census(writer.census_path, setup, from_server=False, forms=setup.forms)
    steps.finish("the census")
    if not census.groups and not allow_empty:
        raise RedcapReadError("E_EMPTY_PROJECT", PROJECT_FILE)
    version = document.root.get("SourceSystemVersion", "")
    exported = _MOMENT.match(document.root.get("CreationDateTime", ""))
    return ProjectExport(
        source_kind="project_xml",
        setup=setup,
        redcap_version=version if _VERSION.fullmatch(version) else None,
        pulled_at_utc=clock(),
        exported_at=exported[1] if exported else "",
        forms=tuple(writer.files),
        census=census,
        payloads=(describe_payload("project", own),),
        notes=("Read from a file: nothing proves that the export is complete.",),
    )


def _dictionary(document: Document) -> tuple[Dictionary, dict[str, str]]:
    try:
        return read_dictionary(document.metadata, document.source, document.missing_data_codes)
    except ConfigurationError as error:
        problem = error.what.rstrip(".")
    raise RedcapReadError("E_METADATA", PROJECT_FILE, detail=problem)


def _setup(document: Document, dictionary: Dictionary, labels: dict[str, str], groups: Iterable[str]) -> ProjectSetup:
    codes = document.missing_data_codes
    names = tuple(
        ExportName(original_field_name=field.field_name, choice_value=code, export_field_name=column)
        for field in dictionary.fields
        if field.field_name != dictionary.record_id_field
        for code, column in zip(
            [*field.choices, *codes] if field.field_type == "checkbox" else [""],
            field.export_names(codes),
            strict=False,
        )
    )
    statuses = tuple(
        ExportName(original_field_name=f"{form}_complete", export_field_name=f"{form}_complete")
        for form in dictionary.forms
    )
    return ProjectSetup(
        info=ProjectInfo(
            project_id="",
            project_title=document.variables.findtext("StudyName", ""),
            is_longitudinal=document.is_longitudinal,
            has_repeating_instruments_or_events=bool(document.repeats),
            missing_data_codes=" | ".join(f"{code}, {label}" for code, label in codes.items()),
        ),
        dictionary=dictionary,
        instruments=tuple(
            Instrument(instrument_name=form, instrument_label=labels.get(form, "")) for form in dictionary.forms
        ),
        export_names=(*names, *statuses),
        repeating=tuple(
            RepeatingForm(event_name=repeat.event, form_name=repeat.form, custom_form_label=repeat.label)
            for repeat in document.repeats
        ),
        form_events=tuple(
            FormEvent(unique_event_name=event, form=form) for event, form in document.event_forms if event and form
        ),
        groups=tuple(DataAccessGroup(unique_group_name=group) for group in sorted(groups)),
    )


class _Writer:
    """Writes the records in the shape of API answers: one file per instrument, and a census."""

    def __init__(self, setup: ProjectSetup, surveys: Sequence[str], workspace: Path) -> None:
        self._setup = setup
        self._system = setup.system_columns(with_group=bool(setup.groups))
        self.census_path = workspace / "census.csv"
        self.files = [
            FormFile(
                form=form,
                path=workspace / f"record_{form}.csv",
                columns=self._columns(form, surveys),
                from_server=False,
                zero_status_is_opened=True,
            )
            for form in setup.forms
        ]
        self._boxes = {
            form: frozenset(
                column
                for field in setup.dictionary.form_fields(form)
                if field.field_type == "checkbox"
                for column in field.export_names(setup.info.missing_codes)
            )
            for form in setup.forms
        }

    def _columns(self, form: str, surveys: Sequence[str]) -> tuple[str, ...]:
        stamps = [f"{form}_timestamp"] if form in surveys else []
        identifier = [SURVEY_IDENTIFIER] if surveys and form == surveys[0] else []
        return (*identifier, *stamps, *self._setup.form_columns(form))

    def write(self, records: Iterable[OdmRecord]) -> int:
        """Write all records; returns the number of census rows.

        Raises:
            RedcapReadError: ``E_DUPLICATE_KEY``: an instrument of a record twice under one key.
        """
        n_rows = 0
        with disk_faults("writing the records"), ExitStack() as stack:
            census = self._open(stack, self.census_path, [f"{form}_complete" for form in self._setup.forms])
            writers = {file.form: (file, self._open(stack, file.path, file.columns)) for file in self.files}
            for record in records:
                for key, rows in self._by_key(record).items():
                    n_rows += 1
                    system = self._key_cells(record, *key)
                    statuses = {row.form: row.values.get(f"{row.form}_complete", "") for row in rows}
                    if len(statuses) != len(rows):
                        raise RedcapReadError("E_DUPLICATE_KEY", PROJECT_FILE)
                    census([*system, *(statuses.get(form, "") for form in self._setup.forms)])
                    for row in rows:
                        file, write = writers[row.form]
                        write([*system, *self._cells(file, row)])
        return n_rows

    def _by_key(self, record: OdmRecord) -> dict[tuple[str, str, int | None], list[OdmRow]]:
        """Rows of one record as a flat export has them; a record without any still has one."""
        repeating = {(entry.event_name, entry.form_name) for entry in self._setup.repeating}
        found: dict[tuple[str, str, int | None], list[OdmRow]] = {}
        for row in record.rows:
            form = row.form if (row.event, row.form) in repeating else ""
            found.setdefault((row.event, form, row.instance), []).append(row)
        return found or {("", "", None): []}

    def _key_cells(self, record: OdmRecord, event: str, form: str, instance: int | None) -> list[str]:
        cells = [record.record_id]
        if self._setup.info.is_longitudinal:
            cells.append(event)
        if self._setup.repeating:
            cells += [form, "" if instance is None else str(instance)]
        return [*cells, record.group] if self._setup.groups else cells

    def _cells(self, file: FormFile, row: OdmRow) -> list[str]:
        """A saved form has a 0 for every option that is not ticked, as in an export of the server."""
        boxes = self._boxes[row.form]
        return [row.values.get(column, "0" if column in boxes else "") for column in file.columns]

    def _open(self, stack: ExitStack, path: Path, columns: Sequence[str]) -> Callable[[Iterable[str]], object]:
        out = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        # All cells quoted: the writer would leave a bare carriage return unquoted.
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow([*self._system, *columns])
        return writer.writerow

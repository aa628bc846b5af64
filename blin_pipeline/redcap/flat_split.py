"""One flat file of records, split by streaming into one file per instrument and a census, as from the API."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from blin_pipeline.redcap.blocks import Blocks
from blin_pipeline.redcap.csvtext import read_rows
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.fates import Fate, FormFile, FormJudge, any_filled
from blin_pipeline.redcap.flat_columns import (
    DATA_FILE,
    KEYS,
    check_first_column,
    columns_by_form,
    flat_export_names,
)
from blin_pipeline.redcap.flat_facts import survey_rows
from blin_pipeline.redcap.keys import KeyReader
from blin_pipeline.redcap.project_setup import EVENT, REPEAT_INSTRUMENT, ProjectSetup
from blin_pipeline.redcap.setup_rows import Instrument, ProjectInfo
from blin_pipeline.redcap.text_arrays import BLANK, blanks
from blin_pipeline.registry.dictionary import Dictionary

_Row: TypeAlias = tuple[str, ...]

#: Missing-data codes that REDCap offers; a file does not list those of its project, only their checkbox columns show.
_OFFERED_CODES = (
    *("NI", "INV", "UNK", "NASK", "ASKU", "NAV", "MSK", "NA", "NAVU"),
    *("NP", "QS", "QI", "TRC", "UNC", "DER", "PINF", "NINF", "OTH"),
)


class FlatSplit:
    """Splits a flat file: first the columns and the repeating set-up, then the rows.

    Args:
        data: Flat export, raw.
        dictionary: Data dictionary.
        workspace: Private folder for the files per instrument.

    Attributes:
        setup: Set-up of the project, as far as the two files tell it.
        files: One file per instrument that the flat file holds.
        census_path: Keys and statuses of every row.

    Raises:
        RedcapReadError: ``E_SCHEMA`` naming the column; as ``csvtext.read_rows``.
    """

    def __init__(self, data: Path, dictionary: Dictionary, workspace: Path) -> None:
        self._data = data
        self._workspace = workspace
        self._dictionary = dictionary
        rows = read_rows(data, DATA_FILE, from_server=False)
        self._header = next(rows, [dictionary.record_id_field])
        check_first_column(self._header, dictionary.record_id_field)
        names = flat_export_names(dictionary, _OFFERED_CODES)
        by_form = columns_by_form(self._header, dictionary, names)
        facts = survey_rows(self._header, rows, tuple(dictionary.forms))
        self.setup = ProjectSetup(
            info=ProjectInfo(
                project_id="",
                is_longitudinal=EVENT in self._header,
                has_repeating_instruments_or_events=REPEAT_INSTRUMENT in self._header,
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
        rows = Blocks(self._data, DATA_FILE, from_server=False)
        judges = [FormJudge(file, self.setup) for file in self.files]
        n_rows = 0
        with disk_faults("splitting the file of records"), ExitStack() as stack:
            reader = KeyReader(rows, self._dictionary.record_id_field, DATA_FILE, self._workspace)
            census = self._writer(stack, self.census_path, [f"{file.form}_complete" for file in self.files])
            writers = [self._writer(stack, file.path, file.columns) for file in self.files]
            for block in rows.read():
                n_rows += len(block)
                keys = reader.read(block)
                system = block.select(self._key_columns())
                statuses: list[pa.StringArray] = []
                for file, judge, write in zip(self.files, judges, writers, strict=True):
                    cells = block.select(list(file.columns))
                    fates = judge(keys, cells)
                    kept = pc.or_(pc.invert(fates.of(Fate.ELSEWHERE)), any_filled(cells))
                    write(_rows([*system.filter(kept), *cells.filter(kept)]))
                    status = cells.column(-1) if file.columns[-1] == f"{file.form}_complete" else blanks(len(cells))
                    statuses.append(pc.if_else(fates.of(Fate.LANDED), status, BLANK))
                census(_rows([*system, *statuses]))
            reader.check_unique()
        return n_rows

    def _key_columns(self) -> list[str]:
        return [self._dictionary.record_id_field, *(name for name in KEYS if name in self._header)]

    def _writer(self, stack: ExitStack, path: Path, columns: Iterable[str]) -> Callable[[Iterator[_Row]], object]:
        out = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        # All cells quoted: the writer would leave a bare carriage return unquoted.
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow([*self._key_columns(), *columns])
        return writer.writerows


def _rows(columns: Iterable[pa.StringArray]) -> Iterator[_Row]:
    return zip(*(column.to_pylist() for column in columns), strict=True)

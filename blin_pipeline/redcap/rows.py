"""Rows of one instrument: their keys, cells and fate, in blocks or one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from blin_pipeline.redcap.blocks import Blocks
from blin_pipeline.redcap.fates import Fate, Fates, FormFile, FormJudge
from blin_pipeline.redcap.keys import KeyColumns, KeyReader, RowKey
from blin_pipeline.redcap.project_setup import ProjectSetup


class FormBlock(NamedTuple):
    """Rows of one instrument as columns: keys, cells (the instrument's columns), fates."""

    keys: KeyColumns
    cells: pa.RecordBatch
    fates: Fates


class FormRow(NamedTuple):
    """One row as one instrument sees it."""

    key: RowKey
    group: str
    cells: Sequence[str]
    fate: Fate


def read_form_blocks(form_file: FormFile, setup: ProjectSetup, *, proven: bool = False) -> Iterator[FormBlock]:
    """Read the rows of one instrument, each with its fate, in the order of the file.

    Args:
        form_file: The instrument.
        setup: Set-up of the project.
        proven: Whether the rows were read before, and no key stood twice.

    Raises:
        RedcapReadError: As for ``csvtext.read_rows``; ``E_SCHEMA``, ``E_DUPLICATE_KEY``.
    """
    rows = Blocks(form_file.path, form_file.endpoint, from_server=form_file.from_server)
    if not rows.header:
        return
    judge = FormJudge(form_file, setup)
    reader = KeyReader(rows, setup.record_id_field, form_file.endpoint, form_file.path.parent, proven=proven)
    for block in rows.read([*reader.columns(), *form_file.columns]):
        keys = reader.read(block)
        cells = block.select(list(form_file.columns))
        yield FormBlock(keys, cells, judge(keys, cells))
    reader.check_unique()


def read_form(form_file: FormFile, setup: ProjectSetup) -> Iterator[FormRow]:
    """As :func:`read_form_blocks`, row by row."""
    for keys, cells, fates in read_form_blocks(form_file, setup):
        columns = [column.to_pylist() for column in cells.columns]
        rows = zip(*columns, strict=True) if columns else iter([()] * len(cells))
        for key, group, row, fate in zip(keys.keys(), keys.group.to_pylist(), rows, fates.names(), strict=True):
            yield FormRow(key, group, row, fate)

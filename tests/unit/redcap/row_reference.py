"""What a row is, said once more in plain Python, row by row: the columns must say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from blin_pipeline.redcap.fates import Fate, FormFile
from blin_pipeline.redcap.project_setup import ProjectSetup


class PlainRow(NamedTuple):
    """Key (record, event, repeat instrument, instance), group, cells and fate of one row."""

    key: tuple[str, str, str, str]
    group: str
    cells: tuple[str, ...]
    fate: Fate


def plain_rows(
    header: Sequence[str], rows: Sequence[Sequence[str]], file: FormFile, setup: ProjectSetup
) -> list[PlainRow] | str:
    """Rows of one instrument with their fates, or the code of what is wrong with their keys."""
    found = []
    for row in rows:
        cell = dict(zip(header, row, strict=True))
        key = (
            cell[setup.record_id_field],
            cell.get("redcap_event_name", ""),
            cell.get("redcap_repeat_instrument", ""),
            cell.get("redcap_repeat_instance", ""),
        )
        if not key[0]:
            return "E_SCHEMA"
        if key[3] and not (key[3].isascii() and key[3].isdigit()):
            return "E_SCHEMA"
        if key[2] and not key[3]:
            return "E_SCHEMA"
        cells = tuple(cell[name] for name in file.columns)
        group = cell.get("redcap_data_access_group", "")
        found.append(PlainRow(key, group, cells, _fate(key, cells, file, setup)))
    return "E_DUPLICATE_KEY" if len({row.key for row in found}) < len(found) else found


def _fate(key: tuple[str, str, str, str], cells: Sequence[str], file: FormFile, setup: ProjectSetup) -> Fate:
    boxes = {
        name.export_field_name
        for name in setup.export_names
        for field in setup.dictionary.form_fields(file.form)
        if field.field_type == "checkbox" and name.original_field_name == field.field_name
    }
    here = setup.lives_on(file.form, key[1], key[2])
    has_data = False
    for name, cell in zip(file.columns, cells, strict=True):
        nothing = {""}
        # A row of an instance is there because its form was saved.
        saved = here and (file.zero_status_is_opened or key[2] == file.form)
        if name in boxes or (name == f"{file.form}_complete" and not saved):
            nothing = {"", "0"}
        has_data |= cell not in nothing
    if here:
        return Fate.LANDED if has_data else Fate.UNOPENED
    return Fate.MISPLACED if has_data else Fate.ELSEWHERE

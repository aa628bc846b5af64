"""Privileges as cells of the user and role tables, and back. Source: ``docs/redcap.md`` section 3 (form right codes)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from xml.sax.saxutils import escape

from blin_pipeline.sandbox.contents.call import Answer, Call, table
from blin_pipeline.sandbox.contents.payload import Row
from blin_pipeline.sandbox.formats import CONTENT_TYPES, XML_HEAD, Cell, php_json
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.rights import FLAGS, EntryRight, ExportRight, Privileges

FormRights = dict[str, int]
_NEW_CODES = {EntryRight.NONE: 128, EntryRight.READ: 129, EntryRight.EDIT: 130, EntryRight.EDIT_RESPONSES: 138}
_DELETE = 16
_OLD_OF_NEW = {code: right for right, code in _NEW_CODES.items()} | {
    code + _DELETE: right for right, code in _NEW_CODES.items() if right is not EntryRight.NONE
}


def entry_codes(call: Call, privileges: Privileges) -> FormRights:
    """Data-entry right of every instrument in the codes of the server's version."""
    new = call.settings.has_new_form_rights
    rights = {form: privileges.entry_on_form(form) for form in call.project.dictionary.forms}
    return {form: _NEW_CODES[right] if new else int(right) for form, right in rights.items()}


def export_codes(call: Call, privileges: Privileges) -> FormRights:
    """Export right of every instrument."""
    return {form: int(privileges.on_form(form)) for form in call.project.dictionary.forms}


def rights_table(call: Call, columns: Sequence[str], rows: Sequence[Sequence[Cell | FormRights]]) -> Answer:
    """A table with rights per form: objects in json, nested elements in xml, one cell of ``form:code,...`` in csv."""
    wanted = call.request.answer_format
    if wanted == "json":
        return Answer(php_json([dict(zip(columns, row, strict=True)) for row in rows]), CONTENT_TYPES[wanted])
    if wanted == "xml":
        items = "".join(f"<item>{''.join(map(_element, columns, row))}</item>\n" for row in rows)
        return Answer(f"{XML_HEAD}\n<items>\n{items}</items>\n".encode(), CONTENT_TYPES[wanted])
    return table(call, columns, [[_one_cell(value) for value in row] for row in rows])


def _one_cell(value: Cell | FormRights) -> Cell:
    return ",".join(f"{form}:{code}" for form, code in value.items()) if isinstance(value, dict) else value


def _element(name: str, value: Cell | FormRights) -> str:
    if isinstance(value, dict):
        return f"<{name}>{''.join(_element(form, code) for form, code in value.items())}</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"


def changed(call: Call, old: Privileges, row: Row) -> Privileges:
    """Privileges with what an imported row says; what it leaves out stays.

    Raises:
        ApiError: 400, a flag or form right that is none, or an instrument that the project lacks.
    """
    flags = {flag: _number(flag, row[flag]) for flag in FLAGS if row.get(flag, "") != ""}
    entry = {form: _entry_right(code) for form, code in _form_rights(call, row.get("forms", "")).items()}
    export = {form: _export_right(code) for form, code in _form_rights(call, row.get("forms_export", "")).items()}
    return replace(
        old,
        **flags,  # type: ignore[arg-type]  # FLAGS are the names of the int fields
        form_entry_rights={**old.form_entry_rights, **entry},
        form_export_rights={**old.form_export_rights, **export},
    )


def _form_rights(call: Call, value: str) -> Mapping[str, int]:
    pairs = [part.partition(":") for part in value.split(",") if part.strip()]
    unknown = [form for form, _, _ in pairs if form.strip() not in call.project.dictionary.forms]
    if unknown:
        raise ApiError(400, f"The following instruments do not exist in the project: {', '.join(unknown)}")
    return {form.strip(): _number(form, code) for form, _, code in pairs}


def _number(name: str, value: str) -> int:
    if not value.strip().isdigit():
        raise ApiError(400, f'The value of "{name}" is not valid')
    return int(value)


def _entry_right(code: int) -> EntryRight:
    if code in _OLD_OF_NEW:
        return _OLD_OF_NEW[code]
    try:
        return EntryRight(code)
    except ValueError:
        raise ApiError(400, f"{code} is not a form right") from None


def _export_right(code: int) -> ExportRight:
    try:
        return ExportRight(code)
    except ValueError:
        raise ApiError(400, f"{code} is not a form export right") from None

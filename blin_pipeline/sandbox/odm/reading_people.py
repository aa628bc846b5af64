"""User roles and reports inside a project XML."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from blin_pipeline.redcap.odm.vocabulary import NAMES
from blin_pipeline.sandbox.odm.vocabulary import ROLE_FLAGS
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.rights import EntryRight, ExportRight, Privileges, Role

FIRST_ROLE_ID = 1
FIRST_REPORT_ID = 1
_FORM_RIGHT = re.compile(r"\[([a-z0-9_]+),(\d+)\]")
_EVERY_RIGHT_BITS = 128
#: Form rights of 15.6 and later without their flags -> the codes before.
_ENTRY_RIGHTS = {128: EntryRight.NONE, 129: EntryRight.READ, 130: EntryRight.EDIT}
_ENTRY_MASK = 131
_RESPONSES_FLAG = 8


def read_roles(variables: Element) -> tuple[Role, ...]:
    """User roles, numbered in the order of the file; a right that the file lacks is not given."""
    return tuple(
        Role(item.get("unique_role_name", ""), item.get("role_name", ""), number, _privileges(item))
        for number, item in enumerate(variables.iterfind("redcap:UserRolesGroup/*", NAMES), start=FIRST_ROLE_ID)
    )


def _privileges(item: Element) -> Privileges:
    flags = {flag: int(item.get(attribute) or 0) for attribute, flag in ROLE_FLAGS.items()}
    exports = {
        form: ExportRight(int(code)) for form, code in _FORM_RIGHT.findall(item.get("data_export_instruments", ""))
    }
    entries = {form: _entry_right(int(code)) for form, code in _FORM_RIGHT.findall(item.get("data_entry", ""))}
    return Privileges(
        **flags,
        export_right=ExportRight.NONE,
        form_export_rights=exports,
        entry_right=EntryRight.NONE,
        form_entry_rights=entries,
    )


def _entry_right(code: int) -> EntryRight:
    if code < _EVERY_RIGHT_BITS:
        return EntryRight(code)
    right = _ENTRY_RIGHTS[code & _ENTRY_MASK]
    return EntryRight.EDIT_RESPONSES if right is EntryRight.EDIT and code & _RESPONSES_FLAG else right


def read_reports(variables: Element) -> tuple[Report, ...]:
    """Reports, numbered in the order of the file."""
    return tuple(
        _report(number, item)
        for number, item in enumerate(variables.iterfind("redcap:ReportsGroup/*", NAMES), start=FIRST_REPORT_ID)
    )


def _report(number: int, item: Element) -> Report:
    order = ((item.get(f"orderby_field{n}", ""), item.get(f"orderby_sort{n}", "") or "ASC") for n in (1, 2, 3))
    return Report(
        report_id=number,
        title=item.get("title", ""),
        fields=_list(item, "redcap_reports_fields"),
        unique_name=item.get("unique_report_name", ""),
        description=item.get("description", ""),
        advanced_logic=item.get("advanced_logic", "") or item.get("limiter_logic", ""),
        filter_type="RECORD" if item.get("filter_type") == "RECORD" else "EVENT",
        filter_events=_list(item, "redcap_reports_filter_events"),
        filter_groups=_list(item, "redcap_reports_filter_dags"),
        order_by=tuple((name, direction) for name, direction in order if name),
        outputs_groups=_is_set(item, "output_dags"),
        outputs_survey_fields=_is_set(item, "output_survey_fields"),
        outputs_missing_data_codes=_is_set(item, "output_missing_data_codes"),
        combines_checkboxes=_is_set(item, "combine_checkbox_values"),
        removes_line_breaks=_is_set(item, "remove_line_breaks_in_values"),
        includes_repeating_fields=_is_set(item, "report_display_include_repeating_fields"),
    )


def _list(item: Element, attribute: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in item.get(attribute, "").split(",") if part.strip())


def _is_set(item: Element, attribute: str) -> bool:
    return item.get(attribute) == "1"

"""What a report of a project is: its columns, rows, order and shape, as people define it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        report_id: REDCap's number.
        title: Its name.
        fields: Fields in the order of the columns.
        unique_name: REDCap's name, as ``R-759FY444MK``.
        description: Free text.
        advanced_logic: Filter, ``""`` for none; the simple filters of the page are logic of this kind, too.
        filter_type: Whether the filter picks whole records or record-events.
        filter_events: Unique event names that are shown, empty for all.
        filter_groups: Unique Data Access Group names that are shown, empty for all.
        order_by: Field and ``ASC`` or ``DESC``, most important first.
        outputs_groups: Whether the Data Access Group column is shown.
        outputs_survey_fields: Whether survey identifier and timestamps are shown.
        outputs_missing_data_codes: Whether missing-data codes are shown; else their cells are blank.
        combines_checkboxes: Whether a checkbox is one column of its ticked options.
        removes_line_breaks: Whether every CR and every LF becomes a blank.
        includes_repeating_fields: Whether the repeat instrument and instance are shown.
    """

    report_id: int
    title: str
    fields: tuple[str, ...]
    unique_name: str = ""
    description: str = ""
    advanced_logic: str = ""
    filter_type: Literal["EVENT", "RECORD"] = "EVENT"
    filter_events: tuple[str, ...] = ()
    filter_groups: tuple[str, ...] = ()
    order_by: tuple[tuple[str, str], ...] = ()
    outputs_groups: bool = False
    outputs_survey_fields: bool = False
    outputs_missing_data_codes: bool = False
    combines_checkboxes: bool = False
    removes_line_breaks: bool = True
    includes_repeating_fields: bool = True

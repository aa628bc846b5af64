"""What a record export is asked for, whoever asks: a request's parameters, or a report's definition."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiRequest, bad_parameter, unknown_values


@dataclass(frozen=True)
class RecordQuery:
    """The wishes of one export; the defaults are a raw, flat export of everything.

    Attributes:
        fields: Fields and form statuses asked for; with ``forms`` their union, both empty for everything.
        forms: Instruments asked for.
        records: Record ids, empty for all; an id that does not exist gives no row.
        events: Unique event names, empty for all.
        kind: One row per place, or one row per stored value.
        labels: Labels in place of codes.
        label_headers: Field labels as headers; csv only.
        checkbox_labels: In label mode, the option's label in place of Checked and Unchecked.
        combined_checkboxes: One column per checkbox, its ticked codes or labels joined by commas.
        survey_fields: Survey identifier and timestamps.
        groups: Data Access Group column.
        filter_logic: Expression that records, or record-events, must fulfil.
        begin: Earliest change of the records, naive server time.
        end: Latest change of the records, naive server time.
        decimal_mark: ``.`` or ``,`` for numbers; ``""`` leaves them.
        blank_gray_status: Blank in place of 0 for forms that were never saved.
        removes_line_breaks: Each CR and each LF becomes a blank.
        shows_missing_codes: Missing-data codes are shown; else their cells are blank.
        only_groups: Unique Data Access Group names, empty for all records.
        repeat_columns: Repeat instrument and instance, where anything repeats.
        in_given_order: Columns in the order of ``fields``, not of the dictionary.
    """

    fields: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    kind: Literal["flat", "eav"] = "flat"
    labels: bool = False
    label_headers: bool = False
    checkbox_labels: bool = False
    combined_checkboxes: bool = False
    survey_fields: bool = False
    groups: bool = False
    filter_logic: str = ""
    begin: datetime | None = None
    end: datetime | None = None
    decimal_mark: str = ""
    blank_gray_status: bool = False
    removes_line_breaks: bool = False
    shows_missing_codes: bool = True
    only_groups: tuple[str, ...] = ()
    repeat_columns: bool = True
    in_given_order: bool = False


def query_of(request: ApiRequest, project: ProjectState) -> RecordQuery:
    """Read the parameters of ``content=record``.

    Raises:
        ApiError: 400: a value outside its list, an array parameter that is none, a field, form or event that the
            project lacks. A classic project takes no notice of ``events``.
    """
    kind = request.text("type", "flat") or "flat"
    if kind not in {"flat", "eav"}:
        raise bad_parameter("type")
    mark = request.text("decimalCharacter")
    if mark not in {"", ".", ","}:
        raise bad_parameter("decimalCharacter")
    events = _known(request, "events", project.event_names) if project.is_longitudinal else ()
    return RecordQuery(
        fields=_known(request, "fields", project.field_forms()),
        forms=_known(request, "forms", project.dictionary.forms),
        records=tuple(filter(None, request.array("records"))),
        events=events,
        kind="eav" if kind == "eav" else "flat",
        labels=request.text("rawOrLabel").lower() == "label",
        label_headers=request.text("rawOrLabelHeaders").lower() == "label",
        checkbox_labels=request.flag("exportCheckboxLabel"),
        combined_checkboxes=request.flag("combineCheckboxOptions"),
        survey_fields=request.flag("exportSurveyFields"),
        groups=request.flag("exportDataAccessGroups"),
        filter_logic=request.text("filterLogic").strip(),
        begin=request.moment("dateRangeBegin"),
        end=request.moment("dateRangeEnd"),
        decimal_mark=mark,
        blank_gray_status=request.flag("exportBlankForGrayFormStatus"),
    )


def _known(request: ApiRequest, name: str, known: Collection[str]) -> tuple[str, ...]:
    values = tuple(filter(None, request.array(name)))
    unknown = [value for value in values if value not in known]
    if unknown:
        raise unknown_values(name, unknown)
    return values

"""Answers to ``content=report``: a report's definition turned into a record export.

Source: ``docs/redcap.md`` section 3. The row set, the columns and their order are the report's; formats and labels are
the request's; ``type`` is not looked at.
"""

from __future__ import annotations

from dataclasses import replace

from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError, ApiRequest, bad_parameter
from blin_pipeline.sandbox.record_store import natural_order
from blin_pipeline.sandbox.records.export import Table, export_table
from blin_pipeline.sandbox.records.flat import ServerHabits
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.report_definition import Report
from blin_pipeline.sandbox.rights import TokenRights


def export_report(
    project: ProjectState, rights: TokenRights, request: ApiRequest, habits: ServerHabits | None = None
) -> Table:
    """Answer ``content=report``.

    Raises:
        ApiError: 403, no report of that number in this project; 400, a parameter outside its list.
    """
    report = _report(project, request.text("report_id").strip())
    mark = request.text("decimalCharacter")
    if mark not in {"", ".", ","}:
        raise bad_parameter("decimalCharacter")
    query = replace(
        _query(project, report),
        labels=request.text("rawOrLabel").lower() == "label",
        label_headers=request.text("rawOrLabelHeaders").lower() == "label" and request.answer_format == "csv",
        checkbox_labels=request.flag("exportCheckboxLabel"),
        decimal_mark=mark,
    )
    whole_records = report.filter_type == "RECORD"
    order = [(name, way) for name, way in report.order_by if name in project.field_forms()]
    if not order or order == [(project.dictionary.record_id_field, "ASC")]:
        return export_table(project, rights, query, habits, filters_records=whole_records)
    return _ordered(project, rights, query, order, habits, filters_records=whole_records)


def _report(project: ProjectState, number: str) -> Report:
    report = project.reports.get(int(number)) if number.isdecimal() else None
    if report is None:
        raise ApiError(
            403, f"The API request cannot complete because report_id={number} does not belong to this project."
        )
    return report


def _query(project: ProjectState, report: Report) -> RecordQuery:
    """The report's own wishes; fields and events that the project lost are left out."""
    known = project.field_forms()
    return RecordQuery(
        fields=tuple(name for name in report.fields if name in known),
        events=tuple(name for name in report.filter_events if name in project.event_names),
        filter_logic=report.advanced_logic,
        only_groups=report.filter_groups,
        groups=report.outputs_groups,
        survey_fields=report.outputs_survey_fields,
        combined_checkboxes=report.combines_checkboxes,
        removes_line_breaks=report.removes_line_breaks,
        shows_missing_codes=report.outputs_missing_data_codes,
        repeat_columns=report.includes_repeating_fields,
        in_given_order=True,
    )


def _ordered(
    project: ProjectState,
    rights: TokenRights,
    query: RecordQuery,
    order: list[tuple[str, str]],
    habits: ServerHabits | None,
    *,
    filters_records: bool,
) -> Table:
    """Rows sorted by stored values: numbers by number, blanks first; of equal rows the record order stays."""
    extra = tuple(name for name, _ in order if name not in query.fields)
    wide = replace(query, fields=(*query.fields, *extra))
    shown = export_table(project, rights, wide, habits, filters_records=filters_records)
    plain = replace(wide, labels=False, label_headers=False, checkbox_labels=False, decimal_mark="")
    keys = export_table(project, rights, plain, habits, filters_records=filters_records)
    numbers = list(range(len(keys.rows)))
    for name, way in reversed(order):
        if name in keys.columns:
            position = keys.columns.index(name)
            numbers.sort(key=lambda row, at=position: natural_order(str(keys.rows[row][at])), reverse=way == "DESC")  # type: ignore[misc]
    kept = [position for position, name in enumerate(keys.columns) if not _belongs_to(name, extra)]
    rows: list[list[Cell]] = [[shown.rows[number][position] for position in kept] for number in numbers]
    return Table([shown.columns[position] for position in kept], rows)


def _belongs_to(column: str, fields: tuple[str, ...]) -> bool:
    return any(column == name or column.startswith(f"{name}___") for name in fields)

"""Answers to ``content=record``: the table of one export.

Source: ``docs/redcap.md`` sections 4, 5 and 8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiRequest
from blin_pipeline.sandbox.records.choosing import choose_records
from blin_pipeline.sandbox.records.columns import select_columns
from blin_pipeline.sandbox.records.eav import eav_header, eav_rows
from blin_pipeline.sandbox.records.flat import FlatRows, ServerHabits
from blin_pipeline.sandbox.records.query import RecordQuery, query_of
from blin_pipeline.sandbox.rights import TokenRights

EVERYTHING = RecordQuery()


class Table(NamedTuple):
    """Columns and rows of one export, not yet bytes."""

    columns: list[str]
    rows: list[list[Cell]]


def export_records(
    project: ProjectState, rights: TokenRights, request: ApiRequest, habits: ServerHabits | None = None
) -> Table:
    """Answer ``content=record``.

    Args:
        project: The live project.
        rights: Rights of the token's user.
        request: The request.
        habits: Habits of the server that is played.

    Raises:
        ApiError: 400, a parameter that the server refuses; 403, no form may be exported.
    """
    query = query_of(request, project)
    query = replace(query, label_headers=query.label_headers and request.answer_format == "csv")
    return export_table(project, rights, query, habits)


def export_table(
    project: ProjectState,
    rights: TokenRights,
    query: RecordQuery = EVERYTHING,
    habits: ServerHabits | None = None,
    *,
    filters_records: bool = False,
) -> Table:
    """The table that a query asks for.

    Args:
        project: The live project.
        rights: Rights of the user.
        query: The wishes.
        habits: Habits of the server that is played.
        filters_records: See :func:`~blin_pipeline.sandbox.records.choosing.choose_records`.

    Raises:
        ApiError: 400, a bad filter; 403, no form may be exported.
    """
    selection = select_columns(project, rights, query)
    chosen = choose_records(project, rights, query, filters_records=filters_records)
    if query.kind == "eav":
        return Table(eav_header(project), list(eav_rows(project, selection, query, chosen)))
    shape = FlatRows(project, selection, query, habits or ServerHabits())
    header = [column.label if query.label_headers else column.name for column in selection.columns]
    return Table(header, [cells for item in chosen for cells in shape.rows(item)])

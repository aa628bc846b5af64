"""The project log. Source: ``docs/redcap.md`` section 9."""

from __future__ import annotations

from blin_pipeline.sandbox.contents.call import Answer, Call, table
from blin_pipeline.sandbox.formats import Cell
from blin_pipeline.sandbox.log import LOG_COLUMNS, LOG_KINDS, LogFilter
from blin_pipeline.sandbox.protocol import bad_parameter


def export_log(call: Call) -> Answer:
    """Log lines, newest first; of a user in a group only those about the group's records."""
    project, rights, request = call.project, call.rights, call.request
    kind = request.text("logtype")
    if kind and kind != "record" and kind not in LOG_KINDS:
        raise bad_parameter("logtype")
    wanted = LogFilter(
        kind, request.text("user"), request.text("record"), request.moment("beginTime"), request.moment("endTime")
    )
    group = rights.data_access_group
    asked = request.text("dag")
    if asked and not group:
        group = next((item.unique_name for item in project.groups if str(item.group_id) == asked), "")
        if not group:
            raise bad_parameter("dag")
    rows: list[list[Cell]] = [
        list(entry.cells)
        for entry in project.log.newest_first(wanted)
        if not group or (entry.record in project.records and project.records[entry.record].group == group)
    ]
    return table(call, list(LOG_COLUMNS), rows)

"""Records. Source: ``docs/redcap.md`` sections 4 to 6."""

from __future__ import annotations

from blin_pipeline.sandbox.contents.call import Answer, Call, table
from blin_pipeline.sandbox.records import export_records
from blin_pipeline.sandbox.records.report import export_report


def export(call: Call) -> Answer:
    """Record export, flat or eav."""
    found = export_records(call.project, call.rights, call.request, call.settings.habits)
    answer = table(call, found.columns, found.rows, root="records")
    call.project.note("export", "Data export (API)", "Export data (API)", call.rights.username)
    return answer


def report(call: Call) -> Answer:
    """Records as a report shows them."""
    found = export_report(call.project, call.rights, call.request, call.settings.habits)
    return table(call, found.columns, found.rows, root="records")

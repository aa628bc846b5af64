"""Records over the API: exporting, importing, deleting and renaming them, calculated fields, reports.

What may live here: everything that ``content=record``, ``generateNextRecordName`` and ``report`` do, from a request's
parameters to rows of cells, and from rows sent to changes of the project with their log lines. What may not: bytes
(:mod:`blin_pipeline.sandbox.formats`), what a project consists of (:mod:`blin_pipeline.sandbox.structure`).
Source: ``docs/redcap.md`` sections 4, 5, 7 to 11 and 14.
"""

from blin_pipeline.sandbox.records.export import Table, export_records

__all__ = ["Table", "export_records"]

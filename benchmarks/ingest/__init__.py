"""From a REDCap server to disk: this pull beside a plain download, a DuckDB scan and PyCap's data frame.

``python -m benchmarks.ingest`` prints the table of ``benchmarks/README.md``. All patients are synthetic.
"""

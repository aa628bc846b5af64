"""What is known of REDCap's protocol: a guarded client, the exported project, and the proof that nothing is missing.

Here: requests (built by PyCap, sent and judged by us), strict reading of answers and export files, the set-up of a
project, which row belongs to which form, the completeness proof, reading by change, going on after an interruption. Not
here: DuckDB, Parquet, clinical meaning, anything that writes to REDCap.
"""

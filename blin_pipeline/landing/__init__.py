"""The raw zone: immutable pulls on disk, and the one door to DuckDB files.

Here: one Parquet file per instrument, the manifest with its hashes, the archive of exact bytes, quarantine at landing, the
list of readings, the difference of two pulls, which pulls may go, the ground of a reading by change, the warehouse's ``raw``
schema over the current pull. Not here: requests to REDCap, types, clinical meaning.
"""

"""Registry data platform: REDCap in; an analyst-ready DuckDB, outcomes and a report out.

The rooms, left to right: ``redcap`` (protocol), ``landing`` (raw zone), ``dbt_project`` beside this package (tables),
``outcomes`` (numbers), ``release`` (safe copy), ``report`` (pictures). ``registry`` holds the study as data,
``sandbox`` a REDCap to talk to when there is none, ``orchestration`` opens the doors and does no work itself.
Which room may import which is enforced by import-linter (``pyproject.toml``).
"""

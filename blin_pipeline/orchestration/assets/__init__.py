"""One module per part of the asset graph, left to right: pull, tables (dbt), outcomes, release."""

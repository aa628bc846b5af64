"""What is in the way: open queries, checks and how many rows violate them, rows and values set aside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.frames import table

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "data_quality"
RECORDS = "RECORDS"
SEVERITIES = ("error", "warn", "info")
#: An answered query is open until the data manager accepts it or the data close it; one accepted as it is is not.
STILL_OPEN = ("OPEN", "REOPENED", "ANSWERED")


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``quality.data_query``, ``quality.check_result``, ``quality.quarantine``, ``quality.type_reject``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    queries = table(frames, "quality.data_query")
    still_open = queries.loc[queries["status_cd"].isin(STILL_OPEN), "severity_class"]
    rows = [
        build.count("open_queries_n", len(still_open), unit="queries", population=RECORDS),
        *(
            build.count(statistic, int((queries["status_cd"] == status).sum()), unit="queries", population=RECORDS)
            for statistic, status in (("answered_queries_n", "ANSWERED"), ("accepted_queries_n", "ACCEPTED_AS_IS"))
        ),
    ]
    rows += [
        build.count(
            "open_queries_n",
            int((still_open == severity).sum()),
            unit="queries",
            population=RECORDS,
            group=("severity", severity),
        )
        for severity in SEVERITIES
    ]
    checks = table(frames, "quality.check_result")
    rows += [
        _check(build, *cells)
        for cells in zip(
            checks["check_id"], checks["status_cd"], checks["n_violating"], checks["n_evaluated"], strict=True
        )
    ]
    for statistic, name, unit in (
        ("quarantined_rows_n", "quality.quarantine", "rows"),
        ("rejected_values_n", "quality.type_reject", "values"),
    ):
        rows.append(build.count(statistic, len(table(frames, name)), unit=unit, population=RECORDS))
    return rows


def _check(build: ResultBuilder, check: str, status: str, violating: float, evaluated: float) -> ResultRow:
    """Rows that violate one check, of those it looked at; NaN where it did not run."""
    fields: RowFields = {"population": RECORDS, "group": ("check", check), "reason": status}
    if not math.isnan(evaluated):
        fields["n"] = int(evaluated)
    if math.isnan(violating):
        fields |= {"state": "not_collected", "reason": status or "the check did not run"}
    else:
        fields |= {"value": violating, "n_event": int(violating)}
    return build.row("check_violations", unit="rows", **fields)

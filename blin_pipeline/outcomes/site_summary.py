"""One block of rows per site: enrolment, forms, follow-up, entry lag, open queries. Sorted by name, never ranked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from blin_pipeline.outcomes.builder import ResultBuilder, RowFields
from blin_pipeline.outcomes.data_quality import STILL_OPEN
from blin_pipeline.outcomes.frames import days_between, is_true, table
from blin_pipeline.outcomes.populations import in_follow_up, is_followed_currently

if TYPE_CHECKING:
    import pandas as pd

    from blin_pipeline.outcomes.context import OutcomeContext
    from blin_pipeline.outcomes.result import ResultRow

NAME = "site_summary"
RECORDS = "RECORDS"
RECENT_DAYS = 90
UNASSIGNED = "UNASSIGNED"


def compute(frames: Mapping[str, pd.DataFrame], context: OutcomeContext) -> list[ResultRow]:
    """All rows of the outcome.

    Args:
        frames: ``marts.subject``, ``quality.form_completeness``, ``quality.data_query``, ``raw.site``.
        context: Parameters and cut.
    """
    build = ResultBuilder(NAME, context)
    subject, forms = table(frames, "marts.subject"), table(frames, "quality.form_completeness")
    queries, sites = table(frames, "quality.data_query"), table(frames, "raw.site")
    tables = tuple(
        frame.assign(site_id=frame["site_id"].replace("", UNASSIGNED)) for frame in (subject, forms, queries, sites)
    )
    names = sorted(set().union(*(frame["site_id"] for frame in tables)))
    rows = [build.count("sites_n", len(names), unit="count", population=RECORDS)]
    for site in names:
        rows += _site(build, site, *(frame[frame["site_id"] == site] for frame in tables))
    return rows


def _site(
    build: ResultBuilder,
    site: str,
    subject: pd.DataFrame,
    forms: pd.DataFrame,
    queries: pd.DataFrame,
    sites: pd.DataFrame,
) -> list[ResultRow]:
    group: RowFields = {"group": ("site", site)}
    import pandas as pd

    records: RowFields = {**group, "population": RECORDS}
    cut = pd.Timestamp(build.context.data_cut)
    current_days = build.context.parameters.stale_off_therapy_days
    patients = subject[is_true(subject["is_eligible"])]
    recent = patients["reg_date"].between(cut - timedelta(days=RECENT_DAYS), cut, inclusive="right")
    followed = in_follow_up(patients)
    current = is_followed_currently(followed, build.context.data_cut, current_days)
    lag = days_between(patients["reg_date"], patients["dx_date"])
    due = int(forms["n_due"].fillna(0).sum())
    done = int(forms["n_complete"].fillna(0).sum())
    still_open = queries[queries["status_cd"].isin(STILL_OPEN)]
    return [
        build.count("site_records_n", len(subject), **records),
        build.count("site_eligible_n", len(patients), **group),
        build.count("site_eligible_last_90_days_n", int(recent.sum()), **group),
        build.ratio("site_forms_complete", done, due, **records),
        build.ratio("site_followup_current", int(current.sum()), len(followed), **group),
        build.median("site_entry_lag_days", lag.tolist(), unit="days", **group),
        *(
            build.count(
                f"site_open_queries_{severity}_n",
                int((still_open["severity_class"] == severity).sum()),
                unit="queries",
                **records,
            )
            for severity in ("error", "warn")
        ),
        *(
            build.count(statistic, int((queries["status_cd"] == status).sum()), unit="queries", **records)
            for statistic, status in (
                ("site_answered_queries_n", "ANSWERED"),
                ("site_accepted_queries_n", "ACCEPTED_AS_IS"),
            )
        ),
        _activated(build, sites, records),
    ]


def _activated(build: ResultBuilder, sites: pd.DataFrame, fields: RowFields) -> ResultRow:
    """Month in which the site was activated: value YYYYMM, reason the same as ``YYYY-MM``."""
    dates = sites["activated_date"].dropna()
    if dates.empty:
        fields = fields | {"state": "not_collected", "reason": "no activation date in the site file"}
    else:
        first = dates.iloc[0]
        fields = fields | {"value": first.year * 100 + first.month, "reason": f"{first.year:04d}-{first.month:02d}"}
    return build.row("site_activated_month", unit="month", **fields)

"""The summary after a refresh: read from the released results, so that every outlet shows the same numbers."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from blin_pipeline.cli.console import results

if TYPE_CHECKING:
    from blin_pipeline.settings import Settings

_QUERY = """
    select result_id, statistic, denominator, group_variable, group_label, time_days, value, lower, upper, n, n_event,
           state, method, population
    from report.result
    where statistic in ('records_n', 'eligibility_status_n', 'cr_registry', 'os_survival', 'cycles_started_per_patient',
                        'open_queries_n', 'site_records_n')
    order by result_id
"""


def summary_of(settings: Settings) -> dict[str, Any] | None:
    """Headline numbers of the current release, None without one. Counts and aggregates only."""
    from blin_pipeline.release.reading import current_release, open_release_database, read_manifest

    release = current_release(settings.releases_dir)
    if release is None:
        return None
    manifest = read_manifest(release)
    with open_release_database(release / "analytic.duckdb") as connection:
        cursor = connection.execute(_QUERY)
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        (cycles,) = connection.execute("select count(*) from marts.blin_cycle_exposure where started").fetchone() or (
            0,
        )

    def pick(statistic: str, **wanted: Any) -> dict[str, Any] | None:  # noqa: ANN401 (a value of any column)
        for row in rows:
            if row["statistic"] == statistic and all(row[name] == value for name, value in wanted.items()):
                return {name: row[name] for name in ("value", "lower", "upper", "n", "n_event", "state", "method")}
        return None

    survival = [row for row in rows if row["statistic"] == "os_survival" and row["method"] == "kaplan_meier"]
    by_time = sorted(survival, key=lambda row: row["time_days"])
    keep = ("value", "lower", "upper", "n", "n_event", "state", "method")
    return {
        "release_id": manifest.release_id,
        "content_sha256": manifest.content_sha256,
        "synthetic": settings.synthetic,
        "records": pick("records_n"),
        "eligible": pick("eligibility_status_n", group_label="ELIGIBLE"),
        "sites": sum(1 for row in rows if row["statistic"] == "site_records_n"),
        "cycles_started": cycles,
        "complete_remission": pick("cr_registry", denominator="D1", group_variable="all", method="clopper_pearson"),
        "overall_survival": {
            f"{row['time_days'] / 30.4375:.0f} months": {name: row[name] for name in keep} for row in by_time
        },
        "open_queries": pick("open_queries_n", group_variable="all"),
    }


def _share(row: dict[str, Any] | None) -> str:
    if row is None:
        return "no result"
    if row["state"] != "ok" or row["value"] is None:
        return str(row["state"]).replace("_", " ")
    interval = f" (95 % CI {100 * row['lower']:.1f} to {100 * row['upper']:.1f})" if row["lower"] is not None else ""
    return f"{100 * row['value']:.1f} %{interval}"


def _count(row: dict[str, Any] | None) -> str:
    return "none" if row is None or row["value"] is None else f"{row['value']:.0f}"


def print_summary(settings: Settings, summary: dict[str, Any] | None) -> None:
    """Print the headline numbers, where things are, and what to do next."""
    from rich.table import Table

    if summary is None:
        results.print("No release yet.")
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    if summary["synthetic"]:
        table.title = "SYNTHETIC DATA - no real patients"
    remission = summary["complete_remission"]
    table.add_row("Patients in REDCap", _count(summary["records"]))
    table.add_row("Eligible", _count(summary["eligible"]))
    table.add_row("Sites", str(summary["sites"]))
    table.add_row("Blinatumomab cycles started", str(summary["cycles_started"]))
    detail = f", {remission['n_event']} of {remission['n']} treated" if remission and remission["n"] is not None else ""
    table.add_row("Complete remission (registry, D1)", _share(remission) + detail)
    for months in ("12 months", "24 months"):
        table.add_row(f"Overall survival at {months}", _share(summary["overall_survival"].get(months)))
    table.add_row("Open data queries", _count(summary["open_queries"]))
    results.print(table)
    current = settings.releases_dir / "current"
    results.print()
    command = "blin" if shutil.which("blin") else sys.argv[0]
    for label, text in (
        ("Release", f"{current}  ({summary['release_id']})"),
        ("Content", summary["content_sha256"]),
        ("Report", str(current / "report.html")),
        ("Dagster UI", f"{command} ui --home {settings.home}"),
        ("Query", f'{command} query --home {settings.home} "from marts.subject limit 5"'),
    ):
        results.print(f"[bold]{label:<11}[/] {text}", soft_wrap=True)

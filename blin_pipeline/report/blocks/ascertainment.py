"""How sites find their patients, and the survival estimate that is valid for each way."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Table
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "ascertainment"
_METHODS = ("kaplan_meier", "kaplan_meier_delayed_entry")
_MONTHS = 12


def table(results: Results) -> Table:
    """One line per situation: sites, patients, alive at 12 months by the valid estimators."""
    sites = results.by_group(_OUTCOME, "situation_sites_n", "situation")
    patients = results.by_group(_OUTCOME, "situation_patients_n", "situation")
    return Table(
        "By what the sites state: alive at 12 months (95% interval)",
        ("Sites", "Number", "Patients", "From diagnosis", "Delayed entry"),
        [
            (
                words.say("situation", name),
                numbers.count_of(sites[name]),
                numbers.count_of(patients[name]),
                *(_cell(results, name, method) for method in _METHODS),
            )
            for name in sorted(sites, key=lambda name: words.rank("situation", name))
        ],
        note=" ".join((words.say("note", "situation"), *doubts(results))),
    )


def doubts(results: Results) -> list[str]:
    """Sites whose statement the diagnostics contradict, one sentence each."""
    rows = results.many(_OUTCOME, "site_situation_n", group_variable="site_situation")
    return [
        f"Site {row.group_label.split(':')[0]} states that it enters everybody, yet fewer died early than is expected."
        for row in rows
        if row.reason.startswith("warn")
    ]


def _cell(results: Results, name: str, method: str) -> str:
    rows = results.many(_OUTCOME, "situation_os_survival", group_label=name, method=method)
    if not rows:
        return words.say("note", "not_valid_here")
    at = [row for row in rows if row.time_days is not None and abs(row.time_days - numbers.days_of(_MONTHS)) < 0.01]
    row = at[0] if at else Row(_OUTCOME, "situation_os_survival")
    return f"{numbers.value_of(row)}\n{numbers.range_of(row)}".strip()

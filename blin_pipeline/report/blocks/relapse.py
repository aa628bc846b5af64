"""What happens after remission: relapse-free survival, and relapse and death in remission as competing risks."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Block, Table, Text, why_empty
from blin_pipeline.report.rows import Results, Row

_ENDPOINTS = "survival_endpoints"
_RISKS = "competing_risks"
_QUESTION = "What happens after remission?"
_TITLE = "Relapse and death in remission"


def block(results: Results) -> Block:
    """One table of fixed times and one of medians."""
    if not {_ENDPOINTS, _RISKS} <= results.outcomes:
        return Block("relapse", _QUESTION, _TITLE, "one", [], empty=why_empty([]))
    return Block(
        "relapse",
        _QUESTION,
        _TITLE,
        "even",
        [[_fixed_times(results)], [_medians(results), Text(words.say("note", "relapse"))]],
    )


def _fixed_times(results: Results) -> Table:
    columns: list[tuple[str, list[Row]]] = [
        (words.say("after_remission", "rfs"), results.many(_ENDPOINTS, "rfs_survival")),
        (words.say("after_remission", "cir"), results.many(_RISKS, "cir_incidence")),
        (words.say("after_remission", "nrm"), results.many(_RISKS, "nrm_incidence")),
    ]
    times = sorted({row.time_days for _, rows in columns for row in rows if row.time_days is not None})
    lines = []
    for time in times:
        cells = [next((row for row in rows if row.time_days == time), Row(_RISKS, "")) for _, rows in columns]
        lines.append(
            (
                f"{numbers.decimal(numbers.months_of(time))} months",
                *(f"{numbers.value_of(row)}\n{numbers.range_of(row)}".strip() for row in cells),
            )
        )
    return Table(
        "From first remission (95% interval)",
        ("Time", *(label for label, _ in columns)),
        lines,
        note="The three sum to 100% at every time: relapse and death in remission compete.",
    )


def _medians(results: Results) -> Table:
    rows = []
    for prefix, label in words.labels("endpoint").items():
        median = results.one(_ENDPOINTS, f"{prefix}_median")
        mean = results.one(_ENDPOINTS, f"{prefix}_restricted_mean")
        events = results.one(_ENDPOINTS, f"{prefix}_events_total_n")
        horizon = "" if mean.time_days is None else f"\nup to {numbers.decimal(numbers.months_of(mean.time_days))}"
        medians, means = (numbers.median_of(row, all_digits=True) for row in (median, mean))
        rows.append((label, numbers.ratio_of(events), medians, f"{means}{horizon}"))
    return Table("Endpoints, in months (95% interval)", ("Endpoint", "Events", "Median", "Restricted mean"), rows)

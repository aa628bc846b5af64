"""What happens after remission: relapse-free survival, and relapse and death in remission as competing risks."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Block, Table, Text, why_empty
from blin_pipeline.report.rows import Results, Row

_ENDPOINTS = "survival_endpoints"
_RISKS = "competing_risks"
PLAIN = "kaplan_meier"
DELAYED = "kaplan_meier_delayed_entry"
_MONTHS = 12
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
        [[_fixed_times(results), _entry(results)], [_medians(results), Text(words.say("note", "relapse"))]],
        alerts=_alerts(results),
    )


def _fixed_times(results: Results) -> Table:
    columns: list[tuple[str, list[Row]]] = [
        (words.say("after_remission", "rfs"), results.many(_ENDPOINTS, "rfs_survival", method=PLAIN)),
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
        median = results.one(_ENDPOINTS, f"{prefix}_median", method=PLAIN)
        mean = results.one(_ENDPOINTS, f"{prefix}_restricted_mean")
        events = results.one(_ENDPOINTS, f"{prefix}_events_total_n", method=PLAIN)
        horizon = "" if mean.time_days is None else f"\nup to {numbers.decimal(numbers.months_of(mean.time_days))}"
        medians, means = (numbers.median_of(row, all_digits=True) for row in (median, mean))
        rows.append((label, numbers.ratio_of(events), medians, f"{means}{horizon}"))
    return Table("Endpoints, in months (95% interval)", ("Endpoint", "Events", "Median", "Restricted mean"), rows)


def _at_one_year(results: Results, prefix: str, method: str) -> Row:
    rows = results.many(_ENDPOINTS, f"{prefix}_survival", method=method)
    at = [row for row in rows if row.time_days is not None and abs(row.time_days - numbers.days_of(_MONTHS)) < 0.01]
    return at[0] if at else Row(_ENDPOINTS, f"{prefix}_survival")


def _compared(results: Results) -> dict[str, str]:
    """Endpoints that stand with delayed entry too, by their words."""
    return {
        prefix: label
        for prefix, label in words.labels("endpoint").items()
        if results.many(_ENDPOINTS, f"{prefix}_estimator_difference")
    }


def _entry(results: Results) -> Table:
    """The estimate at one year as counted from its time zero, and with delayed entry."""
    lines = []
    for prefix, label in _compared(results).items():
        plain, late = (_at_one_year(results, prefix, method) for method in (PLAIN, DELAYED))
        gap = results.one(_ENDPOINTS, f"{prefix}_estimator_difference")
        start = results.one(_ENDPOINTS, f"{prefix}_conditional_start")
        points = f"{numbers.decimal(gap.number * 100)} points" if gap.ok else numbers.state_text(gap)
        lines.append(
            (
                label,
                *(f"{numbers.value_of(row)}\n{numbers.range_of(row)}".strip() for row in (plain, late)),
                numbers.count_of(start),
                points,
            )
        )
    return Table(
        "Free of the event at 12 months, from time zero and with delayed entry (95% interval)",
        ("Endpoint", "From time zero", "Delayed entry", "Starts on day", "Difference"),
        lines,
        note=words.say("note", "endpoint_entry"),
    )


def _alerts(results: Results) -> list[str]:
    found = []
    for prefix, label in _compared(results).items():
        gap = results.one(_ENDPOINTS, f"{prefix}_estimator_difference")
        if gap.ok and gap.reason.startswith("warn"):
            found.append(
                f"{label}: at 12 months the two estimates differ by {numbers.decimal(gap.number * 100)} points: the way "
                "patients were found matters here."
            )
    return found

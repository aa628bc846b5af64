"""How much blinatumomab: cycles, dose, interruptions."""

from __future__ import annotations

from blin_pipeline.report import numbers, style, words
from blin_pipeline.report.content import Block, Figure, Table, drawn_twice, why_empty
from blin_pipeline.report.figures import retention
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "exposure"
_QUESTION = "How much blinatumomab?"
_TITLE = "Exposure"


def cycles(results: Results) -> Row:
    """Median cycles started per exposed patient, with quartiles."""
    return results.one(_OUTCOME, "cycles_started_per_patient")


def four_cycles(results: Results) -> Row:
    """Share of exposed patients with four cycles or more."""
    return results.one(_OUTCOME, "patients_four_cycles")


def block(results: Results) -> Block:
    """Retention by cycle, exposure table, reasons for stopping."""
    if _OUTCOME not in results.outcomes:
        return Block("exposure", _QUESTION, _TITLE, "one", [], empty=why_empty([]))
    return Block(
        key="exposure",
        question=_QUESTION,
        title=_TITLE,
        layout="even",
        cells=[[_figure(results), _stops(results)], [_summary(results)]],
    )


def _figure(results: Results) -> Figure:
    title = "What became of each cycle"
    rows = results.many(_OUTCOME, "cycle_retention_n", group_variable="cycle_status")
    shown: dict[str, dict[str, Row]] = {}
    for row in rows:
        cycle, _, status = row.group_label.partition(":")
        shown.setdefault(cycle, {})[status] = row
    if not rows or not any(row.ok and row.number > 0 for row in rows):
        return Figure("retention", title, "", empty=why_empty([row for row in rows if not row.ok] or rows))
    found = {status for parts in shown.values() for status in parts}
    used = [code for code in style.CYCLE_STATUS if code in found]
    codes = [*used, *sorted(found.difference(used))]
    order = sorted(shown, key=lambda cycle: (len(cycle.rstrip("+")), cycle))
    bars = [
        retention.Bar(f"Cycle {cycle}", {status: row.number for status, row in shown[cycle].items() if row.ok})
        for cycle in order
    ]
    names = {code: words.say("cycle_status", code) for code in used}
    description = ". ".join(
        f"Cycle {cycle}: "
        + ", ".join(
            f"{words.say('cycle_status', code).lower()} {numbers.count_of(shown[cycle][code])}"
            for code in codes
            if code in shown[cycle]
        )
        for cycle in order
    )
    table = Table(
        "Cycles by number and what became of them",
        ("Cycle", *(words.say("cycle_status", code) for code in codes)),
        [
            (
                f"Cycle {cycle}",
                *(
                    numbers.count_of(shown[cycle].get(code, Row(_OUTCOME, "cycle_retention_n", state="nothing_yet")))
                    for code in codes
                ),
            )
            for cycle in order
        ],
    )
    return Figure(
        "retention",
        title,
        words.say("note", "retention") + _not_recorded(results),
        drawn_twice(
            lambda width, key, variant: retention.draw(
                bars, names, width=width, key=key, title=title, description=f"{description}.", variant=variant
            ),
            "retention",
        ),
        [table],
    )


def _not_recorded(results: Results) -> str:
    """Patients with a cycle but no record of the next one, whatever the cause."""
    rows = results.by_group(_OUTCOME, "cycle_not_recorded_n", "cycle")
    parts = [
        f"cycle {cycle}: {numbers.count_of(row)} of {numbers.count(row.n or 0)}"
        for cycle, row in rows.items()
        if row.ok
    ]
    if not parts:
        return ""
    return f" No record of the next cycle (not yet due, or not given), of those who had the one before: {'; '.join(parts)}."


def _summary(results: Results) -> Table:
    rows = []
    for statistic, label in words.labels("exposure").items():
        row = results.one(_OUTCOME, statistic)
        rows.append((label, f"{numbers.value_of(row)}\n{numbers.range_of(row)}".strip(), _known(row)))
    return Table(
        "Exposure: median (quartiles), or share (95% interval)",
        ("Measure", "Value", "Known"),
        rows,
        note="Known: cycles or patients with a value, of all that could have one. Shares: number, of those known.",
    )


def _known(row: Row) -> str:
    if row.n is None:
        return "none"
    if row.unit == "fraction" or row.n_event is not None:
        pair = (
            (row.n_event, row.n)
            if row.unit == "fraction" and row.method != "median_quartiles"
            else (row.n, row.n_event)
        )
        if None not in pair:
            return f"{numbers.count(pair[0] or 0)} of {numbers.count(pair[1] or 0)}"
    return numbers.count(row.n)


def _stops(results: Results) -> Table:
    groups = results.by_group(_OUTCOME, "stop_reason_n", "stop_reason")
    codes = sorted(groups, key=lambda code: words.rank("stop_reason", code))
    return Table(
        "Why cycles were stopped early",
        ("Reason", "Cycles"),
        [(words.say("stop_reason", code), numbers.count_of(groups[code])) for code in codes],
    )

"""Blinatumomab and survival: the estimators side by side, the naive one labelled as biased. No effect is claimed."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Block, Part, Table, Text, why_empty
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "blin_association"
_QUESTION = "How do patients with blinatumomab fare?"
_TITLE = "Blinatumomab and survival: adjusted association, not an effect"
_ENDPOINTS = ("rfs", "oscr")
_USUAL = "cox_stratified_by_site"


def block(results: Results) -> Block:
    """One table per endpoint; the note on bias is always printed."""
    if _OUTCOME not in results.outcomes:
        return Block("association", _QUESTION, _TITLE, "one", [], empty=why_empty([]))
    cells: list[list[Part]] = [[_table(results, endpoint)] for endpoint in _ENDPOINTS]
    cells[0].append(Text(words.say("note", "association"), alert=True))
    return Block("association", _QUESTION, _TITLE, "even", cells)


def _table(results: Results, endpoint: str) -> Table:
    statistic = f"association_{endpoint}_hazard_ratio"
    rows = results.many(_OUTCOME, statistic, group_variable="estimator")
    rows.sort(key=lambda row: (words.rank("estimator", row.group_label), row.method))
    strengths = {
        (row.group_label, row.method): row for row in results.many(_OUTCOME, f"association_{endpoint}_e_value")
    }
    return Table(
        f"Hazard ratio, exposed against not: {words.say('endpoint', endpoint).lower()}",
        ("Estimator", "Events", "Hazard ratio (95% interval)", "E-value (limit)"),
        [
            (
                _name(row),
                numbers.ratio_of(row),
                _ratio(row),
                _strength(strengths.get((row.group_label, row.method))),
            )
            for row in rows
        ],
    )


def _name(row: Row) -> str:
    """The estimator, and its method where it is not the usual one."""
    label = words.say("estimator", row.group_label)
    return label if row.method == _USUAL else f"{label} ({words.say('method', row.method)})"


def _ratio(row: Row) -> str:
    if not row.ok:
        return f"{numbers.state_text(row)}\n{row.reason}".strip()
    limits = numbers.decimal_range(row.lower, row.upper, 2, all_digits=True)
    return f"{numbers.decimal(row.number, 2, all_digits=True)}\n{limits}"


def _strength(row: Row | None) -> str:
    if row is None or not row.ok or row.lower is None:
        return "none"
    value, limit = (numbers.decimal(number, 2, all_digits=True) for number in (row.number, row.lower))
    return f"{value} ({limit})"

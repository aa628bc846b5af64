"""Safety of frontline blinatumomab: per patient, per cycle, per 100 infusion days."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Block, Table, why_empty
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "toxicity"
_QUESTION = "How is blinatumomab tolerated?"
_TITLE = "Safety"
_COLUMNS = {
    "Patients": "toxicity_per_patient",
    "Cycles": "toxicity_per_cycle",
    "Cycles, ASTCT 3 or more": "toxicity_severe_astct_per_cycle",
    "Cycles, CTCAE 3 or more": "toxicity_severe_ctcae_per_cycle",
}


def block(results: Results) -> Block:
    """One line per kind of toxicity."""
    if _OUTCOME not in results.outcomes:
        return Block("safety", _QUESTION, _TITLE, "one", [], empty=why_empty([]))
    return Block("safety", _QUESTION, _TITLE, "one", [[_table(results)]])


def _table(results: Results) -> Table:
    columns = {label: results.by_group(_OUTCOME, statistic, "toxicity") for label, statistic in _COLUMNS.items()}
    rates = results.by_group(_OUTCOME, "toxicity_rate_per_100_days", "toxicity")
    onset = results.by_group(_OUTCOME, "toxicity_days_to_onset", "toxicity")
    unknown = results.by_group(_OUTCOME, "toxicity_grade_unknown_n", "toxicity")
    kinds = sorted(rates, key=lambda kind: words.rank("toxicity", kind))
    return Table(
        "Frontline cycles with an event, those without counted (95% interval)",
        ("Event", *columns, "Per 100 infusion days", "Days to onset", "Grade unknown"),
        [
            (
                words.say("toxicity", kind),
                *(_share(found.get(kind), columns["Cycles"].get(kind)) for found in columns.values()),
                numbers.median_of(rates[kind], 2),
                numbers.median_of(onset.get(kind, Row(_OUTCOME, ""))),
                numbers.count_of(unknown.get(kind, Row(_OUTCOME, ""))),
            )
            for kind in kinds
        ],
        note="Attributed by time of onset, not by opinion. ASTCT and CTCAE are different scales and are never merged.",
    )


def _share(row: Row | None, cycles: Row | None) -> str:
    """A share; without a row no event has a grade of the scale, or there was no event at all."""
    if row is None:
        return "no event" if cycles is not None and cycles.n_event == 0 else "not graded"
    return f"{numbers.ratio_of(row)}\n{numbers.value_of(row)}\n{numbers.range_of(row)}".strip()

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
    left_out = {
        f"Cycles, {scale.upper()} 3 or more": results.by_group(
            _OUTCOME, f"toxicity_severe_{scale}_unknown_cycles_n", "toxicity"
        )
        for scale in ("astct", "ctcae")
    }
    kinds = sorted(rates, key=lambda kind: words.rank("toxicity", kind))
    return Table(
        "Frontline cycles with an event, those without counted (95% interval)",
        ("Event", *columns, "Per 100 infusion days", "Days to onset", "Grade unknown"),
        [
            (
                words.say("toxicity", kind),
                *(_share(found.get(kind), left_out.get(label, {}).get(kind)) for label, found in columns.items()),
                numbers.median_of(rates[kind], 2),
                numbers.median_of(onset.get(kind, Row(_OUTCOME, ""))),
                numbers.count_of(unknown.get(kind, Row(_OUTCOME, ""))),
            )
            for kind in kinds
        ],
        note="Attributed by time of onset, not by opinion. ASTCT and CTCAE are different scales and are never merged. A cycle "
        "with an event that is not graded on a scale is in neither number of that scale. Intervals of cycles and of the rate "
        "come from the spread between patients.",
    )


def _share(row: Row | None, left_out: Row | None) -> str:
    """A share, and how many cycles are not in it because an event of theirs is not graded on its scale."""
    if row is None:
        return numbers.state_text(Row(_OUTCOME, ""))
    if not row.ok:
        return words.say("not_graded", row.state) if left_out is not None else numbers.state_text(row)
    missing = f"{numbers.count_of(left_out)} not graded" if left_out is not None and left_out.number > 0 else ""
    cells = (numbers.ratio_of(row), numbers.value_of(row), numbers.range_of(row), missing)
    return "\n".join(cell for cell in cells if cell)

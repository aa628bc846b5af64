"""Published results beside ours: two tables, never one, never a drawing, and the difference in time zero in words."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Block, Table, Text, why_empty
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "external_reference"
_QUESTION = "What has been published?"
_TITLE = "Published results beside ours, never pooled"
#: The trial in whose patients' likeness ours are chosen.
_TRIAL = "E1910"
_METHODS = ("kaplan_meier", "kaplan_meier_delayed_entry")


def block(results: Results) -> Block:
    """What was published, and ours from a landmark after remission in the patients that are like theirs."""
    if _OUTCOME not in results.outcomes:
        return Block("references", _QUESTION, _TITLE, "one", [], empty=why_empty([]))
    return Block(
        "references",
        _QUESTION,
        _TITLE,
        "one",
        [[*_published(results), _ours(results), Text(words.say("note", "time_zero"), alert=True)]],
    )


def _published(results: Results) -> list[Table]:
    """The trial that ours are held against; everything else that was published, folded."""
    found = results.many(_OUTCOME, "external_value", group_variable="reference")
    rows = sorted(found, key=lambda row: words.rank("reference", row.group_label))
    lines = [(words.say("reference", row.group_label), numbers.value_of(row)) for row in rows]
    note = words.say("note", "references")
    columns = ("Published", "Value")
    others = [line for line in lines if not line[0].startswith(_TRIAL)]
    tables = [
        Table(f"External reference {_TRIAL}, not pooled", columns, [x for x in lines if x not in others], note=note)
    ]
    if others:
        tables.append(Table("Other external references, not pooled", columns, others, note=note, folded=True))
    return tables


def _ours(results: Results) -> Table:
    years = sorted(
        {row.time_days for row in results.many(_OUTCOME, "ours_survival", group_variable="landmark") if row.time_days}
    )
    lines: list[tuple[str, ...]] = []
    for label, patients in results.by_group(_OUTCOME, "ours_at_landmark_n", "landmark").items():
        zero = results.one(_OUTCOME, "ours_time_zero_after_diagnosis", group_variable="landmark", group_label=label)
        lines += [
            (
                f"Day {int(label)} after remission, {words.say('estimator_of', method)}",
                f"{numbers.count_of(patients)} of {numbers.count(patients.n or 0)}",
                numbers.median_of(zero),
                *(_at(results, label, method, day) for day in years),
            )
            for method in _METHODS
        ]
    return Table(
        "Ours, patients like those of E1910 (E1910_LIKE): alive (95% log-log interval)",
        (
            "Time zero",
            "Patients",
            "Days since diagnosis",
            *(f"{numbers.months_of(day) / 12:.0f} y" for day in years),
        ),
        lines,
        note=words.say("note", "e1910_like"),
    )


def _at(results: Results, label: str, method: str, day: float) -> str:
    found = results.many(_OUTCOME, "ours_survival", group_label=label, method=method, time_days=day)
    row = found[0] if found else Row(_OUTCOME, "ours_survival")
    return f"{numbers.value_of(row)}\n{numbers.range_of(row)}\n{'' if row.n is None else f'{row.n} at risk'}".strip()

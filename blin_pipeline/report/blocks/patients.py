"""Who the patients are: table 1, all together and by backbone group."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Block, Table, why_empty
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "baseline"
_QUESTION = "Who are the patients?"
_TITLE = "Baseline"
_MOST_GROUPS = 5


def block(results: Results) -> Block:
    """Table 1: medians with quartiles, shares of the known, missing last."""
    if _OUTCOME not in results.outcomes:
        return Block("baseline", _QUESTION, _TITLE, "one", [], empty=why_empty([]))
    return Block("baseline", _QUESTION, _TITLE, "one", [[_table(results)]])


def _table(results: Results) -> Table:
    sizes = results.by_group(_OUTCOME, "baseline_patients_n", "backbone_group")
    filled = [group for group, row in sizes.items() if group != "all" and row.ok and row.number > 0]
    ordered = sorted(filled, key=lambda group: words.rank("backbone_group", group))
    groups, without = ["all", *ordered[:_MOST_GROUPS]], ordered[_MOST_GROUPS:]
    only_in_all = ", ".join(
        f"{words.say('backbone_group', group)} {numbers.count_of(sizes[group])}" for group in without
    )
    rows = [("Patients", *(numbers.count_of(sizes[group]) for group in groups if group in sizes))]
    for statistic, label in words.labels("baseline_median").items():
        found = results.by_group(_OUTCOME, statistic, "backbone_group")
        rows.append((label, *(numbers.median_of(found.get(group, Row(_OUTCOME, statistic))) for group in groups)))
    for statistic, label in words.labels("baseline_share").items():
        found = results.by_group(_OUTCOME, statistic, "backbone_group_level")
        levels = [name.partition(":")[2] for name in found if name.startswith("all:")]
        for level in levels:
            name = f"{label}: {words.say(statistic, level)}"
            rows.append((name, *(_share(found.get(f"{group}:{level}", Row(_OUTCOME, statistic))) for group in groups)))
        missing = results.by_group(_OUTCOME, f"{statistic}_missing_n", "backbone_group")
        rows.append(
            (f"{label}: missing", *(numbers.count_of(missing.get(group, Row(_OUTCOME, statistic))) for group in groups))
        )
    return Table(
        "Patients at diagnosis: median (quartiles), or number and share of the known",
        ("", *(words.say("backbone_group", group) for group in groups)),
        rows,
        note="Eligible patients, by backbone group (the backbone that counts). No test: groups were not assigned."
        + (f" In the first column only: {only_in_all}." if only_in_all else ""),
    )


def _share(row: Row) -> str:
    return f"{numbers.count(row.n_event or 0)} ({numbers.percent(row.number)})" if row.ok else numbers.state_text(row)

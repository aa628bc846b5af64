"""Who is in the analysis, and how fast patients arrive."""

from __future__ import annotations

from itertools import pairwise

from blin_pipeline.report import numbers, style, words
from blin_pipeline.report.content import Block, Figure, Table, Text, drawn_twice, why_empty
from blin_pipeline.report.figures import accrual, flow
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "enrolment"


def flow_rows(results: Results) -> dict[str, tuple[Row, Row, Row]]:
    """Step code to (remaining, left here, undetermined here), in the order of the protocol."""
    remaining = {row.group_label: row for row in results.many(_OUTCOME, "flow_remaining_n", group_variable="flow_step")}
    out = results.by_group(_OUTCOME, "flow_excluded_n", "flow_step")
    open_ = results.by_group(_OUTCOME, "flow_undetermined_n", "flow_step")
    return {
        code: (
            row,
            out.get(code, Row(_OUTCOME, "flow_excluded_n")),
            open_.get(code, Row(_OUTCOME, "flow_undetermined_n")),
        )
        for code, row in remaining.items()
    }


def analysed(results: Results) -> Row:
    """The number of patients in the analysis: the end of the flow."""
    return results.one(_OUTCOME, "flow_remaining_n", group_variable="flow_step", group_label="ANALYSIS")


def flow_block(results: Results) -> Block:
    """Patient flow, and who of the analysis is available for what."""
    steps = flow_rows(results)
    available = _counts(
        results, "flow_available_n", "available_for", "Of these, available for (the lines do not add up)", "Analysis"
    )
    return Block(
        key="flow",
        question="Who is in the analysis?",
        title="Patient flow",
        layout="half",
        cells=[[_flow_figure(steps), available]],
        alerts=_disagreements(results, steps),
    )


def _flow_figure(steps: dict[str, tuple[Row, Row, Row]]) -> Figure:
    title = "Patient flow from REDCap to the analysis"
    caption = words.say("note", "flow")
    rows = [row for row, _, _ in steps.values()]
    if not rows or not all(row.ok for row in rows):
        return Figure("flow", title, caption, empty=why_empty(rows))
    boxes = []
    for index, (code, (row, out, _)) in enumerate(steps.items()):
        side = words.labels("flow_side").get(code, "Not met") if index and code != "ANALYSIS" else ""
        boxes.append(
            flow.Step(words.say("flow_step", code), numbers.count_of(row), side, numbers.count_of(out) if side else "")
        )
    first, last = boxes[0], boxes[-1]
    description = (
        f"{first.count} records in REDCap; "
        + "; ".join(f"{box.side.lower()} {box.side_count}" for box in boxes if box.side)
        + f"; analysis population {last.count}."
    )
    table = Table(
        "Patient flow",
        ("Step", "Remaining", "Left here", "Undetermined here"),
        [(words.say("flow_step", code), *(numbers.count_of(row) for row in three)) for code, three in steps.items()],
    )
    return Figure(
        "flow",
        title,
        caption,
        drawn_twice(
            lambda width, key, variant: flow.draw(
                boxes, width=width, key=key, title=title, description=description, variant=variant
            ),
            "flow",
        ),
        [table],
    )


def _disagreements(results: Results, steps: dict[str, tuple[Row, Row, Row]]) -> list[str]:
    """Every place where two rows that must be equal are not, with both numbers."""
    found = []
    for (_, (before, _, _)), (code, (after, out, _)) in pairwise(steps.items()):
        if before.ok and after.ok and out.ok and before.number - out.number != after.number:
            found.append(
                f"The flow does not add up at “{words.say('flow_step', code)}”: {numbers.count_of(before)} before, "
                f"{numbers.count_of(out)} left, {numbers.count_of(after)} remain."
            )
    end = analysed(results)
    status = results.one(_OUTCOME, "eligibility_status_n", group_variable="eligibility_status", group_label="ELIGIBLE")
    months = results.many(_OUTCOME, "accrual_total_n", group_variable="month")
    others = [("The status of the records counts", status, 0.0)]
    undated = results.one(_OUTCOME, "accrual_undated_n")
    others += [("Accrual by month ends at", row, undated.value or 0.0) for row in months[-1:]]
    for name, row, known in others:
        if end.ok and row.ok and row.number + known != end.number:
            found.append(f"{name} {numbers.count_of(row)} patients, the flow ends at {numbers.count_of(end)}.")
    return found


def _counts(results: Results, statistic: str, group_variable: str, caption: str, head: str) -> Table:
    groups = results.by_group(_OUTCOME, statistic, group_variable)
    codes = sorted(groups, key=lambda code: words.rank(group_variable, code))
    return Table(
        caption,
        (head, "Patients"),
        [(words.say(group_variable, code), numbers.count_of(groups[code])) for code in codes],
    )


def accrual_block(results: Results, cut_month: str) -> Block:
    """Cumulative patients against the target, with the projection in words and in ink."""
    target = results.one(_OUTCOME, "accrual_target_n")
    if _OUTCOME not in results.outcomes:
        return Block("accrual", "How many?", "Accrual", "half", [], empty=why_empty([]))
    return Block(
        key="accrual",
        question=f"How many of {numbers.count_of(target)}?" if target.ok else "How many?",
        title="Accrual",
        layout="half",
        cells=[
            [
                _accrual_figure(results, target),
                Text(projection_text(results, cut_month)),
                Text(_undated_text(results)),
                _counts(results, "entry_path_n", "ascertainment", "How patients of the analysis entered", "Path"),
            ]
        ],
    )


def projection_text(results: Results, cut_month: str) -> str:
    """When the target is reached at the present pace, or why that is not said."""
    row = results.one(_OUTCOME, "accrual_days_to_target")
    target = results.one(_OUTCOME, "accrual_target_n")
    end = analysed(results)
    if end.ok and target.ok and end.number >= target.number:
        return f"The target of {numbers.count_of(target)} has been reached."
    why = f" ({row.reason})" if row.reason else ""
    if not row.ok:
        return f"No projection: {numbers.state_text(row)}{why}."
    goal = numbers.count_of(target) if target.ok else "the target"
    after = f"{numbers.decimal(numbers.months_of(row.number))} months after the data cut"
    when = after
    if cut_month:
        when = f"about {numbers.month_after(cut_month, row.number)}"
        if row.lower is not None and row.upper is not None:
            when += f" ({numbers.month_after(cut_month, row.lower)} to {numbers.month_after(cut_month, row.upper)})"
        when += f", {after}"
    return f"{goal} patients are reached {when}{why}. {words.say('note', 'batches')}"


def _undated_text(results: Results) -> str:
    row = results.one(_OUTCOME, "accrual_undated_n")
    if not row.ok or row.number == 0:
        return ""
    return f"Without a usable date of registration, and therefore not in the figure: {numbers.count_of(row)}."


def _accrual_figure(results: Results, target: Row) -> Figure:
    title = "Patients in the analysis by month of registration"
    series = {
        name: results.many(_OUTCOME, f"accrual_{name}_n", group_variable="month")
        for name in ("total", "prospective", "retrospective")
    }
    total = sorted(series["total"], key=lambda row: row.group_label)
    if not total or not all(row.ok for row in total):
        return Figure("accrual", title, "", empty=why_empty(total or [analysed(results)]))
    months = [row.group_label for row in total]
    looks = {
        "total": (style.BLUE, 2.5, ()),
        "prospective": (style.GREEN, 2.0, (6.0, 3.0)),
        "retrospective": (style.INK, 1.75, (1.5, 2.5)),
    }
    by_month = {name: {row.group_label: row for row in rows} for name, rows in series.items()}
    complete = [name for name in looks if all(month in by_month[name] and by_month[name][month].ok for month in months)]
    lines = [
        accrual.Line(name.capitalize(), [by_month[name][month].number for month in months], *looks[name])
        for name in complete
    ]
    pace = results.one(_OUTCOME, "accrual_days_to_target")
    projection = None
    if pace.ok and pace.number > 0:
        low, high = (None if day is None else numbers.months_of(day) for day in (pace.lower, pace.upper))
        projection = accrual.Projection(numbers.months_of(pace.number), low, high)
    goal = target.number if target.ok else None
    ends = ", ".join(f"{line.label.lower()} {numbers.count(line.counts[-1])}" for line in lines)
    description = (
        f"Cumulative patients from {numbers.month_text(months[0])} to {numbers.month_text(months[-1])}: {ends}"
        + (f"; target {numbers.count(goal)}." if goal is not None else ".")
    )
    caption = "Cumulative patients at the end of each month; vertical dots: data cut; dashed line: target" + (
        "; dotted line and bar: projection and its interval (" + words.say("method", pace.method) + ")."
        if projection
        else "."
    )
    table = Table(
        "Cumulative patients at the end of each month",
        ("Month", *(line.label for line in lines)),
        [
            (numbers.month_text(month), *(numbers.count_of(by_month[name][month]) for name in complete))
            for month in months
        ],
    )
    return Figure(
        "accrual",
        title,
        caption,
        drawn_twice(
            lambda width, key, variant: accrual.draw(
                numbers.month_index(months[0]),
                lines,
                goal,
                projection,
                width=width,
                key=key,
                title=title,
                description=description,
                variant=variant,
            ),
            "accrual",
        ),
        [table],
    )

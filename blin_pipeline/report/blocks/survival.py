"""Overall survival: the curve from diagnosis, and beside it the one that counts patients from their entry."""

from __future__ import annotations

from dataclasses import dataclass

from blin_pipeline.report import numbers, words
from blin_pipeline.report.blocks import ascertainment
from blin_pipeline.report.content import Block, Figure, Table, Text, drawn_twice, why_empty
from blin_pipeline.report.figures import survival
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "overall_survival"
_QUESTION = "How do they fare?"
_TITLE = "Overall survival"
NAIVE = "kaplan_meier"
DELAYED = "kaplan_meier_delayed_entry"
_TIMES = (6, 12, 24, 36, 60)


@dataclass(frozen=True, slots=True)
class _Panel:
    key: str
    method: str
    title: str


_PANELS = (
    _Panel("os", NAIVE, "Overall survival from diagnosis, all patients"),
    _Panel("os-delayed", DELAYED, "The same with delayed entry"),
)


def at_months(results: Results, months: float, method: str = NAIVE) -> Row:
    """Survival at a fixed time."""
    for row in results.many(_OUTCOME, "os_survival", method=method):
        if row.time_days is not None and abs(row.time_days - numbers.days_of(months)) < 0.01:
            return row
    return Row(_OUTCOME, "os_survival")


def one(results: Results, statistic: str, method: str = NAIVE) -> Row:
    """A single number of one estimator."""
    return results.one(_OUTCOME, statistic, method=method)


def block(results: Results) -> Block:
    """Both curves, fixed times, median, follow-up, and the note on bias."""
    if _OUTCOME not in results.outcomes:
        return Block("survival", _QUESTION, _TITLE, "one", [[Text(bias_note(results))]], empty=why_empty([]))
    ends = [_last_month(results, panel.method) for panel in _PANELS]
    last = max(ends)
    return Block(
        key="survival",
        question=_QUESTION,
        title=_TITLE,
        layout="even",
        cells=[
            *([_figure(results, panel, last)] for panel in _PANELS),
            [_fixed_times(results)],
            [Text(bias_note(results)), _summary(results), ascertainment.table(results)],
        ],
        alerts=_alerts(results),
    )


def bias_note(results: Results) -> str:
    """Why two curves stand here, with both numbers at 12 months; printed always."""
    paths = results.by_group("enrolment", "entry_path_n", "ascertainment")
    counted = [
        f"{numbers.count_of(paths[code])} {words.say('ascertainment', code).lower()}"
        for code in sorted(paths, key=lambda code: words.rank("ascertainment", code))
        if paths[code].ok and paths[code].number > 0
    ]
    who = f" ({', '.join(counted)})" if counted else ""
    naive, delayed = at_months(results, 12), at_months(results, 12, DELAYED)
    start = one(results, "os_conditional_start", DELAYED)
    condition = (
        f" That curve starts on day {numbers.decimal(start.number)}, the first with enough at risk: it holds for "
        "patients who lived until then."
        if start.ok and start.number > 0
        else ""
    )
    return (
        f"Read both curves. Patients who entered because they had survived, or because they had died, distort the curve "
        f"from diagnosis{who}. With delayed entry patients count only from their registration, and those entered after "
        f"death are left out. Alive at 12 months: {numbers.percent_with_range(naive)} from diagnosis, "
        f"{numbers.percent_with_range(delayed)} with delayed entry.{condition}"
    )


def _alerts(results: Results) -> list[str]:
    found = []
    gap = results.one(_OUTCOME, "os_estimator_difference")
    if gap.ok and gap.reason.startswith("warn"):
        found.append(
            f"At 12 months the two estimates differ by {numbers.decimal(gap.number * 100)} points: the way "
            "patients were found matters here."
        )
    return found


def _left_out(results: Results) -> str:
    """Who is on neither curve, and why: the difference between the curves' sizes and the analysis population."""
    found = []
    for method, name in ((NAIVE, "from diagnosis"), (DELAYED, "with delayed entry")):
        rows = results.many(_OUTCOME, "os_left_out_n", method=method, group_variable="reason")
        reasons = [
            f"{numbers.count_of(row)} {words.say('left_out', row.group_label)}"
            for row in rows
            if row.ok and row.number > 0
        ]
        if reasons:
            found.append(f"Not on the curve {name}: {', '.join(reasons)}.")
    return " ".join(found)


def _ticks(results: Results, statistic: str, method: str) -> dict[int, Row]:
    """Counts by tick number (one tick every six months)."""
    return {
        round(numbers.months_of(row.time_days) / survival.TICK_MONTHS): row
        for row in results.many(_OUTCOME, statistic, method=method)
        if row.time_days is not None
    }


def _last_month(results: Results, method: str) -> float:
    ticks = _ticks(results, "os_at_risk_n", method)
    end = one(results, "os_curve_end", method)
    return max([tick * survival.TICK_MONTHS for tick in ticks] + [numbers.months_of(end.number) if end.ok else 0.0])


def _curve(results: Results, method: str) -> list[Row]:
    """The rows of the curve as far as it is to be drawn: none when too few were ever at risk."""
    end = one(results, "os_curve_end", method)
    if not end.ok:
        return []
    rows = results.many(_OUTCOME, "os_curve", method=method)
    return [row for row in rows if row.ok and row.time_days is not None and row.time_days <= end.number]


def _figure(results: Results, panel: _Panel, last: float) -> Figure:
    people = one(results, "os_patients_n", panel.method)
    deaths = one(results, "os_deaths_total_n", panel.method)
    curve = _curve(results, panel.method)
    if len(curve) < 2:
        return Figure(panel.key, panel.title, "", empty=why_empty([one(results, "os_curve_end", panel.method)]))
    points: list[survival.Point] = []
    for row in curve:
        months = numbers.months_of(row.time_days or 0.0)
        if not points or row.number != points[-1].value or row is curve[-1]:
            points.append(survival.Point(months, row.number, row.lower, row.upper))
    end = points[-1].months
    censored = [
        numbers.months_of(row.time_days)
        for row in results.many(_OUTCOME, "os_censored_at", method=panel.method)
        if row.time_days is not None and row.ok and numbers.months_of(row.time_days) <= end + 1e-9
    ]
    names = {"os_at_risk_n": "At risk", "os_deaths_n": "Deaths", "os_censored_n": "Censored"}
    if panel.method == DELAYED:
        names = {"os_entered_n": "Entered"} | names
    ticks = {statistic: _ticks(results, statistic, panel.method) for statistic in names}
    n_ticks = max([max(found) + 1 for found in ticks.values() if found] + [0])
    rows = [
        survival.CountRow(
            name,
            [
                ticks[statistic][tick].number if tick in ticks[statistic] and ticks[statistic][tick].ok else None
                for tick in range(n_ticks)
            ],
        )
        for statistic, name in names.items()
        if ticks[statistic]
    ]
    twelve = at_months(results, 12, panel.method)
    size = f"{numbers.count_of(people)} patients, {numbers.count_of(deaths)} deaths"
    description = (
        f"Survival curve of {size}; alive at 12 months {numbers.percent_with_range(twelve)}, at 24 months "
        f"{numbers.percent_with_range(at_months(results, 24, panel.method))}."
    )
    caption = (
        f"{size}. {words.say('method', panel.method)}; {words.say('note', 'curve')} ({numbers.decimal(end)} months)."
    )
    return Figure(
        panel.key,
        panel.title,
        caption,
        drawn_twice(
            lambda width, key, variant: survival.draw(
                points,
                censored,
                rows,
                last_month=last,
                width=width,
                key=key,
                title=panel.title,
                description=description,
                variant=variant,
            ),
            panel.key,
        ),
        [_numbers(results, panel, names, n_ticks)],
    )


def _numbers(results: Results, panel: _Panel, names: dict[str, str], n_ticks: int) -> Table:
    ticks = {statistic: _ticks(results, statistic, panel.method) for statistic in names}
    curve = results.many(_OUTCOME, "os_curve", method=panel.method)
    rows = []
    for tick in range(n_ticks):
        day = numbers.days_of(tick * survival.TICK_MONTHS)
        before = [row for row in curve if row.time_days is not None and row.time_days <= day + 1e-6]
        absent = Row(_OUTCOME, "os_at_risk_n", state="not_estimable")
        rows.append(
            (
                str(tick * survival.TICK_MONTHS),
                *(numbers.count_of(ticks[statistic].get(tick, absent)) for statistic in names),
                numbers.percent_of(before[-1]) if before else numbers.state_text(absent),
            )
        )
    return Table(
        f"{panel.title}: numbers by month",
        ("Months", *names.values(), "Alive"),
        rows,
        note="At risk: reached that time, entered by then. Deaths and censored: strictly before. “Alive” is read off the "
        "curve.",
    )


def _fixed_times(results: Results) -> Table:
    rows = []
    for months in _TIMES:
        naive, delayed = (at_months(results, months, method) for method in (NAIVE, DELAYED))
        rows.append((str(months), *_fixed_time(naive), *_fixed_time(delayed)))
    return Table(
        "Alive at fixed times (95% log-log interval)",
        ("Months", "From diagnosis", "At risk", "Deaths", "Delayed entry", "At risk", "Deaths"),
        rows,
        note="At risk: at that time. Deaths: up to and including that time.",
    )


def _fixed_time(row: Row) -> tuple[str, str, str]:
    return f"{numbers.value_of(row)}\n{numbers.range_of(row)}".strip(), _n(row.n), _n(row.n_event)


def _n(value: int | None) -> str:
    return "not given" if value is None else numbers.count(value)


def _summary(results: Results) -> Table:
    def column(method: str) -> list[str]:
        median = one(results, "os_median", method)
        follow = one(results, "os_follow_up_median", method)
        return [
            numbers.count_of(one(results, "os_patients_n", method)),
            numbers.count_of(one(results, "os_deaths_total_n", method)),
            median_text(median),
            follow_up_text(follow),
            _mean_text(one(results, "os_restricted_mean", method)),
            *(_bound_text(results, label, method) for label in ("earliest", "latest")),
        ]

    names = (
        "Patients",
        "Deaths",
        "Median survival, months",
        "Median follow-up, months (reverse Kaplan-Meier)",
        "Restricted mean, months",
        "Alive at 12 months, partial dates at their earliest",
        "Alive at 12 months, partial dates at their latest",
    )
    return Table(
        "Size, median, follow-up (95% interval)",
        ("Measure", "From diagnosis", "Delayed entry"),
        list(zip(names, column(NAIVE), column(DELAYED), strict=True)),
        note=_left_out(results),
    )


def median_text(row: Row) -> str:
    """Median survival in months; "not reached" keeps its lower limit."""
    if row.ok:
        return f"{numbers.value_of(row)}\n{numbers.range_of(row)}"
    if row.state == "not_reached" and row.lower is not None:
        return f"not reached\nlower limit {numbers.decimal(row.lower)}"
    return numbers.state_text(row)


def follow_up_text(row: Row) -> str:
    """Median follow-up in months with its interval."""
    return f"{numbers.value_of(row)}\n{numbers.range_of(row)}" if row.ok else numbers.state_text(row)


def _mean_text(row: Row) -> str:
    """Restricted mean with its horizon; given for the curve from diagnosis only."""
    if not row.method:
        return "not given"
    horizon = "" if row.time_days is None else f"\nup to {numbers.decimal(numbers.months_of(row.time_days))}"
    return f"{numbers.median_of(row, all_digits=True)}{horizon}"


def _bound_text(results: Results, label: str, method: str) -> str:
    """Survival at one year with partial dates at one end; given for the curve from diagnosis only."""
    found = results.many(_OUTCOME, "os_date_sensitivity", method=method, group_variable="dates", group_label=label)
    return numbers.percent_of(found[0]) if found else "not given"

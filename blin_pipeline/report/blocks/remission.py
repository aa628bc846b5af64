"""Complete remission, the primary outcome."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Block, Figure, Table, Text, drawn_twice, why_empty
from blin_pipeline.report.figures import remission
from blin_pipeline.report.rows import Results, Row

_OUTCOME = "complete_remission"
_QUESTION = "How many reach remission?"
_TITLE = "Complete remission"
_DENOMINATORS = ("D1", "D2", "D3")
_HEADLINE_METHOD = "clopper_pearson"
_MRD_NEGATIVE = "cr_mrd_negative"
#: The words of a row need room beside its interval: drawn wider than the other figures.
_WIDTH = 660


def headline(results: Results, statistic: str = "cr_registry", denominator: str = "D1") -> Row:
    """A remission rate of all patients with its exact interval."""
    return results.one(_OUTCOME, statistic, denominator=denominator, method=_HEADLINE_METHOD)


def block(results: Results) -> Block:
    """Remission by denominator and backbone; definitions and missing answers beside it."""
    if _OUTCOME not in results.outcomes:
        return Block("remission", _QUESTION, _TITLE, "one", [], empty=why_empty([]))
    return Block(
        key="remission",
        question=_QUESTION,
        title=_TITLE,
        layout="wide-left",
        cells=[
            [_figure(results), Text(_too_few(results))],
            [_definitions(results), _states(results)],
        ],
    )


def _backbones(results: Results, statistic: str = "cr_registry") -> list[Row]:
    rows = results.many(_OUTCOME, statistic, group_variable="backbone", denominator="D1", method=_HEADLINE_METHOD)
    return sorted(rows, key=lambda row: words.rank("backbone", row.group_label))


def _interval(row: Row, negative: Row, label: str, *, main: bool = False) -> remission.Interval:
    """A row of the figure: remission, and below it remission without MRD where that has a number."""
    marks = [_mark(row)] + ([_mark(negative, hollow=True)] if negative.ok else [])
    return remission.Interval(label, marks, main)


def _mark(row: Row, *, hollow: bool = False) -> remission.Mark:
    return remission.Mark(
        row.number,
        row.number if row.lower is None else row.lower,
        row.number if row.upper is None else row.upper,
        numbers.percent_with_range(row),
        numbers.ratio_of(row),
        hollow,
    )


def _figure(results: Results) -> Figure:
    title = "Complete remission by the registry's definition"
    overall = {denominator: headline(results, denominator=denominator) for denominator in _DENOMINATORS}
    groups = []
    shown = [
        _interval(row, headline(results, _MRD_NEGATIVE, code), words.say("denominator", code), main=code == "D1")
        for code, row in overall.items()
        if row.ok
    ]
    if shown:
        groups.append(remission.Group("All patients, by denominator", shown))
    backbones = _backbones(results)
    negatives = {row.group_label: row for row in _backbones(results, _MRD_NEGATIVE)}
    absent = Row(_OUTCOME, _MRD_NEGATIVE)
    shown = [
        _interval(row, negatives.get(row.group_label, absent), words.say("backbone", row.group_label))
        for row in backbones
        if row.ok
    ]
    if shown:
        groups.append(remission.Group("D1 by declared backbone", shown))
    if not groups:
        return Figure("remission", title, "", empty=why_empty(list(overall.values())))
    main = overall["D1"]
    method = words.say("method", main.method or _HEADLINE_METHOD)
    caption = (
        f"Share with remission and 95% interval, {method}. "
        + " ".join(f"{code}: {words.say('denominator_long', code)}." for code in _DENOMINATORS)
        + " Backbones in the protocol's order; no ranking, no test."
        + _mrd_caption(results)
    )
    filled, hollow = words.say("note", "filled_dot"), words.say("note", "hollow_dot")
    description = "; ".join(
        f"{interval.label}: " + ", ".join(_in_words(mark, filled, hollow) for mark in interval.marks)
        for group in groups
        for interval in group.intervals
    )
    return Figure(
        "remission",
        title,
        caption,
        drawn_twice(
            lambda width, key, variant: remission.draw(
                groups,
                legend=(filled, hollow),
                width=width,
                key=key,
                title=title,
                description=f"{description}.",
                variant=variant,
            ),
            "remission",
            _WIDTH,
        ),
        [_all_rows(results), _backbone_table(backbones, negatives, _tested(results))],
    )


def _in_words(mark: remission.Mark, filled: str, hollow: str) -> str:
    name = hollow if mark.hollow else filled
    return f"{name[:1].lower()}{name[1:]} {mark.estimate}, {mark.ratio}"


def _mrd_caption(results: Results) -> str:
    """What the hollow dot counts, and how many responders were tested at all; blank where the row is not made."""
    tested = results.one(_OUTCOME, "cr_mrd_tested_n", denominator="D1")
    if not tested.ok or not headline(results, _MRD_NEGATIVE).ok:
        return ""
    size = f"{numbers.count_of(tested)} of {numbers.count(tested.n or 0)}"
    return f" {words.say('note', 'mrd_negative')} Tested: {size} patients of D1 in remission; the others count as not negative."


def _tested(results: Results) -> dict[str, Row]:
    return results.by_group(_OUTCOME, "cr_mrd_tested_n", "backbone")


def _all_rows(results: Results) -> Table:
    rows = [
        (
            f"{words.say('response', statistic)}, {denominator}",
            numbers.ratio_of(row),
            numbers.value_of(row),
            numbers.range_of(row),
            words.say("method", row.method),
        )
        for statistic in words.labels("response")
        for denominator in _DENOMINATORS
        for row in results.many(_OUTCOME, statistic, denominator=denominator, group_variable="all")
    ]
    return Table(
        "All definitions and both intervals",
        ("Measure", "Patients", "Share", "95% interval", "Method"),
        rows,
        left=(4,),
    )


def _backbone_table(backbones: list[Row], negatives: dict[str, Row], tested: dict[str, Row]) -> Table:
    columns = ["Backbone", "Remissions", "Share (95% interval)"]
    if negatives:
        columns += ["MRD negative", "Share (95% interval)", "Tested of remissions"]
    rows = []
    for row in backbones:
        cells = [words.say("backbone", row.group_label), *_shared(row)]
        if negatives:
            among = tested.get(row.group_label, Row(_OUTCOME, "cr_mrd_tested_n"))
            cells += _shared(negatives.get(row.group_label, Row(_OUTCOME, _MRD_NEGATIVE)))
            cells.append(
                f"{numbers.count_of(among)} of {numbers.count(among.n)}" if among.n is not None else "not given"
            )
        rows.append(cells)
    return Table("Registry definition, D1, by declared backbone", columns, rows)


def _shared(row: Row) -> tuple[str, str]:
    return numbers.ratio_of(row), f"{numbers.value_of(row)}\n{numbers.range_of(row)}".strip()


def _definitions(results: Results) -> Table:
    rows = []
    for statistic, label in words.labels("response").items():
        found = [headline(results, statistic, denominator) for denominator in _DENOMINATORS]
        rows.append((label, *(f"{numbers.value_of(row)}\n{numbers.range_of(row)}".strip() for row in found)))
    sizes = [headline(results, denominator=denominator) for denominator in _DENOMINATORS]
    rows.append(("Remissions (registry) of patients", *(numbers.ratio_of(row) for row in sizes)))
    return Table("Definitions on three denominators (95% interval)", ("Definition", *_DENOMINATORS), rows)


def _states(results: Results) -> Table:
    groups = results.by_group(_OUTCOME, "response_state_n", "response_state")
    codes = sorted(groups, key=lambda code: words.rank("response_state", code))
    rows = []
    for code in codes:
        rows.append((words.say("response_state", code), numbers.count_of(groups[code])))
        if code == "NOT_ASSESSED":
            reasons = results.by_group(_OUTCOME, "not_assessed_reason_n", "reason")
            rows += [
                (f"\u2003of these, {words.say('reason', reason).lower()}", numbers.count_of(reasons[reason]))
                for reason in sorted(reasons, key=lambda reason: words.rank("reason", reason))
            ]
    return Table("Where every patient of the analysis stands", ("Response", "Patients"), rows)


def _too_few(results: Results) -> str:
    few = [row for row in _backbones(results) if not row.ok]
    if not few:
        return ""
    names = ", ".join(
        words.say("backbone", row.group_label) + (f" ({numbers.count(row.n)})" if row.n is not None else "")
        for row in few
    )
    return f"{words.say('note', 'too_few_backbones')}{names}."

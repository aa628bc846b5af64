"""Sites and what stands in the way: completeness, follow-up, open queries."""

from __future__ import annotations

from blin_pipeline.report import numbers, words
from blin_pipeline.report.content import Block, Table, Text, why_empty
from blin_pipeline.report.rows import Results, Row

_SITES = "site_summary"
_QUALITY = "data_quality"


def site_codes(results: Results) -> list[str]:
    """Codes of the sites, sorted; records without a site come last."""
    codes = {row.group_label for row in results if row.outcome == _SITES and row.group_variable == "site"}
    return sorted(codes, key=lambda code: (words.rank("site", code)[0] == 0, code))


def open_queries(results: Results, severity: str = "all") -> Row:
    """Open queries, all or of one severity."""
    if severity == "all":
        every = results.many(_QUALITY, "open_queries_n", group_label="all")
        return every[0] if every else Row(_QUALITY, "open_queries_n")
    return results.one(_QUALITY, "open_queries_n", group_variable="severity", group_label=severity)


def site_block(results: Results) -> Block:
    """One line per site."""
    codes = site_codes(results)
    empty = "" if codes else why_empty([])
    cells = [[_site_table(results, codes)]] if codes else []
    return Block("sites", "Where do they come from?", "Sites", "one", cells, empty=empty)


def _site_table(results: Results, codes: list[str]) -> Table:
    columns = {
        name: results.by_group(_SITES, statistic, "site")
        for name, statistic in (
            ("activated", "site_activated_month"),
            ("records", "site_records_n"),
            ("eligible", "site_eligible_n"),
            ("recent", "site_eligible_last_90_days_n"),
            ("forms", "site_forms_complete"),
            ("follow", "site_followup_current"),
            ("lag", "site_entry_lag_days"),
            ("errors", "site_open_queries_error_n"),
            ("warnings", "site_open_queries_warn_n"),
            ("settled", "site_answered_queries_n"),
        )
    }
    accepted_by_site = results.by_group(_SITES, "site_accepted_queries_n", "site")

    def cell(name: str, code: str) -> str:
        row = columns[name].get(code, Row(_SITES, name))
        if name == "activated":
            return numbers.month_text(row.reason) if row.reason and row.state == "ok" else numbers.state_text(row)
        if name in {"forms", "follow"}:
            return f"{numbers.percent_of(row)} ({numbers.ratio_of(row)})" if row.ok else numbers.state_text(row)
        if name == "settled":
            accepted = numbers.count_of(accepted_by_site.get(code, Row(_SITES, name)))
            return f"{numbers.count_of(row)} / {accepted}"
        if name == "lag":
            return numbers.decimal(row.number, 0) if row.ok else numbers.state_text(row)
        return numbers.count_of(row)

    return Table(
        "Sites, sorted by code",
        (
            "Site",
            "Activated",
            "Records",
            "In analysis",
            "Last 90 days",
            "Forms complete (done of due)",
            "Follow-up current",
            "Days from diagnosis to entry",
            "Open errors",
            "Open warnings",
            "Answered / accepted",
        ),
        [(words.say("site", code), *(cell(name, code) for name in columns)) for code in codes],
        left=(1,),
        note=words.say("note", "sites"),
    )


def query_block(results: Results) -> Block:
    """Open queries by check, and what could not be read."""
    checks = results.by_group(_QUALITY, "check_violations", "check")
    codes = sorted(checks, key=lambda code: words.rank("check", code))
    rows = [
        (
            f"{code} {words.labels('check').get(code, '')}".strip(),
            numbers.count_of(checks[code]),
            "not given" if checks[code].n is None else numbers.count(checks[code].n or 0),
            words.say("check_status", checks[code].reason),
        )
        for code in codes
    ]
    table = Table("Data checks", ("Check", "Found", "Of", "State"), rows, left=(3,))
    return Block(
        key="queries",
        question="What is in the way?",
        title="Data queries",
        layout="half",
        cells=[[Text(_reading(results)), table]] if _QUALITY in results.outcomes else [],
        empty="" if rows else why_empty([]),
    )


def _reading(results: Results) -> str:
    total, errors, warnings, notes = (open_queries(results, severity) for severity in ("all", "error", "warn", "info"))
    answered, accepted = (results.one(_QUALITY, name) for name in ("answered_queries_n", "accepted_queries_n"))
    rows, values = (results.one(_QUALITY, name) for name in ("quarantined_rows_n", "rejected_values_n"))
    return (
        f"Open queries: {numbers.count_of(total)} (errors {numbers.count_of(errors)}, warnings "
        f"{numbers.count_of(warnings)}, worth a look {numbers.count_of(notes)}); of these answered by the site: "
        f"{numbers.count_of(answered)}. Accepted as entered, not among them: {numbers.count_of(accepted)}. Rows kept out of "
        f"the tables (quarantine): {numbers.count_of(rows)}. Values that could not be read in their type: "
        f"{numbers.count_of(values)}."
    )

"""The five figures on top of the page."""

from __future__ import annotations

from blin_pipeline.report import numbers
from blin_pipeline.report.blocks import enrolment, exposure, remission, sites, survival
from blin_pipeline.report.content import Box
from blin_pipeline.report.rows import Results


def boxes(results: Results) -> list[Box]:
    """Patients, remission, one-year survival, cycles, queries; each with what it is made of."""
    return [_patients(results), _remission(results), _survival(results), _cycles(results), _queries(results)]


def _patients(results: Results) -> Box:
    end = enrolment.analysed(results)
    target = results.one("enrolment", "accrual_target_n")
    records = results.one("enrolment", "records_n")
    details = [f"{numbers.count_of(records)} records in REDCap"] if records.ok else []
    prospective = results.one("enrolment", "entry_path_n", group_variable="ascertainment", group_label="PROSPECTIVE")
    if prospective.ok:
        details.append(f"{numbers.count_of(prospective)} entered prospectively")
    value = numbers.count_of(end)
    if end.ok and target.ok:
        value = f"{value} of {numbers.count_of(target)}"
        details.insert(0, f"target {numbers.count_of(target)}")
    return Box("flow", "Patients in analysis", value, details, is_words=not end.ok)


def _remission(results: Results) -> Box:
    row = remission.headline(results)
    details = [f"{numbers.ratio_of(row)} treated (D1)", f"95% interval {numbers.percent_range(row.lower, row.upper)}"]
    return Box(
        "remission", "Complete remission", numbers.percent_of(row), details if row.ok else [], is_words=not row.ok
    )


def _survival(results: Results) -> Box:
    row = survival.at_months(results, 12)
    delayed = survival.at_months(results, 12, survival.DELAYED)
    details = []
    if row.ok:
        details.append(f"95% interval {numbers.percent_range(row.lower, row.upper)}")
    if row.ok and row.n_event is not None:
        details.append(f"{numbers.count(row.n_event)} deaths by then")
    details.append(f"With delayed entry {numbers.percent_of(delayed)}")
    return Box("survival", "Alive at 12 months", numbers.percent_of(row), details, is_words=not row.ok)


def _cycles(results: Results) -> Box:
    row, four = exposure.cycles(results), exposure.four_cycles(results)
    details = []
    if row.ok:
        patients = "" if row.n is None else f", {numbers.count(row.n)} patients"
        details.append(f"Quartiles {numbers.decimal_range(row.lower, row.upper)}{patients}")
    if four.ok and four.n_event is not None:
        details.append(f"{numbers.count(four.n_event)} with four or more")
    value = numbers.decimal(row.number) if row.ok else numbers.state_text(row)
    return Box("exposure", "Median cycles started", value, details, is_words=not row.ok)


def _queries(results: Results) -> Box:
    row = sites.open_queries(results)
    errors = sites.open_queries(results, "error")
    n_sites = len([code for code in sites.site_codes(results) if code != "UNASSIGNED"])
    details = [f"of these {numbers.count_of(errors)} errors"] if row.ok and errors.ok else []
    if n_sites:
        details.append(f"{numbers.count(n_sites)} sites")
    return Box("queries", "Open data queries", numbers.count_of(row), details, is_words=not row.ok)

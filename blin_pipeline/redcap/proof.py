"""The proof that a reading is complete and of one moment, from what was counted and what the log shows."""

from __future__ import annotations

from blin_pipeline.redcap.census import Census, take_census
from blin_pipeline.redcap.change_log import Log, moved_between
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.project_setup import ProjectSetup
from blin_pipeline.redcap.records_reading import FormsRead, tally_form


def judge(
    before: Census,
    after: Census,
    forms: FormsRead,
    setup: ProjectSetup,
    log_before: Log | None,
    log_after: Log | None,
) -> RedcapReadError | None:
    """What speaks against a reading; None when nothing does.

    Rows are compared in the order in which they came, and in any order where that fails: a server owes no order.

    Args:
        before: Census taken before the instruments were read.
        after: Census taken after.
        forms: What was read between them.
        setup: Set-up of the project.
        log_before: Slice of the log read before the first census; None without the right.
        log_after: The same slice after the second.
    """
    if before.fingerprint != after.fingerprint and not _same_rows(before, after, setup):
        return RedcapReadError("E_SOURCE_MOVED", "the records", detail="records or forms came or went")
    if log_before is not None and log_after is not None and moved_between(log_before, log_after):
        return RedcapReadError("E_SOURCE_MOVED", "the records", detail="values were edited")
    for file in forms.files:
        if forms.tallies[file.form].in_other_groups:
            return RedcapReadError(
                "E_SCHEMA", file.endpoint, detail="a record in another data access group than the census's"
            )
    differing = [file for file in forms.files if not forms.tallies[file.form].agrees(before.tallies[file.form])]
    if differing:
        counted = _in_any_order(before, setup)
        for file in differing:
            tally = tally_form(file, setup, in_any_order=True)
            if not tally.agrees(counted.tallies[file.form]):
                detail = f"{tally.n_rows} rows, the census counts {counted.tallies[file.form].n_rows}"
                return RedcapReadError("E_INCOMPLETE", file.endpoint, detail=detail)
    return None


def _same_rows(before: Census, after: Census, setup: ProjectSetup) -> bool:
    return _in_any_order(before, setup).fingerprint == _in_any_order(after, setup).fingerprint


def _in_any_order(census: Census, setup: ProjectSetup) -> Census:
    return take_census(census.path, setup, from_server=census.from_server, forms=census.forms, in_any_order=True)

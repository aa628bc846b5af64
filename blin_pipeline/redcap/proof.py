"""The proof that a reading is complete and of one moment, from what was counted and what the log shows."""

from __future__ import annotations

from collections.abc import Mapping

from blin_pipeline.redcap.census import Census
from blin_pipeline.redcap.change_log import Log, moved_between
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.rows import FormTally


def judge(
    before: Census,
    after: Census,
    tallies: Mapping[str, FormTally],
    log_before: Log | None,
    log_after: Log | None,
) -> RedcapReadError | None:
    """What speaks against a reading; None when nothing does.

    Args:
        before: Census taken before the instruments were read.
        after: Census taken after.
        tallies: Instrument -> what its rows count.
        log_before: Slice of the log read before the first census; None without the right.
        log_after: The same slice after the second.
    """
    if before.fingerprint != after.fingerprint:
        return RedcapReadError("E_SOURCE_MOVED", "the records", detail="records or forms came or went")
    if log_before is not None and log_after is not None and moved_between(log_before, log_after):
        return RedcapReadError("E_SOURCE_MOVED", "the records", detail="values were edited")
    for form, tally in tallies.items():
        counted = before.tallies[form]
        if tally.opened != counted.opened or tally.due != counted.due:
            detail = f"{tally.rows.count} rows, the census counts {counted.rows.count}"
            return RedcapReadError("E_INCOMPLETE", f"records of {form!r}", detail=detail)
    return None

"""When an incremental pull must not be trusted: each doubt in words, without a value; any of them asks for a full pull."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from blin_pipeline.redcap.change_log import Log, newest, server_time, since
from blin_pipeline.redcap.log_lines import edits_set_up, may_change_data
from blin_pipeline.redcap.project_setup import ProjectSetup

#: The change window reaches back this far before the earlier reading: more than a shift of daylight saving time.
OVERLAP = timedelta(hours=2)
#: A server's clock and ours may drift this far apart between two readings: an hour of daylight saving time and some minutes.
_DRIFT = timedelta(minutes=65)


@dataclass(frozen=True)
class Baseline:
    """An earlier pull whose rows an incremental one may take over.

    Attributes:
        name: Name of the pull; blank where its rows are needed even when nothing changed.
        project_id: REDCap's number of the project.
        setup_sha256: Hash of its set-up.
        log_newest: Newest line of the log when the earlier reading began.
        read_at_utc: When that was on our clock, naive UTC.
        read_in_full_at_utc: When the project was last read in full.
        payload_sha256: Name -> hash of the exact bytes.
        unpack: Writes the bytes of a name to a path.
    """

    name: str
    project_id: str
    setup_sha256: str
    log_newest: str
    read_at_utc: datetime
    read_in_full_at_utc: datetime
    payload_sha256: Mapping[str, str]
    unpack: Callable[[str, Path], None]


def window_begin(baseline: Baseline) -> datetime | None:
    """From when changes are asked for, naive server time; None when the earlier reading's log tells no time."""
    moment = server_time(baseline.log_newest)
    return None if moment is None else moment - OVERLAP


def doubt_before_reading(
    baseline: Baseline, setup: ProjectSetup, log: Log | None, started: datetime, full_every: timedelta
) -> str:
    """Why records cannot be read by change; blank when nothing speaks against it.

    Args:
        baseline: The earlier pull.
        setup: Set-up of the project now.
        log: The log now; None when the token may not read it.
        started: When this reading began on our clock, naive UTC.
        full_every: Longest time between two full readings.
    """
    begin = window_begin(baseline)
    if setup.info.project_id != baseline.project_id:
        return "the pull before is of another project"
    if setup.sha256 != baseline.setup_sha256:
        return "the dictionary or the set-up changed"
    missing = {"census_before", *(f"record_{form}" for form in setup.forms)} - baseline.payload_sha256.keys()
    if missing:
        return "the pull before does not hold the server's own answers"
    if log is None:
        return "the log cannot be read"
    if begin is None:
        return "the pull before does not say where the log stood"
    if started - baseline.read_in_full_at_utc >= full_every:
        return "a full reading is due"
    return _doubt_about_clock(baseline, log, started) or _doubt_in_log(log, baseline, begin)


def _doubt_about_clock(baseline: Baseline, log: Log, started: datetime) -> str:
    then, now = server_time(baseline.log_newest), server_time(newest(log))
    if then is None or now is None or all(entry.timestamp != baseline.log_newest for entry in log):
        return "the log no longer shows where the pull before stood"
    if abs((now - then) - (started - baseline.read_at_utc)) > _DRIFT:
        return "the server's clock and ours ran apart"
    return ""


def _doubt_in_log(log: Log, baseline: Baseline, begin: datetime) -> str:
    # Edits of the design also show in the set-up itself, and a right that is gone in the columns of the next answer; so
    # lines from before the earlier reading, which it has seen, need no second look.
    if any(edits_set_up(entry) for entry in log if entry.timestamp >= baseline.log_newest):
        return "the log shows an edit of the design, of rights or of groups"
    if any(may_change_data(entry) and not entry.record for entry in since(log, begin)):
        return "the log names a change without its record"
    return ""

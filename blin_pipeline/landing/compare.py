"""Two pulls side by side: what is gone must be explained by the project's own log, or a person must say it is right."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from blin_pipeline.errors import DataError
from blin_pipeline.landing.parquet import read_rows
from blin_pipeline.landing.pull import Pull
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.project_setup import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT, LogEntry

_DELETES = re.compile(r"delete record", re.IGNORECASE)
_EDITS = re.compile(r"(update|delete) (record|response)", re.IGNORECASE)
_UPDATES = re.compile(r"update record", re.IGNORECASE)


@dataclass(frozen=True)
class Loss:
    """What the newer pull lacks.

    Attributes:
        records: Records gone.
        unexplained_records: Of these, without a deletion or renaming in the log.
        rows: Instrument -> rows gone from records that are still there.
        unexplained_rows: Of these, on records that the log shows no edit of; 0 when there is no log.
    """

    records: int
    unexplained_records: int
    rows: Mapping[str, int]
    unexplained_rows: int


def refuse_unexplained_loss(
    previous: Pull, current: Pull, log: Sequence[LogEntry] | None, *, accepted: bool = False
) -> Loss:
    """Compare a new pull with the one before it.

    Without a log (no right, or files) only whole records count: a deleted instance cannot be told from a lost one there.

    Args:
        previous: The pull before.
        current: The new one.
        log: Lines since the previous pull; None when the token may not read the log.
        accepted: A person says that what is gone is meant to be gone.

    Returns:
        What is gone, counts only.

    Raises:
        DataError: ``E_UNEXPLAINED_LOSS``; ``E_PROJECT_CHANGED`` when the pulls are of two projects.
    """
    if previous.manifest.project_id != current.manifest.project_id and not accepted:
        raise DataError(
            "E_PROJECT_CHANGED",
            "This pull is of another REDCap project than the one before.",
            fix="Use another home folder for another project; to change the project on purpose, accept the loss.",
        )
    before, present = _records(previous), _records(current)
    lost = before - present
    renamed = _renamed(log or (), present - before, previous.manifest.record_id_field)
    unexplained = max(0, len(lost - _deleted(log or ())) - renamed)
    edited = {entry.record for entry in log or () if _EDITS.match(entry.action)}
    rows: dict[str, int] = {}
    unexplained_rows = 0
    for form in previous.forms:
        gone = [key for key in _keys(previous, form) - _keys(current, form) if key[0] in present]
        if gone:
            rows[form] = len(gone)
        if log is not None:
            unexplained_rows += sum(key[0] not in edited for key in gone)
    if (unexplained or unexplained_rows) and not accepted:
        raise DataError(
            "E_UNEXPLAINED_LOSS",
            f"{unexplained} records and {unexplained_rows} rows of the last pull are gone, and the log does not say why.",
            fix="Check the rights of the token and ask the data manager; if the loss is right, accept it for this run.",
        )
    return Loss(len(lost), unexplained, rows, unexplained_rows)


def refuse_shrunk_sites(previous: Pull, current: Pull, *, closed: Collection[str] = ()) -> None:
    """Refuse a pull that knows fewer data access groups than the one before.

    Args:
        previous: The pull before.
        current: The new one.
        closed: Unique names of groups that a person declared closed.

    Raises:
        RedcapReadError: ``E_SITE_SET_SHRUNK``, with the number of groups gone.
    """
    gone = {*previous.manifest.data_access_groups} - {*current.manifest.data_access_groups, *closed}
    if gone:
        raise RedcapReadError(
            "E_SITE_SET_SHRUNK", "the data access groups", detail=f"{len(gone)} gone since the last pull"
        )


def _records(pull: Pull) -> set[str]:
    return {row[0] for row in read_rows(pull.setup_path("records"), ["record_id"])}


def _keys(pull: Pull, form: str) -> set[tuple[str, ...]]:
    if form not in pull.manifest.forms:
        return set()
    return set(read_rows(pull.form_path(form), ["record_id", EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE]))


def _deleted(log: Sequence[LogEntry]) -> set[str]:
    return {entry.record for entry in log if _DELETES.match(entry.action)}


def _renamed(log: Sequence[LogEntry], new: set[str], record_id_field: str) -> int:
    """How many records got the id of one that is new; the log tells the new id only."""
    new_id = re.compile(re.escape(record_id_field) + r" = '(.*)'\Z", re.DOTALL)
    found = (new_id.match(entry.details) for entry in log if _UPDATES.match(entry.action))
    return len({match[1] for match in found if match and match[1] in new})

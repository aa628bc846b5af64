"""Two pulls side by side: what is gone must be explained by the project's own log, or a person must say it is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from blin_pipeline.errors import DataError
from blin_pipeline.landing.difference import compare_pulls
from blin_pipeline.landing.loss import Loss
from blin_pipeline.landing.order import NaturalKey, natural, row_order
from blin_pipeline.landing.parquet import read_rows
from blin_pipeline.landing.pull import Pull
from blin_pipeline.landing.reading import live_dictionary
from blin_pipeline.redcap.change_log import server_time
from blin_pipeline.redcap.change_log import since as lines_since
from blin_pipeline.redcap.faults import RedcapReadError
from blin_pipeline.redcap.log_lines import deletes_record, may_change_data, takes_from_record, updates_record
from blin_pipeline.redcap.project_setup import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from blin_pipeline.redcap.setup_rows import LogEntry

_CLOCK_BACK = timedelta(hours=1)


def refuse_unexplained_loss(
    previous: Pull, current: Pull, log: Sequence[LogEntry] | None, *, seen: str = "", accepted: bool = False
) -> Loss:
    """Compare a new pull with the one before it.

    Without a log (no right, or files) nothing explains a loss: a deleted instance cannot be told from a lost one there.

    Args:
        previous: The pull before.
        current: The new one.
        log: Lines of the log; None when the token may not read the log.
        seen: Newest line of the log when the content of the previous pull was last read: older lines explain nothing.
        accepted: A person says that what is gone is meant to be gone.

    Returns:
        What is gone.

    Raises:
        DataError: ``E_UNEXPLAINED_LOSS``; ``E_PROJECT_CHANGED`` when the pulls are of two projects.
    """
    # Of several projects the manifest names all: one more is no other source.
    if not _projects(previous) <= _projects(current) and not accepted:
        raise DataError(
            "E_PROJECT_CHANGED",
            "This pull is of another REDCap project than the one before.",
            fix="Use another home folder for another project; to change the project on purpose, accept the loss.",
        )
    log = _since(seen, log)
    lost = {row[0] for row in only_in_first(_records(previous), _records(current), _record_order)}
    new = {row[0] for row in only_in_first(_records(current), _records(previous), _record_order)}
    renamed = _renamed(log or (), new, previous.manifest.record_id_field)
    unexplained = max(0, len(lost - _deleted(log or ())) - renamed)
    edited = {entry.record for entry in log or () if takes_from_record(entry)}
    rows: dict[str, int] = {}
    unexplained_rows = 0
    for form in previous.forms:
        for key in only_in_first(_keys(previous, form), _keys(current, form), _key_order):
            if key[0] not in lost:
                rows[form] = rows.get(form, 0) + 1
                unexplained_rows += key[0] not in edited
    loss = Loss(
        records=len(lost),
        unexplained_records=unexplained,
        rows=rows,
        unexplained_rows=unexplained_rows,
        columns=_lost_columns(previous, current),
    )
    if loss.is_unexplained and not accepted:
        raise _refusal(loss, has_log=log is not None)
    return loss


def _refusal(loss: Loss, *, has_log: bool) -> DataError:
    gone = f"{loss.unexplained_records} records, {loss.unexplained_rows} rows and {loss.n_columns} columns"
    why = "the log does not say why" if has_log else "there is no log that could say why"
    return DataError(
        "E_UNEXPLAINED_LOSS",
        f"{gone} of the last pull are gone, and {why}.",
        fix="Check that the token or the export sees every record, instrument and field, and ask the data manager; if the loss "
        "is right, accept it for this run (--accept-loss).",
    )


def _lost_columns(previous: Pull, current: Pull) -> dict[str, int]:
    """Instrument -> columns that a file lacks although its dictionary names them."""
    if current.manifest.source_kind == "api":
        return {}
    dictionary = live_dictionary(current)
    found: dict[str, int] = {}
    for form in previous.forms:
        held = {*current.manifest.forms[form].table.columns} if form in current.manifest.forms else set()
        gone = {*previous.manifest.forms[form].table.columns} - held
        number = len(gone & {*dictionary.export_columns(form)}) if form in dictionary.forms else 0
        if number:
            found[form] = number
    return found


def _since(seen: str, log: Sequence[LogEntry] | None) -> Sequence[LogEntry] | None:
    """The lines since a moment, and of an hour before: a clock may have been put back."""
    newest = server_time(seen)
    return log if log is None or newest is None else lines_since(tuple(log), newest - _CLOCK_BACK)


def silent_changes(before: Pull, after: Pull, log: Sequence[LogEntry], since: str) -> int:
    """Records that changed between two pulls without a line in the log: what reading by change cannot see.

    Args:
        before: The accepted pull before.
        after: A full pull.
        log: The log now.
        since: Newest line of the log when the pull before was read.
    """
    edited = {entry.record for entry in log if entry.timestamp >= since and may_change_data(entry)}
    return len(compare_pulls(before, after).changed - edited)


def refuse_shrunk_sites(previous: Pull, current: Pull) -> None:
    """Refuse a pull that knows fewer data access groups than the one before.

    Args:
        previous: The pull before.
        current: The new one.

    Raises:
        RedcapReadError: ``E_SITE_SET_SHRUNK``, with the number of groups gone.
    """
    gone = {*previous.manifest.data_access_groups} - {*current.manifest.data_access_groups}
    if gone:
        raise RedcapReadError(
            "E_SITE_SET_SHRUNK", "the data access groups", detail=f"{len(gone)} gone since the last pull"
        )


def only_in_first(
    first: Iterable[tuple[str, ...]], second: Iterable[tuple[str, ...]], order: Callable[[tuple[str, ...]], Any]
) -> Iterator[tuple[str, ...]]:
    """Rows of the first that the second lacks; both in the same order, no row twice. Holds one row of each."""
    others = iter(second)
    other = next(others, None)
    for row in first:
        place = order(row)
        while other is not None and order(other) < place:
            other = next(others, None)
        if other is None or order(other) != place:
            yield row


def _projects(pull: Pull) -> set[str]:
    return {*pull.manifest.project_id.split(",")}


def _records(pull: Pull) -> Iterator[tuple[str, ...]]:
    return read_rows(pull.setup_path("records"), ["record_id"])


def _record_order(row: tuple[str, ...]) -> NaturalKey:
    return natural(row[0])


def _keys(pull: Pull, form: str) -> Iterator[tuple[str, ...]]:
    if form not in pull.manifest.forms:
        return iter(())
    return read_rows(pull.form_path(form), ["record_id", EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE])


def _key_order(row: tuple[str, ...]) -> tuple[object, ...]:
    return row_order(*row)


def _deleted(log: Sequence[LogEntry]) -> set[str]:
    return {entry.record for entry in log if deletes_record(entry)}


def _renamed(log: Sequence[LogEntry], new: set[str], record_id_field: str) -> int:
    """How many records got the id of one that is new; the log tells the new id only."""
    new_id = re.compile(re.escape(record_id_field) + r" = '(.*)'\Z", re.DOTALL)
    found = (new_id.match(entry.details) for entry in log if updates_record(entry))
    return len({match[1] for match in found if match and match[1] in new})

"""Which records and which of their events an export takes: ids, groups, date range, events, filter.

Source: ``docs/redcap.md`` sections 4.2, 7 and 8. A date range picks whole records by the log; a filter picks whole
records in a classic project and record-events in a longitudinal one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from blin_pipeline.sandbox.logic import Expression, parse_logic
from blin_pipeline.sandbox.project import ProjectState
from blin_pipeline.sandbox.protocol import ApiError
from blin_pipeline.sandbox.record_store import Record
from blin_pipeline.sandbox.records.query import RecordQuery
from blin_pipeline.sandbox.references import RecordReader
from blin_pipeline.sandbox.rights import TokenRights

BAD_FILTER = "The filter logic provided contains errors and could not be applied"


class Chosen(NamedTuple):
    """A record that is exported.

    Attributes:
        record_id: Its id.
        record: The record.
        events: Unique event names of the rows that are exported; None for every event.
    """

    record_id: str
    record: Record
    events: frozenset[str] | None


def choose_records(
    project: ProjectState, rights: TokenRights, query: RecordQuery, *, filters_records: bool = False
) -> Iterator[Chosen]:
    """Records in export order.

    Args:
        project: The live project.
        rights: Rights of the token's user; records of other Data Access Groups do not exist for a user in one.
        query: The wishes.
        filters_records: Whether the filter picks whole records in a longitudinal project, too (reports can).

    Raises:
        ApiError: 400, a filter that is no expression over fields of the project.
    """
    logic = _filter(project, query.filter_logic)
    wanted = set(query.records)
    changed = project.log.changed_records(query.begin, query.end) if query.begin or query.end else None
    asked = frozenset(query.events) or None
    for record_id, record in project.sorted_records():
        if (
            (wanted and record_id not in wanted)
            or (changed is not None and record_id not in changed)
            or (query.only_groups and record.group not in query.only_groups)
            or not rights.may_see_group(record.group)
        ):
            continue
        events = asked
        if logic is not None:
            events = _events_that_hold(project, logic, record_id, record)
            if not events:
                continue
            if filters_records or not project.is_longitudinal:
                events = asked
            elif asked is not None:
                events &= asked
        yield Chosen(record_id, record, events)


def _filter(project: ProjectState, text: str) -> Expression | None:
    if not text:
        return None
    logic = parse_logic(text)
    if logic is None or not logic.fields <= set(project.field_forms()):
        raise ApiError(400, BAD_FILTER)
    return logic


def _events_that_hold(project: ProjectState, logic: Expression, record_id: str, record: Record) -> frozenset[str]:
    """Events with a row at which the filter is true."""
    reader = RecordReader(project, record_id, record)
    return frozenset(key.event for key, _ in project.rows_of(record) if logic.holds(reader.scope(key)))

"""The project log and the sandbox's own time: what happened, in the words of REDCap's logging page.

Source: ``docs/redcap.md`` section 9. No wall clock: a deterministic clock starts where the project's history ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

LogKind = Literal["export", "manage", "user", "record_add", "record_edit", "record_delete", "lock_record", "page_view"]

LOG_KINDS: tuple[str, ...] = get_args(LogKind)
LOG_COLUMNS = ("timestamp", "username", "action", "details", "record")
DATA_KINDS: frozenset[LogKind] = frozenset({"record_add", "record_edit", "record_delete"})
#: What stands for the details of lines whose record was deleted together with its logging.
FORGOTTEN = "[*DATA REMOVED*]"
_SHOWN = "%Y-%m-%d %H:%M"


class SandboxClock:
    """Server time that moves only when told to: one second per request, and by :meth:`advance`.

    Args:
        start: First moment, naive server time.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """The present moment, naive server time."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move on by ``step``."""
        self._now += step


@dataclass(frozen=True)
class LogEntry:
    """One line of the log.

    Attributes:
        moment: Naive server time, to the second; the log shows minutes.
        kind: What ``logtype`` calls it.
        username: Who did it.
        action: REDCap's action text.
        details: REDCap's details text.
        record: Record id, ``""`` on lines about the project.
    """

    moment: datetime
    kind: LogKind
    username: str
    action: str
    details: str
    record: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The line in the order of :data:`LOG_COLUMNS`."""
        return (self.moment.strftime(_SHOWN), self.username, self.action, self.details, self.record)


@dataclass(frozen=True)
class LogFilter:
    """Which lines a reader asks for; a blank or None leaves everything.

    Attributes:
        kind: A log kind, or ``record`` for every kind that is about a record.
        username: Exact user name.
        record: Exact record id.
        begin: Earliest moment, included.
        end: Latest moment, included.
    """

    kind: str = ""
    username: str = ""
    record: str = ""
    begin: datetime | None = None
    end: datetime | None = None

    def accepts(self, entry: LogEntry) -> bool:
        """Whether the line passes."""
        kinds = DATA_KINDS if self.kind == "record" else {self.kind or entry.kind}
        return (
            entry.kind in kinds
            and (not self.username or entry.username == self.username)
            and (not self.record or entry.record == self.record)
            and (self.begin is None or entry.moment >= self.begin)
            and (self.end is None or entry.moment <= self.end)
        )


class EventLog:
    """All lines of one project.

    Attributes:
        rewritten: How often lines that were already there were changed.
    """

    def __init__(self) -> None:
        self._entries: list[LogEntry] = []
        self.rewritten = 0

    def __len__(self) -> int:
        """Number of lines."""
        return len(self._entries)

    def add(self, entry: LogEntry) -> None:
        """Append one line."""
        self._entries.append(entry)

    def forget(self, record: str) -> None:
        """Take the details out of every line about a record; that something happened, and when, stays."""
        self.rewritten += 1
        self._entries = [
            replace(entry, details=FORGOTTEN) if entry.record == record and entry.kind in DATA_KINDS else entry
            for entry in self._entries
        ]

    def entries(self, start: int = 0) -> list[LogEntry]:
        """Lines in the order written, from the ``start``-th on."""
        return self._entries[start:]

    def replace(self, entries: Iterable[LogEntry]) -> None:
        """Put other lines in place of all."""
        self.rewritten += 1
        self._entries = list(entries)

    def newest_first(self, wanted: LogFilter) -> Iterator[LogEntry]:
        """The lines that pass, newest first; of one moment the later written first."""
        numbered = sorted(enumerate(self._entries), key=lambda pair: (pair[1].moment, pair[0]), reverse=True)
        return (entry for _, entry in numbered if wanted.accepts(entry))

    def changed_records(self, begin: datetime | None, end: datetime | None) -> set[str]:
        """Ids of the records with a data line between the two moments, both included."""
        wanted = LogFilter(kind="record", begin=begin, end=end)
        return {entry.record for entry in self._entries if wanted.accepts(entry)}


def change_details(values: Mapping[str, str], instance: int | None, options: Mapping[str, str]) -> str:
    """Details text of a data change: ``[instance = 3], field = 'value', checkbox(1) = checked``.

    Args:
        values: Export name -> text.
        instance: Instance of what repeats, None or 0 for none.
        options: Checkbox column -> ``field(code)``.
    """
    parts = [f"[instance = {instance}]"] if instance else []
    for name, value in values.items():
        if name in options:
            parts.append(f"{options[name]} = {'checked' if value == '1' else 'unchecked'}")
        else:
            parts.append(f"{name} = '{value}'")
    return ", ".join(parts)

"""The project's log: read as a slice, where it stood, what is new in it. What one line says is ``log_lines``.

Timestamps are the server's own, whole minutes; lines of one minute cannot be ordered, so lines are counted.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from blin_pipeline.redcap.client import RedcapClient
from blin_pipeline.redcap.exported import LogWatermark
from blin_pipeline.redcap.faults import RedcapReadError, Refusal
from blin_pipeline.redcap.log_lines import may_change_data
from blin_pipeline.redcap.received import Received
from blin_pipeline.redcap.setup_rows import LogEntry, parse_rows

Log = tuple[LogEntry, ...]

#: A server's clock may be this far behind UTC; the log is read from that much before the pull.
_FURTHEST_WEST = timedelta(hours=13)
_SHAPES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
_MINUTE = "%Y-%m-%d %H:%M"
_NO_RIGHT = "The token may not read the log: edits of values during the pull cannot be ruled out."


class LogReader:
    """Reads the same slice of the log as often as asked.

    Args:
        client: Guarded client.
        received: Keeps the bytes.
        begin: From when, naive server time; the whole log when None.
    """

    def __init__(self, client: RedcapClient, received: Received, begin: datetime | None) -> None:
        self._client = client
        self._received = received
        self.begin = begin
        #: Whether the token could read the log before, None at the beginning.
        self._readable: bool | None = None

    def read(self, name: str) -> Log | None:
        """The slice now; None when the token may not read the log.

        Args:
            name: Name of the bytes in the archive.

        Raises:
            RedcapReadError: The log cannot be read, or is empty although our own requests stand in it; ``E_AUTH`` when the
                right to read it came or went since the last time: without both slices edits in between would go unseen.
        """
        found, answer = self._received.keep_optional(name, lambda: self._client.log(self.begin), Refusal.NO_LOG_RIGHT)
        if self._readable not in {None, found}:
            change = "it could not be read at the beginning of this pull" if found else "it was during this pull"
            raise RedcapReadError("E_AUTH", "the log", detail=f"{change}, so that edits in between would go unseen")
        self._readable = found
        if not found:
            self._received.note(_NO_RIGHT)
            return None
        log = parse_rows(LogEntry, answer, "the log", may_repeat=True)
        if not log and self.begin is not None:
            # Our own requests are in the log: an empty slice means that the server's clock is elsewhere.
            self.begin = None
            self._received.steps.total += 1
            answer = self._received.keep(name, self._client.log(None))
            log = parse_rows(LogEntry, answer, "the log", may_repeat=True)
        if not log:
            raise RedcapReadError("E_EMPTY", "the log", detail="yet it holds at least these requests")
        return log


def log_begin(started: datetime, since: Iterable[str]) -> datetime:
    """From when a log is read: before the pull on any server's clock, and an hour before each moment given."""
    begin = started - _FURTHEST_WEST
    moments = (parsed for text in since if (parsed := server_time(text)) is not None)
    return min([begin, *(moment - timedelta(hours=1) for moment in moments)])


def server_time(text: str) -> datetime | None:
    """A timestamp of the log as naive server time; None when it is none."""
    for shape in _SHAPES:
        try:
            return datetime.strptime(text, shape)  # noqa: DTZ007 - server-local, zone unknown
        except ValueError:
            continue
    return None


def watermark(log: Log) -> LogWatermark:
    """Where the log stood."""
    text = json.dumps([entry.model_dump() for entry in log], ensure_ascii=False)
    return LogWatermark(newest(log), len(log), hashlib.sha256(text.encode()).hexdigest())


def newest(log: Log) -> str:
    """Timestamp of the newest line, blank without any."""
    return max((entry.timestamp for entry in log), default="")


def moved_between(before: Sequence[LogEntry], after: Sequence[LogEntry]) -> int:
    """How many lines that may have changed data are new in the later slice."""
    new = Counter(after) - Counter(before)
    return sum(count for entry, count in new.items() if may_change_data(entry))


def since(log: Log, begin: datetime) -> Log:
    """The lines of a slice from a moment on, its minute included."""
    earliest = begin.strftime(_MINUTE)
    return tuple(entry for entry in log if entry.timestamp >= earliest)


def data_digest(log: Log, begin: datetime | None) -> str:
    """Hash over the lines that may have changed data, after the minute of a moment (all when None), whatever their order."""
    after = "" if begin is None else begin.strftime(f"{_MINUTE}:59")
    lines = sorted(
        json.dumps(entry.model_dump(), sort_keys=True, ensure_ascii=False)
        for entry in log
        if entry.timestamp > after and may_change_data(entry)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()

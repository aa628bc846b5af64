"""What one line of a project's log says: may it have changed data, does it explain a loss, was the set-up edited.

The wording is that of recorded logs and of REDCap's public validation scripts (``docs/redcap.md`` section 9): present
tense on newer servers (``Update record 5``), past tense on older ones (``Updated Record 5``). What may have changed data
is judged widely, since a change that is missed is a wrong table and one too many a second reading; what explains a loss
is judged narrowly.
"""

from __future__ import annotations

import re

from blin_pipeline.redcap.setup_rows import LogEntry

_RECORD_LINE = re.compile(r"(?P<verb>create|update|delete)d? (?P<what>record|response)", re.IGNORECASE)
_DESIGN = re.compile(r"manage/design", re.IGNORECASE)
_RIGHTS = re.compile(r"[a-z]+ (user|role|data access)", re.IGNORECASE)
#: Locking and signing freeze values; exports and page views read them.
_KEEPS_DATA = re.compile(r"(lock|unlock|e-?signature|data export|page view|export|download)", re.IGNORECASE)
#: Details of a design line that reads, sends or comments, also where it names a record.
_READS = re.compile(
    r"(export|download|view|print|generate next|sen[dt]|alert|e-?mail|schedule)"
    r"|.*\b(verified|de-?verified|data quer(y|ies)|comment|survey (link|queue|return|access|invitation))",
    re.IGNORECASE | re.DOTALL,
)
#: Details of a design line that takes values along without naming their records.
_TAKES_DATA = re.compile(
    r"(delete|erase|remove|import)\b.*\b(arms?|events?|records?|data)\b", re.IGNORECASE | re.DOTALL
)
_OWN_REQUESTS = re.compile(r"(export|download)", re.IGNORECASE)


def may_change_data(entry: LogEntry) -> bool:
    """Whether records may be others after this line: created, changed, deleted, renamed, moved, randomised, files too.

    A line of an action that nobody told us of counts when it names a record.
    """
    action = entry.action.strip()
    if _RECORD_LINE.match(action):
        return True
    if _KEEPS_DATA.match(action) or _RIGHTS.match(action):
        return False
    if _DESIGN.match(action):
        if _READS.match(entry.details.strip()):
            return False
        return bool(entry.record) or _TAKES_DATA.match(entry.details.strip()) is not None
    return bool(entry.record)


def edits_set_up(entry: LogEntry) -> bool:
    """Whether the design, a user's rights or the groups were edited; exports are design lines too."""
    action = entry.action.strip()
    if _DESIGN.match(action):
        return _OWN_REQUESTS.match(entry.details.strip()) is None
    return _RIGHTS.match(action) is not None


def deletes_record(entry: LogEntry) -> bool:
    """Whether the line says that its record was deleted."""
    return _says(entry) == ("delete", "record")


def updates_record(entry: LogEntry) -> bool:
    """Whether the line says that its record was edited; a renaming is such a line, of the new name."""
    return _says(entry) == ("update", "record")


def takes_from_record(entry: LogEntry) -> bool:
    """Whether the line explains that its record has fewer rows: an instance cleared or deleted is logged as an update."""
    return _says(entry)[0] in {"update", "delete"}


def _says(entry: LogEntry) -> tuple[str, str]:
    """What was done, to what; blanks when the line is about no record."""
    match = _RECORD_LINE.match(entry.action.strip())
    return (match["verb"].lower(), match["what"].lower()) if match else ("", "")

"""The server's patience: requests per minute and address, and the ban that follows.

Source: ``docs/redcap.md`` section 2 (blocking).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_MINUTE = 60.0


class RateLimit:
    """Counts requests of any minute by client address; an address that sends more is banned for good.

    Args:
        per_minute: Requests allowed in any minute; 0 for no limit.
        now: Seconds of a clock that never goes back.
    """

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._now = now
        self._recent: dict[str, deque[float]] = {}
        self._banned: set[str] = set()

    def refuses(self, address: str) -> bool:
        """Count a request and say whether its address is banned."""
        if not self._per_minute or address in self._banned:
            return address in self._banned
        moments, now = self._recent.setdefault(address, deque()), self._now()
        while moments and moments[0] <= now - _MINUTE:
            moments.popleft()
        moments.append(now)
        if len(moments) > self._per_minute:
            self._banned.add(address)
        return address in self._banned

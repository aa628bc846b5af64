"""How long a request may take, how often it is sent, how far apart."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Seconds between two requests when nobody said another number: what clients of other projects leave, and far below the
#: number of requests per minute at which servers are known to block an address (``docs/redcap.md``).
DEFAULT_PAUSE = 0.5


@dataclass(frozen=True)
class ClientLimits:
    """How long, how often.

    Attributes:
        connect_seconds: For the connection to stand.
        read_seconds: Between two arrivals of bytes.
        deadline_seconds: For one request in all, connection to last byte.
        attempts: Requests made at most for one answer.
        first_wait_seconds: Wait before the second attempt; doubled before each further one.
        longest_wait_seconds: Bound of every wait, the server's ``Retry-After`` included.
        pause_seconds: From the end of one request to the beginning of the next, whatever they ask. When None,
            ``DEFAULT_PAUSE``, and nothing towards this machine itself.
        sleep: Called with the seconds to wait.
        clock: Seconds that pass, from any beginning.
        jitter: A number in [0, 1), added to each wait in seconds.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 120.0
    deadline_seconds: float = 300.0
    attempts: int = 5
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    pause_seconds: float | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random

    def pause_between(self, *, loopback: bool) -> float:
        """Seconds between two requests.

        Args:
            loopback: Whether the server is this machine itself.
        """
        if self.pause_seconds is not None:
            return self.pause_seconds
        return 0.0 if loopback else DEFAULT_PAUSE

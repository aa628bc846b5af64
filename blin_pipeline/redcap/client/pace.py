"""Leaving a server alone between two requests: servers count them, and block an address that sends too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """The requests of one client, kept apart.

    Args:
        seconds: From the end of a request to the beginning of the next.
        sleep: Called with the seconds to wait.
        clock: Seconds that pass.

    What passes anyway, by work on an answer or by the wait before another attempt, is not waited for again.
    """

    def __init__(self, seconds: float, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._sleep = sleep
        self._clock = clock
        self._last_end: float | None = None

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait until the next request may be sent; it is over, well or not, when the block ends."""
        if self._last_end is not None:
            left = self._last_end + self._seconds - self._clock()
            if left > 0:
                self._sleep(left)
        try:
            yield
        finally:
            self._last_end = self._clock()

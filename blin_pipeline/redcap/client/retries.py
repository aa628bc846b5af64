"""Sending a request again: which faults may pass, how often, and how long in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from blin_pipeline.redcap.client.limits import ClientLimits
from blin_pipeline.redcap.faults import RedcapReadError

_T = TypeVar("_T")


def with_retries(
    attempt: Callable[[], _T], limits: ClientLimits, attempts: int | None = None, tired_after: int | None = None
) -> _T:
    """Run an attempt, and again while its fault is one that may pass.

    Args:
        attempt: One request.
        limits: Attempts and waits.
        attempts: Attempts made at most; ``limits.attempts`` when None.
        tired_after: Attempts made at most while the server shows that the request is too much for it.

    Raises:
        RedcapReadError: That of the last attempt.
    """

    def is_over(state: RetryCallState) -> bool:
        error = _error(state)
        is_tired = error is not None and error.overloaded
        at_most = tired_after if is_tired and tired_after is not None else attempts or limits.attempts
        return state.attempt_number >= at_most

    def wait(state: RetryCallState) -> float:
        """1, 2, 4, 8 ... seconds and up to one more, or what the server asked for."""
        error = _error(state)
        asked = error.retry_after if error is not None else None
        doubled = limits.first_wait_seconds * 2.0 ** (state.attempt_number - 1)
        return min(doubled if asked is None else asked, limits.longest_wait_seconds) + limits.jitter()

    retrying = Retrying(
        stop=is_over,
        wait=wait,
        retry=retry_if_exception(lambda error: isinstance(error, RedcapReadError) and error.transient),
        sleep=limits.sleep,
        reraise=True,
    )
    return retrying(attempt)


def _error(state: RetryCallState) -> RedcapReadError | None:
    error = state.outcome.exception() if state.outcome is not None else None
    return error if isinstance(error, RedcapReadError) else None

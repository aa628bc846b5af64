"""Sending one request and receiving its body: pace, time-outs, total deadline, status.

Nothing here knows what a body means; that is ``answers`` and ``csvtext``. No exception of requests or urllib3 leaves
this package: they carry the request, and the request carries the token.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3

from blin_pipeline.redcap.answers import refusal_in_body
from blin_pipeline.redcap.client.address import is_loopback
from blin_pipeline.redcap.client.bodies import beginning_of_body, read_body
from blin_pipeline.redcap.client.connections import Deadline, open_session
from blin_pipeline.redcap.client.limits import ClientLimits
from blin_pipeline.redcap.client.pace import Pace
from blin_pipeline.redcap.faults import RedcapReadError


class Transport:
    """One server, one connection at a time.

    Not shared between threads: a deadline cuts every connection of its transport.
    """

    def __init__(self, url: str, limits: ClientLimits) -> None:
        self._url = url
        self._limits = limits
        self._session, self._cut = open_session()
        self._pace = Pace(limits.pause_between(loopback=is_loopback(url)), limits.sleep, limits.clock)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    @contextmanager
    def send(self, payload: Mapping[str, Any], endpoint: str) -> Iterator[Iterator[bytes]]:
        """Post one request and hand out the body of a good answer in pieces.

        Args:
            payload: Form fields as PyCap built them.
            endpoint: What is asked, for people.

        Yields:
            Pieces of the body, transfer encoding undone. Reading them may raise as below.

        Raises:
            RedcapReadError: ``E_TIMEOUT``, ``E_DEADLINE``, ``E_CONNECTION``, ``E_TLS``, ``E_TRUNCATED``, ``E_REDIRECT``,
                ``E_AUTH``, ``E_NOT_FOUND``, ``E_RATE_LIMIT``, ``E_HTTP_4XX``, ``E_HTTP_5XX``, ``E_REDCAP``,
                ``E_ENCODING``.
        """
        deadline = Deadline(self._limits.deadline_seconds, self._cut)
        self._session.cookies.clear()
        with self._pace.request(), deadline:
            response = self._post(payload, endpoint, deadline)
            try:
                _judge_status(response, endpoint, self._limits, deadline)
                yield read_body(response, endpoint, deadline)
            finally:
                response.close()

    def _post(self, payload: Mapping[str, Any], endpoint: str, deadline: Deadline) -> requests.Response:
        code = ""
        try:
            return self._session.post(
                self._url,
                data=payload,
                stream=True,
                allow_redirects=False,
                timeout=(self._limits.connect_seconds, self._limits.read_seconds),
            )
        except requests.Timeout:
            code = "E_TIMEOUT"
        except requests.exceptions.SSLError:
            code = "E_TLS"
        except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError):
            code = "E_CONNECTION"
        # Raised outside the handlers: the original holds the request and must not travel along as context.
        raise RedcapReadError("E_DEADLINE" if deadline.passed else code, endpoint)


def _judge_status(response: requests.Response, endpoint: str, limits: ClientLimits, deadline: Deadline) -> None:
    status = response.status_code
    if status == 200:
        content_type = response.headers.get("Content-Type", "").lower()
        charset = content_type.partition("charset=")[2].split(";")[0].strip(" \"'")
        if charset and charset not in {"utf-8", "utf8", "us-ascii"}:
            raise RedcapReadError("E_ENCODING", endpoint)
        return
    if 300 <= status < 400:
        raise RedcapReadError("E_REDIRECT", endpoint)
    if status == 404:
        raise RedcapReadError("E_NOT_FOUND", endpoint)
    if status == 408:
        raise RedcapReadError("E_TIMEOUT", endpoint)
    if status == 429:
        wait = _retry_after(response.headers.get("Retry-After", ""), limits.longest_wait_seconds)
        raise RedcapReadError("E_RATE_LIMIT", endpoint, retry_after=wait)
    if status >= 500:
        wait = _retry_after(response.headers.get("Retry-After", ""), limits.longest_wait_seconds)
        raise RedcapReadError(
            "E_HTTP_5XX", endpoint, detail=f"status {status}", retry_after=wait, transient=status != 501
        )
    refusal = refusal_in_body(beginning_of_body(response, endpoint, deadline))
    if status in {401, 403}:
        raise RedcapReadError("E_AUTH", endpoint, refusal=refusal)
    if refusal is not None:
        raise RedcapReadError("E_REDCAP", endpoint, refusal=refusal)
    raise RedcapReadError("E_HTTP_4XX", endpoint, detail=f"status {status}")


def _retry_after(value: str, longest: float) -> float | None:
    """Seconds of a ``Retry-After`` header, bounded; None when absent or unreadable."""
    try:
        seconds = float(int(value))
    except OverflowError:
        return longest
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), longest)

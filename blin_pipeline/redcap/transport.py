"""Sending one request and receiving its body: time-outs, total deadline, no redirects, status, framing, compression.

Nothing here knows what a body means; that is ``answers`` and ``csvtext``. No exception of requests or urllib3 leaves
this module: they carry the request, and the request carries the token.
"""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from blin_pipeline.redcap.answers import refusal_in_body
from blin_pipeline.redcap.faults import RedcapReadError

_CHUNK = 1 << 18
#: A refusal's body is read this far to find REDCap's sentence in it.
_REFUSAL_BYTES = 1 << 16


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
        pause_seconds: Between two requests of a series.
        sleep: Called with the seconds to wait.
        jitter: A number in [0, 1), added to each wait in seconds.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 120.0
    deadline_seconds: float = 300.0
    attempts: int = 5
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    pause_seconds: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class _Session(requests.Session):
    """A session that goes nowhere but to the address given: no redirect, no password file, no cookie kept."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """No answer is a redirect to requests; the status tells us."""
        del resp
        return None


class _Watched(HTTPAdapter):
    """Keeps sight of its open connections, so that a deadline can cut them in any phase of a request."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (requests' signature)
        """Build the pools with connections that report themselves."""
        super().init_poolmanager(*args, **kwargs)
        live: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._live = live

        class Plain(HTTPConnection):
            def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (urllib3's signature)
                super().__init__(*args, **kwargs)
                live.add(self)

        class Secure(HTTPSConnection):
            def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (urllib3's signature)
                super().__init__(*args, **kwargs)
                live.add(self)

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def cut(self) -> None:
        """End every open connection, whatever it waits for."""
        for connection in list(self._live):
            open_socket = connection.sock
            if isinstance(open_socket, socket.socket):
                # The plain shutdown, also for TLS: theirs would take its state from under the thread that reads.
                with suppress(OSError):
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


class Transport:
    """One server, one connection at a time.

    Not shared between threads: a deadline cuts every connection of its transport.
    """

    def __init__(self, url: str, limits: ClientLimits) -> None:
        self._url = url
        self._limits = limits
        self._session = _Session()
        self._session.headers.update({"Accept-Encoding": "gzip", "User-Agent": "blin-pipeline"})
        self._session.auth = _no_auth
        self._adapter = _Watched(max_retries=0)
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)

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
        deadline = _Deadline(self._limits.deadline_seconds, self._adapter.cut)
        self._session.cookies.clear()
        with deadline:
            response = self._post(payload, endpoint, deadline)
            try:
                _judge_status(response, endpoint, self._limits, deadline)
                yield _body(response, endpoint, deadline)
            finally:
                response.close()

    def _post(self, payload: Mapping[str, Any], endpoint: str, deadline: _Deadline) -> requests.Response:
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


class _Deadline:
    """Cuts the connections when its time is over."""

    def __init__(self, seconds: float, cut: Callable[[], None]) -> None:
        self.passed = False
        self._cut = cut
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def _expire(self) -> None:
        self.passed = True
        self._cut()

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from looking for passwords in a netrc file."""
    return request


def _judge_status(response: requests.Response, endpoint: str, limits: ClientLimits, deadline: _Deadline) -> None:
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
    refusal = refusal_in_body(_beginning(response, endpoint, deadline))
    if status in {401, 403}:
        raise RedcapReadError("E_AUTH", endpoint, refusal=refusal)
    if refusal is not None:
        raise RedcapReadError("E_REDCAP", endpoint, refusal=refusal)
    raise RedcapReadError("E_HTTP_4XX", endpoint, detail=f"status {status}")


def _beginning(response: requests.Response, endpoint: str, deadline: _Deadline) -> bytes:
    """The first bytes of a refusal; what breaks off is as good as nothing."""
    found = bytearray()
    try:
        for piece in _body(response, endpoint, deadline):
            found += piece
            if len(found) >= _REFUSAL_BYTES:
                break
    except RedcapReadError:
        return bytes(found)
    return bytes(found)


def _retry_after(value: str, longest: float) -> float | None:
    """Seconds of a ``Retry-After`` header, bounded; None when absent or unreadable."""
    try:
        seconds = float(int(value))
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = moment.timestamp() - time.time()
    return min(max(seconds, 0.0), longest)


def _body(response: requests.Response, endpoint: str, deadline: _Deadline) -> Iterator[bytes]:
    """Pieces of a body with compression undone; every kind of early end is ``E_TRUNCATED``.

    A body shorter than its Content-Length is urllib3's to notice, a zip stream that breaks off is ours.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise RedcapReadError("E_ENCODING", endpoint)
    zipped = encoding in {"gzip", "x-gzip"}
    unzip = zlib.decompressobj(wbits=31)
    received = 0
    for piece in _wire(response, endpoint, deadline):
        received += len(piece)
        if not zipped:
            yield piece
            continue
        try:
            plain = unzip.decompress(piece)
        except zlib.error:
            raise RedcapReadError("E_TRUNCATED", endpoint) from None
        if plain:
            yield plain
    if zipped and received and not unzip.eof:
        raise RedcapReadError("E_TRUNCATED", endpoint)


def _wire(response: requests.Response, endpoint: str, deadline: _Deadline) -> Iterator[bytes]:
    """Pieces as they arrive."""
    while True:
        code = ""
        piece = b""
        try:
            piece = response.raw.read1(_CHUNK, decode_content=False)
        except urllib3.exceptions.ReadTimeoutError:
            code = "E_TIMEOUT"
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError):
            code = "E_TRUNCATED"
        if deadline.passed:
            raise RedcapReadError("E_DEADLINE", endpoint)
        if code:
            raise RedcapReadError(code, endpoint)
        if not piece:
            return
        yield piece

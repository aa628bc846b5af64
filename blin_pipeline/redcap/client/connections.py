"""Connections of one client: no redirect, no password file, no cookie, and cut when the time of a request is over."""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from blin_pipeline.redcap.client.address import is_loopback


def open_session() -> tuple[requests.Session, Callable[[], None]]:
    """A session of our own, and the way to cut every connection of it."""
    session = _Session()
    session.headers.update({"Accept-Encoding": "gzip", "User-Agent": "blin-pipeline"})
    session.auth = _no_auth
    adapter = _Watched(max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session, adapter.cut


class Deadline:
    """Cuts the connections when its time is over.

    Args:
        seconds: From the beginning of the block on.
        cut: Ends every connection.

    Attributes:
        passed: Whether it struck.
    """

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


class _Session(requests.Session):
    """A session that goes nowhere but to the address given: no redirect, no password file, no cookie kept.

    A proxy of the environment is for other machines: what goes to this one goes straight, since plain http through a proxy
    would show it the token.
    """

    def merge_environment_settings(
        self,
        url: Any,  # noqa: ANN401 (requests' signature)
        proxies: Any,  # noqa: ANN401
        stream: Any,  # noqa: ANN401
        verify: Any,  # noqa: ANN401
        cert: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Take the environment's certificates and proxies, no proxy for this machine itself."""
        settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        if is_loopback(str(url)):
            settings["proxies"] = {}
        return settings

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


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep requests from looking for passwords in a netrc file."""
    return request

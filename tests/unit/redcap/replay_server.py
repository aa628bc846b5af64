"""A server that gives recorded answers again, one of them spoiled: damage that nobody thought of, byte by byte."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

#: Body of a request -> answers to it, in the order in which they were given: (status, content type, body).
Recording = dict[bytes, list[tuple[int, str, bytes]]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: Callable[[bytes], tuple[int, str, bytes]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, _Server)
        status, content_type, answer = self.server.answer(body)
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(answer)}\r\n\r\n"
        self.wfile.write(head.encode() + answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _serving(answer: Callable[[bytes], tuple[int, str, bytes]]) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer = answer
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)


@contextmanager
def recording(url: str, into: Recording) -> Iterator[str]:
    """An address in front of a server that keeps every answer."""
    session = requests.Session()

    def answer(body: bytes) -> tuple[int, str, bytes]:
        found = session.post(url, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
        given = (found.status_code, found.headers["Content-Type"], found.content)
        into.setdefault(body, []).append(given)
        return given

    with _serving(answer) as own:
        yield own


class Replay:
    """Gives a recording again, one request's answer spoiled.

    Attributes:
        spoiled: The request whose answer is spoiled.
        spoil: What happens to it.
        always: Whether every answer to it is, else the first alone.
        given: Request -> the answer that it got last.
    """

    def __init__(self, recorded: Recording) -> None:
        self._recorded = recorded
        self.spoiled = b""
        self.spoil: Callable[[bytes], bytes] = bytes
        self.always = True
        self._asked: dict[bytes, int] = {}
        self.given: dict[bytes, bytes] = {}

    def start(self, spoiled: bytes, spoil: Callable[[bytes], bytes], *, always: bool) -> None:
        """Begin again with other damage."""
        self.spoiled, self.spoil, self.always = spoiled, spoil, always
        self._asked = {}

    def answer(self, body: bytes) -> tuple[int, str, bytes]:
        """The recorded answer; 500 to what was never asked. Asked more often than recorded, the last one again."""
        place = self._asked.get(body, 0)
        self._asked[body] = place + 1
        given = self._recorded.get(body)
        if given is None:
            return 500, "text/html", b""
        status, content_type, answer = given[min(place, len(given) - 1)]
        if body == self.spoiled and (self.always or not place):
            answer = self.spoil(answer)
        self.given[body] = answer
        return status, content_type, answer

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve until the block ends."""
        with _serving(self.answer) as url:
            yield url
